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

/** Body of operation 41: one line in its own fields, or `transactions` in their place. */
export const CreateTransfer = strictObject(
  {
    externalId: ExternalId,
    type: Type.Optional(Nullable(enumOf(PAYMENT_TYPES), { description: "Default: transfer." })),
    debitAccountId: Type.Optional(Nullable(Uuid)),
    creditAccountId: Type.Optional(Nullable(Uuid)),
    amount: Type.Optional(Nullable(AmountText)),
    currency: Type.Optional(Nullable(CurrencyCode)),
    transactions: Type.Optional(
      Nullable(Type.Array(NewLine, { minItems: 1, maxItems: 50 }), {
        description: "Lines, booked together or not at all; in place of the four fields above.",
      }),
    ),
    description: Type.Optional(Nullable(Description)),
    reference: Type.Optional(Nullable(Reference)),
    valueDate: Type.Optional(Nullable(DateText, { description: "Default: today in the bank's time zone." })),
    metadata: Type.Optional(
      Nullable(
        Type.Unsafe<Record<string, string>>({
          type: "object",
          maxProperties: 20,
          propertyNames: { pattern: "^[A-Za-z0-9_-]{1,40}$" },
          additionalProperties: { type: "string", maxLength: 500 },
        }),
      ),
    ),
  },
  { title: "CreateTransfer" },
);
export type CreateTransfer = Static<typeof CreateTransfer>;

export const PaymentTransactionDto = strictObject(
  {
    id: Uuid,
    debitAccountId: Uuid,
    creditAccountId: Uuid,
    amount: AmountText,
    currency: CurrencyCode,
    type: enumOf(PAYMENT_TYPES),
    description: Nullable(Description),
    state: enumOf(PAYMENT_STATES),
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
    sequence: Sequence,
    postedSequence: Nullable(Sequence),
    valueDate: DateText,
    expiresAt: Nullable(DateTimeText),
    reversesPaymentId: Nullable(Uuid),
    reversedByPaymentId: Nullable(Uuid),
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
