// SQL that finds where a walk along accounts begins and ends: by numbers of entries, and by batches of drafted lines.

import type { Tx } from "#platform/db.ts";
import { FIRST_SLOT, LAST_SLOT, type Place } from "./place.ts";
import { type ListView } from "./list-view.store.ts";
import { Values } from "./statement.ts";
import type { Range } from "./walk.ts";

/** What of each account lies within the dates: entries by number, both included; and whether lines of it were ever drafted. */
export type EntryBounds = { readonly accountId: string; readonly first: bigint; readonly last: bigint; readonly hasDrafts: boolean };

/** The entries of each account that were booked from one instant on and before another; null: no bound. */
export async function findEntryBounds(
  tx: Tx,
  accountIds: readonly string[],
  from: Date | null,
  before: Date | null,
): Promise<EntryBounds[]> {
  return await tx.sql<EntryBounds>`
    select a.id as "accountId", case when ${from}::timestamptz is null then 1 else general_ledger.count_entries_before(a.id, ${from}) + 1 end as first,
           general_ledger.count_entries_before(a.id, ${before}) as last,
           exists (select from general_ledger.payment_line l where l.debit_account_id = a.id and l.drafted_in is not null)
             or exists (select from general_ledger.payment_line l where l.credit_account_id = a.id and l.drafted_in is not null) as "hasDrafts"
    from unnest(${accountIds}::uuid[]) a(id)`;
}

/** Lines of payments that are no drafts and that have not booked this line, dated within the bounds; null when there are more than a few. */
export async function countUnbooked(
  tx: Tx,
  entries: readonly EntryBounds[],
  from: Date | null,
  before: Date | null,
): Promise<number | null> {
  const accountIds = entries.flatMap(({ accountId, hasDrafts }) => (hasDrafts ? [accountId] : []));
  if (accountIds.length === 0) return 0;
  const rows = await tx.sql<{ count: bigint; isWhole: boolean }>`
    select count(*) filter (where p.state <> 'draft' and p.created_at >= coalesce(${from}::timestamptz, '-infinity')
             and p.created_at < coalesce(${before}::timestamptz, 'infinity')) as count,
           count(*) <= ${UNBOOKED_MAX} as "isWhole"
    from (
      select l.payment_id from unnest(${accountIds}::uuid[]) a(id)
      cross join lateral (
        select l.payment_id from general_ledger.payment_line l
        where l.debit_account_id = a.id and l.drafted_in is not null and l.debit_seq is null limit ${UNBOOKED_MAX + 1}) l
      union all
      select l.payment_id from unnest(${accountIds}::uuid[]) a(id)
      cross join lateral (
        select l.payment_id from general_ledger.payment_line l
        where l.credit_account_id = a.id and l.drafted_in is not null and l.debit_seq is null limit ${UNBOOKED_MAX + 1}) l
      limit ${UNBOOKED_MAX + 1}) l
    join general_ledger.payment p on p.id = l.payment_id`;
  const row = rows[0];
  return row?.isWhole === true ? Number(row.count) : null;
}

const UNBOOKED_MAX = 1_000;

/**
 * Where one look begins and ends on each account: numbers of entries, and batches of drafted lines, all included. `known`: the last entry that
 * was there when the walk began.
 */
export type Bounds = { id: string; low: bigint; high: bigint; known: bigint; draftLow: bigint; draftHigh: bigint };

/** A payment has at most fifty entries on one account: a look must get past them. */
export const SHARE_MIN = 64;
const LAST_BATCH = 2n ** 63n - 1n;

/** Where a look behind that place begins and ends. */
export async function findBounds(
  tx: Tx,
  view: ListView,
  entries: readonly EntryBounds[],
  range: Range,
  after: Place | null,
): Promise<Bounds[]> {
  const { newestFirst, head } = range;
  // The first page of all there is: there is no place to be found.
  if (after === null && range.isWhole) {
    return entries.map(({ accountId, first, last, hasDrafts }) => {
      return { id: accountId, low: first, high: last, known: last, draftLow: 1n, draftHigh: hasDrafts ? LAST_BATCH : 0n };
    });
  }
  // Both ends as sequences; what was met of the payment where the walk stands is left out by its entries' numbers.
  const at = after?.sequence;
  const from = !newestFirst && at !== undefined && at > range.from ? at : range.from;
  const through = newestFirst && at !== undefined && at < range.through ? at : range.through;
  const isKnown = range.isCurrent || through <= head;
  const values = new Values();
  const [first, last] = [values.bind(from - 1n), values.bind(through)];
  const [low, high] = [
    `greatest(a.first, case when ${first}::bigint < 1 then 1 else general_ledger.count_entries_through(a.id, ${first}) + 1 end)`,
    `least(a.last, general_ledger.count_entries_through(a.id, ${last}))`,
  ];
  const met = after === null ? null : metEntries(view, after, newestFirst, values);
  return await tx.prepared<Bounds>(
    `${met === null ? "" : `with stand as materialized (${met.stand})`}
     select a.id, ${met === null || newestFirst ? low : `greatest(${low}, (${met.last}) + 1)`} as low,
            ${met === null || !newestFirst ? high : `least(${high}, (${met.first}) - 1)`} as high,
            ${isKnown ? "a.last" : `case when a.drafts then general_ledger.count_entries_through(a.id, ${values.bind(head)}) else a.last end`} as known,
            case when not a.drafts or ${first} < 1 then 1 else general_ledger.last_draft_through(a.id, ${first} + 1) end as "draftLow",
            case when not a.drafts then 0 else general_ledger.last_draft_through(a.id, ${last}) end as "draftHigh"
     from unnest(${values.bind(entries.map(({ accountId }) => accountId))}::uuid[], ${values.bind(entries.map((each) => each.first))}::bigint[],
                 ${values.bind(entries.map((each) => each.last))}::bigint[], ${values.bind(entries.map(({ hasDrafts }) => hasDrafts))}::boolean[])
       with ordinality a(id, first, last, drafts, place)
     order by a.place`,
    values.list,
  );
}

