// Walks along accounts. Each account gives streams in order: its entries, and its lines that are not booked. They are merged by place.

import type { Tx } from "#platform/db.ts";
import { cutDrafts, cutEntries, type EntryBounds, findBounds, readEdges, SHARE_MIN } from "./account-bounds.store.ts";
import { KINDS, readStreams } from "./account-streams.store.ts";
import { type Clearing, passEntries } from "./entry-pass.ts";
import type { ListView } from "./list-view.store.ts";
import type { Place } from "./place.ts";
import type { Filter } from "./statement.ts";
import { type Look, mergeStreams, type Range } from "./walk.ts";

/** Of many streams each gives little to a page: so much is read of each at first, and more where it was not enough. */
const FIRST_MIN = 8;
const FIRST_SHARES = 3;
const GROWTH = 4;

/** Looks along the accounts' streams. */
export function lookAlongAccounts(tx: Tx, view: ListView, entries: readonly EntryBounds[], range: Range, filter: Filter): Look {
  let most: number | null = null;
  let clearing: Clearing | null = null;
  // What the first look did not find, few rows are: all that is left is likely to be looked at.
  let isThorough = false;
  return async (after, wanted, effort, skip) => {
    if (entries.length === 0) return { found: [], through: null };
    if (skip > 0 && entries.length === 1) {
      const { stretch, clearing: found } = await passEntries(
        tx,
        { view, entries, range, filter, after, limit: wanted },
        effort,
        skip,
        clearing,
      );
      clearing = found;
      if (stretch !== null) return stretch;
    }
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
    const rows = await readStreams(tx, { view, range, after, limit, filter, entries, bounds: cut, isThorough }, "all");
    isThorough = true;
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
