// A look along one account that leaves rows out: on the way to a page by number. Between two lines that are not booked there are entries
// alone, mostly thousands of them; these are counted where they are and need not be merged with anything.

import type { Tx } from "#platform/db.ts";
import { type Bounds, cutDrafts, cutEntries, findBounds, findEntryNumber, readEdges, SHARE_MIN } from "./account-bounds.store.ts";
import { type Reading, readEntries, readStreams } from "./account-streams.store.ts";
import { comparePlaces, LAST_SLOT, type Place } from "./place.ts";
import type { Stretch } from "./walk.ts";

/** For fewer entries the streams are merged as ever. */
const WORTHWHILE = 256n;

/** From `from` on up to `at` (null: to the end) nothing stands that is not booked. A walk remembers it from look to look. */
export type Clearing = { readonly from: Place | null; readonly at: Place | null };

/** A look, and what the next one need not find again. */
export type Passed = { readonly stretch: Stretch | null; readonly clearing: Clearing | null };

/** Passes entries up to the next line that is not booked, leaving out the first `skip`. No stretch: there are too few of them. */
export async function passEntries(
  tx: Tx,
  asked: Omit<Reading, "bounds" | "isThorough">,
  effort: number,
  skip: number,
  known: Clearing | null,
): Promise<Passed> {
  const { view, entries, range, after } = asked;
  const { newestFirst } = range;
  const share = Math.max(SHARE_MIN, effort);
  const [whole] = await findBounds(tx, view, entries, range, after);
  if (whole === undefined) return { stretch: null, clearing: null };
  const cut = cutEntries(whole, newestFirst, share);
  const clearing =
    known !== null && holds(known, after, newestFirst) ? known : { from: after, at: await nextUnbooked(tx, asked, whole, share) };
  const bounds = clearing.at === null ? cut : await endBefore(tx, cut, clearing.at, newestFirst);
  if (bounds.high - bounds.low + 1n < WORTHWHILE) return { stretch: null, clearing };
  return { stretch: await passWithin(tx, asked, { whole, cut, bounds }, clearing.at, skip), clearing };
}

/** Whether it was found out for a place like that one: the same walk may begin anew to count. */
function holds({ from, at }: Clearing, after: Place | null, newestFirst: boolean): boolean {
  if (after === null) return from === null;
  return (from === null || comparePlaces(after, from, newestFirst) >= 0) && (at === null || comparePlaces(after, at, newestFirst) < 0);
}

/** All that is left; so many entries of it as a look costs; and those of them before the fence. */
type Cuts = { readonly whole: Bounds; readonly cut: Bounds; readonly bounds: Bounds };

async function passWithin(
  tx: Tx,
  asked: Omit<Reading, "bounds" | "isThorough">,
  { whole, cut, bounds }: Cuts,
  fence: Place | null,
  skip: number,
): Promise<Stretch> {
  const { limit } = asked;
  const { newestFirst } = asked.range;
  const { rows, skipped, last } = await readEntries(tx, { ...asked, bounds: [bounds], isThorough: true }, skip);
  const stretch = { found: rows, skipped, spent: Number(bounds.high - bounds.low + 1n) };
  if (skipped + rows.length === limit) return { ...stretch, through: rows.at(-1) ?? null };
  if (bounds.low === whole.low && bounds.high === whole.high) return { ...stretch, through: fence && justBefore(fence, newestFirst) };
  if (fence !== null && (newestFirst ? bounds.low !== cut.low : bounds.high !== cut.high)) {
    return { ...stretch, through: justBefore(fence, newestFirst) };
  }
  const [edge] = await readEdges(tx, [bounds], newestFirst);
  // A payment stands before its entries: where the last of them has given it, it was met.
  const ends = [edge?.entry ?? null, last].filter((place) => place !== null);
  return { ...stretch, through: ends.sort((a, b) => comparePlaces(a, b, newestFirst)).at(-1) ?? null };
}

/** Where the next line stands that is not booked, or up to where none does; null: none is left. */
async function nextUnbooked(tx: Tx, asked: Omit<Reading, "bounds" | "isThorough">, whole: Bounds, share: number): Promise<Place | null> {
  const { newestFirst } = asked.range;
  const [cut = whole] = await cutDrafts(tx, [whole], newestFirst, share);
  const streams = await readStreams(tx, { ...asked, bounds: [cut], limit: 1, isThorough: false }, "unbooked");
  const first = [...streams.values()].flat().sort((a, b) => comparePlaces(a, b, newestFirst))[0] ?? null;
  if (first !== null || (cut.draftLow === whole.draftLow && cut.draftHigh === whole.draftHigh)) return first;
  const [edge] = await readEdges(tx, [cut], newestFirst);
  return edge?.draft ?? null;
}

async function endBefore(tx: Tx, bounds: Bounds, fence: Place, newestFirst: boolean): Promise<Bounds> {
  const number = await findEntryNumber(tx, bounds.id, newestFirst ? fence.sequence : fence.sequence - 1n);
  if (newestFirst) return { ...bounds, low: number < bounds.low ? bounds.low : number + 1n };
  return { ...bounds, high: number > bounds.high ? bounds.high : number };
}

/** A place behind which the fence still is, and before which nothing but entries. */
function justBefore({ sequence }: Place, newestFirst: boolean): Place {
  return { sequence: newestFirst ? sequence : sequence - 1n, slot: LAST_SLOT };
}