/** SQL of the payment that was posted where the walk stands, and of the numbers of its entries on account `a` around the place. */
function metEntries(view: ListView, { sequence, slot }: Place, newestFirst: boolean, values: Values) {
  const [at, place] = [values.bind(sequence), values.bind(slot)];
  const seqs = ([0, 1] as const).map((side) => {
    const account = side === 0 ? "debit" : "credit";
    return `select l.${account}_seq as seq from stand s join general_ledger.payment_line l on l.payment_id = s.id
            where l.${account}_account_id = a.id and ${view.slotOf("l.line_no", side)} ${newestFirst ? ">=" : "<="} ${place}`;
  });
  const entries = seqs.join(" union all ");
  return {
    stand: `
      select p.id
      from (select * from general_ledger.journal j where j.first_sequence <= ${at} order by j.first_sequence desc limit 1) j
      join general_ledger.payment p on p.id = j.subjects[least(${at} - j.first_sequence + 1, 2147483647)::integer]
        and p.batch_id = j.batch_id and p.place = ${at} - j.first_sequence and p.state = 'posted'`,
    first: `select min(l.seq) from (${entries}) l`,
    last: `select max(l.seq) from (${entries}) l`,
  };
}

/** The last entry of the account at that sequence or before it; 0: none is. */
export async function findEntryNumber(tx: Tx, accountId: string, sequence: bigint): Promise<bigint> {
  const rows = await tx.sql<{ number: bigint }>`select general_ledger.count_entries_through(${accountId}, ${sequence}) as number`;
  return rows[0]?.number ?? 0n;
}

/** So many entries at most. */
export function cutEntries(bounds: Bounds, newestFirst: boolean, share: number): Bounds {
  const size = BigInt(share);
  if (bounds.high - bounds.low < size) return bounds;
  return newestFirst ? { ...bounds, low: bounds.high - size + 1n } : { ...bounds, high: bounds.low + size - 1n };
}

/** Drafted lines have no numbers to count by: the batch in which so many of them are reached ends the look. */
export async function cutDrafts(tx: Tx, bounds: readonly Bounds[], newestFirst: boolean, share: number): Promise<Bounds[]> {
  if (!bounds.some(({ draftLow, draftHigh }) => draftHigh > 0n && draftLow <= draftHigh)) return [...bounds];
  const direction = newestFirst ? "desc" : "asc";
  const nearest = newestFirst ? "greatest" : "least";
  const values = new Values();
  const rows = await tx.prepared<{ cut: bigint | null }>(
    `select ${nearest}(
       (select l.drafted_in from general_ledger.payment_line l
        where l.debit_account_id = a.id and l.drafted_in between a.low and a.high order by l.drafted_in ${direction} offset ${values.bind(share)}::bigint limit 1),
       (select l.drafted_in from general_ledger.payment_line l
        where l.credit_account_id = a.id and l.drafted_in between a.low and a.high order by l.drafted_in ${direction} offset $1 limit 1)) as cut
     from unnest(${values.bind(bounds.map(({ id }) => id))}::uuid[], ${values.bind(bounds.map(({ draftLow }) => draftLow))}::bigint[],
                 ${values.bind(bounds.map(({ draftHigh }) => draftHigh))}::bigint[]) with ordinality a(id, low, high, place)
     order by a.place`,
    values.list,
  );
  return bounds.map((each, index) => {
    const cut = rows[index]?.cut ?? null;
    if (cut === null) return each;
    return newestFirst ? { ...each, draftLow: cut } : { ...each, draftHigh: cut };
  });
}

export type Edges = { readonly entry: Place | null; readonly draft: Place | null };

/** The far ends of what was looked at, as places. */
export async function readEdges(tx: Tx, bounds: readonly Bounds[], newestFirst: boolean): Promise<Edges[]> {
  const rows = await tx.sql<{ sequence: bigint | null; slot: number | null; draftFirst: bigint | null; draftLast: bigint | null }>`
    select m.sequence, m.slot, j.first_sequence as "draftFirst", j.first_sequence + j.size - 1 as "draftLast"
    from unnest(${bounds.map(({ id }) => id)}::uuid[], ${bounds.map((each) => (newestFirst ? each.low : each.high))}::bigint[],
                ${bounds.map((each) => (newestFirst ? each.draftLow : each.draftHigh))}::bigint[]) with ordinality a(id, number, batch, place)
    left join lateral (
      select m.sequence, m.slot from general_ledger.entry e
      cross join lateral (
        select m.sequence, m.slot from general_ledger.movement m
        where m.payment_id = e.payment_id and m.line_no = e.line_no and m.side = case when e.amount_minor < 0 then 0 else 1 end offset 0) m
      where e.account_id = a.id and e.account_seq = a.number limit 1) m on true
    left join general_ledger.journal j on j.batch_id = a.batch
    order by a.place`;
  return rows.map(({ sequence, slot, draftFirst, draftLast }) => {
    const draft = newestFirst ? draftFirst : draftLast;
    return {
      entry: sequence === null || slot === null ? null : { sequence, slot },
      draft: draft === null ? null : { sequence: draft, slot: newestFirst ? FIRST_SLOT : LAST_SLOT },
    };
  });
}
