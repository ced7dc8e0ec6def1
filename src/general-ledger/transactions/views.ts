// From transactions to the wire: minor units become decimal text, signs the normal side, instants ISO 8601 UTC. Pure.

import { transactionId } from "#platform/ids.ts";
import { normalSide } from "../payments/payment.ts";
import { money, sorted } from "../views.ts";
import type { ClientTransactionDto, TransactionDto } from "./contract.ts";
import type { TransactionRow } from "./transaction.store.ts";

/** A transaction as the bank sees it. */
export function toTransactionDto(row: TransactionRow): TransactionDto {
  const direction = row.side === 0 ? "debit" : "credit";
  return {
    id: transactionId(row.paymentId, row.lineNo, direction),
    paymentId: row.paymentId,
    accountId: row.accountId,
    counterAccountId: row.counterAccountId,
    direction,
    amount: money(row.amountMinor, row.currency),
    currency: row.currency,
    balanceAfter: row.balanceAfter === null ? null : money(normalSide(row.balanceAfter, row), row.currency),
    type: row.type,
    state: row.state,
    description: row.description,
    reference: row.reference,
    counterpartyName: null,
    counterpartyAccount: null,
    transferId: null,
    valueDate: row.valueDate,
    createdAt: row.createdAt.toISOString(),
    postedAt: row.postedAt?.toISOString() ?? null,
    sequence: Number(row.sequence),
    accountSequence: row.accountSeq === null ? null : Number(row.accountSeq),
    metadata: sorted(row.metadata),
  };
}

/** A transaction as its own client sees it. */
export function toClientTransactionDto(row: TransactionRow): ClientTransactionDto {
  const { counterAccountId: _, ...own } = toTransactionDto(row);
  return own;
}
