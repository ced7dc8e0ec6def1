// Statements: one account's entries in the order of the account, newest first unless asked otherwise. Dates become bounds of
// `account_seq` by binary search, so that every page costs the same, wherever it lies.

import type { Tx } from "#platform/db.ts";
import { isLocalDate } from "#platform/dates.ts";
import { type PageRequest, readPage, writeCursor } from "#platform/page.ts";
import { refusePlatform } from "#platform/problem.ts";
import { findAccount } from "../accounts/account.store.ts";
import type { TransactionDto } from "./contract.ts";
import { countEntriesBefore, findEntries } from "./transaction.store.ts";
import { toTransactionDto } from "./views.ts";

export type StatementQuery = PageRequest & {
  readonly accountId: string;
  readonly dateFrom?: string;
  readonly dateTo?: string;
  readonly sortDirection: "asc" | "desc";
};

export type StatementPage = {
  items: TransactionDto[];
  pageNumber: number;
  pageSize: number;
  nextCursor: string | null;
  totalCount: number;
};

/** Operation 30 for one account. 404 for an account that the tenant may not see. */
export async function readStatement(tx: Tx, query: StatementQuery, tenant: string | null): Promise<StatementPage> {
  if ((await findAccount(tx, query.accountId, { tenant, clientId: null })) === null) refusePlatform("notFound");
  const newestFirst = query.sortDirection === "desc";
  const mark = `${query.accountId} ${query.sortDirection}`;
  const start = readPage(query, mark);

  const first = query.dateFrom === undefined ? 1n : (await countEntriesBefore(tx, query.accountId, startOf(query.dateFrom))) + 1n;
  const last = await countEntriesBefore(tx, query.accountId, query.dateTo === undefined ? null : endOf(query.dateTo));
  const range = rangeOf(first, last, newestFirst, start);
  const rows = range.from > range.to ? [] : await findEntries(tx, query.accountId, { ...range, newestFirst, limit: query.pageSize });

  const end = rows.at(-1);
  const isLast = end === undefined || end.accountSeq === (newestFirst ? first : last);
  return {
    items: rows.map(toTransactionDto),
    pageNumber: query.pageNumber ?? 1,
    pageSize: query.pageSize,
    nextCursor: isLast ? null : writeCursor(end.accountSeq.toString(), mark),
    totalCount: last < first ? 0 : Number(last - first + 1n),
  };
}

function rangeOf(
  first: bigint,
  last: bigint,
  newestFirst: boolean,
  start: { skip: number } | { after: string },
): { from: bigint; to: bigint } {
  if ("skip" in start) return newestFirst ? { from: first, to: last - BigInt(start.skip) } : { from: first + BigInt(start.skip), to: last };
  if (!/^[0-9]{1,18}$/.test(start.after))
    refusePlatform("validationFailed", { errors: { cursor: ["The field must be a nextCursor of the same list."] } });
  const after = BigInt(start.after);
  return newestFirst ? { from: first, to: smaller(last, after - 1n) } : { from: larger(first, after + 1n), to: last };
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

const DAY_MS = 86_400_000;

/** From is inclusive. */
function startOf(text: string): Date {
  return isLocalDate(text) ? new Date(midnight(text)) : instantOf(text);
}

/** To is exclusive; a bare date means the whole day. */
function endOf(text: string): Date {
  return isLocalDate(text) ? new Date(midnight(text) + DAY_MS) : instantOf(text);
}

function midnight(date: string): number {
  return Date.parse(`${date}T00:00:00Z`);
}

/** Entries stand at whole milliseconds: at or after, and before, an instant between two of them is at or after, and before, the later. */
function instantOf(text: string): Date {
  const isBetween = /\.[0-9]{3}[0-9]*[1-9]/.test(text);
  return new Date(Date.parse(text) + (isBetween ? 1 : 0));
}
