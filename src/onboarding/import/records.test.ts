import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FileRecord, RECORD_BYTES_MAX, type RecordForm, RecordSplitter } from "./records.ts";

function split(form: RecordForm, pieces: readonly Uint8Array[]): { readonly records: readonly FileRecord[]; readonly isInQuotes: boolean } {
  const splitter = new RecordSplitter(form);
  const records = pieces.flatMap((piece) => splitter.push(piece));
  const { isInQuotes } = splitter;
  return { records: [...records, ...splitter.end()], isInQuotes };
}

const textsOf = (form: RecordForm, text: string): (string | null)[] =>
  split(form, [Buffer.from(text)]).records.map(({ bytes }) => bytes?.toString() ?? null);

/** Cuts bytes at these places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...new Set([...places.map((place) => place % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

describe("lines", () => {
  test.each([
    ["a\nb\n", ["a", "b"]],
    ["a\nb", ["a", "b"]],
    ["a\r\nb\r\n", ["a", "b"]],
    ["a\n\n\r\n \t\nb", ["a", "b"]],
    ["\ufeffa\nb", ["a", "b"]],
    ["\ufeff", []],
    ["a\n\ufeffb", ["a", "\ufeffb"]],
    ['"a\nb"', ['"a', 'b"']],
    ["a\rb\n", ["a\rb"]],
    ["", []],
  ])("%j", (text, expected) => {
    expect(textsOf("lines", text)).toEqual(expected);
  });
});

describe("records of CSV", () => {
  test.each([
    ["a,b\nc,d", ["a,b", "c,d"]],
    ['"a\nb",c\r\nd', ['"a\nb",c', "d"]],
    ['"a""\n""b"\nc', ['"a""\n""b"', "c"]],
    ['a"b\nc', ['a"b', "c"]],
    ['a,"b\n"\nc', ['a,"b\n"', "c"]],
    ['"a"b"\nc', ['"a"b"', "c"]],
    ['\ufeff"a",b\nc', ['"a",b', "c"]],
    ['"a\n\nb"\n\nc', ['"a\n\nb"', "c"]],
  ])("%j", (text, expected) => {
    expect(textsOf("csv", text)).toEqual(expected);
  });

  test("say when the file ends inside quotes", () => {
    expect(split("csv", [Buffer.from('a\n"b\nc')]).isInQuotes).toBe(true);
    expect(split("csv", [Buffer.from('a\n"b\nc"')]).isInQuotes).toBe(false);
    expect(split("csv", [Buffer.from('a\n"b"'), Buffer.from('"\nc')]).isInQuotes).toBe(true);
  });
});

test.each(["lines", "csv"] as const)("%s are the same wherever the bytes are cut", (form) => {
  const text = fc.array(fc.constantFrom("a", ",", '"', '""', "\n", "\r\n", "\r", " ", "ü", "\ufeff"), { maxLength: 40 });
  fc.assert(
    fc.property(text, fc.array(fc.nat({ max: 100 }), { maxLength: 8 }), (parts, places) => {
      const bytes = Buffer.from(parts.join(""));
      expect(split(form, cut(bytes, places))).toEqual(split(form, [bytes]));
    }),
  );
});

describe("a long record", () => {
  const exactly = Buffer.alloc(RECORD_BYTES_MAX, "x");

  test("is kept up to the last byte that it may have", () => {
    const [record] = split("lines", [exactly, Buffer.from("\r\nnext")]).records;
    expect(record?.bytes?.length).toBe(RECORD_BYTES_MAX);
  });

  test.each(["lines", "csv"] as const)("is passed over, and what follows is read: %s", (form) => {
    for (const more of ["x", "xx", "x".repeat(70_000)]) {
      const { records } = split(form, [exactly, Buffer.from(more), Buffer.from("\nnext\n")]);
      expect(records.map(({ bytes }) => bytes?.toString() ?? null)).toEqual([null, "next"]);
      expect(records[0]?.hash).toEqual(createHash("sha256").update(exactly).update(more).digest());
    }
  });

  test("takes no more memory when it comes byte by byte", () => {
    const splitter = new RecordSplitter("lines");
    const one = Buffer.from("x");
    for (let count = 0; count < 20_000; count++) splitter.push(one);
    const [record] = splitter.end();
    expect(record?.bytes?.length).toBe(20_000);
  });
});
