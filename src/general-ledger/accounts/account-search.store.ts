// SQL of finding accounts among millions. Three ways, each bounded whatever the data are:
//
//   gather  collects the candidates of one narrow condition, as long as they are few, and then does anything with them
//   merge   reads accounts in order of their opening, one range of an index for each kind of account (or client) that is wanted
//   walk    looks at so many accounts in order of their opening and keeps those that fit

import type { Tx } from "#platform/db.ts";
import type { Account } from "./account.ts";
import {
  type AccountFilter,
  type Bind,
  binder,
  candidates,
  conditions,
  type Driver,
  LOOKS_MAX,
  place,
  type Ranges,
  rangesOfClients,
  rangesOfKinds,
  where,
} from "./account-filter.store.ts";

export type AccountOrder = { readonly by: "createdAt" | "accountNumber" | "name" | "balance"; readonly descending: boolean };

/** The key of the last account of the page before, as text, and its id. */
export type AccountPosition = { readonly key: string; readonly accountId: string };

/** Which accounts of an order: behind a position, after so many more, at most so many. */
export type AccountSlice = { readonly after: AccountPosition | null; readonly skip: number; readonly limit: number };

export type FoundAccount = { readonly accountId: string; readonly key: string };

const KEYS: Readonly<Record<AccountOrder["by"], { readonly sql: string; readonly type: string }>> = {
  createdAt: { sql: "p.created_at", type: "timestamptz" },
  accountNumber: { sql: 'lower(p.number) collate "C"', type: "text" },
  name: { sql: 'lower(p.name) collate "C"', type: "text" },
  balance: { sql: "b.balance", type: "bigint" },
};

// One look-up for each account, whatever the planner believes of the tables.
const PROFILE = "cross join lateral (select x.* from general_ledger.account_profile x where x.account_id = c.account_id limit 1) p";
const BALANCE = `cross join lateral (
    select case when a.credit_normal then a.balance_minor else -a.balance_minor end as balance
    from general_ledger.account a where a.id = p.account_id limit 1) b`;

function balanceOf(filter: AccountFilter, order: AccountOrder | null): string {
  return filter.balanceFrom !== null || filter.balanceTo !== null || order?.by === "balance" ? BALANCE : "";
}

function behind(order: AccountOrder, after: AccountPosition | null, bind: Bind, key = KEYS[order.by].sql): string[] {
  if (after === null) return [];
  const last = `${bind(after.key)}::${KEYS[order.by].type}, ${bind(after.accountId)}::uuid`;
  return [`(${key}, p.account_id) ${order.descending ? "<" : ">"} (${last})`];
}

function inOrder(order: AccountOrder, key = KEYS[order.by].sql): string {
  const direction = order.descending ? "desc" : "asc";
  return `order by ${key} ${direction}, p.account_id ${direction}`;
}

/** The slice, and how many there are in all; null when the driver leaves more than `LOOKS_MAX` candidates. */
export async function gather(
  tx: Tx,
  driver: Driver,
  filter: AccountFilter,
  order: AccountOrder,
  slice: AccountSlice,
): Promise<{ readonly found: FoundAccount[]; readonly total: number } | null> {
  const { values, bind } = binder();
  const rows = await tx.query<{ looks: bigint; total: bigint; ids: string[]; keys: string[] }>(
    `with candidate as materialized (${candidates(driver, filter, bind)}),
     looked as materialized (select count(*) as looks from candidate),
     fitting as materialized (
       select p.account_id, ${KEYS[order.by].sql} as key from candidate c ${PROFILE} ${balanceOf(filter, order)}
       ${where([`(select l.looks from looked l) <= ${LOOKS_MAX}`, ...conditions(filter, bind)])}),
     page as (
       select p.account_id, p.key, row_number() over (${inOrder(order, "p.key")}) as at
       from fitting p ${where(behind(order, slice.after, bind, "p.key"))}
       ${inOrder(order, "p.key")} limit ${bind(slice.limit)} offset ${bind(slice.skip)})
     select l.looks, (select count(*) from fitting) as total,
            array(select g.account_id from page g order by g.at) as ids, array(select g.key::text from page g order by g.at) as keys
     from looked l`,
    values,
  );
  const row = rows[0];
  if (row === undefined || row.looks > BigInt(LOOKS_MAX)) return null;
  return { found: row.ids.map((accountId, at) => ({ accountId, key: row.keys[at] ?? "" })), total: Number(row.total) };
}

/** The slice in order of opening, exactly, of all accounts of the wanted kinds; nothing else may be asked of them. */
export async function mergeKinds(tx: Tx, filter: AccountFilter, order: AccountOrder, slice: AccountSlice): Promise<FoundAccount[]> {
  const { values, bind } = binder();
  return await tx.query<FoundAccount>(merged(rangesOfKinds(filter, bind), "", order, slice, bind), values);
}

/** The slice in order of opening, exactly, of all fitting accounts of the clients. */
export async function mergeClients(tx: Tx, filter: AccountFilter, order: AccountOrder, slice: AccountSlice): Promise<FoundAccount[]> {
  const { values, bind } = binder();
  const { source, each } = rangesOfClients(filter, bind);
  const ranges = { source, each: [...each, ...conditions(filter, bind)] };
  return await tx.query<FoundAccount>(merged(ranges, balanceOf(filter, null), order, slice, bind), values);
}

