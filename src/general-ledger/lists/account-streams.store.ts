// SQL of the streams that an account gives: its entries, and the drafted lines that debit and that credit it, where they are not booked.
// Every stream is read lazily along an index, within bounds that were found by binary search.

import type { Tx } from "#platform/db.ts";
import type { Bounds, EntryBounds } from "./account-bounds.store.ts";
import { andAll, isPlain } from "./conditions.store.ts";
import { type ListView, postedAt, rowsOf } from "./list-view.store.ts";
import type { Found, Place } from "./place.ts";
import { readSkipping, type Skipped } from "./skip.store.ts";
import { type Filter, Values } from "./statement.ts";
import type { Range } from "./walk.ts";

export type Reading = {
  readonly view: ListView;
  readonly range: Range;
  readonly after: Place | null;
  readonly limit: number;
  readonly filter: Filter;
  readonly entries: readonly EntryBounds[];
  readonly bounds: readonly Bounds[];
  /** Most of the entries within the bounds will have to be looked at. */
  readonly isThorough: boolean;
};

/** Which streams are read: all, or those of lines that are not booked. */
export type Kinds = "all" | "unbooked";

/** Streams of an account: entries; drafted lines that debit, and that credit it; released ones, in the same way. */
export const KINDS = 5;

/** What each stream gives, by its number: that of the account times the kinds, plus the kind. */
export async function readStreams(tx: Tx, reading: Reading, kinds: Kinds): Promise<Map<number, Found[]>> {
  const values = new Values();
  const common = bindCommon(reading, values);
  const hasDrafts = reading.entries.some((each) => each.hasDrafts);
  const texts = [
    ...(kinds === "all" ? [entriesOf(reading, values, common)] : []),
    ...(hasDrafts ? unbookedOf(reading, values, common) : []),
  ];
  if (texts.length === 0) return new Map();
  // A further look is one of several that are alike.
  const run = common.isPlain || reading.isThorough ? tx.prepared : tx.query;
  const rows = await run<Found & { stream: bigint }>(texts.join(" union all "), values.list);
  return Map.groupBy(rows, ({ stream }) => Number(stream));
}

/** The entries of one account alone, without the first of them; and how many were left out. */
export async function readEntries(tx: Tx, reading: Reading, skip: number): Promise<Skipped> {
  const values = new Values();
  const common = bindCommon(reading, values);
  return await readSkipping(tx, foundEntries(reading, values, common), values, {
    skip,
    isPlain: common.isPlain || reading.isThorough,
    columns: `${postedAt('r."paymentId"')} as sequence, r.slot, r."paymentId"`,
  });
}

/** Placeholders that all streams share. */
type Common = { readonly ids: string; readonly most: string; readonly filters: string; readonly isPlain: boolean };

function bindCommon({ bounds, limit, filter }: Reading, values: Values): Common {
  const ids = values.bind(bounds.map(({ id }) => id));
  const most = values.bind(limit);
  const pieces = filter(values);
  return { ids, most, filters: andAll(pieces), isPlain: isPlain(pieces) };
}

/** Only of entries that are found it is looked up where they stand. */
function entriesOf(reading: Reading, values: Values, common: Common): string {
  return `select ${KINDS} * (f.n - 1) as stream, ${postedAt('f."paymentId"')} as sequence, f.slot, f."paymentId"
          from (${foundEntries(reading, values, common)}) f`;
}

const WITHIN =
  "array(select e.payment_id from general_ledger.entry e where e.account_id = a.id and e.account_seq between a.low and a.high)";

function foundEntries(
  { view, range, bounds, isThorough }: Reading,
  values: Values,
  { ids, most, filters, isPlain: isUnfiltered }: Common,
): string {
  const numbers = (pick: (each: Bounds) => bigint): string => `${values.bind(bounds.map(pick))}::bigint[]`;
  const isKnown = bounds.every((each) => each.known >= each.high);
  return `
    select f.*, a.n
    from unnest(${ids}::uuid[], ${numbers((each) => each.low)}, ${numbers((each) => each.high)}, ${numbers((each) => each.known)})
      with ordinality a(id, low, high, known, n)
    cross join lateral (
      select m.slot, m.payment_id as "paymentId"
      from ${isUnfiltered || !isThorough ? view.entries : view.entriesAmong(WITHIN)} m
      where m.account_id = a.id and m.account_seq between a.low and a.high
        ${isKnown ? "" : "and (m.account_seq <= a.known or m.is_one_step)"}${filters}
      order by m.account_seq ${range.newestFirst ? "desc" : "asc"}
      limit ${most}) f`;
}

function unbookedOf({ view, range, after, bounds }: Reading, values: Values, { ids, most, filters }: Common): string[] {
  const { newestFirst } = range;
  const direction = newestFirst ? "desc" : "asc";
  const numbers = (pick: (each: Bounds) => bigint): string => `${values.bind(bounds.map(pick))}::bigint[]`;
  const head = values.bind(range.head);
  const behind = after === null ? "" : `${newestFirst ? "<" : ">"} (${values.bind(after.sequence)}, ${values.bind(after.slot)})`;
  const standsBehind = (sequence: string): string => (behind === "" ? filters : ` and (${sequence}, m.slot) ${behind}${filters}`);

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
  return both.flatMap(([side, account]) => [drafts(side, account), ...released(side, account)]);
}
