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
  /** Nothing has been booked since the walk began, as far as this snapshot knows. */
  readonly isCurrent: boolean;
};

/**
 * One look at a list: the first things behind `after`, and how far the look went (null: to the end). `skipped` of the first were left out as
 * asked; `spent` rows, where not all that it might.
 */
export type Stretch = {
  readonly found: readonly Found[];
  readonly through: Place | null;
  readonly skipped?: number;
  readonly spent?: number;
};

/** Looks for at most `limit` things behind `after` (null: from the beginning), at about `effort` rows. May leave out the first `skip` of them. */
export type Look = (after: Place | null, limit: number, effort: number, skip: number) => Promise<Stretch>;

export type Walked = {
  /** Without those that were skipped. */
  readonly found: readonly Found[];
  readonly skipped: number;
  /** Where to go on; null: nothing is left. */
  readonly rest: Place | null;
};

/** Rows that one look is to cost at most. */
const STRETCH = 2_500;

/** Walks behind `start` until `wanted` things are found, the first `skip` of them only counted, or `effort` rows were looked at. */
export async function walk(look: Look, start: Place | null, wanted: number, effort: number, skip = 0): Promise<Walked> {
  const found: Found[] = [];
  let skipped = 0;
  let after = start;
  for (let left = effort; left > 0; ) {
    // One more than wanted tells whether something is left.
    const stretch = await look(after, wanted + 1 - skipped - found.length, Math.min(left, STRETCH), skip - skipped);
    skipped += stretch.skipped ?? 0;
    const over = Math.min(skip - skipped, stretch.found.length);
    skipped += over;
    found.push(...stretch.found.slice(over));
    const wantedHere = wanted - skipped;
    if (found.length > wantedHere) return { found: found.slice(0, wantedHere), skipped, rest: found[wantedHere - 1] ?? start };
    if (stretch.through === null) return { found, skipped, rest: null };
    after = stretch.through;
    left -= stretch.spent ?? STRETCH;
  }
  return { found, skipped, rest: after };
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
