import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bodyOf, cellsOf, columnsOf, headerFaults } from "./csv.ts";
import { COLUMNS } from "./judges.ts";
import { RecordSplitter } from "./records.ts";
import { strictObject, Type } from "#platform/schema.ts";

const cells = (text: string): unknown => cellsOf(Buffer.from(text));

describe("cells", () => {
  test.each([
    ["a,b", ["a", "b"]],
    ["a,,", ["a", "", ""]],
    ['"a,b","c""d"', ["a,b", 'c"d']],
    ['"a\nb"', ["a\nb"]],
    [" a ,b", [" a ", "b"]],
    ["=1+1,'x", ["=1+1", "'x"]],
    ["a;b\tc", ["a;b\tc"]],
    ["a\rb", ["a\rb"]],
    ['""', [""]],
  ])("%j", (text, expected) => {
    expect(cells(text)).toEqual(expected);
  });

  test.each(['a"b', '"a"b', '"a" ,b', '"a'])("are not guessed where quotes stand wrong: %j", (text) => {
    expect(cells(text)).toEqual({ message: expect.stringContaining("RFC 4180") });
  });

  test("have no NUL and no bytes that are not UTF-8", () => {
    expect(cells("a\0,b")).toEqual({ message: expect.stringContaining("U+0000") });
    expect(cells('"a"\0,b')).toEqual({ message: expect.stringContaining("U+0000") });
    for (const bytes of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0xaf]]) {
      expect(cellsOf(Buffer.from(bytes))).toEqual({ message: expect.stringContaining("UTF-8") });
    }
  });

  test("are the ones that were written, whatever stands in them", () => {
    const written = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
    const cell = fc.string({ unit: fc.constantFrom("a", "ü", ",", '"', "\n", "\r", " ", "=", "😀") });
    const row = fc.array(cell, { minLength: 1, maxLength: 5 }).filter((texts) => texts.join("").trim() !== "" || texts.length > 1);
    fc.assert(
      fc.property(fc.array(row, { maxLength: 5 }), (rows) => {
        const splitter = new RecordSplitter("csv");
        const file = Buffer.from(rows.map((texts) => `${texts.map(written).join(",")}\r\n`).join(""));
        const records = [...splitter.push(file), ...splitter.end()];
        expect(records.map(({ bytes }) => bytes && cellsOf(bytes))).toEqual(rows);
      }),
    );
  });
});

describe("columns", () => {
  test("are the fields of a body, of the objects in it each by its path", () => {
    const schema = strictObject({
      a: Type.String(),
      b: Type.Optional(Type.String()),
      c: strictObject({ d: Type.String(), e: Type.Optional(Type.String()) }),
    });
    expect(columnsOf(schema)).toEqual([
      { name: "a", isRequired: true },
      { name: "b", isRequired: false },
      { name: "c.d", isRequired: true },
      { name: "c.e", isRequired: false },
    ]);
  });

  test("of an individual are what the documentation says", () => {
    expect(COLUMNS.map(({ name }) => name)).toEqual([
      "externalId",
      "riskLevel",
      "address.streetLine1",
      "address.streetLine2",
      "address.city",
      "address.state",
      "address.zip",
      "address.country",
      "phoneNumber",
      "email",
      "firstName",
      "lastName",
      "citizenshipCountry",
      "identificationDocument.issuedBy",
      "identificationDocument.expirationDate",
      "identificationDocument.type",
      "identificationDocument.number",
      "identificationDocument.issuedCountryCode",
      "identificationDocument.issuedDate",
      "residenceCountry",
      "dateOfBirth",
    ]);
    expect(COLUMNS.filter(({ isRequired }) => !isRequired).map(({ name }) => name)).toEqual(["address.streetLine2", "address.state"]);
  });

  const columns = [
    { name: "a", isRequired: true },
    { name: "b", isRequired: false },
  ];
  test.each([
    [["a"], {}],
    [["b", "a"], {}],
    [["a", "__proto__"], { "*": ["The column is not known."] }],
    [["b"], { a: ["The column is required."] }],
    [["a", "a"], { a: ["The column stands twice."] }],
    [["a", "A", ""], { A: ["The column is not known."], "*": ["The column is not known."] }],
  ])("may come in any order: %j", (header, errors) => {
    expect(headerFaults(header, columns)).toEqual(errors);
  });

  test("that are not known are told of a few only, and briefly", () => {
    const header = ["a", ...Array.from({ length: 1_000 }, (_, index) => `x${index}`)];
    expect(Object.keys(headerFaults(header, columns))).toHaveLength(20);
  });

  test.each([
    ["no header", ["ada-1", "low", "Ada", "Lovelace"]],
    ["no end of its first line", ["a", "b\rada-1", "Ada"]],
    ["data between the names", ["a", "Ada Lovelace", "1815-12-10", "ada@example.com", "x".repeat(61)]],
  ])("quote nothing of a file that has %s", (_what, header) => {
    const told = JSON.stringify(headerFaults(header, columns));
    for (const data of ["ada", "Ada", "Lovelace", "1815", "low", "xxx"]) expect(told).not.toContain(data);
    expect(told).not.toBe("{}");
  });
});

test("an empty cell says nothing of its field", () => {
  expect(bodyOf(["a", "c.d", "c.e"], ["", "1", ""])).toEqual({ c: { d: "1" } });
  expect(bodyOf(["c.d"], [""])).toEqual({ c: {} });
});
