// Transactions in another order than the ledger's: all that the filter means are found and put in order, so there may not be many.

import { type Currency, minorDigits } from "#platform/currency.ts";
import type { Tx } from "#platform/db.ts";
import { readPage, writeCursor } from "#platform/page.ts";
import { refusePlatform } from "#platform/problem.ts";
import { beginList } from "../lists/journal-walk.store.ts";
import { type ListRequest, rangeOf } from "../lists/pages.ts";
import { comparePlaces, type Place, placeText, readPlace } from "../lists/place.ts";
import { walk } from "../lists/walk.ts";
import { markOf, type TransactionFilter } from "./filter.ts";
import { findSortKeys, findTransactions, type SortKey } from "./transaction.store.ts";
import { openSource, type TransactionPage } from "./transactions.ts";

export type SortBy = "createdAt" | "postedAt" | "valueDate" | "amount";

const FOUND_MAX = 10_000;
const EFFORT_MAX = 20_000;

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
  const head = await beginList(tx);
  const range = await rangeOf(tx, filter.dates, { newestFirst, head, now: head, at: null });
  const { look } = await openSource(tx, filter, range, 0);
  const { found, rest } = await walk(look, null, FOUND_MAX, EFFORT_MAX);
  if (rest !== null) refusePlatform("validationFailed", { errors: { sortBy: ["Too much matches to be sorted; use narrower filters."] } });

  const keys = await findSortKeys(tx, found);
  const order = (a: Keyed, b: Keyed): number =>
    compareValues(a.value, b.value, newestFirst) || comparePlaces(a.place, b.place, newestFirst);
  const sorted = found.map((place, index) => ({ place, value: valueOf(keys[index], sortBy) })).sort(order);
  const behind = "after" in start ? readKey(start.after) : null;
  const met = behind === null ? -1 : sorted.findIndex((each) => order(each, behind) > 0);
  const first = "skip" in start ? start.skip : met === -1 ? sorted.length : met;
  const page = sorted.slice(first, first + request.pageSize);
  const last = page.at(-1);
  return {
    rows: await findTransactions(
      tx,
      page.map(({ place }) => place),
    ),
    pageNumber: request.pageNumber ?? 1,
    pageSize: request.pageSize,
    nextCursor: last === undefined || first + page.length >= sorted.length ? null : writeCursor(keyText(last), mark),
    totalCount: sorted.length,
  };
}

type Keyed<P extends Place = Place> = { readonly place: P; readonly value: bigint | null };

function keyText({ place, value }: Keyed): string {
  return `${value ?? "-"} ${placeText(0n, place)}`;
}

function readKey(text: string): Keyed {
  const [value = "", place = ""] = text.split(" ");
  const { after } = readPlace(/^(?:-|[0-9]{1,30})$/.test(value) ? place : "");
  return { value: value === "-" ? null : BigInt(value), place: after };
}

/** Amounts of all currencies on one scale; instants and dates as numbers. */
function valueOf(key: SortKey | undefined, sortBy: SortBy): bigint | null {
  if (key === undefined) return null;
  if (sortBy === "amount") return key.amountMinor * 10n ** BigInt(4 - minorDigits(key.currency as Currency));
  if (sortBy === "valueDate") return BigInt(key.valueDate.replaceAll("-", ""));
  const at = sortBy === "createdAt" ? key.createdAt : key.postedAt;
  return at === null ? null : BigInt(at.getTime());
}

function compareValues(a: bigint | null, b: bigint | null, newestFirst: boolean): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b === newestFirst ? 1 : -1;
}
