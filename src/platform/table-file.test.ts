// Files of tables, read back by readers of our own that know nothing of the writers.

import { inflateRawSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Column, csvFile, xlsxFile } from "./table-file.ts";

type Row = { readonly figure: string | null; readonly text: string | null };
const COLUMNS: readonly Column<Row>[] = [
  { name: "figure", kind: "figure", value: (row) => row.figure },
  { name: "text", kind: "text", value: (row) => row.text },
];

async function* inPieces(rows: readonly Row[], size = 3): AsyncGenerator<readonly Row[]> {
  for (let at = 0; at < rows.length; at += size) yield rows.slice(at, at + size);
}

async function csvOf(rows: readonly Row[]): Promise<string> {
  let text = "";
  for await (const piece of csvFile(COLUMNS, inPieces(rows))) text += piece;
  return text;
}

/** RFC 4180, to the letter. */
function readCsv(text: string): string[][] {
  const records: string[][] = [];
  let at = 0;
  while (at < text.length) {
    const record: string[] = [];
    for (;;) {
      let cell = "";
      if (text[at] === '"') {
        for (at += 1; !(text[at] === '"' && text[at + 1] !== '"'); at += text[at] === '"' ? 2 : 1) cell += text[at];
        at += 1;
      } else {
        for (; text[at] !== "," && text[at] !== "\r"; at += 1) {
          if (text[at] === '"' || text[at] === "\n" || at >= text.length) throw new Error(`a bare ${JSON.stringify(text[at])} at ${at}`);
          cell += text[at];
        }
      }
      record.push(cell);
      if (text[at] === ",") at += 1;
      else break;
    }
    if (text.slice(at, at + 2) !== "\r\n") throw new Error(`no line's end at ${at}`);
    at += 2;
    records.push(record);
  }
  return records;
}

/** The parts of a ZIP archive, found from its directory. */
function readZip(bytes: Buffer): Map<string, string> {
  const end = bytes.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  const parts = new Map<string, string>();
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [packed, size, nameLength, offset] = [
      bytes.readUInt32LE(at + 20),
      bytes.readUInt32LE(at + 24),
      bytes.readUInt16LE(at + 28),
      bytes.readUInt32LE(at + 42),
    ];
    const name = bytes.toString("utf8", at + 46, at + 46 + nameLength);
    const start = offset + 30 + bytes.readUInt16LE(offset + 26) + bytes.readUInt16LE(offset + 28);
    const content = inflateRawSync(bytes.subarray(start, start + packed));
    expect(content.length).toBe(size);
    expect(bytes.readUInt32LE(start + packed)).toBe(0x08074b50);
    expect(bytes.readUInt32LE(start + packed + 4)).toBe(bytes.readUInt32LE(at + 16));
    parts.set(name, content.toString());
    at += 46 + nameLength;
  }
  return parts;
}

async function xlsxOf(rows: readonly Row[]): Promise<Map<string, string>> {
  const pieces: Uint8Array[] = [];
  for await (const piece of xlsxFile(COLUMNS, inPieces(rows))) pieces.push(piece);
  return readZip(Buffer.concat(pieces));
}

/** The cells of a sheet as a spreadsheet shows them; "f" cells are formulas, and there may be none. */
function readSheet(xml: string): (string | null)[][] {
  expect(xml).not.toMatch(/<f[ >]/);
  return [...xml.matchAll(/<row>(.*?)<\/row>/gs)].map(([, row = ""]) =>
    [...row.matchAll(/<c\/>|<c t="inlineStr"><is><t xml:space="preserve">([^<]*)<\/t><\/is><\/c>/g)].map(([cell, text = ""]) =>
      cell === "<c/>"
        ? null
        : text
            .replaceAll("&lt;", "<")
            .replaceAll("&gt;", ">")
            .replaceAll("&amp;", "&")
            .replace(/_x([0-9A-F]{4})_/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    ),
  );
}

/** The cells as a spreadsheet cuts them that divides cells by `separator`: a quote at the beginning of a cell is one, any other is a letter. */
function cellsOf(text: string, separator: string): string[] {
  const cells: string[] = [];
  for (let at = 0; at <= text.length; at += 1) {
    let cell = "";
    if (text[at] === '"') {
      for (at += 1; at < text.length && !(text[at] === '"' && text[at + 1] !== '"'); at += text[at] === '"' ? 2 : 1) cell += text[at];
      at += 1;
    }
    for (; at < text.length && text[at] !== separator && text[at] !== "\n" && text[at] !== "\r"; at += 1) cell += text[at];
    cells.push(cell);
  }
  return cells;
}

/** What the cell has that the text has not, in order; null where something of the text is missing. */
function addedTo(text: string, cell: string): string | null {
  let at = 0;
  let added = "";
  for (const sign of cell) {
    if (text.startsWith(sign, at)) at += sign.length;
    else added += sign;
  }
  return at === text.length ? added : null;
}

const words = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("=", "+", "-", "@", "\t", "\r", "\n", '"', ",", ";", "'", "x", "1", " ", "＝") }),
  fc.constantFrom("_x0041_", "_x005F_", "", " "),
);

