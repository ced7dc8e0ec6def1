// What the load of the model replay asks of the bank, and what is kept of each call: when it began, when its definite answer was there
// (of one monotonic clock), and the answer. The checker knows nothing but these.

import type { Answer } from "../calls.ts";

export type LineOrder = {
  readonly debit: string;
  readonly credit: string;
  readonly amount: bigint;
  readonly currency: string;
};

/** A new payment: posted in one step, drafted, or drafted and pended at once. Amounts are minor units. */
export type Order = {
  readonly externalId: string;
  readonly lines: readonly LineOrder[];
  readonly reverses: string | null;
  /** Version of an account, on which the caller makes the payment depend. */
  readonly ifVersion: { readonly accountId: string; readonly version: number } | null;
  /** ISO 8601; drafts only. */
  readonly expiresAt: string | null;
};

export type Operation =
  | {
      readonly kind: "openAccount";
      readonly type: AccountType;
      readonly currency: string;
      readonly clientId: string | null;
      readonly name: string;
    }
  | { readonly kind: "transfer"; readonly order: Order }
  | { readonly kind: "draft"; readonly order: Order; readonly pends: boolean }
  | { readonly kind: "batch"; readonly orders: readonly Order[]; readonly isAtomic: boolean }
  | { readonly kind: "pend"; readonly paymentId: string; readonly reason: string | null }
  | {
      readonly kind: "post";
      readonly paymentId: string /** By line id; null: everything. */;
      readonly parts: ReadonlyMap<string, bigint> | null;
      readonly currency: string;
    }
  | { readonly kind: "cancel"; readonly paymentId: string; readonly reason: string | null }
  | { readonly kind: "block" | "unblock"; readonly accountId: string; readonly debit: boolean; readonly credit: boolean }
  | { readonly kind: "limit"; readonly accountId: string; readonly limit: bigint; readonly currency: string }
  | { readonly kind: "rename"; readonly accountId: string; readonly name: string }
  | { readonly kind: "close"; readonly accountId: string }
  | { readonly kind: "readAccount"; readonly accountId: string }
  | { readonly kind: "readPayment"; readonly paymentId: string }
  | { readonly kind: "readTotals" };

export type AccountType = "client" | "reserve" | "settlement" | "clearing" | "fee";

export type Call = {
  readonly number: number;
  readonly operation: Operation;
  /** Of the first attempt. */
  readonly startedAt: number;
  /** Of the definite answer. */
  readonly endedAt: number;
  readonly answer: Pick<Answer, "status" | "body" | "text">;
  /** The bank said that it had done this before (Idempotency-Replayed). */
  readonly isReplay: boolean;
  /** The call whose key and body this one repeats on purpose. */
  readonly repeats: number | null;
};

export type Change = {
  readonly sequence: number;
  /** As the journal calls it: payment.posted, account.opened … */
  readonly change: string;
  readonly subject: string;
};

/** Everything that is known about a run. */
export type History = { readonly calls: readonly Call[]; readonly changes: readonly Change[] };

export type Request = { readonly method: string; readonly path: string; readonly body: unknown };

const PAYMENTS = "/v2/internal/Payments";
const ACCOUNTS = "/v2/internal/Accounts";

/** The call as it goes over the wire. */
export function requestOf(operation: Operation): Request {
  switch (operation.kind) {
    case "openAccount": {
      const { type, currency, clientId, name } = operation;
      return post(ACCOUNTS, { type, currency, name, ...(clientId === null ? {} : { clientId }) });
    }
    case "transfer":
      return post(`${PAYMENTS}/transfer`, orderBody(operation.order));
    case "draft":
      return post(PAYMENTS, { ...orderBody(operation.order), ...(operation.pends ? { state: "pending" } : {}) });
    case "batch":
      return post(`${PAYMENTS}/batch`, { payments: operation.orders.map(orderBody), atomic: operation.isAtomic });
    case "pend":
      return post(`${PAYMENTS}/${operation.paymentId}/pend`, operation.reason === null ? {} : { reason: operation.reason });
    case "post":
      return post(`${PAYMENTS}/${operation.paymentId}/post`, partsBody(operation));
    case "cancel":
      return post(`${PAYMENTS}/${operation.paymentId}/cancel`, operation.reason === null ? {} : { reason: operation.reason });
    case "block":
    case "unblock": {
      const { kind, accountId, debit, credit } = operation;
      return { method: "PUT", path: `${ACCOUNTS}/${accountId}/${kind}`, body: { debit, credit, reason: "model replay" } };
    }
    case "limit": {
      const { accountId, limit, currency } = operation;
      return { method: "PATCH", path: `${ACCOUNTS}/${accountId}`, body: { creditLimit: toText(limit, currency) } };
    }
    case "rename":
      return { method: "PATCH", path: `${ACCOUNTS}/${operation.accountId}`, body: { name: operation.name } };
    case "close":
      return { method: "PUT", path: `${ACCOUNTS}/${operation.accountId}/close`, body: undefined };
    case "readAccount":
      return read(`/v2/ledger/internal/Accounts/${operation.accountId}`);
    case "readPayment":
      return read(`${PAYMENTS}/${operation.paymentId}`);
    case "readTotals":
      return read("/v2/ledger/internal/Accounts/getAggregatedAmounts");
  }
}

const post = (path: string, body: unknown): Request => ({ method: "POST", path, body });
const read = (path: string): Request => ({ method: "GET", path, body: undefined });

function orderBody({ externalId, lines, reverses, ifVersion, expiresAt }: Order): object {
  return {
    externalId,
    type: reverses === null ? "transfer" : "reversal",
    transactions: lines.map(({ debit, credit, amount, currency }) => ({
      debitAccountId: debit,
      creditAccountId: credit,
      amount: toText(amount, currency),
      currency,
    })),
    ...(reverses === null ? {} : { reversesPaymentId: reverses }),
    ...(ifVersion === null ? {} : { ifVersion: { [ifVersion.accountId]: ifVersion.version } }),
    ...(expiresAt === null ? {} : { expiresAt }),
  };
}

function partsBody({ parts, currency }: Operation & { kind: "post" }): object {
  if (parts === null) return {};
  return { transactions: [...parts].map(([id, amount]) => ({ id, amount: toText(amount, currency) })) };
}

const DIGITS: Readonly<Record<string, number>> = { EUR: 2, JPY: 0, KWD: 3 };

/** Minor units as the wire has them; of this suite's three currencies. */
export function toText(minor: bigint, currency: string): string {
  const digits = DIGITS[currency];
  if (digits === undefined) throw new Error(`this suite has no ${currency}`);
  const text = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, "0");
  const sign = minor < 0n ? "-" : "";
  return digits === 0 ? `${sign}${text}` : `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}
