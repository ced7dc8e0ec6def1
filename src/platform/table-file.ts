// Tables as files for people and programs: CSV and XLSX, made row by row while they are sent, so that a million rows take no more
// memory than a thousand. What stands in a cell is text and stays text: nothing that somebody typed into a payment is ever a formula
// of the reader's spreadsheet.

import { zip } from "./zip-file.ts";

/** `text`: somebody's words. `figure`: ours, such as an amount, a date or an id; it never needs to be guarded. */
export type Column<Row> = {
  readonly name: string;
  readonly kind: "text" | "figure";
  readonly value: (row: Row) => string | null;
};

/** Rows as they come, many at a time. */
export type Rows<Row> = AsyncIterable<readonly Row[]>;

export const CSV_MEDIA_TYPE = "text/csv; charset=utf-8; header=present";
export const XLSX_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/** RFC 4180: comma, CRLF, quotes where needed, names in the first line; UTF-8 without a mark. An empty cell is nothing known. */
export async function* csvFile<Row>(columns: readonly Column<Row>[], rows: Rows<Row>): AsyncGenerator<string> {
  yield `${columns.map(({ name }) => name).join(",")}\r\n`;
  for await (const some of rows) yield some.map((row) => `${columns.map((column) => csvCell(column, row)).join(",")}\r\n`).join("");
}

/** Where a spreadsheet would begin to calculate: at the sign, in its wide forms too, behind blanks and marks that it passes over. */
const PASSED_OVER = String.raw`[\s\p{Cc}\p{Cf}\p{Z}"']*`;
const SIGN = String.raw`[=+\-@\uff1d\uff0b\uff0d\uff20\u2212]`;
/** A text may begin with what some reader takes for the end of an empty cell. */
const STARTS_A_FORMULA = new RegExp(`^(?:${PASSED_OVER}[,;|])*${PASSED_OVER}${SIGN}|^[\\t\\r\\n]`, "u");
/** Readers elsewhere divide cells at other signs than the comma, and to them our quotes are no quotes: a cell of theirs may begin inside a text. */
const FORMULA_ELSEWHERE = new RegExp(`([;|\\t\\r\\n])(?=${PASSED_OVER}${SIGN})`, "gu");
const NEEDS_NO_QUOTES = /^[\p{L}\p{N}._:+\-/()# ]*$/u;

function csvCell<Row>({ kind, value }: Column<Row>, row: Row): string {
  const text = value(row) ?? "";
  const safe = kind === "text" ? guardText(text) : text;
  return NEEDS_NO_QUOTES.test(safe) && safe === safe.trim() ? safe : `"${safe.replaceAll('"', '""')}"`;
}

/** With an apostrophe before whatever any spreadsheet would calculate. */
function guardText(text: string): string {
  const guarded = text.replace(FORMULA_ELSEWHERE, "$1'");
  return STARTS_A_FORMULA.test(text) ? `'${guarded}` : guarded;
}

/** A spreadsheet may hold 2^20 rows; a new sheet begins a little earlier. */
const SHEET_ROWS_MAX = 1_000_000;
/** And before a part of the archive reaches the size at which its headers end. */
const SHEET_BYTES_MAX = 2 ** 31;

/** Office Open XML (ECMA-376) with text cells only, so that every amount is there to the digit. More than a million rows: more sheets. */
export async function* xlsxFile<Row>(columns: readonly Column<Row>[], rows: Rows<Row>): AsyncGenerator<Uint8Array> {
  const source = rows[Symbol.asyncIterator]();
  try {
    yield* zip(parts(columns, source));
  } finally {
    await source.return?.();
  }
}

type Part = { readonly name: string; readonly content: AsyncIterable<string> };

async function* parts<Row>(columns: readonly Column<Row>[], source: AsyncIterator<readonly Row[]>): AsyncGenerator<Part> {
  const left = { rows: [] as readonly Row[], isEnd: false };
  let sheets = 0;
  do {
    sheets += 1;
    yield { name: `xl/worksheets/sheet${sheets}.xml`, content: sheet(columns, source, left) };
  } while (!left.isEnd);
  // Written behind the sheets: only now is it known how many there are.
  const numbers = Array.from({ length: sheets }, (_, index) => index + 1);
  for (const [name, text] of frame(numbers)) yield { name, content: once(text) };
}

/** Takes rows until there are none or the sheet is full; what was taken and found no room stays in `left`. */
async function* sheet<Row>(
  columns: readonly Column<Row>[],
  source: AsyncIterator<readonly Row[]>,
  left: { rows: readonly Row[]; isEnd: boolean },
): AsyncGenerator<string> {
  const pane = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>';
  yield `${XML}<worksheet xmlns="${MAIN}"><sheetViews><sheetView workbookViewId="0">${pane}</sheetView></sheetViews><sheetData>`;
  yield `<row>${columns.map(({ name }) => xmlCell(name)).join("")}</row>`;
  let written = 1;
  let bytes = 0;
  for (;;) {
    if (left.rows.length === 0) {
      const next = await source.next();
      if (next.done === true) {
        left.isEnd = true;
        break;
      }
      left.rows = next.value;
    }
    const some = left.rows.slice(0, SHEET_ROWS_MAX - written);
    left.rows = left.rows.slice(some.length);
    const text = some.map((row) => `<row>${columns.map(({ value }) => xmlCell(value(row))).join("")}</row>`).join("");
    written += some.length;
    bytes += Buffer.byteLength(text);
    yield text;
    if (written >= SHEET_ROWS_MAX || bytes >= SHEET_BYTES_MAX) break;
  }
  yield "</sheetData></worksheet>";
}

function xmlCell(text: string | null): string {
  return text === null || text === "" ? "<c/>" : `<c t="inlineStr"><is><t xml:space="preserve">${xmlText(text)}</t></is></c>`;
}

const XML_MEANING: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };

