// Pure: a CSV record as the body of operation 99. The first record names the columns: the dotted paths of the body's fields, in any order.
// An empty cell says nothing of its field. What a record has beyond RFC 4180 is at fault, never guessed.

import { isUtf8 } from "node:buffer";
import { parse } from "csv-parse/sync";
import type { TSchema } from "#platform/schema.ts";
import type { FieldErrors } from "#platform/problem.ts";

type Node = TSchema & { readonly properties?: Readonly<Record<string, Node>>; readonly required?: readonly string[] };

/** A column that a file may have. */
export type CsvColumn = { readonly name: string; readonly isRequired: boolean };

/** Why a record has no cells. */
export type CsvFault = { readonly message: string };

/** Names of unknown columns that an answer repeats at most. */
const UNKNOWN_SHOWN = 20;
/** Nobody calls a column otherwise: what looks different may be data. */
const COLUMN_NAME = /^[A-Za-z][A-Za-z0-9._-]{0,59}$/;
const NO_HEADER = "The first line must name the columns, separated by commas: it names none of them.";
const BROKEN_HEADER = "The first line must end with LF or CRLF, and no name of a column holds a line break.";

/** The columns of a body: one for each field that is no object. */
export function columnsOf(schema: TSchema, prefix = "", isRequired = true): CsvColumn[] {
  const { properties, required = [] }: Node = schema;
  if (properties === undefined) return [{ name: prefix, isRequired }];
  return Object.entries(properties).flatMap(([name, member]) =>
    columnsOf(member, prefix === "" ? name : `${prefix}.${name}`, isRequired && required.includes(name)),
  );
}

/** The cells of one record. */
export function cellsOf(record: Buffer): string[] | CsvFault {
  if (!isUtf8(record)) return { message: "The row must be UTF-8." };
  if (record.includes(0)) return { message: "The row must not contain the character U+0000." };
  try {
    // The record's own line end is gone: any other stands in quotes.
    const records = parse(record, { record_delimiter: "\n", relax_column_count: true }) as readonly string[][];
    return records.length === 1 ? (records[0] ?? []) : { message: QUOTES };
  } catch {
    // The parser's message quotes the row.
    return { message: QUOTES };
  }
}

const QUOTES = 'The row must be CSV (RFC 4180): a cell with a quote stands in quotes, and the quote in it is written twice ("").';

/**
 * Sentences by column; none: rows may follow. A first line that looks like a row is not quoted: files without a header begin with a person.
 */
export function headerFaults(header: readonly string[], columns: readonly CsvColumn[]): FieldErrors {
  const known = new Set(columns.map(({ name }) => name));
  if (!header.some((name) => known.has(name))) return { $: [NO_HEADER] };
  if (header.some((name) => /[\r\n]/.test(name))) return { $: [BROKEN_HEADER] };
  const errors = new Map<string, string[]>();
  for (const { name, isRequired } of columns) {
    const times = header.filter((each) => each === name).length;
    if (times === 0 && isRequired) errors.set(name, ["The column is required."]);
    if (times > 1) errors.set(name, ["The column stands twice."]);
  }
  const unknown = [...new Set(header.filter((name) => !known.has(name)))];
  for (const name of unknown.slice(0, UNKNOWN_SHOWN)) errors.set(COLUMN_NAME.test(name) ? name : "*", ["The column is not known."]);
  return Object.fromEntries(errors);
}

/** The body that the cells stand for; cells and header have the same number. */
export function bodyOf(header: readonly string[], cells: readonly string[]): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [index, path] of header.entries()) {
    const cell = cells[index] ?? "";
    const steps = path.split(".");
    const last = steps.pop() ?? path;
    let target = body;
    for (const step of steps) target = (target[step] ??= {}) as Record<string, unknown>;
    if (cell !== "") target[last] = cell;
  }
  return body;
}
