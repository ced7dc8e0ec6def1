// From changes to events. Pure: equal rows give equal bytes, and only rows that never change after the change are asked.

import { transactionId } from "#platform/ids.ts";
import { invariant } from "#platform/problem.ts";
import { money } from "../views.ts";
import type { PaymentState } from "../words.ts";
import type { AccountFacts, Change, LedgerEvent, PaymentFacts } from "./contract.ts";
import type { AccountRow, ChangeRow, LineRow, PaymentRow } from "./event.store.ts";

const SOURCE = "/finlego/ledger";

/** What a change leaves its payment as; the changes of accounts are not here. */
const STATE_AFTER: Partial<Record<Change, PaymentState>> = {
  "payment.drafted": "draft",
  "payment.pending": "pending",
  "payment.posted": "posted",
  "payment.cancelled": "cancelled",
};

/** A change of a payment. `valueDate` is the one of that change: a later one may have moved it. */
export function toPaymentEvent(change: ChangeRow, payment: PaymentRow, lines: readonly LineRow[], valueDate: string): LedgerEvent {
  const state = STATE_AFTER[change.change];
  invariant(state, `no change of a payment: ${change.change}`);
  const data: PaymentFacts = {
    paymentId: payment.id,
    externalId: payment.externalId,
    type: payment.type,
    state,
    clientId: payment.clientId,
    valueDate,
    reversesPaymentId: payment.reversesPaymentId,
    lines: lines.map((line) => ({
      // A line goes by the id of its debit side, as in the payment.
      id: transactionId(payment.id, line.lineNo, "debit"),
      debitAccountId: line.debitAccountId,
      creditAccountId: line.creditAccountId,
      amount: money(state === "posted" ? (line.postedMinor ?? line.amountMinor) : line.amountMinor, line.currency),
      currency: line.currency,
      type: line.type,
    })),
  };
  return envelope(change, `payment:${payment.id}`, payment.tenant, data);
}

export function toAccountEvent(change: ChangeRow, account: AccountRow): LedgerEvent {
  const { id: accountId, type, category, currency, clientId } = account;
  return envelope(change, `account:${accountId}`, account.tenant, { accountId, type, category, currency, clientId });
}

function envelope(change: ChangeRow, subject: string, tenant: string, data: PaymentFacts | AccountFacts): LedgerEvent {
  return {
    specversion: "1.0",
    id: `ledger-${change.sequence}`,
    source: SOURCE,
    type: change.change,
    subject,
    time: change.at.toISOString(),
    sequence: Number(change.sequence),
    tenant,
    datacontenttype: "application/json",
    data,
  };
}
