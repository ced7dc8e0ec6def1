// The wire words of payments (contract 4.3, 5.7, decisions 6, 20, 21). Amounts are decimal texts here and nowhere else.

import {
  AmountText,
  CurrencyCode,
  DateText,
  DateTimeText,
  enumOf,
  Nullable,
  SignedAmountText,
  type Static,
  strictObject,
  Type,
  Uuid,
} from "#platform/schema.ts";
import { Description, ExternalId, Metadata, Reference, Sequence } from "../contract.ts";
import { PAYMENT_STATES, PAYMENT_TYPES } from "../words.ts";

const NewLine = strictObject(
  {
    debitAccountId: Uuid,
    creditAccountId: Uuid,
    amount: AmountText,
    currency: CurrencyCode,
    type: Type.Optional(Nullable(enumOf(PAYMENT_TYPES))),
    description: Type.Optional(Nullable(Description)),
  },
  { title: "NewPaymentTransaction" },
);

const metadata = Type.Unsafe<Record<string, string>>({
  type: "object",
  maxProperties: 20,
  propertyNames: { pattern: "^[A-Za-z0-9_-]{1,40}$" },
  additionalProperties: { type: "string", maxLength: 500 },
});

const IfVersion = Type.Unsafe<Record<string, number>>({
  type: "object",
  maxProperties: 100,
  propertyNames: { format: "uuid" },
  additionalProperties: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
  description: "Versions that accounts of the payment must have; 412 preconditionFailed when one has moved.",
});

/** What a payment says whichever way it is made. */
const termFields = {
  externalId: ExternalId,
  type: Type.Optional(Nullable(enumOf(PAYMENT_TYPES), { description: "Default: transfer." })),
  description: Type.Optional(Nullable(Description)),
  reference: Type.Optional(Nullable(Reference)),
  metadata: Type.Optional(Nullable(metadata)),
  expiresAt: Type.Optional(
    Nullable(DateTimeText, { description: "From then on the payment can only be cancelled, which happens by itself. In the future." }),
  ),
  reversesPaymentId: Type.Optional(
    Nullable(Uuid, {
      description:
        "For type reversal: the posted payment to undo, once. The lines must be its booked lines with the sides exchanged; left out, they are taken from it.",
    }),
  ),
  ifVersion: Type.Optional(Nullable(IfVersion)),
};

const lines = (description: string) => Type.Optional(Nullable(Type.Array(NewLine, { minItems: 1, maxItems: 50 }), { description }));

/** Body of operation 41: one line in its own fields, or `transactions` in their place. */
export const CreateTransfer = strictObject(
  {
    ...termFields,
    debitAccountId: Type.Optional(Nullable(Uuid)),
    creditAccountId: Type.Optional(Nullable(Uuid)),
    amount: Type.Optional(Nullable(AmountText)),
    currency: Type.Optional(Nullable(CurrencyCode)),
    transactions: lines("Lines, booked together or not at all; in place of the four fields above."),
    valueDate: Type.Optional(
      Nullable(DateText, { description: "Default: today in the bank's time zone. A closed day takes no value: the next open one does." }),
    ),
  },
  { title: "CreateTransfer" },
);
export type CreateTransfer = Static<typeof CreateTransfer>;

/** Body of operation 42. */
export const CreatePayment = strictObject(
  {
    ...termFields,
    clientId: Type.Optional(
      Nullable(Uuid, { description: "The client whom the payment is about; must own one of its accounts. Default: the debited client." }),
    ),
    transactions: lines("Lines, changed together or not at all. Required but for a reversal."),
    state: Type.Optional(
      Nullable(enumOf(["draft", "pending"]), { description: "pending: the money is held at once. Default: draft, without any effect." }),
    ),
  },
  { title: "CreatePayment" },
);
export type CreatePayment = Static<typeof CreatePayment>;

/** Query of operations 41 and 42. */
export const DryRun = strictObject({
  dryRun: Type.Optional(
    Type.Boolean({ description: "true: answers what would happen and stores nothing; the idempotency key is ignored." }),
  ),
});
export type DryRun = Static<typeof DryRun>;

const Reason = Type.Optional(Nullable(Type.String({ maxLength: 500 })));

