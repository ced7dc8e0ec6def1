// The wire words of the ledger's events (contract decisions 7 and 21): CloudEvents 1.0, the same in the feed and at the sink. Whatever an
// event says was settled by its change and never changes after it, so that all readers see equal bytes, whenever they read.

import {
  AmountText,
  CurrencyCode,
  DateText,
  DateTimeText,
  enumOf,
  Nullable,
  type Static,
  strictObject,
  Type,
  Uuid,
} from "#platform/schema.ts";
import { Sequence } from "../contract.ts";
import { ACCOUNT_CATEGORIES, ACCOUNT_TYPES, PAYMENT_STATES, PAYMENT_TYPES } from "../words.ts";

/** What the journal numbers, as the database spells it: the type of the event. */
export const CHANGES = [
  "account.opened",
  "account.changed",
  "account.blocked",
  "account.unblocked",
  "account.closed",
  "payment.drafted",
  "payment.pending",
  "payment.posted",
  "payment.cancelled",
] as const;
export type Change = (typeof CHANGES)[number];

const PaymentFacts = strictObject(
  {
    paymentId: Uuid,
    externalId: Type.String(),
    type: enumOf(PAYMENT_TYPES),
    state: enumOf(PAYMENT_STATES, { description: "After this change." }),
    clientId: Nullable(Uuid),
    valueDate: DateText,
    reversesPaymentId: Nullable(Uuid),
    lines: Type.Array(
      strictObject({
        id: Uuid,
        debitAccountId: Uuid,
        creditAccountId: Uuid,
        amount: AmountText,
        currency: CurrencyCode,
        type: enumOf(PAYMENT_TYPES),
      }),
      { description: "Once posted, amounts are what was booked: zero for a line that was released whole." },
    ),
  },
  { title: "PaymentEventData" },
);
export type PaymentFacts = Static<typeof PaymentFacts>;

const AccountFacts = strictObject(
  {
    accountId: Uuid,
    type: enumOf(ACCOUNT_TYPES),
    category: enumOf(ACCOUNT_CATEGORIES),
    currency: CurrencyCode,
    clientId: Nullable(Uuid),
  },
  { title: "AccountEventData", description: "Which account it is. How it stands now, the account itself says." },
);
export type AccountFacts = Static<typeof AccountFacts>;

export const LedgerEvent = strictObject(
  {
    specversion: enumOf(["1.0"]),
    id: Type.String({ description: "`ledger-` and the sequence: the same in the feed and at the sink." }),
    source: Type.String(),
    type: enumOf(CHANGES),
    subject: Type.String({ description: "`payment:` or `account:` and its id." }),
    time: DateTimeText,
    sequence: Sequence,
    tenant: Type.String(),
    datacontenttype: enumOf(["application/json"]),
    data: Type.Union([PaymentFacts, AccountFacts]),
  },
  { title: "LedgerEvent" },
);
export type LedgerEvent = Static<typeof LedgerEvent>;

export const EventQuery = strictObject({
  after: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, default: 0, description: "lastSequence of the page before." }),
  limit: Type.Integer({ minimum: 1, maximum: 1000, default: 100 }),
});

export const EventPage = strictObject(
  {
    items: Type.Array(LedgerEvent),
    lastSequence: Type.Integer({
      minimum: 0,
      description: "How far this page has looked: the next page's `after`. Up to here nothing was left out that the caller may see.",
    }),
    hasMore: Type.Boolean({ description: "The ledger goes on behind lastSequence: read on at once." }),
  },
  { title: "LedgerEventPage" },
);
export type EventPage = Static<typeof EventPage>;
