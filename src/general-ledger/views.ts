// From the ledger's values to the wire: minor units become decimal text, signs the normal side, instants ISO 8601 UTC. Pure.

import type { Currency } from "#platform/currency.ts";
import { transactionId } from "#platform/ids.ts";
import { formatAmount } from "#platform/money.ts";
import type { Account } from "./account.ts";
import type { AccountDto, ClientAccountDto, PaymentDto, TransactionDto } from "./contract.ts";
import { normalSide, type Payment } from "./payment.ts";
import type { EntryRow } from "./transaction.store.ts";

/** Currencies in the books were checked when they came in. */
function money(minor: bigint, currency: string): string {
  return formatAmount(minor, currency as Currency);
}

/** Metadata in one order, whether it comes from the request or from the database: a replay has equal bytes. */
function sorted(metadata: Readonly<Record<string, string>> | null): Record<string, string> {
  return Object.fromEntries(Object.entries(metadata ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function toPaymentDto(payment: Payment): PaymentDto {
  const { state } = payment;
  const sequence = Number(payment.sequence);
  const currencyOf = new Map(
    payment.lines.flatMap((line) => [[line.debitAccountId, line.currency] as const, [line.creditAccountId, line.currency] as const]),
  );
  return {
    id: payment.id,
    externalId: payment.externalId,
    type: payment.type,
    state,
    clientId: payment.clientId,
    transactions: payment.lines.map((line) => ({
      // A line goes by the id of its debit side.
      id: transactionId(payment.id, line.lineNo, "debit"),
      debitAccountId: line.debitAccountId,
      creditAccountId: line.creditAccountId,
      amount: money(line.amountMinor, line.currency),
      currency: line.currency,
      type: line.type,
      description: line.description,
      state,
    })),
    description: payment.description,
    reference: payment.reference,
    reason: payment.reason,
    metadata: sorted(payment.metadata),
    createdAt: payment.createdAt.toISOString(),
    pendedAt: payment.pendedAt?.toISOString() ?? null,
    postedAt: payment.postedAt?.toISOString() ?? null,
    cancelledAt: payment.cancelledAt?.toISOString() ?? null,
    sequence,
    // Posted is final: the change that posted it is the last one.
    postedSequence: state === "posted" ? sequence : null,
    valueDate: payment.valueDate,
    expiresAt: null,
    reversesPaymentId: null,
    reversedByPaymentId: null,
    accounts: payment.accounts.map((stand) => {
      const currency = currencyOf.get(stand.accountId) ?? "";
      return {
        accountId: stand.accountId,
        accountSequence: Number(stand.seq),
        balance: money(normalSide(stand.balanceMinor, stand), currency),
        heldAmount: money(stand.heldMinor, currency),
        availableBalance: money(normalSide(stand.balanceMinor, stand) - stand.heldMinor, currency),
      };
    }),
  };
}

export function toAccountDto(account: Account): AccountDto {
  return { ...toClientAccountDto(account), category: account.category };
}

export function toClientAccountDto(account: Account): ClientAccountDto {
  const { currency } = account;
  const balance = normalSide(account.balanceMinor, account.category);
  return {
    id: account.id,
    accountNumber: account.number,
    iban: account.iban,
    bic: account.bic,
    name: account.name,
    currency,
    clientId: account.clientId,
    type: account.type,
    status: account.status,
    isDefault: account.isDefault,
    sortOrder: account.sortOrder,
    balance: money(balance, currency),
    heldAmount: money(account.heldMinor, currency),
    availableBalance: money(balance - account.heldMinor, currency),
    pendingIncomingAmount: money(account.incomingMinor, currency),
    provider: account.provider,
    createdAt: account.createdAt.toISOString(),
    closedAt: account.closedAt?.toISOString() ?? null,
    externalId: account.externalId,
    creditLimit: money(account.floorMinor === null ? 0n : -account.floorMinor, currency),
    debitBlocked: account.debitBlocked,
    creditBlocked: account.creditBlocked,
    version: Number(account.version),
  };
}

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
