// The wire words of changes to a client's standing (operations 5 and 6, contract 5.16) and of its history.

import { pageOf } from "#platform/page.ts";
import { DateTimeText, enumOf, Nullable, type Static, strictObject, Type } from "#platform/schema.ts";
import { ClientStatus, RiskLevel, VerificationStatus } from "../profiles/contract.ts";

const WORDS_MAX = 500;

export const BlockClient = strictObject(
  {
    reason: Type.String({
      minLength: 1,
      maxLength: WORDS_MAX,
      description: "Why. Shown to systems as blockReason, never to the client; kept in the history, encrypted.",
    }),
  },
  { title: "BlockClient" },
);

export const UnblockClient = strictObject(
  {
    comment: Type.Optional(Nullable(Type.String({ maxLength: WORDS_MAX, description: "Why. Kept in the history, encrypted." }))),
  },
  { title: "UnblockClient" },
);

export const ChangeClientStatus = strictObject(
  {
    status: ClientStatus,
    reason: Type.String({ minLength: 1, maxLength: WORDS_MAX, description: "Why. Kept in the history, encrypted." }),
  },
  { title: "ChangeClientStatus" },
);

const Standing = strictObject(
  { status: ClientStatus, verificationStatus: VerificationStatus, riskLevel: RiskLevel },
  { title: "ClientStandingDto" },
);

/** One change of how the client stands (EXT). */
export const ClientHistoryLine = strictObject(
  {
    at: DateTimeText,
    by: strictObject({
      kind: enumOf(["client", "system", "job"]),
      id: Type.String({ description: "The subject of the token, or the name of the job." }),
    }),
    from: Nullable(Standing, { description: "Null: the client came into being so." }),
    to: Standing,
    reason: Type.String({ description: "A word of the program: import, staff, riskProhibited …" }),
    note: Nullable(Type.String(), { description: "The words of whoever changed it." }),
  },
  { title: "ClientHistoryLineDto" },
);
export type ClientHistoryLine = Static<typeof ClientHistoryLine>;

/** A page of a client's history, newest first. */
export const ClientHistory = pageOf(ClientHistoryLine);
export type ClientHistory = Static<typeof ClientHistory>;
