// The wire words of the ledger (contract 4.3, 5.4, 5.5, 5.7, decisions 7, 15, 20). Amounts are decimal texts here and nowhere else.

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
import { ACCOUNT_CATEGORIES, ACCOUNT_STATUSES, ACCOUNT_TYPES, PAYMENT_STATES, PAYMENT_TYPES } from "./words.ts";

const ExternalId = Type.String({ minLength: 1, maxLength: 100, description: "The caller's own id; unique within its tenant." });
const Description = Type.String({ maxLength: 500 });
const Reference = Type.String({ maxLength: 140, description: "Payment reference, shown to both sides." });
const AccountNumber = Type.String({ pattern: "^[A-Za-z0-9]{4,34}$" });
const Sequence = Type.Integer({ minimum: 1, description: "Number of an accepted change of the ledger, gapless in commit order." });
const Metadata = Type.Record(Type.String({ pattern: "^[A-Za-z0-9_-]{1,40}$" }), Type.String({ maxLength: 500 }));

export const OpenAccount = strictObject(
  {
    clientId: Type.Optional(Nullable(Uuid, { description: "Owner; required for type client, not allowed for others." })),
    currency: CurrencyCode,
    type: enumOf(ACCOUNT_TYPES),
    name: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 100 }))),
    category: Type.Optional(Nullable(enumOf(ACCOUNT_CATEGORIES), { description: "By type unless given; not for client and reserve." })),
    accountNumber: Type.Optional(Nullable(AccountNumber, { description: "Generated unless given; unique without regard to case." })),
    iban: Type.Optional(
      Nullable(Type.String({ minLength: 15, maxLength: 34 }), { description: "Generated for EUR and GBP unless given." }),
    ),
    bic: Type.Optional(Nullable(Type.String({ pattern: "^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$" }))),
    externalId: Type.Optional(Nullable(ExternalId)),
  },
  { title: "OpenAccount" },
);
export type OpenAccount = Static<typeof OpenAccount>;

const accountFields = {
  id: Uuid,
  accountNumber: Type.String(),
  iban: Nullable(Type.String()),
  bic: Nullable(Type.String()),
  name: Type.String(),
  currency: CurrencyCode,
  clientId: Nullable(Uuid),
  type: enumOf(ACCOUNT_TYPES),
  status: enumOf(ACCOUNT_STATUSES),
  isDefault: Type.Boolean(),
  sortOrder: Type.Integer(),
  balance: SignedAmountText,
  heldAmount: AmountText,
  availableBalance: SignedAmountText,
  pendingIncomingAmount: AmountText,
  provider: Nullable(Type.String()),
  createdAt: DateTimeText,
  closedAt: Nullable(DateTimeText),
  externalId: Nullable(Type.String()),
  creditLimit: AmountText,
  debitBlocked: Type.Boolean(),
  creditBlocked: Type.Boolean(),
  version: Type.Integer({ minimum: 1, description: "Rises with every change of the account." }),
};

/** An account as its owner sees it. */
export const ClientAccountDto = strictObject(accountFields, { title: "AccountDto" });
/** An account in the system view. */
export const AccountDto = strictObject({ ...accountFields, category: enumOf(ACCOUNT_CATEGORIES) }, { title: "AccountDto" });
export type AccountDto = Static<typeof AccountDto>;
export type ClientAccountDto = Static<typeof ClientAccountDto>;

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

export const TransactionDto = strictObject(
  {
    id: Uuid,
    paymentId: Uuid,
    accountId: Uuid,
    counterAccountId: Uuid,
    direction: enumOf(["debit", "credit"]),
    amount: AmountText,
    currency: CurrencyCode,
    balanceAfter: Nullable(SignedAmountText),
    type: enumOf(PAYMENT_TYPES),
    state: enumOf(["pending", "posted", "cancelled"]),
    description: Nullable(Type.String()),
    reference: Nullable(Type.String()),
    counterpartyName: Nullable(Type.String()),
    counterpartyAccount: Nullable(Type.String()),
    transferId: Nullable(Uuid),
    valueDate: DateText,
    createdAt: DateTimeText,
    postedAt: Nullable(DateTimeText),
    sequence: Sequence,
    accountSequence: Nullable(Type.Integer({ minimum: 1 })),
    metadata: Metadata,
  },
  { title: "TransactionDto" },
);
export type TransactionDto = Static<typeof TransactionDto>;

/** The page of contract 3.5 with decision 14's cursor. */
export function pageOf<T extends typeof TransactionDto | typeof PaymentDto>(item: T) {
  return strictObject({
    items: Type.Array(item),
    pageNumber: Type.Integer({ minimum: 1 }),
    pageSize: Type.Integer({ minimum: 1 }),
    nextCursor: Nullable(Type.String({ description: "Null at the end." })),
    totalCount: Type.Optional(Type.Integer({ minimum: 0 })),
  });
}
