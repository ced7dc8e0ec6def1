// The wire words of transactions (contract 4.3, 5.5, decisions 7, 20). Amounts are decimal texts here and nowhere else.

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
import { Metadata, Sequence } from "../contract.ts";
import { PAYMENT_TYPES } from "../words.ts";

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
