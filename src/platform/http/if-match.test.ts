import { expect, test } from "vitest";
import { entityTag, isMatched } from "./if-match.ts";

test.each([
  ['"7"', true],
  ["*", true],
  ['"6", "7"', true],
  ['"6","7","8"', true],
  ['  "7"\t', true],
  ['"6"', false],
  ['"77"', false],
  ["7", false],
  ['W/"7"', false],
  ['"07"', false],
  ["", false],
  ['"7', false],
  ['"**"', false],
])("version 7 is meant by %s: %s", (ifMatch, expected) => {
  expect(isMatched(ifMatch, 7n)).toBe(expected);
});

test("a version's own ETag means it", () => {
  expect(isMatched(entityTag(9_007_199_254_740_993n), 9_007_199_254_740_993n)).toBe(true);
});
