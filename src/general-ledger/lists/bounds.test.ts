import { describe, expect, test } from "vitest";
import { minorBounds } from "./bounds.ts";

const boundFor = (code: string, text: string, side: "from" | "to"): bigint | undefined =>
  minorBounds(text, side).find(({ codes }) => codes.some((each) => each === code))?.minor;

describe("a bound on amounts", () => {
  test.each([
    ["EUR", "10.50", 1050n, 1050n],
    ["EUR", "10.505", 1051n, 1050n],
    ["EUR", "0.001", 1n, 0n],
    ["EUR", "0", 0n, 0n],
    ["EUR", "0.000", 0n, 0n],
    ["JPY", "10", 10n, 10n],
    ["JPY", "10.50", 11n, 10n],
    ["JPY", "0.5", 1n, 0n],
    ["KWD", "10.5", 10_500n, 10_500n],
    ["KWD", "1.0005", 1_001n, 1_000n],
    ["EUR", `1${"0".repeat(40)}`, 10n ** 18n, 10n ** 18n],
    ["EUR", `0.${"0".repeat(40)}1`, 1n, 0n],
    ["EUR", "9999999999999999.99", 10n ** 18n - 1n, 10n ** 18n - 1n],
  ])("%s %s is exact in minor units, rounded into the range", (code, text, from, to) => {
    expect([boundFor(code, text, "from"), boundFor(code, text, "to")]).toEqual([from, to]);
  });

  test("is there for every currency, once", () => {
    const codes = minorBounds("1", "from").flatMap((bound) => bound.codes);
    expect(new Set(codes).size).toBe(codes.length);
    expect(codes).toContain("ZAR");
  });
});