/** What XML cannot hold goes as _xHHHH_ (ECMA-376, ST_Xstring), and what already looks so is told apart from it. */
function xmlText(text: string): string {
  return text
    .toWellFormed()
    .replace(/_(?=x[0-9A-Fa-f]{4}_)/g, "_x005F_")
    .replace(/[^\t\n\u0020-\ufffd]/g, (sign) => `_x${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}_`)
    .replace(/[&<>]/g, (sign) => XML_MEANING[sign] ?? sign);
}

const XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE = "http://schemas.openxmlformats.org/package/2006";
const TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml";

/** The parts around the sheets. */
function frame(sheets: readonly number[]): [string, string][] {
  const each = (make: (n: number) => string): string => sheets.map(make).join("");
  const override = (name: string, type: string): string => `<Override PartName="/xl/${name}.xml" ContentType="${TYPE}.${type}+xml"/>`;
  const relation = (n: number, type: string, target: string): string =>
    `<Relationship Id="rId${n}" Type="${OFFICE}/${type}" Target="${target}"/>`;
  return [
    [
      "[Content_Types].xml",
      `${XML}<Types xmlns="${PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>${override("workbook", "sheet.main")}${each((n) => override(`worksheets/sheet${n}`, "worksheet"))}</Types>`,
    ],
    [
      "_rels/.rels",
      `${XML}<Relationships xmlns="${PACKAGE}/relationships">${relation(1, "officeDocument", "xl/workbook.xml")}</Relationships>`,
    ],
    [
      "xl/workbook.xml",
      `${XML}<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets>${each((n) => `<sheet name="Sheet${n}" sheetId="${n}" r:id="rId${n}"/>`)}</sheets></workbook>`,
    ],
    [
      "xl/_rels/workbook.xml.rels",
      `${XML}<Relationships xmlns="${PACKAGE}/relationships">${each((n) => relation(n, "worksheet", `worksheets/sheet${n}.xml`))}</Relationships>`,
    ],
  ];
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}
