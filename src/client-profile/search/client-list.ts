// Pages of clients (operation 4; contract 3.5, decision 14). Filters by kind cost the same whatever they match. A search goes by the marks
// of its words: few hits are put in order on the spot; of many the newest are looked through, so far at a time.

import type { Tx } from "#platform/db.ts";
import { PAGE_ROWS_MAX, type PageRequest, readPage, writeCursor } from "#platform/page.ts";
import { refusePlatform } from "#platform/problem.ts";
import { isUuid } from "#platform/ids.ts";
import type { Vault } from "../keys/vault.ts";
import { type ClientFilter, markOf } from "./client-filter.ts";
import * as store from "./client-list.store.ts";
import { marksOfWords } from "./marks.ts";

export type ListRequest = PageRequest & { readonly sortDirection: "asc" | "desc"; readonly includeTotalCount?: boolean };

export type FoundPage = {
  readonly ids: readonly string[];
  readonly page: { pageNumber: number; pageSize: number; nextCursor: string | null; totalCount?: number };
};

/** So many hits of a search are put in order at once. */
const SORTED_MAX = 1_000;
/** So many clients a page of a search looks at, where many match. */
const EFFORT = 5_000;
const EFFORT_MAX = 20_000;
const STRETCH = 1_000;

/** One page. Refuses with 400 for a cursor of another list, for rows beyond 10 000, and for a search without a letter or digit. */
export async function readClientList(tx: Tx, vault: Vault, filter: ClientFilter, request: ListRequest): Promise<FoundPage> {
  const mark = markOf(filter, request.sortDirection);
  const start = readPage(request, mark);
  const window = { skip: "skip" in start ? start.skip : 0, size: request.pageSize, isNumbered: request.pageNumber !== undefined };
  const order = { newestFirst: request.sortDirection === "desc", after: "after" in start ? readPlace(start.after) : null };
  const found = await read(tx, vault, filter, order, window);
  const total = found.total ?? (await countAll(tx, filter, order, window, found, request.includeTotalCount === true));
  return {
    ids: found.places.map(({ id }) => id),
    page: {
      pageNumber: request.pageNumber ?? 1,
      pageSize: request.pageSize,
      nextCursor: found.rest === null ? null : writeCursor(`${found.rest.createdAt}/${found.rest.id}`, mark),
      ...(total === null ? {} : { totalCount: total }),
    },
  };
}

type Window = { readonly skip: number; readonly size: number; readonly isNumbered: boolean };

/** `rest`: behind what the list goes on; null at its end. `total`: where it is known without counting. */
type Found = { readonly places: readonly store.ListedPlace[]; readonly rest: store.ListedPlace | null; readonly total: number | null };

async function read(tx: Tx, vault: Vault, filter: ClientFilter, order: store.ListOrder, window: Window): Promise<Found> {
  if (filter.words !== null) return await readSearch(tx, marksOfWords(vault, wordsOf(filter)), filter, order, window);
  if (filter.externalId !== null) {
    return pageOfAll(await store.findByExternalId(tx, filter, filter.externalId, SORTED_MAX), order, window);
  }
  await store.keepToIndexes(tx);
  const kinds = await store.findKinds(tx, filter);
  const places = await store.readInOrder(tx, kinds, filter, order, { skip: window.skip, limit: window.size + 1 });
  return cutPage(places, window.size);
}

function wordsOf({ words }: ClientFilter): readonly string[] {
  if (words === null || words.length === 0) {
    return refusePlatform("validationFailed", { errors: { search: ["The field must hold a letter or a digit."] } });
  }
  return words;
}

async function readSearch(tx: Tx, marks: readonly bigint[], filter: ClientFilter, order: store.ListOrder, window: Window): Promise<Found> {
  const hits = await store.findMarked(tx, filter, marks, SORTED_MAX + 1);
  if (hits.length <= SORTED_MAX) return pageOfAll(hits, order, window);
  await store.keepToIndexes(tx);
  const kinds = await store.findKinds(tx, filter);
  const places: store.ListedPlace[] = [];
  const wanted = window.skip + window.size + 1;
  let after = order.after;
  for (let left = window.isNumbered ? EFFORT_MAX : EFFORT; left > 0; left -= STRETCH) {
    const { found, through } = await store.lookForMarks(tx, kinds, filter, { ...order, after }, marks, STRETCH);
    places.push(...found);
    if (places.length >= wanted || through === null) return cutPage(places.slice(window.skip), window.size);
    after = through;
  }
  if (window.isNumbered && places.length < wanted - 1) {
    return refusePlatform("validationFailed", {
      errors: { pageNumber: ["Too few of the newest clients match this search; use cursor, or more words."] },
    });
  }
  const page = places.slice(window.skip, window.skip + window.size);
  return { places: page, rest: page.length === window.size ? (page.at(-1) ?? after) : after, total: null };
}

/** A page of all there is, put in order here. */
function pageOfAll(all: readonly store.ListedPlace[], { newestFirst, after }: store.ListOrder, window: Window): Found {
  const sorted = all.toSorted((a, b) => comparePlaces(a, b, newestFirst));
  const rest = after === null ? sorted : sorted.filter((place) => comparePlaces(place, after, newestFirst) > 0);
  return { ...cutPage(rest.slice(window.skip, window.skip + window.size + 1), window.size), total: all.length };
}

/** Of one place more than the page holds. */
function cutPage(places: readonly store.ListedPlace[], size: number): Found {
  const page = places.slice(0, size);
  return { places: page, rest: places.length > size ? (page.at(-1) ?? null) : null, total: null };
}

async function countAll(
  tx: Tx,
  filter: ClientFilter,
  order: store.ListOrder,
  window: Window,
  found: Found,
  isAsked: boolean,
): Promise<number | null> {
  if (order.after === null && found.rest === null && (found.places.length > 0 || window.skip === 0))
    return window.skip + found.places.length;
  if (!isAsked || filter.words !== null) return null;
  const count = await store.countInOrder(tx, await store.findKinds(tx, filter), filter, PAGE_ROWS_MAX + 1);
  return count > PAGE_ROWS_MAX ? null : count;
}

/** Instants as the database writes them compare as texts only where they have as many digits: compared as numbers of microseconds. */
function comparePlaces(a: store.ListedPlace, b: store.ListedPlace, newestFirst: boolean): number {
  const [left, right] = [microsOf(a.createdAt), microsOf(b.createdAt)];
  const order = left === right ? (a.id < b.id ? -1 : a.id > b.id ? 1 : 0) : left < right ? -1 : 1;
  return newestFirst ? -order : order;
}

/** "2026-11-23 16:00:00.123456+00" as microseconds since 1970; sessions are in UTC. */
function microsOf(text: string): bigint {
  const [whole = "", fraction = ""] = text.replace("+00", "").split(".");
  return BigInt(Date.parse(`${whole.replace(" ", "T")}Z`)) * 1000n + BigInt(fraction.padEnd(6, "0").slice(0, 6));
}

const PLACE = /^\d{4,6}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?\+00$/;

function readPlace(position: string): store.ListedPlace {
  const [createdAt = "", id = ""] = position.split("/");
  if (!PLACE.test(createdAt) || !isUuid(id)) {
    return refusePlatform("validationFailed", { errors: { cursor: ["The field must be a nextCursor of the same list."] } });
  }
  return { createdAt, id };
}
