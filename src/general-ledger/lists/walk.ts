// Walks along a list: stretch by stretch, until enough was found, the end is reached, or enough rows were looked at. What a page costs
// is bounded that way whatever is asked for; a page may hold fewer items than it could, and still says where to go on.

import { comparePlaces, type Found, type Place } from "./place.ts";

/** What a list is read along: the ends are sequences, both included. */
export type Range = {
  readonly newestFirst: boolean;
  /** Head of the ledger when the walk began. */
  readonly head: bigint;
  readonly from: bigint;
  readonly through: bigint;
  /** Both ends are those of the ledger: nothing is left out. */
  readonly isWhole: boolean;
};

/** One look at a list: the first things behind `after`, and how far the look went (null: to the end); `spent` rows, where more than asked for. */
export type Stretch = { readonly found: readonly Found[]; readonly through: Place | null; readonly spent?: number };

/** Looks for at most `limit` things behind `after` (null: from the beginning), at about `effort` rows. */
export type Look = (after: Place | null, limit: number, effort: number) => Promise<Stretch>;

export type Walked = {
  readonly found: readonly Found[];
  /** Where to go on; null: nothing is left. */
  readonly rest: Place | null;
};

/** Rows that one look is to cost at most. */
const STRETCH = 2_500;

/** Walks behind `start` until `wanted` things are found or `effort` rows were looked at. */
export async function walk(look: Look, start: Place | null, wanted: number, effort: number): Promise<Walked> {
  const found: Found[] = [];
  let after = start;
  for (let left = effort; left > 0; ) {
    // One more than wanted tells whether something is left.
    const stretch = await look(after, wanted + 1 - found.length, Math.min(left, STRETCH));
    found.push(...stretch.found);
    if (found.length > wanted) return { found: found.slice(0, wanted), rest: found[wanted - 1] ?? start };
    if (stretch.through === null) return { found, rest: null };
    after = stretch.through;
    left -= Math.max(STRETCH, stretch.spent ?? 0);
  }
  return { found, rest: after };
}

/** One of several streams that together make a list: its rows in order, and how far it was read; null: to its end. */
export type Stream = { readonly rows: readonly Found[]; readonly through: Place | null };

/** Brings streams together. Behind the shortest of the stretches that were read something may be missing: that is left for the next look. */
export function mergeStreams(streams: readonly Stream[], newestFirst: boolean): Stretch {
  const order = (a: Place, b: Place): number => comparePlaces(a, b, newestFirst);
  let through: Place | null = null;
  for (const stream of streams) if (stream.through && (through === null || order(stream.through, through) < 0)) through = stream.through;
  const limit = through;
  const known = new Set<string>();
  const found = streams
    .flatMap(({ rows }) => rows)
    .filter((row) => limit === null || order(row, limit) <= 0)
    .sort(order)
    // A payment that two accounts share stands in both of their streams.
    .filter((row) => {
      const name = `${row.paymentId} ${row.slot}`;
      return !known.has(name) && known.add(name);
    });
  return { found, through };
}
