import fc from "fast-check";
import { expect, test } from "vitest";
import { plainDecimal, readDecimal, sameDecimal } from "./decimal.ts";
import { processorMs } from "../../test/setup/processor-time.ts";

test.each([
  ["1e2", "100"],
  ["1.5E+2", "150"],
  ["1e-2", "0.01"],
  ["12.5e-1", "1.25"],
  ["-1e1", "-10"],
  ["0e400", "0"],
  ["1.50", "1.50"],
  ["1e400", null],
  ["1e-400", null],
  ["1e99999999999999999999", null],
  ["01", null],
  ["+1", null],
  ["1.", null],
  [".5", null],
  ["", null],
  ["1".repeat(65), null],
])("%s without an exponent is %s", (text, plain) => {
  expect(plainDecimal(text, 64)).toBe(plain);
});

test("taking the exponent away never changes the value", () => {
  const part = fc.bigInt(0n, 10n ** 20n).map(String);
  fc.assert(
    fc.property(part, part, fc.integer({ min: -30, max: 30 }), fc.boolean(), (whole, fraction, exponent, negative) => {
      const text = `${negative ? "-" : ""}${whole}.${fraction}e${exponent}`;
      const plain = plainDecimal(text, 200);
      expect(plain).not.toMatch(/e/);
      expect(sameDecimal(text, plain ?? "")).toBe(true);
    }),
  );
});

test.each([
  ["1", "1.0", true],
  ["1.50", "15e-1", true],
  ["0", "-0", true],
  ["0e5", "0.00", true],
  ["1", "-1", false],
  ["1", "10", false],
  ["9007199254740993", "9007199254740992", false],
  ["x", "x", false],
])("%s and %s: same value is %s", (a, b, same) => {
  expect(sameDecimal(a, b)).toBe(same);
});

test("a million digits are read in a few milliseconds", () => {
  const started = processorMs();
  expect(readDecimal(`1${"0".repeat(1_000_000)}`)?.power).toBe(1_000_000);
  expect(processorMs() - started).toBeLessThan(200);
});
