// SQL of the entries of one account in another order than the ledger's. All of them are looked at and put in order where they are, by what
// the entries say themselves where that is enough; only a page of them leaves the database.

import type { Tx } from "#platform/db.ts";
import { andAll } from "../lists/conditions.store.ts";
import { postedAt, TRANSACTIONS } from "../lists/list-view.store.ts";
import type { Found } from "../lists/place.ts";
import { type Filter, Values } from "../lists/statement.ts";
import type { SortBy } from "./sort-key.ts";

/** The entries by number, both included. */
export type Stretch = { readonly accountId: string; readonly first: bigint; readonly last: bigint };

/** What a page stands behind: that value and, of the entries that have it, those up to a number (newest first: down to it). */
export type Behind = { readonly value: unknown; readonly number: bigint };

export type SortedRequest = {
  readonly sortBy: SortBy;
  readonly newestFirst: boolean;
  readonly behind: Behind | null;
  readonly skip: number;
  readonly limit: number;
  /** More than this are not put in order. */
  readonly most: number;
};

/** All of the entries that match have a value. */
const COLUMNS: Readonly<Record<SortBy, { readonly text: string; readonly type: string }>> = {
  amount: { text: "m.amount_minor", type: "bigint" },
  valueDate: { text: "m.value_date", type: "date" },
  createdAt: { text: "date_trunc('milliseconds', m.created_at)", type: "timestamptz" },
  postedAt: { text: "date_trunc('milliseconds', m.posted_at)", type: "timestamptz" },
};

/** One page; and how many match, up to one more than `most`. */
export async function readSortedEntries(
  tx: Tx,
  { accountId, first, last }: Stretch,
  filter: Filter,
  { sortBy, newestFirst, behind, skip, limit, most }: SortedRequest,
): Promise<{ readonly found: Found[]; readonly total: number }> {
  const values = new Values();
  const { text, type } = COLUMNS[sortBy];
  const [direction, before] = newestFirst ? ["desc", "<"] : ["asc", ">"];
  const isBehind = (value: string, number: string): string =>
    `where r.value ${before} ${value}::${type} or r.value = ${value}::${type} and r.account_seq ${before} ${number}::bigint`;
  const rows = await tx.query<{ paymentId: string | null; slot: number; sequence: bigint; total: bigint }>(
    `with matching as materialized (
       select m.account_seq, m.slot, m.payment_id, ${text} as value
       from ${TRANSACTIONS.entries} m
       where m.account_id = ${values.bind(accountId)} and m.account_seq between ${values.bind(first)} and ${values.bind(last)}${andAll(filter(values))}
       limit ${values.bind(most + 1)})
     select r.payment_id as "paymentId", r.slot, ${postedAt("r.payment_id")} as sequence, t.total
     from (select count(*) as total from matching) t
     left join lateral (
       select r.payment_id, r.slot from matching r
       ${behind === null ? "" : isBehind(values.bind(behind.value), values.bind(behind.number))}
       order by r.value ${direction}, r.account_seq ${direction}
       offset ${values.bind(skip)} limit ${values.bind(limit)}) r on true`,
    values.list,
  );
  const found = rows.flatMap(({ paymentId, slot, sequence }) => (paymentId === null ? [] : [{ paymentId, slot, sequence }]));
  return { found, total: Number(rows[0]?.total ?? 0n) };
}
