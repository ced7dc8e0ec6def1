// SQL of walks along accounts. Each account gives three streams in order: its entries, and the drafted lines that debit and that credit
// it, where they are not booked. Every stream is read lazily along an index, within bounds that were found by binary search.

import type { Tx } from "#platform/db.ts";
import { andAll } from "./conditions.store.ts";
import { type ListView, rowsOf } from "./list-view.store.ts";
import { FIRST_SLOT, type Found, LAST_SLOT, type Place } from "./place.ts";
import { type Filter, Values } from "./statement.ts";
import { type Look, mergeStreams, type Range } from "./walk.ts";

/** What of each account lies within the dates: entries by number, both included. */
export type EntryBounds = { readonly accountId: string; readonly first: bigint; readonly last: bigint };

/** The entries of each account that were booked from one instant on and before another; null: no bound. */
export async function findEntryBounds(
  tx: Tx,
  accountIds: readonly string[],
  from: Date | null,
  before: Date | null,
): Promise<EntryBounds[]> {
  return await tx.sql<EntryBounds>`
    select a.id as "accountId", case when ${from}::timestamptz is null then 1 else general_ledger.count_entries_before(a.id, ${from}) + 1 end as first,
           general_ledger.count_entries_before(a.id, ${before}) as last
    from unnest(${accountIds}::uuid[]) a(id)`;
}

