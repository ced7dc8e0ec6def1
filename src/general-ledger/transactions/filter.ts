// What transactions are looked for: the queries of all their lists come down to this. Pure.

import { createHash } from "node:crypto";
import type { PaymentType } from "../words.ts";
import { type DateBounds, type DateQuery, readDates } from "#platform/date-bounds.ts";
import { type MinorBound, minorBounds } from "../lists/bounds.ts";
import type { TransactionState } from "./contract.ts";

/** Empty lists and nulls: whatever there is. */
export type TransactionFilter = {
  readonly tenant: string | null;
  readonly accounts: readonly string[] | null;
  readonly clients: readonly string[] | null;
  readonly payments: readonly string[] | null;
  readonly transfers: readonly string[] | null;
  readonly direction: "debit" | "credit" | null;
  readonly types: readonly PaymentType[];
  readonly states: readonly TransactionState[];
  readonly currencies: readonly string[];
  readonly amountFrom: readonly MinorBound[] | null;
  readonly amountTo: readonly MinorBound[] | null;
  readonly dates: DateBounds;
  readonly search: string | null;
};

type Optional<T> = T | null | undefined;

/** Any of the queries' members. One and many of a kind may both be given: then both must hold. */
export type FilterQuery = DateQuery & {
  readonly accountId?: string;
  readonly accountIds?: readonly string[];
  readonly clientId?: string;
  readonly clientIds?: readonly string[];
  readonly paymentId?: string;
  readonly paymentIds?: readonly string[];
  readonly transferId?: string;
  readonly transferIds?: readonly string[];
  readonly direction?: Optional<"debit" | "credit">;
  readonly types?: readonly PaymentType[];
  readonly states?: readonly TransactionState[];
  readonly currency?: string;
  readonly currencies?: readonly string[];
  readonly amountFrom?: Optional<string>;
  readonly amountTo?: Optional<string>;
  readonly search?: Optional<string>;
};

export function readFilter(query: FilterQuery, tenant: string | null): TransactionFilter {
  return {
    tenant,
    accounts: both(query.accountId, query.accountIds),
    clients: both(query.clientId, query.clientIds),
    payments: both(query.paymentId, query.paymentIds),
    transfers: both(query.transferId, query.transferIds),
    direction: query.direction ?? null,
    types: query.types ?? [],
    states: query.states ?? [],
    currencies: query.currency === undefined ? (query.currencies ?? []) : [query.currency],
    amountFrom: query.amountFrom == null ? null : minorBounds(query.amountFrom, "from"),
    amountTo: query.amountTo == null ? null : minorBounds(query.amountTo, "to"),
    dates: readDates(query),
    search: query.search ?? null,
  };
}

/** Null: any. What is asked for twice must be in both. */
function both(one: string | undefined, many: readonly string[] | undefined): readonly string[] | null {
  const list = many === undefined || many.length === 0 ? null : [...new Set(many)];
  if (one === undefined) return list;
  return list === null || list.includes(one) ? [one] : [];
}

/** Whether the filter asks for nothing but accounts, dates and, if anything, the state posted. */
export function isPlain(filter: TransactionFilter): boolean {
  const { payments, transfers, direction, types, states, currencies, amountFrom, amountTo, search } = filter;
  return (
    payments === null &&
    transfers === null &&
    direction === null &&
    types.length === 0 &&
    currencies.length === 0 &&
    amountFrom === null &&
    amountTo === null &&
    search === null &&
    (states.length === 0 || isPostedOnly(filter))
  );
}

export function isPostedOnly({ states }: TransactionFilter): boolean {
  return states.length > 0 && states.every((state) => state === "posted");
}

/** Names the list that a cursor belongs to: whose transactions it holds. The other filters may differ from page to page. */
export function markOf(kind: string, { accounts, clients, payments }: TransactionFilter): string {
  const text = JSON.stringify([accounts?.toSorted(), clients?.toSorted(), payments?.toSorted()]);
  return `${kind} ${createHash("sha256").update(text).digest("base64url").slice(0, 16)}`;
}
