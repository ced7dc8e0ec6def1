import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { canonicalJson, fingerprint } from "./canonical.ts";

test.each<[unknown, string]>([
  [{ b: 1, a: [true, null, "x"], A: {} }, '{"A":{},"a":[true,null,"x"],"b":1}'],
  [{ amount: 10n ** 20n }, '{"amount":100000000000000000000}'],
  [{ absent: undefined, kept: null }, '{"kept":null}'],
  [{ é: '"\n', "\ud83d\ude00": -0 }, '{"é":"\\"\\n","\ud83d\ude00":0}'],
  [[], "[]"],
  ["text", '"text"'],
])("%o is written as %s", (value, text) => {
  expect(canonicalJson(value)).toBe(text);
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, undefined, () => 1, Symbol("x"), new Date(0), new Map(), [undefined]])(
  "%s has no text, and that is said",
  (value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  },
);

test("the text is the value: it reads back, and the order of members is nothing", () => {
  const shuffled = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(shuffled);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([name, member]) => [name, shuffled(member)]),
    );
  };
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      expect(canonicalJson(shuffled(value))).toBe(text);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test("a fingerprint is SHA-256 over the parts with their lengths", () => {
  expect(fingerprint(["POST", "", "é"])).toEqual(createHash("sha256").update("4:POST0:1:é", "utf8").digest("hex"));
  expect(fingerprint([])).toHaveLength(64);
});

test("other parts give another fingerprint, also when they join to the same text", () => {
  const parts = fc.array(fc.string({ unit: "grapheme" }), { maxLength: 4 });
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      expect(fingerprint(a) === fingerprint(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
  );
  expect(fingerprint(["ab", "c"])).not.toBe(fingerprint(["a", "bc"]));
  expect(fingerprint(["1:a"])).not.toBe(fingerprint(["1", "a"]));
});