/** Lines of payments that are no drafts and that have not booked this line, dated within the bounds; null when there are more than a few. */
export async function countUnbooked(tx: Tx, accountIds: readonly string[], from: Date | null, before: Date | null): Promise<number | null> {
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

/** Where one look begins and ends on each account: numbers of entries, and batches of drafted lines, all included. */
type Bounds = { id: string; low: bigint; high: bigint; draftLow: bigint; draftHigh: bigint };

/** Looks along the accounts' streams. */
export function lookAlongAccounts(tx: Tx, view: ListView, entries: readonly EntryBounds[], range: Range, filter: Filter): Look {
  return async (after, limit, effort) => {
    if (entries.length === 0) return { found: [], through: null };
    const { newestFirst } = range;
    const share = Math.max(SHARE_MIN, Math.ceil(effort / entries.length));
    const whole = await findBounds(tx, entries, range, after);
    const cut = await cutDrafts(
      tx,
      whole.map((bounds) => cutEntries(bounds, newestFirst, share)),
      newestFirst,
      share,
    );
    const rows = await readStreams(tx, { view, range, after, limit, filter, bounds: cut });
    const streams = cut.flatMap((bounds, index) => {
      const uncut = whole[index] ?? bounds;
      const allEntries = bounds.low === uncut.low && bounds.high === uncut.high;
      const allDrafts = bounds.draftLow === uncut.draftLow && bounds.draftHigh === uncut.draftHigh;
      return [allEntries, allDrafts, allDrafts].map((isAll, kind) => ({ index, kind, isAll, found: rows.get(3 * index + kind) ?? [] }));
    });
    const needsEdges = streams.some(({ isAll, found }) => !isAll && found.length < limit);
    const edges = needsEdges ? await readEdges(tx, cut, newestFirst) : [];
    const throughOf = ({ index, kind, isAll, found }: (typeof streams)[number]): Place | null => {
      if (found.length === limit) return found.at(-1) ?? null;
      return isAll ? null : ((kind === 0 ? edges[index]?.entry : edges[index]?.draft) ?? null);
    };
    return mergeStreams(
      streams.map((stream) => ({ rows: stream.found, through: throughOf(stream) })),
      newestFirst,
    );
  };
}

/** A payment has at most fifty entries on one account: a look must get past them. */
const SHARE_MIN = 64;

async function findBounds(tx: Tx, entries: readonly EntryBounds[], range: Range, after: Place | null): Promise<Bounds[]> {
  const { newestFirst } = range;
  // Both ends as sequences; the one where the walk stands may still hold slots that were met.
  const at = after?.sequence;
  const from = !newestFirst && at !== undefined && at > range.from ? at : range.from;
  const through = newestFirst && at !== undefined && at < range.through ? at : range.through;
  return await tx.sql<Bounds>`
    select a.id,
           greatest(a.first, case when ${from <= 1n} then 1 else general_ledger.count_entries_through(a.id, ${from - 1n}) + 1 end) as low,
           least(a.last, general_ledger.count_entries_through(a.id, ${through})) as high,
           case when d.id is null or ${from <= 1n} then 1 else general_ledger.last_draft_through(a.id, ${from}) end as "draftLow",
           case when d.id is null then 0 else general_ledger.last_draft_through(a.id, ${through}) end as "draftHigh"
    from unnest(${entries.map(({ accountId }) => accountId)}::uuid[], ${entries.map(({ first }) => first)}::bigint[],
                ${entries.map(({ last }) => last)}::bigint[]) with ordinality a(id, first, last, place)
    left join lateral (
      select a.id where exists (select from general_ledger.payment_line l where l.debit_account_id = a.id and l.drafted_in is not null)
        or exists (select from general_ledger.payment_line l where l.credit_account_id = a.id and l.drafted_in is not null)) d on true
    order by a.place`;
}

function cutEntries(bounds: Bounds, newestFirst: boolean, share: number): Bounds {
  const size = BigInt(share);
  if (bounds.high - bounds.low < size) return bounds;
  return newestFirst ? { ...bounds, low: bounds.high - size + 1n } : { ...bounds, high: bounds.low + size - 1n };
}

/** Drafted lines have no numbers to count by: the batch in which so many of them are reached ends the look. */
async function cutDrafts(tx: Tx, bounds: readonly Bounds[], newestFirst: boolean, share: number): Promise<Bounds[]> {
  if (!bounds.some(hasDraftsIn)) return [...bounds];
  const direction = newestFirst ? "desc" : "asc";
  const nearest = newestFirst ? "greatest" : "least";
  const values = new Values();
  const rows = await tx.query<{ cut: bigint | null }>(
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

function hasDraftsIn({ draftLow, draftHigh }: Bounds): boolean {
  return draftHigh > 0n && draftLow <= draftHigh;
}

type Reading = {
  readonly view: ListView;
  readonly range: Range;
  readonly after: Place | null;
  readonly limit: number;
  readonly filter: Filter;
  readonly bounds: readonly Bounds[];
};

/** What each stream gives, by its number: three times the account's place, plus 0 for entries, 1 for debiting and 2 for crediting lines. */
async function readStreams(tx: Tx, { view, range, after, limit, filter, bounds }: Reading): Promise<Map<number, Found[]>> {
  const { newestFirst } = range;
  const direction = newestFirst ? "desc" : "asc";
  const values = new Values();
  const ids = values.bind(bounds.map(({ id }) => id));
  const numbers = (pick: (each: Bounds) => bigint): string => `${values.bind(bounds.map(pick))}::bigint[]`;
  const [low, high] = [numbers((each) => each.low), numbers((each) => each.high)];
  const [head, from, through, most] = [values.bind(range.head), values.bind(range.from), values.bind(range.through), values.bind(limit)];
  const behind = after === null ? null : `${newestFirst ? "<" : ">"} (${values.bind(after.sequence)}, ${values.bind(after.slot)})`;
  const filters = filter(values);
  const within = (sequence: string): string =>
    andAll([`${sequence} between ${from} and ${through}`, ...(behind === null ? [] : [`(${sequence}, m.slot) ${behind}`]), ...filters]);

  const draftsOn = (side: 0 | 1, account: string): string => `
    select 3 * (a.n - 1) + ${1 + side} as stream, f.*
    from unnest(${ids}::uuid[], ${numbers((each) => each.draftLow)}, ${numbers((each) => each.draftHigh)}) with ordinality a(id, low, high, n)
    cross join lateral (
      select m.created_sequence as sequence, m.slot, m.payment_id as "paymentId"
      from general_ledger.payment_line l
      cross join ${rowsOf(view, view.ofLine(side))}
      where l.${account} = a.id and l.drafted_in between a.low and a.high
        and (${view.standsAtDraft(`${ids}::uuid[]`, head)})${within("m.created_sequence")}
      order by l.drafted_in ${direction}, m.created_sequence ${direction}, m.slot ${direction}
      limit ${most}) f`;
  const hasDrafts = bounds.some(hasDraftsIn);
  const rows = await tx.query<Found & { stream: bigint }>(
    `select 3 * (a.n - 1) as stream, f.*
     from unnest(${ids}::uuid[], ${low}, ${high}) with ordinality a(id, low, high, n)
     cross join lateral (
       select m.sequence, m.slot, m.payment_id as "paymentId"
       from general_ledger.entry e
       cross join ${rowsOf(view, view.ofEntry)}
       where e.account_id = a.id and e.account_seq between a.low and a.high
         and (m.is_one_step or m.sequence <= ${head})${within("m.sequence")}
       order by e.account_seq ${direction}
       limit ${most}) f
     ${hasDrafts ? `union all ${draftsOn(0, "debit_account_id")} union all ${draftsOn(1, "credit_account_id")}` : ""}`,
    values.list,
  );
  return Map.groupBy(rows, ({ stream }) => Number(stream));
}

type Edges = { readonly entry: Place | null; readonly draft: Place | null };

/** The far ends of what was looked at, as places. */
async function readEdges(tx: Tx, bounds: readonly Bounds[], newestFirst: boolean): Promise<Edges[]> {
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