function merged({ source, each }: Ranges, balance: string, order: AccountOrder, { after, skip, limit }: AccountSlice, bind: Bind): string {
  return `
    select p.account_id as "accountId", p.created_at::text as key
    from ${source} cross join lateral (
      select p.account_id, p.created_at from general_ledger.account_profile p ${balance}
      ${where([...each, ...behind(order, after, bind)])} ${inOrder(order)} limit ${skip + limit}) p
    ${inOrder(order)} limit ${limit} offset ${skip}`;
}

/** The slice in order of opening, of at most so many accounts; where it is not full, `end` is the last one looked at, unless all were. */
export async function walk(
  tx: Tx,
  filter: AccountFilter,
  order: AccountOrder,
  slice: AccountSlice,
  looks: number,
): Promise<{ readonly found: FoundAccount[]; readonly isWhole: boolean; readonly end: FoundAccount | null }> {
  const road = (bind: Bind): string => {
    const range = [...place(filter, bind), ...behind(order, slice.after, bind)];
    return `(select p.* from general_ledger.account_profile p ${where(range)} ${inOrder(order)} limit ${looks}) p`;
  };
  const { values, bind } = binder();
  const found = await tx.query<FoundAccount>(
    `select p.account_id as "accountId", p.created_at::text as key from ${road(bind)} ${balanceOf(filter, null)}
     ${where(conditions(filter, bind))} ${inOrder(order)} limit ${bind(slice.limit)} offset ${bind(slice.skip)}`,
    values,
  );
  if (found.length === slice.limit) return { found, isWhole: true, end: null };
  const rest = binder();
  const last = await tx.query<FoundAccount>(
    `select p.account_id as "accountId", p.created_at::text as key from ${road(rest.bind)} ${inOrder(order)} limit 1 offset ${looks - 1}`,
    rest.values,
  );
  return { found, isWhole: last.length === 0, end: last[0] ?? null };
}

/** How many accounts fit, however many. */
export async function countAccounts(tx: Tx, filter: AccountFilter): Promise<number> {
  const { values, bind } = binder();
  const balance =
    balanceOf(filter, null) === ""
      ? ""
      : `join (select a.id, case when a.credit_normal then a.balance_minor else -a.balance_minor end as balance from general_ledger.account a) b
         on b.id = p.account_id`;
  const rows = await tx.query<{ count: bigint }>(
    `select count(*) as count from general_ledger.account_profile p ${balance} ${where(conditions(filter, bind))}`,
    values,
  );
  return Number(rows[0]?.count ?? 0n);
}

/** Where an account stands in an order whose keys do not move, as the caller may know it; null for an account that it may not see. */
export async function findPosition(
  tx: Tx,
  accountId: string,
  by: Exclude<AccountOrder["by"], "balance">,
  tenant: string | null,
): Promise<AccountPosition | null> {
  const rows = await tx.sql<{ createdAt: string; accountNumber: string; name: string }>`
    select p.created_at::text as "createdAt", lower(p.number) as "accountNumber", lower(p.name) as name
    from general_ledger.account_profile p
    where p.account_id = ${accountId} and (${tenant}::text is null or p.tenant = ${tenant})`;
  return rows[0] === undefined ? null : { key: rows[0][by], accountId };
}

/** The accounts, in any order; without those of other tenants. */
export async function findAccounts(tx: Tx, ids: readonly string[], tenant: string | null): Promise<Account[]> {
  return await tx.sql<Account>`
    select a.id, a.tenant, a.client_id as "clientId", p.number, p.iban, p.bic, p.name, a.currency, p.type, p.category, a.status,
           a.is_default as "isDefault", p.sort_order as "sortOrder", a.balance_minor as "balanceMinor", a.held_minor as "heldMinor",
           a.incoming_minor as "incomingMinor", a.floor_minor as "floorMinor", p.provider, p.external_id as "externalId",
           a.debit_blocked as "debitBlocked", a.credit_blocked as "creditBlocked", a.version, p.created_at as "createdAt", p.closed_at as "closedAt"
    from general_ledger.account a
    join general_ledger.account_profile p on p.account_id = a.id
    where a.id = any(${ids}::uuid[]) and (${tenant}::text is null or a.tenant = ${tenant})`;
}

/** The ids of the accounts that have one of the numbers or IBANs (in lower case), by the place of it in the list; a number goes before an IBAN. */
export async function findByNumbers(tx: Tx, numbers: readonly string[], tenant: string | null): Promise<string[]> {
  const rows = await tx.sql<{ id: string }>`
    select n.id
    from unnest(${numbers}::text[]) with ordinality u(number, at)
    cross join lateral (
      select p.account_id as id, p.tenant, 1 as rank from general_ledger.account_profile p where lower(p.number) = u.number
      union all
      select p.account_id, p.tenant, 2 from general_ledger.account_profile p where lower(p.iban) = u.number
    ) n
    where ${tenant}::text is null or n.tenant = ${tenant}
    group by n.id
    order by min(u.at), min(n.rank)`;
  return rows.map(({ id }) => id);
}
