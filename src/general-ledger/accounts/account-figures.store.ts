// SQL of accounts' figures: sums over many accounts, figures at an instant, and their recalculation. Sums may be larger than a bigint and
// come as text.

import type { Tx } from "#platform/db.ts";
import type { AccountCategory } from "../words.ts";
import { type AccountFilter, binder, candidates, conditions, LOOKS_MAX, narrowest, where } from "./account-filter.store.ts";

export type AccountSums = {
  readonly currency: string;
  readonly category: AccountCategory;
  readonly accounts: bigint;
  /** Credit positive. */
  readonly balance: string;
  readonly held: string;
  readonly incoming: string;
};

/** Sums by currency and category of all accounts that fit, all of one snapshot. Balances, texts and times are not asked for here. */
export async function sumAccounts(tx: Tx, filter: AccountFilter): Promise<AccountSums[]> {
  return (await sumFew(tx, filter)) ?? (await sumMany(tx, filter));
}

const SUMS = `count(*) as accounts, sum(a.balance_minor)::text as balance, sum(a.held_minor)::text as held, sum(a.incoming_minor)::text as incoming`;

/** By look-ups, where a narrow condition leaves few accounts; null where it does not. */
async function sumFew(tx: Tx, filter: AccountFilter): Promise<AccountSums[] | null> {
  const { values, bind } = binder();
  const rows = await tx.query<{ looks: bigint } & AccountSums>(
    `with candidate as materialized (${candidates(narrowest(filter), filter, bind)}),
     looked as materialized (select count(*) as looks from candidate),
     sums as (
       select p.currency, p.category, ${SUMS}
       from candidate c
       cross join lateral (select x.* from general_ledger.account_profile x where x.account_id = c.account_id limit 1) p
       cross join lateral (select x.* from general_ledger.account x where x.id = c.account_id limit 1) a
       ${where([`(select l.looks from looked l) <= ${LOOKS_MAX}`, ...conditions(filter, bind)])}
       group by p.currency, p.category)
     select l.looks, s.* from looked l left join sums s on true order by s.currency, s.category`,
    values,
  );
  if ((rows[0]?.looks ?? 0n) > BigInt(LOOKS_MAX)) return null;
  return rows.filter(({ currency }) => currency !== null);
}

/** By reading all accounts. Those of clients, nearly all, are liabilities: their profiles need not be read. */
async function sumMany(tx: Tx, { tenant, clientIds, currencies, types, statuses }: AccountFilter): Promise<AccountSums[]> {
  const { values, bind } = binder();
  const wanted = [
    ...(tenant === null ? [] : [`a.tenant = ${bind(tenant)}`]),
    ...(clientIds === null ? [] : [`a.client_id = any(${bind(clientIds)}::uuid[])`]),
    ...(currencies === null ? [] : [`a.currency = any(${bind(currencies)}::text[])`]),
    ...(statuses === null ? [] : [`a.status = any(${bind(statuses)}::general_ledger.account_status[])`]),
  ];
  const ofClients = types === null || types.includes("client");
  const ofTypes = types === null ? [] : [`p.type = any(${bind(types)}::general_ledger.account_type[])`];
  return await tx.query<AccountSums>(
    `select s.currency, s.category, sum(s.accounts)::bigint as accounts, sum(s.balance::numeric)::text as balance, sum(s.held::numeric)::text as held,
            sum(s.incoming::numeric)::text as incoming
     from (
       select a.currency, 'liability'::general_ledger.account_category as category, ${SUMS}
       from general_ledger.account a ${where([`${ofClients}`, "a.client_id is not null", ...wanted])}
       group by a.currency
       union all
       select a.currency, p.category, ${SUMS}
       from general_ledger.account_profile p
       cross join lateral (select x.* from general_ledger.account x where x.id = p.account_id limit 1) a
       ${where(["p.client_id is null", ...ofTypes, ...wanted])}
       group by a.currency, p.category
     ) s
     group by s.currency, s.category
     order by s.currency, s.category`,
    values,
  );
}

