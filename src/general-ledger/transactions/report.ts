// Transactions as a file (operation 32). The file holds what the list of the same filters holds, in its order, as of the moment at which it
// was asked for. It is read piece by piece, each on a snapshot of its own: a slow reader holds no connection of the database.

import { Readable } from "node:stream";
import type { Caller } from "#platform/access.ts";
import { writeAudit } from "#platform/audit.ts";
import type { Actor, Database, Tx } from "#platform/db.ts";
import type { FileAnswer } from "#platform/http/endpoint.ts";
import { type FieldErrors, refusePlatform } from "#platform/problem.ts";
import { csvFile, CSV_MEDIA_TYPE, type Rows, xlsxFile, XLSX_MEDIA_TYPE } from "#platform/table-file.ts";
import type { DateBounds } from "#platform/date-bounds.ts";
import { beginList } from "../lists/journal-walk.store.ts";
import { rangeOf } from "../lists/pages.ts";
import type { Place } from "../lists/place.ts";
import { type Range, walk } from "../lists/walk.ts";
import type { TransactionDto } from "./contract.ts";
import type { TransactionsReportQuery } from "./queries.ts";
import { readFilter, type TransactionFilter } from "./filter.ts";
import { REPORT_COLUMNS } from "./report-columns.ts";
import { findTransactions } from "./transaction.store.ts";
import { openSource, refuseUnknownAccount } from "./transactions.ts";
import { toTransactionDto } from "./views.ts";

const DAYS_MAX = 366;
const DAY_MS = 86_400_000;
/** Rows of one piece, and how many rows are looked at for it. */
const PIECE = 1_000;
const EFFORT = 5_000;

type Format = TransactionsReportQuery["format"];

export type ReportDeps = { readonly db: Database };

/** What is exported, settled before the first byte. */
type Report = { readonly filter: TransactionFilter; readonly range: Range };

/**
 * Makes the file. Who exported what is in the audit trail before the first row goes out, and how many rows it were after the last. For HEAD
 * there is nothing to make and nothing to tell of: only what would be refused is.
 */
export async function exportTransactions(
  { db }: ReportDeps,
  actor: Actor,
  caller: Caller,
  query: TransactionsReportQuery,
  isHead: boolean,
): Promise<FileAnswer> {
  const { format } = query;
  const report = await db.read(actor, (tx) => openReport(tx, query, caller.tenant));
  const { from, before } = report.filter.dates;
  const name = `transactions_${dayOf(from)}_${dayOf(before, -1)}.${format}`;
  if (isHead) return { name, ...fileOf(format, Readable.from([])) };
  const told = detailOf(query, report);
  await db.write(actor, (tx) => writeAudit(tx, { action: "transactions.exportStarted", subject: "transactions", detail: told }));
  const dtos = audited(readPieces(db, actor, report), async (rows, isWhole) => {
    const detail = { ...told, rows, isWhole };
    await db.write(actor, (tx) => writeAudit(tx, { action: "transactions.exported", subject: "transactions", detail }));
  });
  return { name, ...fileOf(format, dtos) };
}

async function openReport(tx: Tx, query: TransactionsReportQuery, tenant: string | null): Promise<Report> {
  const asked = readFilter(query, tenant);
  const filter = { ...asked, dates: withinAYear(asked.dates, tx.now) };
  if (query.accountId !== undefined) await refuseUnknownAccount(tx, query.accountId, tenant);
  const head = await beginList(tx);
  const range = await rangeOf(tx, filter.dates, { newestFirst: query.sortDirection === "desc", head, now: head, at: null });
  // What comes later is not in it.
  return { filter, range: { ...range, isWhole: false, isCurrent: false } };
}

/** The dates that were asked for; a missing end is now, a missing beginning 366 days before the end. 400 for more than 366 days. */
function withinAYear({ from, before }: DateBounds, now: Date): DateBounds {
  const end = before ?? now;
  const start = from ?? new Date(end.getTime() - DAYS_MAX * DAY_MS);
  if (end.getTime() - start.getTime() > DAYS_MAX * DAY_MS) {
    const errors: FieldErrors = { [before === null ? "dateFrom" : "dateTo"]: [`A report covers at most ${DAYS_MAX} days.`] };
    refusePlatform("validationFailed", { errors });
  }
  // Without an end what was there when the file was asked for is in it: the range ends with the head.
  return { from: start, before };
}

async function* readPieces(db: Database, actor: Actor, { filter, range }: Report): AsyncGenerator<readonly TransactionDto[]> {
  let after: Place | null = null;
  do {
    const start: Place | null = after;
    const piece = await db.read(actor, async (tx) => {
      await beginList(tx);
      const { look } = await openSource(tx, filter, range, 0);
      const { found, rest } = await walk(look, start, PIECE, EFFORT);
      return { rows: (await findTransactions(tx, found)).map(toTransactionDto), rest };
    });
    if (piece.rows.length > 0) yield piece.rows;
    after = piece.rest;
  } while (after !== null);
}

/** Hands the rows on and tells their number at the end, also where the reader or the database goes away before it. */
async function* audited(
  rows: Rows<TransactionDto>,
  tell: (rows: number, isWhole: boolean) => Promise<void>,
): AsyncGenerator<readonly TransactionDto[]> {
  let count = 0;
  let isWhole = false;
  try {
    for await (const some of rows) {
      count += some.length;
      yield some;
    }
    isWhole = true;
  } finally {
    await tell(count, isWhole);
  }
}

function fileOf(format: Format, rows: Rows<TransactionDto>): Omit<FileAnswer, "name"> {
  if (format === "csv") return { mediaType: CSV_MEDIA_TYPE, content: csvFile(REPORT_COLUMNS, rows) };
  if (format === "xlsx") return { mediaType: XLSX_MEDIA_TYPE, content: xlsxFile(REPORT_COLUMNS, rows) };
  return { mediaType: "application/json; charset=utf-8", content: jsonFile(rows) };
}

async function* jsonFile(rows: Rows<TransactionDto>): AsyncGenerator<string> {
  let between = "[\n";
  for await (const some of rows) {
    yield between + some.map((row) => JSON.stringify(row)).join(",\n");
    between = ",\n";
  }
  yield between === "[\n" ? "[]\n" : "\n]\n";
}

function detailOf(query: TransactionsReportQuery, { filter, range }: Report): Record<string, string | number> {
  const { from, before } = filter.dates;
  const { types = [], states = [], format } = query;
  const ids = { accountId: query.accountId, clientId: query.clientId, paymentId: query.paymentId, transferId: query.transferId };
  const named = Object.fromEntries(Object.entries(ids).flatMap(([name, id]) => (id === undefined ? [] : [[name, id]])));
  const dates = { from: from?.toISOString() ?? "", before: before?.toISOString() ?? "" };
  return { ...named, types: types.join(), states: states.join(), ...dates, format, sequence: Number(range.head) };
}

/** The calendar day (UTC) of a bound, for the file's name. */
function dayOf(at: Date | null, shiftMs = 0): string {
  return at === null ? "now" : new Date(at.getTime() + shiftMs).toISOString().slice(0, 10);
}
