// From entries to the wire: minor units become decimal text, signs the normal side, instants ISO 8601 UTC. Pure.

import { transactionId } from "#platform/ids.ts";
import { normalSide } from "../payments/payment.ts";
import { money, sorted } from "../views.ts";
import type { TransactionDto } from "./contract.ts";
import type { EntryRow } from "./transaction.store.ts";

/** One entry as the system sees it. */
export function toTransactionDto(entry: EntryRow): TransactionDto {
  const direction = entry.amountMinor < 0n ? "debit" : "credit";
  const bookedAt = entry.bookedAt.toISOString();
  return {
    id: transactionId(entry.paymentId, entry.lineNo, direction),
    paymentId: entry.paymentId,
    accountId: entry.accountId,
    counterAccountId: entry.counterAccountId,
    direction,
    amount: money(entry.amountMinor < 0n ? -entry.amountMinor : entry.amountMinor, entry.currency),
    currency: entry.currency,
    balanceAfter: money(normalSide(entry.balanceAfter, entry), entry.currency),
    type: entry.type,
    state: "posted",
    description: entry.description,
    reference: entry.reference,
    counterpartyName: null,
    counterpartyAccount: null,
    transferId: null,
    valueDate: entry.valueDate,
    createdAt: bookedAt,
    postedAt: bookedAt,
    sequence: Number(entry.sequence),
    accountSequence: Number(entry.accountSeq),
    metadata: sorted(entry.metadata),
  };
}
