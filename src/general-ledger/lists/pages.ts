// Pages of walks (contract 3.5, decisions 14 and 20). A page by cursor costs a bounded look and may be short; a page by number is whole
// or refused. Rows are counted where it costs little, or up to a bound when asked.

import { type PageRequest, readPage, writeCursor } from "#platform/page.ts";
import { refusePlatform } from "#platform/problem.ts";
import type { Tx } from "#platform/db.ts";
import type { DateBounds } from "#platform/date-bounds.ts";
import { countChangesBefore, lastChangeDatedBefore, beginList } from "./journal-walk.store.ts";
import { type Found, placeText, readPlace } from "./place.ts";
import { type Look, type Range, walk } from "./walk.ts";

export type ListRequest = PageRequest & { readonly sortDirection: "asc" | "desc"; readonly includeTotalCount?: boolean };

/** What is looked along. */
export type ListSource = {
  readonly look: Look;
  /** Rows at the beginning that `look` has left out already. */
  readonly skipped?: number;
  /** The number of all rows, where it is known without looking. */
  readonly count?: number | null;
};

export type FoundPage = {
  readonly found: readonly Found[];
  readonly page: { pageNumber: number; pageSize: number; nextCursor: string | null; totalCount?: number };
};

const EFFORT = 2_500;
const EFFORT_MAX = 20_000;
const COUNT_MAX = 10_000;

/** Reads one page. `mark` names the list: a cursor of another one is refused. `open` makes the source for a range and rows to leave out. */
export async function readListPage(
  tx: Tx,
  request: ListRequest,
  mark: string,
  dates: DateBounds,
  open: (range: Range, skip: number) => Promise<ListSource>,
): Promise<FoundPage> {
  const newestFirst = request.sortDirection === "desc";
  const ownMark = `${mark} ${request.sortDirection}`;
  const start = readPage(request, ownMark);
  const skip = "skip" in start ? start.skip : 0;
  const now = await beginList(tx);
  const place = "after" in start ? readPlace(start.after) : null;
  const began = place === null || place.head > now ? now : place.head;
  const after = place?.after ?? null;
  const range = await rangeOf(tx, dates, { newestFirst, head: began, now, at: after?.sequence ?? null });

  const { look, skipped = 0, count = null } = await open(range, skip);
  const left = skip - skipped;
  const isNumbered = request.pageNumber !== undefined;
  const { found, rest, ...walked } = await walk(look, after, left + request.pageSize, isNumbered ? EFFORT_MAX : EFFORT, left);
  if (isNumbered && rest !== null && found.length < request.pageSize) {
    refusePlatform("validationFailed", {
      errors: { pageNumber: ["Too few of the newest rows match these filters; use cursor, or narrower filters."] },
    });
  }
  const total = await countAll();
  return {
    found,
    page: {
      pageNumber: request.pageNumber ?? 1,
      pageSize: request.pageSize,
      nextCursor: rest === null ? null : writeCursor(placeText(began, rest), ownMark),
      ...(total === null ? {} : { totalCount: total }),
    },
  };

  async function countAll(): Promise<number | null> {
    if (count !== null) return count;
    if (rest === null && after === null) return skipped + walked.skipped + found.length;
    if (request.includeTotalCount !== true) return null;
    const all = await walk(look, null, COUNT_MAX, EFFORT_MAX, COUNT_MAX - 1);
    return all.rest === null ? skipped + all.skipped + all.found.length : null;
  }
}

type Walking = { readonly newestFirst: boolean; readonly head: bigint; readonly now: bigint; readonly at: bigint | null };

/** The sequences among which everything lies that is dated within the bounds. */
export async function rangeOf(tx: Tx, { from, before }: DateBounds, { newestFirst, head, now, at }: Walking): Promise<Range> {
  const first = from === null ? 1n : (await countChangesBefore(tx, from)) + 1n;
  const limit = newestFirst && at !== null && at < now ? at : now;
  const last = before === null ? now : await lastChangeDatedBefore(tx, before, limit);
  const isWhole = from === null && before === null;
  return { newestFirst, head, from: first, through: last < now ? last : now, isWhole, isCurrent: head === now };
}
