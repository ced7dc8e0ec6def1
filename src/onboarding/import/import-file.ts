// The rows of a file while it arrives: at the pace at which they are taken, and no more of it in memory than that.

import { createHash } from "node:crypto";
import { refusePlatform } from "#platform/problem.ts";
import { cellsOf, type CsvColumn, headerFaults } from "./csv.ts";
import { refuseTooManyRows, refuseWhileStopping } from "./limits.ts";
import { type FileRecord, type RecordForm, RecordSplitter } from "./records.ts";
import { type Judged, type Judges, judgeCells, judgeLine } from "./rows.ts";

/** A row as it stands in the file. `row`: 1 is the first. */
export type FileRow = {
  readonly row: number;
  /** SHA-256 of what the row says: of CSV together with the names of its columns. */
  readonly hash: Buffer;
  readonly size: number;
  judge(judges: Judges): Judged;
};

export type ImportFile = {
  readonly form: RecordForm;
  readonly body: AsyncIterable<Uint8Array>;
  readonly columns: readonly CsvColumn[];
  readonly rowsMax: number;
  /** The process stops: no more rows are taken. */
  readonly isStopping: () => boolean;
};

/**
 * Refuses with 400 a header that is none, before any row; and where quotes never close, because nobody knows where the next row begins. The
 * first row too many is refused with 413, and with 503 the rest of a file whose process stops.
 */
export async function* readRows({ form, body, columns, rowsMax, isStopping }: ImportFile): AsyncGenerator<FileRow> {
  let header: readonly string[] | null = null;
  let row = 0;
  for await (const record of readRecords(form, body, () => row)) {
    if (form === "csv" && header === null) {
      header = readHeader(record, columns);
      continue;
    }
    row += 1;
    if (isStopping()) refuseWhileStopping();
    if (row > rowsMax) refuseTooManyRows(rowsMax);
    yield rowOf(row, record, header);
  }
  if (form === "csv" && header === null) readHeader(null, columns);
}

async function* readRecords(form: RecordForm, body: AsyncIterable<Uint8Array>, rowsBefore: () => number): AsyncGenerator<FileRecord> {
  const splitter = new RecordSplitter(form);
  for await (const piece of body) {
    yield* splitter.push(piece);
    if (splitter.isInQuotes && splitter.isTooLong) refuseOpenQuotes(rowsBefore() + 1);
  }
  if (splitter.isInQuotes) refuseOpenQuotes(rowsBefore() + 1);
  yield* splitter.end();
}

function refuseOpenQuotes(row: number): never {
  return refusePlatform("malformedRequest", {
    detail: `A quote of row ${row} is not closed. The rows before it are settled: mend the row and send the import again.`,
    members: { row },
  });
}

function readHeader(record: FileRecord | null, columns: readonly CsvColumn[]): readonly string[] {
  const cells = record === null || record.bytes === null ? { message: "The first line must name the columns." } : cellsOf(record.bytes);
  if ("message" in cells) return refusePlatform("malformedRequest", { detail: cells.message.replace(/^The row/, "The first line") });
  const errors = headerFaults(cells, columns);
  if (Object.keys(errors).length > 0) refusePlatform("validationFailed", { errors });
  return cells;
}

function rowOf(row: number, record: FileRecord, header: readonly string[] | null): FileRow {
  const hash = createHash("sha256").update(JSON.stringify(header)).update(record.hash).digest();
  const judge = (judges: Judges): Judged => (header === null ? judgeLine(record, judges) : judgeCells(record, header, judges));
  return { row, hash, size: record.bytes?.length ?? 0, judge };
}