describe("a CSV file", () => {
  test("is read back to the letter, whatever stands in it, but for apostrophes before what would be a formula", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ figure: fc.option(fc.constantFrom("-10.50", "2024-01-01", "1")), text: fc.option(words) })),
        async (rows) => {
          const [names, ...records] = readCsv(await csvOf(rows));
          expect(names).toEqual(["figure", "text"]);
          expect(records.map(([figure]) => figure)).toEqual(rows.map(({ figure }) => figure ?? ""));
          for (const [index, [, cell = ""]] of records.entries()) {
            const text = rows[index]?.text ?? "";
            expect(addedTo(text, cell)).toMatch(/^'*$/);
          }
        },
      ),
    );
  });

  test.each([
    "=1+1",
    "+1",
    "-1",
    "@sum",
    " =1",
    "\u00a0=1",
    "\u200b=1",
    "\ufeff=1",
    "＝1",
    "＋1",
    "－1",
    "＠a",
    '"=1',
    "'=1",
    "\u2212 1",
    "\tx",
  ])("begins no formula with %j", async (text) => {
    const records = readCsv(await csvOf([{ figure: "1", text }]));
    expect(records[1]).toEqual(["1", `'${text}`]);
  });

  test.each(["a=1", "1-1", "x", "", "#REF", "Smith & Sons", "é", "a,b", 'say "no"', "a;1", "a, -b", "|cmd", ";", ",x"])(
    "leaves %j as it is",
    async (text) => {
      const records = readCsv(await csvOf([{ figure: null, text }]));
      expect(records[1]).toEqual(["", text]);
    },
  );

  test.each([
    [",=1", "',=1"],
    [" , =1", "' , =1"],
    [";=1", "';'=1"],
    ["a;=1", "a;'=1"],
    ["a; -1;x", "a;' -1;x"],
    ["\t=1", "'\t'=1"],
    ["\r\n+1", "'\r'\n'+1"],
    ["a|＝1", "a|'＝1"],
    ['x;"@1', `x;'"@1`],
    ["a\n-1", "a\n'-1"],
  ])("of %j makes %j, which begins no formula for readers with other separators either", async (text, expected) => {
    const records = readCsv(await csvOf([{ figure: "1", text }]));
    expect(records[1]).toEqual(["1", expected]);
  });

  test("begins no formula in any cell, whichever sign the reader takes for the end of a cell", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ figure: fc.constant("1"), text: words })), async (rows) => {
        const text = await csvOf(rows);
        for (const separator of [",", ";", "\t", "|"]) {
          expect(cellsOf(text, separator).filter((cell) => /^[\s"]*[=+\-@＝]/.test(cell))).toEqual([]);
        }
      }),
    );
  });
});

describe("an XLSX file", () => {
  test("has cells of text alone, read back to the letter", async () => {
    const fits = fc.option(words.map((text) => text.toWellFormed()));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.record({ figure: fits, text: fits }), { maxLength: 20 }), async (rows) => {
        const parts = await xlsxOf(rows);
        const [names, ...records] = readSheet(parts.get("xl/worksheets/sheet1.xml") ?? "");
        expect(names).toEqual(["figure", "text"]);
        expect(records).toEqual(rows.map(({ figure, text }) => [figure === "" ? null : figure, text === "" ? null : text]));
      }),
      { numRuns: 50 },
    );
  });

  test("names its parts to the reader", async () => {
    const parts = await xlsxOf([]);
    expect([...parts.keys()]).toEqual([
      "xl/worksheets/sheet1.xml",
      "[Content_Types].xml",
      "_rels/.rels",
      "xl/workbook.xml",
      "xl/_rels/workbook.xml.rels",
    ]);
    for (const [name, text] of parts) expect([name, text.startsWith("<?xml ")]).toEqual([name, true]);
    expect(parts.get("[Content_Types].xml")).toContain('PartName="/xl/worksheets/sheet1.xml"');
  });

  test("closes its source when the reader goes away", async () => {
    let closed = false;
    async function* endless(): AsyncGenerator<readonly Row[]> {
      try {
        for (;;) yield Array.from({ length: 1_000 }, () => ({ figure: "1", text: Math.random().toString(36) }));
      } finally {
        closed = true;
      }
    }
    let bytes = 0;
    for await (const piece of xlsxFile(COLUMNS, endless())) {
      bytes += piece.length;
      if (bytes > 100_000) break;
    }
    expect(closed).toBe(true);
  });

  test("breaks off where its source fails", async () => {
    async function* failing(): AsyncGenerator<readonly Row[]> {
      yield [{ figure: "1", text: "x" }];
      yield [];
      throw new Error("the database went away");
    }
    const read = async (): Promise<void> => {
      for await (const piece of xlsxFile(COLUMNS, failing())) expect(piece).toBeInstanceOf(Uint8Array);
    };
    await expect(read()).rejects.toThrow("the database went away");
  });
});
