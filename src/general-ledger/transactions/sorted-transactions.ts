// Transactions in another order than the ledger's: all that the filter means are found and put in order, so there may not be many.

import type { Tx } from "#platform/db.ts";
import { readPage, writeCursor } from "#platform/page.ts";
import { refusePlatform } from "#platform/problem.ts";
import { type EntryBounds, findBounds } from "../lists/account-bounds.store.ts";
import { beginList } from "../lists/journal-walk.store.ts";
import { TRANSACTIONS } from "../lists/list-view.store.ts";
import { type ListRequest, rangeOf } from "../lists/pages.ts";
import type { Found } from "../lists/place.ts";
import { type Range, walk } from "../lists/walk.ts";
import { isPlain, markOf, type TransactionFilter } from "./filter.ts";
import { columnValue, compareKeys, type Keyed, keyText, readKey, type SortBy, valueOf } from "./sort-key.ts";
import { type Behind, readSortedEntries } from "./sorted-entries.store.ts";
import { conditionsOf, findCurrency, findSortKeys, findTransactions } from "./transaction.store.ts";
import { findSoleAccount, openSource, type TransactionPage } from "./transactions.ts";

const FOUND_MAX = 10_000;
const EFFORT_MAX = 20_000;

/** What is asked for: the filter with its range, the order, and where the page begins. */
type Asked = {
  readonly filter: TransactionFilter;
  readonly range: Range;
  readonly sortBy: SortBy;
  readonly behind: Keyed | null;
  readonly skip: number;
  readonly limit: number;
};

/** Up to `limit` of the transactions in order, and how many there are on all pages. */
type Slice = { readonly found: readonly Found[]; readonly total: number };

/** Operations 28, 30 and 31 with sortBy. Equal values, and those without postedAt behind all others, stand in the order of the ledger. */
export async function readSortedTransactions(
  tx: Tx,
  filter: TransactionFilter,
  request: ListRequest,
  sortBy: SortBy,
): Promise<TransactionPage> {
  const newestFirst = request.sortDirection === "desc";
  const mark = `${markOf("sorted", filter)} ${sortBy} ${request.sortDirection}`;
  const start = readPage(request, mark);
  const place = "after" in start ? { behind: readKey(start.after), skip: 0 } : { behind: null, skip: start.skip };
  const head = await beginList(tx);
  const range = await rangeOf(tx, filter.dates, { newestFirst, head, now: head, at: null });
  // One more than the page holds tells whether something is left.
  const asked = { filter, range, sortBy, ...place, limit: request.pageSize + 1 };
  const sole = await findSoleAccount(tx, filter);
  const { found, total } = sole === null ? await sortFound(tx, asked) : await sortEntries(tx, asked, sole);
  const page = found.slice(0, request.pageSize);
  const rows = await findTransactions(tx, page);
  const end = page.at(-1);
  return {
    rows,
    pageNumber: request.pageNumber ?? 1,
    pageSize: request.pageSize,
    nextCursor:
      end === undefined || found.length === page.length
        ? null
        : writeCursor(keyText({ place: end, value: valueOf(rows.at(-1), sortBy) }), mark),
    totalCount: total,
  };
}

/** Of one account whose entries are all there is: sorted in the database. */
async function sortEntries(tx: Tx, { filter, range, sortBy, behind, skip, limit }: Asked, account: EntryBounds): Promise<Slice> {
  const { accountId, first, last } = account;
  const size = Number(last - first + 1n);
  if (size > EFFORT_MAX || (isPlain(filter) && size > FOUND_MAX)) refuseSorting();
  const slice = await readSortedEntries(tx, account, conditionsOf(filter, true), {
    sortBy,
    newestFirst: range.newestFirst,
    behind: behind === null ? null : await behindEntry(behind),
    skip,
    limit,
    most: FOUND_MAX,
  });
  if (slice.total > FOUND_MAX) refuseSorting();
  return slice;

  async function behindEntry({ place, value }: Keyed): Promise<Behind> {
    const [bounds] = await findBounds(tx, TRANSACTIONS, [account], range, place);
    const number = bounds === undefined ? 0n : range.newestFirst ? bounds.high + 1n : bounds.low - 1n;
    return { value: value === null ? null : columnValue(value, sortBy, await findCurrency(tx, accountId)), number };
  }
}

/** Of anything else: found in the order of the ledger, and sorted here. */
async function sortFound(tx: Tx, { filter, range, sortBy, behind, skip, limit }: Asked): Promise<Slice> {
  const { look, count = null } = await openSource(tx, filter, range, 0);
  if (count !== null && count > FOUND_MAX) refuseSorting();
  const { found, rest } = await walk(look, null, FOUND_MAX, EFFORT_MAX);
  if (rest !== null) refuseSorting();
  const keys = await findSortKeys(tx, found);
  const sorted = found
    .map((place, index) => ({ place, value: valueOf(keys[index], sortBy) }))
    .sort((a, b) => compareKeys(a, b, range.newestFirst));
  const met = behind === null ? 0 : sorted.findIndex((each) => compareKeys(each, behind, range.newestFirst) > 0);
  const first = met === -1 ? sorted.length : met + skip;
  return { found: sorted.slice(first, first + limit).map(({ place }) => place), total: sorted.length };
}

function refuseSorting(): never {
  return refusePlatform("validationFailed", { errors: { sortBy: ["Too much matches to be sorted; use narrower filters."] } });
}
