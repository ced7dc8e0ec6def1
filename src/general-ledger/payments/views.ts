// From payments to the wire: minor units become decimal text, signs the normal side, instants ISO 8601 UTC. Pure.

import { transactionId } from "#platform/ids.ts";
import { money, sorted } from "../views.ts";
import type { PaymentDto } from "./contract.ts";
import { normalSide, type Payment, type PaymentLine } from "./payment.ts";

export function toPaymentDto(payment: Payment): PaymentDto {
  const { state } = payment;
  const sequence = payment.sequence === null ? null : Number(payment.sequence);
  return {
    id: payment.id,
    externalId: payment.externalId,
    type: payment.type,
    state,
    clientId: payment.clientId,
    transactions: payment.lines.map((line) => toTransactionOfPayment(payment, line)),
    description: payment.description,
    reference: payment.reference,
    reason: payment.reason,
    metadata: sorted(payment.metadata),
    createdAt: isoText(payment.createdAt),
    pendedAt: payment.pendedAt && isoText(payment.pendedAt),
    postedAt: payment.postedAt && isoText(payment.postedAt),
    cancelledAt: payment.cancelledAt && isoText(payment.cancelledAt),
    sequence,
    // Posted is final: the change that posted it is the last one.
    postedSequence: state === "posted" ? sequence : null,
    valueDate: payment.valueDate,
    requestedValueDate: payment.askedValueDate,
    expiresAt: payment.expiresAt && isoText(payment.expiresAt),
    reversesPaymentId: payment.reversesPaymentId,
    reversedByPaymentId: payment.reversedByPaymentId,
    accounts: payment.accounts.map((stand) => {
      const currency = currencyOf(payment, stand.accountId);
      const balance = normalSide(stand.balanceMinor, stand);
      return {
        accountId: stand.accountId,
        accountSequence: Number(stand.seq),
        balance: money(balance, currency),
        heldAmount: money(stand.heldMinor, currency),
        availableBalance: money(balance - stand.heldMinor, currency),
      };
    }),
  };
}

/** All payments of a batch have one instant (one Date, which nobody changes); to write it anew twice for each was a fifth of this view's cost. */
let latest = { at: new Date(0), text: new Date(0).toISOString() };

function isoText(at: Date): string {
  if (at !== latest.at) latest = { at, text: at.toISOString() };
  return latest.text;
}

/** An account has one currency: that of any line that touches it. */
function currencyOf({ lines }: Payment, accountId: string): string {
  return lines.find(({ debitAccountId, creditAccountId }) => debitAccountId === accountId || creditAccountId === accountId)?.currency ?? "";
}

/** A line goes by the id of its debit side. */
function toTransactionOfPayment({ id, state }: Payment, line: PaymentLine): PaymentDto["transactions"][number] {
  const isReleased = state === "posted" && line.postedMinor === 0n;
  const booked = state === "posted" && !isReleased ? (line.postedMinor ?? line.amountMinor) : line.amountMinor;
  return {
    id: transactionId(id, line.lineNo, "debit"),
    debitAccountId: line.debitAccountId,
    creditAccountId: line.creditAccountId,
    amount: money(booked, line.currency),
    instructedAmount: money(line.amountMinor, line.currency),
    currency: line.currency,
    type: line.type,
    description: line.description,
    state: isReleased ? "cancelled" : state,
  };
}
