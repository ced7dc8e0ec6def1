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

export const DIRECTIONS = ["debit", "credit"] as const;
export const TRANSACTION_STATES = ["pending", "posted", "cancelled"] as const;
export type TransactionState = (typeof TRANSACTION_STATES)[number];

const front = {
  id: Uuid,
  paymentId: Uuid,
  accountId: Uuid,
};
const rest = {
  direction: enumOf(DIRECTIONS),
  amount: AmountText,
  currency: CurrencyCode,
  balanceAfter: Nullable(SignedAmountText, { description: "Of the account, on its normal side; null unless posted." }),
  type: enumOf(PAYMENT_TYPES),
  state: enumOf(TRANSACTION_STATES),
  description: Nullable(Type.String()),
  reference: Nullable(Type.String()),
  counterpartyName: Nullable(Type.String()),
  counterpartyAccount: Nullable(Type.String()),
  transferId: Nullable(Uuid),
  valueDate: DateText,
  createdAt: DateTimeText,
  postedAt: Nullable(DateTimeText),
  sequence: Sequence,
  accountSequence: Nullable(Type.Integer({ minimum: 1, description: "1, 2, 3 … along the account; null unless posted." })),
  metadata: Metadata,
};

/** One side of a payment's line, as the bank sees it. */
export const TransactionDto = strictObject({ ...front, counterAccountId: Uuid, ...rest }, { title: "TransactionDto" });
export type TransactionDto = Static<typeof TransactionDto>;

/** As its own client sees it: whose account is on the other side is not told. */
export const ClientTransactionDto = strictObject({ ...front, ...rest }, { title: "ClientTransactionDto" });
export type ClientTransactionDto = Static<typeof ClientTransactionDto>;
