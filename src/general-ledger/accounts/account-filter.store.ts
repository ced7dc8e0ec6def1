// What may be asked of accounts, as SQL: conditions put together from fixed pieces, every value bound. `p` is the account's profile, `b` its
// balance. Candidates are collected by one narrow condition, as long as they are few: what is bounded there stays fast among millions.

import type { AccountStatus, AccountType } from "../words.ts";

/** What is looked for. Null: any. Balances are on the normal side, their bounds included. */
export type AccountFilter = {
  readonly tenant: string | null;
  readonly accountIds: readonly string[] | null;
  /** Numbers or IBANs in lower case. */
  readonly numbers: readonly string[] | null;
  readonly clientIds: readonly string[] | null;
  readonly currencies: readonly string[] | null;
  readonly types: readonly AccountType[] | null;
  readonly statuses: readonly AccountStatus[] | null;
  readonly search: string | null;
  readonly balanceFrom: bigint | null;
  readonly balanceTo: bigint | null;
  readonly createdFrom: Date | null;
  readonly createdBefore: Date | null;
};

/** Asks for nothing. */
export const ANY_ACCOUNT: AccountFilter = {
  tenant: null,
  accountIds: null,
  numbers: null,
  clientIds: null,
  currencies: null,
  types: null,
  statuses: null,
  search: null,
  balanceFrom: null,
  balanceTo: null,
  createdFrom: null,
  createdBefore: null,
};

/** A list as callers give it: without it, or empty, anything goes. */
export function someOf<T>(list: readonly T[] | undefined): readonly T[] | null {
  return list === undefined || list.length === 0 ? null : list;
}

/** The condition that candidates are collected by. */
export type Driver = "accountIds" | "numbers" | "clientIds" | "kinds" | "pieces";

/** The most accounts that are looked at one by one. */
export const LOOKS_MAX = 10_000;

/** Takes a value, gives its place in the statement. */
export type Bind = (value: unknown) => string;

export function binder(): { readonly values: unknown[]; readonly bind: Bind } {
  const values: unknown[] = [];
  return { values, bind: (value) => `$${values.push(value)}` };
}

export function where(list: readonly string[]): string {
  return list.length === 0 ? "" : `where ${list.join(" and ")}`;
}

/** Everything that is asked of an account `p` with its balance `b`. */
export function conditions(filter: AccountFilter, bind: Bind): string[] {
  const { accountIds, numbers, clientIds, currencies, types, statuses, search, balanceFrom, balanceTo } = filter;
  return [
    ...place(filter, bind),
    ...(accountIds === null ? [] : [`p.account_id = any(${bind(accountIds)}::uuid[])`]),
    ...(numbers === null ? [] : [anyNumber(bind(numbers))]),
    ...(clientIds === null ? [] : [`p.client_id = any(${bind(clientIds)}::uuid[])`]),
    ...(currencies === null ? [] : [`p.currency = any(${bind(currencies)}::text[])`]),
    ...(types === null ? [] : [`p.type = any(${bind(types)}::general_ledger.account_type[])`]),
    ...(statuses === null ? [] : [`p.status = any(${bind(statuses)}::general_ledger.account_status[])`]),
    ...(search === null ? [] : [`p.search_text like '%' || lower(${bind(search.replace(/[\\%_]/g, "\\$&"))}) || '%'`]),
    ...(balanceFrom === null ? [] : [`b.balance >= ${bind(balanceFrom)}::bigint`]),
    ...(balanceTo === null ? [] : [`b.balance <= ${bind(balanceTo)}::bigint`]),
  ];
}

/** Whose accounts, and of which time: what the indexes in order of opening begin and end with. */
export function place({ tenant, createdFrom, createdBefore }: AccountFilter, bind: Bind): string[] {
  return [
    ...(tenant === null ? [] : [`p.tenant = ${bind(tenant)}`]),
    ...(createdFrom === null ? [] : [`p.created_at >= ${bind(createdFrom)}::timestamptz`]),
    ...(createdBefore === null ? [] : [`p.created_at < ${bind(createdBefore)}::timestamptz`]),
  ];
}

function anyNumber(list: string): string {
  return `(lower(p.number) = any(${list}::text[]) or lower(p.iban) = any(${list}::text[]))`;
}

/** Ranges of an index: a row source `k`, and what an account `p` of one of its rows fulfils. */
export type Ranges = { readonly source: string; readonly each: readonly string[] };

/** The wanted kinds of accounts; one range where any kind is. */
export function rangesOfKinds(filter: AccountFilter, bind: Bind): Ranges {
  const { tenant, currencies, types, statuses } = filter;
  if (currencies === null && types === null && statuses === null) return { source: "(select) k", each: place(filter, bind) };
  const wanted = [
    ...(tenant === null ? [] : [`k.tenant = ${bind(tenant)}`]),
    ...(currencies === null ? [] : [`k.currency = any(${bind(currencies)}::text[])`]),
    ...(types === null ? [] : [`k.type = any(${bind(types)}::general_ledger.account_type[])`]),
    ...(statuses === null ? [] : [`k.status = any(${bind(statuses)}::general_ledger.account_status[])`]),
  ];
  return {
    source: `(select distinct k.currency, k.type, k.status from general_ledger.account_kind k ${where(wanted)}) k`,
    each: ["p.currency = k.currency", "p.type = k.type", "p.status = k.status", ...place(filter, bind)],
  };
}

export function rangesOfClients(filter: AccountFilter, bind: Bind): Ranges {
  return { source: `(select distinct c.id from unnest(${bind(filter.clientIds)}::uuid[]) c(id)) k`, each: ["p.client_id = k.id"] };
}

/** A statement that gives the ids of the accounts by one condition alone; one more than `LOOKS_MAX` says that they are too many. */
export function candidates(driver: Driver, filter: AccountFilter, bind: Bind): string {
  const limit = `limit ${LOOKS_MAX + 1}`;
  const ids = "select p.account_id from general_ledger.account_profile p";
  switch (driver) {
    case "accountIds":
      return `${ids} where p.account_id = any(${bind(filter.accountIds)}::uuid[]) ${limit}`;
    case "numbers": {
      const list = bind(filter.numbers);
      return `${ids} where lower(p.number) = any(${list}::text[]) union ${ids} where lower(p.iban) = any(${list}::text[])`;
    }
    // In the order of the index, so that it is read: of a kind of which there are few the planner may think that it is half of the table.
    case "clientIds":
      return ofRanges(rangesOfClients(filter, bind), ids, `order by p.created_at, p.account_id ${limit}`);
    case "kinds":
      return ofRanges(rangesOfKinds(filter, bind), ids, `order by p.created_at, p.account_id ${limit}`);
    case "pieces":
      return `${ids} where general_ledger.pieces(p.search_text) @> general_ledger.pieces(lower(${bind(filter.search)})) ${limit}`;
  }
}

function ofRanges({ source, each }: Ranges, ids: string, most: string): string {
  return `select p.account_id from ${source} cross join lateral (${ids} ${where(each)} ${most}) p limit ${LOOKS_MAX + 1}`;
}

/** The condition that leaves the fewest accounts, as far as that can be known beforehand. */
export function narrowest(filter: AccountFilter): Driver {
  if (filter.accountIds !== null) return "accountIds";
  if (filter.numbers !== null) return "numbers";
  return filter.clientIds === null ? "kinds" : "clientIds";
}