export type AccountFigures = {
  readonly accountId: string;
  readonly currency: string;
  readonly creditNormal: boolean;
  /** Credit positive. */
  readonly balance: string;
  readonly held: bigint;
};

/** `bookedBefore`: what was booked and held before that instant, null: all there is. `valuedOn`: null, or the last value date that counts. */
export type FiguresAt = { readonly tenant: string | null; readonly bookedBefore: Date | null; readonly valuedOn: string | null };

/** Figures from the entries; accounts that do not exist, or not for this tenant, are left out. */
export async function findFigures(tx: Tx, ids: readonly string[], at: FiguresAt): Promise<AccountFigures[]> {
  // The balance by value date is that by booking on the same day (in UTC), set right by what was valued on the other side of that day.
  return await tx.sql<AccountFigures>`
    select a.id as "accountId", a.currency, a.credit_normal as "creditNormal",
           (coalesce(e.balance_after, 0) + coalesce(s.shift, 0))::text as balance,
           case when ${at.bookedBefore}::timestamptz is null then a.held_minor else general_ledger.held_before(a.id, ${at.bookedBefore}) end as held
    from unnest(${ids}::uuid[]) with ordinality u(id, at)
    cross join lateral (select x.* from general_ledger.account x where x.id = u.id limit 1) a
    cross join lateral (
      select general_ledger.count_entries_before(a.id,
        case when ${at.valuedOn}::date is null then ${at.bookedBefore}::timestamptz else (${at.valuedOn}::date + 1)::timestamp at time zone 'UTC' end) as entries
    ) c
    left join lateral (select n.balance_after from general_ledger.entry n where n.account_id = a.id and n.account_seq = c.entries) e on true
    left join lateral (
      select sum(case when v.value_date <= ${at.valuedOn}::date then v.amount_minor else -v.amount_minor end) as shift
      from general_ledger.value_shift v
      where v.account_id = a.id and (v.booked_on <= ${at.valuedOn}::date) <> (v.value_date <= ${at.valuedOn}::date)
    ) s on ${at.valuedOn}::date is not null
    where ${at.tenant}::text is null or a.tenant = ${at.tenant}
    order by u.at`;
}

export type RecalculatedAccount = {
  readonly accountId: string;
  readonly currency: string;
  readonly creditNormal: boolean;
  readonly previousBalance: bigint;
  readonly balance: bigint;
  readonly previousHeld: bigint;
  readonly held: bigint;
  readonly changed: boolean;
};

/** Sets what is stored on the accounts right, where it is wrong. Locks them in id order until the end of the transaction. */
export async function recalculateAccounts(tx: Tx, ids: readonly string[]): Promise<RecalculatedAccount[]> {
  return await tx.sql<RecalculatedAccount>`
    select r.account_id as "accountId", a.currency, a.credit_normal as "creditNormal", r.previous_balance as "previousBalance", r.balance,
           r.previous_held as "previousHeld", r.held, r.changed
    from general_ledger.recalculate_accounts(${ids}::uuid[]) r
    join general_ledger.account a on a.id = r.account_id`;
}

/** Which of the accounts exist for the tenant. */
export async function findKnownIds(tx: Tx, ids: readonly string[], tenant: string | null): Promise<string[]> {
  const rows = await tx.sql<{ id: string }>`
    select a.id from general_ledger.account a where a.id = any(${ids}::uuid[]) and (${tenant}::text is null or a.tenant = ${tenant})`;
  return rows.map(({ id }) => id);
}

/** The next accounts in id order. */
export async function nextIds(tx: Tx, after: string | null, limit: number, tenant: string | null): Promise<string[]> {
  const rows = await tx.sql<{ id: string }>`
    select p.account_id as id
    from general_ledger.account_profile p
    where p.account_id > coalesce(${after}::uuid, '00000000-0000-0000-0000-000000000000') and (${tenant}::text is null or p.tenant = ${tenant})
    order by p.account_id
    limit ${limit}`;
  return rows.map(({ id }) => id);
}
