import fc from "fast-check";
import { expect, test } from "vitest";
import { readHeaderValue } from "./header-values.ts";
import { processorMs } from "../../test/setup/processor-time.ts";

test.each([
  ["text/csv", "text/csv", {}],
  [" Text/CSV ", "text/csv", {}],
  ["text/csv; Charset=UTF-8", "text/csv", { charset: "UTF-8" }],
  ['form-data; name="a b"; filename="x;y=z"', "form-data", { name: "a b", filename: "x;y=z" }],
  ['form-data;name="a\\"b\\\\c"', "form-data", { name: 'a"b\\c' }],
  ['form-data; name=""', "form-data", { name: "" }],
  ["form-data; filename*=UTF-8''%41", "form-data", { "filename*": "UTF-8''%41" }],
  ["x; __proto__=1", "x", JSON.parse('{"__proto__":"1"}')],
])("%s", (header, value, parameters) => {
  const read = readHeaderValue(header);
  expect(read?.value).toBe(value);
  expect(Object.entries(read?.parameters ?? {})).toEqual(Object.entries(parameters as object));
});

test.each([
  "",
  ";",
  "a b",
  "text/",
  "text/csv;",
  "text/csv; a",
  "text/csv; a=",
  "text/csv; a=b c",
  'x; a="b',
  'x; a="b"c',
  "x; a=1; A=2",
  "x, y",
  "x; a = 1",
])("%o cannot be read to its end, or in two ways", (header) => {
  expect(readHeaderValue(header)).toBeNull();
});

test("any text is read back from its quotes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      expect(readHeaderValue(`x; a="${text.replace(/["\\]/g, "\\$&")}"`)?.parameters).toEqual({ a: text });
    }),
  );
});

test("no text takes long", () => {
  for (const evil of [`x; ${'a="'.repeat(50_000)}`, `x; a="${"\\".repeat(100_001)}`, `x;${" ".repeat(100_000)}`, "a".repeat(100_000)]) {
    const began = processorMs();
    readHeaderValue(evil);
    expect(processorMs() - began).toBeLessThan(500);
  }
});
