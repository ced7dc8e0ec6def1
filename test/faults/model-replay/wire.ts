// What the bank must have answered, given the model's books: accounts and payments as they stand on the wire.

import type { Account, Payment } from "./model.ts";
import { toText } from "./operation.ts";

type Body = Readonly<Record<string, unknown>>;

/** What differs between an answer and what it must say: member, found, expected. Members that are not expected are not looked at. */
export function differences(found: unknown, expected: unknown, at = ""): string[] {
  if (Array.isArray(expected)) {
    if (!Array.isArray(found) || found.length !== expected.length)
      return [`${at}: ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`];
    return expected.flatMap((each, index) => differences(found[index], each, `${at}.${index}`));
  }
  if (typeof expected === "object" && expected !== null) {
    const body = (typeof found === "object" && found !== null ? found : {}) as Body;
    return Object.entries(expected).flatMap(([name, value]) => differences(body[name], value, at === "" ? name : `${at}.${name}`));
  }
  return found === expected ? [] : [`${at}: ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`];
}

export function accountOnTheWire(account: Account): Body {
  const money = (minor: bigint): string => toText(minor, account.currency);
  const balance = account.isCreditNormal ? account.balance : -account.balance;
  return {
    id: account.id,
    currency: account.currency,
    category: account.category,
    name: account.name,
    balance: money(balance),
    heldAmount: money(account.held),
    availableBalance: money(balance - account.held),
    pendingIncomingAmount: money(account.incoming),
    isDefault: account.isDefault,
    creditLimit: money(account.floor === null ? 0n : -account.floor),
    status: account.isClosed ? "closed" : account.isDebitBlocked && account.isCreditBlocked ? "blocked" : "active",
    debitBlocked: account.isDebitBlocked,
    creditBlocked: account.isCreditBlocked,
    version: account.version,
  };
}

/** `accountOf` tells currency and side of an account; its figures are those of the payment's last change. */
export function paymentOnTheWire(payment: Payment, accountOf: (id: string) => Account | undefined): Body {
  const { order, state, sequence } = payment;
  return {
    id: payment.id,
    externalId: order.externalId,
    type: order.reverses === null ? "transfer" : "reversal",
    state,
    reason: payment.reason,
    sequence,
    postedSequence: state === "posted" ? sequence : null,
    reversesPaymentId: order.reverses,
    reversedByPaymentId: payment.reversedBy,
    transactions: payment.lines.map(({ debit, credit, amount, currency, booked }) => ({
      debitAccountId: debit,
      creditAccountId: credit,
      currency,
      instructedAmount: toText(amount, currency),
      amount: toText(booked === null || booked === 0n ? amount : booked, currency),
      state: booked === 0n ? "cancelled" : state,
    })),
    accounts: payment.stands.map(({ accountId, entries, balance, held }) => {
      const account = accountOf(accountId);
      const { currency = "EUR", isCreditNormal = true } = account ?? {};
      const side = isCreditNormal ? balance : -balance;
      return {
        accountId,
        accountSequence: entries,
        balance: toText(side, currency),
        heldAmount: toText(held, currency),
        availableBalance: toText(side - held, currency),
      };
    }),
  };
}