/** Body of pend (43) and cancel (45). */
export const ReasonOnly = strictObject({ reason: Reason }, { title: "PaymentReason" });
export type ReasonOnly = Static<typeof ReasonOnly>;

/** Body of operation 44. */
export const PostPayment = strictObject(
  {
    valueDate: Type.Optional(Nullable(DateText, { description: "Default: today in the bank's time zone." })),
    reason: Reason,
    amount: Type.Optional(Nullable(AmountText, { description: "Of a payment with one transaction: books this much, releases the rest." })),
    transactions: Type.Optional(
      Nullable(Type.Array(strictObject({ id: Uuid, amount: AmountText }), { minItems: 1, maxItems: 50 }), {
        description: "Books these amounts, each at most its transaction's; releases the rest, also whole transactions that are not listed.",
      }),
    ),
  },
  { title: "PostPayment" },
);
export type PostPayment = Static<typeof PostPayment>;

export const PaymentTransactionDto = strictObject(
  {
    id: Uuid,
    debitAccountId: Uuid,
    creditAccountId: Uuid,
    amount: Type.Unsafe<string>({
      ...AmountText,
      description: "What was booked once the payment is posted; before, and of a released transaction, what was ordered.",
    }),
    instructedAmount: Type.Unsafe<string>({ ...AmountText, description: "What was ordered." }),
    currency: CurrencyCode,
    type: enumOf(PAYMENT_TYPES),
    description: Nullable(Description),
    state: Type.Unsafe<(typeof PAYMENT_STATES)[number]>({
      ...enumOf(PAYMENT_STATES),
      description: "cancelled in a posted payment: released by a partial capture.",
    }),
  },
  { title: "PaymentTransactionDto" },
);

export const PaymentDto = strictObject(
  {
    id: Uuid,
    externalId: Type.String(),
    type: enumOf(PAYMENT_TYPES),
    state: enumOf(PAYMENT_STATES),
    clientId: Nullable(Uuid),
    transactions: Type.Array(PaymentTransactionDto),
    description: Nullable(Type.String()),
    reference: Nullable(Type.String()),
    reason: Nullable(Type.String()),
    metadata: Metadata,
    createdAt: DateTimeText,
    pendedAt: Nullable(DateTimeText),
    postedAt: Nullable(DateTimeText),
    cancelledAt: Nullable(DateTimeText),
    sequence: Nullable(Sequence, { description: "Number of the change that brought the state; null in a dry run." }),
    postedSequence: Nullable(Sequence),
    valueDate: DateText,
    requestedValueDate: Nullable(DateText, { description: "What was asked for, when a closed day moved the value date." }),
    expiresAt: Nullable(DateTimeText),
    reversesPaymentId: Nullable(Uuid),
    reversedByPaymentId: Nullable(Uuid, {
      description: "The posted payment that undid this one; told where payments are read, not in answers to commands.",
    }),
    accounts: Type.Array(
      strictObject({
        accountId: Uuid,
        accountSequence: Type.Integer({ minimum: 0 }),
        balance: SignedAmountText,
        heldAmount: AmountText,
        availableBalance: SignedAmountText,
      }),
      { description: "The touched accounts as this payment left them, also in a replay." },
    ),
  },
  { title: "PaymentDto" },
);
export type PaymentDto = Static<typeof PaymentDto>;

/** Body of the batch (decision 6). Items are judged one by one: a bad field refuses its item, not the list. */
export const CreateBatch = strictObject(
  {
    payments: Type.Array(Type.Union([CreateTransfer, Type.Unknown()]), { minItems: 1, maxItems: 1000 }),
    atomic: Type.Optional(Type.Boolean({ description: "All or none. Default: false." })),
  },
  { title: "CreatePaymentBatch" },
);

export const BatchDto = strictObject(
  {
    results: Type.Array(
      strictObject({
        index: Type.Integer({ minimum: 0 }),
        accepted: Type.Boolean(),
        payment: Type.Optional(PaymentDto),
        problem: Type.Optional(
          Type.Unsafe<Record<string, unknown>>({
            type: "object",
            additionalProperties: true,
            description: "RFC 9457 problem of a refused item.",
          }),
        ),
      }),
    ),
  },
  { title: "PaymentBatchDto" },
);
export type BatchDto = Static<typeof BatchDto>;
