// SQL of walks along accounts. Each account gives three streams in order: its entries, and the drafted lines that debit and that credit
// it, where they are not booked. Every stream is read lazily along an index, within bounds that were found by binary search.

import type { Tx } from "#platform/db.ts";
import { type Bounds, cutDrafts, cutEntries, type EntryBounds, findBounds, readEdges, SHARE_MIN } from "./account-bounds.store.ts";
import { andAll } from "./conditions.store.ts";
import { type ListView, postedAt, rowsOf } from "./list-view.store.ts";
import { type Found, type Place } from "./place.ts";
import { type Filter, Values } from "./statement.ts";
import { type Look, mergeStreams, type Range } from "./walk.ts";

/** Of many streams each gives little to a page: so much is read of each at first, and more where it was not enough. */
const FIRST_MIN = 8;
const FIRST_SHARES = 3;
const GROWTH = 4;

/** Looks along the accounts' streams. */
export function lookAlongAccounts(tx: Tx, view: ListView, entries: readonly EntryBounds[], range: Range, filter: Filter): Look {
  let most: number | null = null;
  return async (after, wanted, effort) => {
    if (entries.length === 0) return { found: [], through: null };
    most = most === null ? Math.max(FIRST_MIN, Math.ceil((FIRST_SHARES * wanted) / entries.length)) : GROWTH * most;
    const limit = Math.min(wanted, most);
    const { newestFirst } = range;
    const share = Math.max(SHARE_MIN, Math.ceil(effort / entries.length));
    const whole = await findBounds(tx, view, entries, range, after);
    const cut = await cutDrafts(
      tx,
      whole.map((bounds) => cutEntries(bounds, newestFirst, share)),
      newestFirst,
      share,
    );
    const rows = await readStreams(tx, { view, range, after, limit, filter, entries, bounds: cut });
    const streams = cut.flatMap((bounds, index) => {
      const uncut = whole[index] ?? bounds;
      const allEntries = bounds.low === uncut.low && bounds.high === uncut.high;
      const allDrafts = bounds.draftLow === uncut.draftLow && bounds.draftHigh === uncut.draftHigh;
      return [allEntries, allDrafts, allDrafts, true, true].map((isAll, kind) => ({
        index,
        kind,
        isAll,
        found: rows.get(KINDS * index + kind) ?? [],
      }));
    });
    const needsEdges = streams.some(({ isAll, found }) => !isAll && found.length < limit);
    const edges = needsEdges ? await readEdges(tx, cut, newestFirst) : [];
    const throughOf = ({ index, kind, isAll, found }: (typeof streams)[number]): Place | null => {
      if (found.length === limit) return found.at(-1) ?? null;
      return isAll ? null : ((kind === 0 ? edges[index]?.entry : edges[index]?.draft) ?? null);
    };
    const stretch = mergeStreams(
      streams.map((stream) => ({ rows: stream.found, through: throughOf(stream) })),
      newestFirst,
    );
    return { ...stretch, spent: share * entries.length };
  };
}

type Reading = {
  readonly view: ListView;
  readonly range: Range;
  readonly after: Place | null;
  readonly limit: number;
  readonly filter: Filter;
  readonly entries: readonly EntryBounds[];
  readonly bounds: readonly Bounds[];
};

/** Streams of an account: entries; drafted lines that debit, and that credit it; released ones, in the same way. */
const KINDS = 5;

/** What each stream gives, by its number: that of the account times the kinds, plus the kind. */
async function readStreams(tx: Tx, { view, range, after, limit, filter, entries, bounds }: Reading): Promise<Map<number, Found[]>> {
  const { newestFirst } = range;
  const direction = newestFirst ? "desc" : "asc";
  const values = new Values();
  const ids = values.bind(bounds.map(({ id }) => id));
  const numbers = (pick: (each: Bounds) => bigint): string => `${values.bind(bounds.map(pick))}::bigint[]`;
  const [low, high, known] = [numbers((each) => each.low), numbers((each) => each.high), numbers((each) => each.known)];
  const most = values.bind(limit);
  const isKnown = bounds.every((each) => each.known >= each.high);
  const hasDrafts = entries.some((each) => each.hasDrafts);
  // A statement may hold no value that it does not name.
  const head = hasDrafts ? values.bind(range.head) : "";
  const behind =
    !hasDrafts || after === null
      ? ""
      : ` and (%, m.slot) ${newestFirst ? "<" : ">"} (${values.bind(after.sequence)}, ${values.bind(after.slot)})`;
  const filters = andAll(filter(values));
  const standsBehind = (sequence: string): string => behind.replace("%", sequence) + filters;

  const linesOn = (kind: number, lines: string, account: string, leads: string, sequence: string, conditions: string): string => `
    select ${KINDS} * (a.n - 1) + ${kind} as stream, f.*
    from unnest(${ids}::uuid[], ${numbers((each) => each.draftLow)}, ${numbers((each) => each.draftHigh)}) with ordinality a(id, low, high, n)
    cross join lateral (
      select ${sequence} as sequence, m.slot, m.payment_id as "paymentId"
      from ${lines}
      cross join ${rowsOf(view, leads)}
      where l.${account} = a.id and ${conditions}
        and ${sequence} between ${values.bind(range.from)} and ${values.bind(range.through)}${standsBehind(sequence)}
      order by ${kind < 3 ? `l.drafted_in ${direction}, ` : ""}${sequence} ${direction}, m.slot ${direction}
      limit ${most}) f`;
  const drafts = (side: 0 | 1, account: string): string =>
    linesOn(
      1 + side,
      "general_ledger.payment_line l",
      account,
      view.ofLine(side),
      "m.created_sequence",
      `l.drafted_in between a.low and a.high and not (m.is_booked and m.sequence <= ${head})`,
    );
  const released = (side: 0 | 1, account: string): string[] =>
    view.ofReleased === null
      ? []
      : [
          linesOn(
            3 + side,
            `general_ledger.released_line r join general_ledger.payment_line l on l.payment_id = r.payment_id and l.line_no = r.line_no and r.account_id = a.id`,
            account,
            view.ofReleased(`${ids}::uuid[]`),
            "m.sequence",
            `l.posted_minor = 0 and m.is_booked and m.sequence <= ${head}`,
          ),
        ];
  const both = [[0, "debit_account_id"] as const, [1, "credit_account_id"] as const];
  const others = hasDrafts ? both.flatMap(([side, account]) => [drafts(side, account), ...released(side, account)]) : [];
  // Only of entries that are found it is looked up where they stand.
  const rows = await tx.query<Found & { stream: bigint }>(
    `select ${KINDS} * (a.n - 1) as stream, ${postedAt("f.payment_id")} as sequence, f.slot, f.payment_id as "paymentId"
     from unnest(${ids}::uuid[], ${low}, ${high}, ${known}) with ordinality a(id, low, high, known, n)
     cross join lateral (
       select m.slot, m.payment_id
       from ${view.entries} m
       where m.account_id = a.id and m.account_seq between a.low and a.high
         ${isKnown ? "" : "and (m.account_seq <= a.known or m.is_one_step)"}${filters}
       order by m.account_seq ${direction}
       limit ${most}) f${others.map((other) => ` union all ${other}`).join("")}`,
    values.list,
  );
  return Map.groupBy(rows, ({ stream }) => Number(stream));
}
