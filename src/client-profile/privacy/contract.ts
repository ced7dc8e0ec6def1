// The wire words of privacy: operation 2 to the letter, and what staff see and do of deletions and erasures.

import { DateTimeText, enumOf, Nullable, type Static, strictObject, Type, Uuid } from "#platform/schema.ts";
import { pageQuery } from "#platform/page.ts";
import { Client, ClientStatus } from "../profiles/contract.ts";

export const DELETION_REASONS = ["noLongerNeeded", "foundAlternative", "privacy", "other"] as const;
export type DeletionReason = (typeof DELETION_REASONS)[number];
const DeletionReason = enumOf(DELETION_REASONS, { title: "DeletionReason" });

export const NOTIFICATION_STATUSES = ["received", "inReview", "completed", "declined"] as const;
export type NotificationStatus = (typeof NOTIFICATION_STATUSES)[number];
const NotificationStatus = enumOf(NOTIFICATION_STATUSES, {
  title: "DeletionNotificationStatus",
  description: "completed: the client is erased, which alone completes it.",
});

/** Body of operation 2; the body may be empty. */
export const NewDeletionNotification = strictObject({
  reason: Type.Optional(Nullable(DeletionReason)),
  comment: Type.Optional(Nullable(Type.String({ maxLength: 1_000 }))),
});
export type NewDeletionNotification = Static<typeof NewDeletionNotification>;

/** Answer of operation 2. */
export const DeletionNotificationReceipt = strictObject(
  { notificationId: Uuid, status: NotificationStatus, requestedAt: DateTimeText },
  { title: "DeletionNotificationReceipt" },
);
export type DeletionNotificationReceipt = Static<typeof DeletionNotificationReceipt>;

const notification = {
  notificationId: Uuid,
  clientId: Uuid,
  reason: Nullable(DeletionReason),
  status: NotificationStatus,
  requestedAt: DateTimeText,
  updatedAt: DateTimeText,
};

/** A notification in the list of all clients'. What the client wrote is not in it: who works on one opens it. */
export const ListedDeletionNotification = strictObject(
  {
    ...notification,
    clientStatus: ClientStatus,
    erasableFrom: Nullable(DateTimeText, {
      description: "From when on the client may be erased; null while it is neither closed nor rejected.",
    }),
  },
  { title: "ListedDeletionNotificationDto" },
);
export type ListedDeletionNotification = Static<typeof ListedDeletionNotification>;

/** The page of contract 3.5 with decision 14's cursor. */
export const DeletionNotificationPage = strictObject({
  items: Type.Array(ListedDeletionNotification),
  totalCount: Type.Integer({ minimum: 0 }),
  pageNumber: Type.Integer({ minimum: 1 }),
  pageSize: Type.Integer({ minimum: 1 }),
  nextCursor: Nullable(Type.String({ description: "Null at the end." })),
});
export type DeletionNotificationPage = Static<typeof DeletionNotificationPage>;

export const DeletionNotificationsQuery = strictObject({
  status: Type.Optional(Type.Array(NotificationStatus, { maxItems: 4, description: "Any of these; without it all." })),
  sortDirection: enumOf(["asc", "desc"], { default: "desc", description: "By requestedAt." }),
  ...pageQuery,
});
export type DeletionNotificationsQuery = Static<typeof DeletionNotificationsQuery>;

const NotificationLine = strictObject(
  {
    at: DateTimeText,
    by: strictObject({ kind: enumOf(["client", "system", "job"]), id: Type.String() }),
    status: NotificationStatus,
    note: Nullable(Type.String(), { description: "The words of whoever changed it." }),
  },
  { title: "DeletionNotificationLineDto" },
);

/** A notification with the client's words and everything that became of it. */
export const DeletionNotification = strictObject(
  {
    ...notification,
    comment: Nullable(Type.String()),
    history: Type.Array(NotificationLine, { description: "Oldest first." }),
  },
  { title: "DeletionNotificationDto" },
);
export type DeletionNotification = Static<typeof DeletionNotification>;

/** What staff make of a notification. */
export const ReviewNotification = strictObject({
  status: enumOf(["inReview", "declined"]),
  reason: Type.Optional(
    Nullable(Type.String({ minLength: 1, maxLength: 500, description: "Required to decline. Kept encrypted under the client's key." })),
  ),
});
export type ReviewNotification = Static<typeof ReviewNotification>;

/** What an export holds beside the profile, in its order; rows as the operations of that kind answer them. */
export const EXPORTED_KINDS = [
  "formerRelatedIndividuals",
  "documents",
  "standingHistory",
  "deletionNotifications",
  "applicants",
  "verificationEvents",
  "importFaults",
  "oneTimeCodes",
  "oneTimeCodeBlocks",
  "accounts",
  "payments",
  "transactions",
  "audit",
] as const;

/** The file that tells a client what is known of it. */
export const ClientExport = strictObject(
  {
    format: Type.String({ description: "finlego.client-export.v1" }),
    client: Client,
    ...Object.fromEntries(EXPORTED_KINDS.map((kind) => [kind, Type.Array(Type.Unknown())])),
  },
  { title: "ClientExport" },
);

/** Why a client is erased, as a word: the certificate stays for ever and holds no free text. */
export const ERASURE_REASONS = ["clientRequest", "retentionEnded", "authorityOrder"] as const;
export type ErasureReason = (typeof ERASURE_REASONS)[number];

export const EraseClient = strictObject({ reason: enumOf(ERASURE_REASONS, { title: "ErasureReason" }) });

/** What proves an erasure for ever. */
export const ErasureCertificate = strictObject(
  {
    certificateId: Uuid,
    clientId: Uuid,
    erasedAt: DateTimeText,
    retainedUntil: DateTimeText,
    reason: enumOf(ERASURE_REASONS, { title: "ErasureReason" }),
    legalBasis: Type.String(),
    erased: Type.Record(Type.String(), Type.Integer({ minimum: 0 }), { description: "How many of each kind were destroyed." }),
    sha256: Type.String({ pattern: "^[0-9a-f]{64}$", description: "Over `text`." }),
    text: Type.String({ description: "The certificate as it is hashed: all members above in one line of JSON." }),
  },
  { title: "ErasureCertificateDto" },
);
export type ErasureCertificate = Static<typeof ErasureCertificate>;
