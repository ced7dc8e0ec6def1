import type { FieldErrors } from "#platform/problem.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { isPlainText } from "#platform/plain-text.ts";
import { judgeTexts } from "./text-rules.ts";

test.each(["\u0000", "\t", "\n", "\r", "\u001b", "\u007f", "\u0080", "\u0085", "\u009f"])(
  "a control character (%j) is refused",
  (character) => {
    expect(isPlainText(`a${character}b`)).toBe(false);
  },
);

test.each(["\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066", "\u2067", "\u2068", "\u2069", "\u2028", "\u2029"])(
  "what turns the direction of writing or breaks a line (%j) is refused",
  (character) => {
    for (const text of [character, `a${character}`, `${character}a`]) expect(isPlainText(text)).toBe(false);
  },
);

test.each([
  "",
  " ",
  "Zażółć & Söhne",
  "\u0634\u0631\u06a9\u062a",
  "\u05d7\u05d1\u05e8\u05d4\u200f",
  "\u0645\u06cc\u200c\u062e",
  "\u{1f600}",
  "a\u00a0b",
])("%j is taken", (text) => {
  expect(isPlainText(text)).toBe(true);
});

test("every text of a body is looked at, however deep it stands, and named by its path", () => {
  const plain = fc.string({ unit: fc.constantFrom("a", "é", "\u0634") });
  const body = fc.dictionary(fc.stringMatching(/^[a-z]{1,3}$/), fc.oneof(plain, fc.array(plain), fc.dictionary(fc.constant("in"), plain)));
  const faultsIn = (value: unknown): string[] => {
    const errors: FieldErrors = {};
    judgeTexts(errors, value);
    return Object.keys(errors);
  };
  fc.assert(
    fc.property(body, (value) => {
      expect(faultsIn(value)).toEqual([]);
      expect(faultsIn({ ...value, list: ["a", { deep: "\u202e" }], other: null, number: 1 })).toEqual(["list.1.deep"]);
    }),
  );
});
