import fc from "fast-check";
import { expect, test } from "vitest";
import { type Currency, currencies, isCurrency, minorDigits } from "./currency.ts";
import {
  AMOUNT_MINOR_MAX,
  type AmountForm,
  BALANCE_MINOR_MAX,
  formatAmount,
  parseAmount,
  parseNonNegativeAmount,
  parseSignedAmount,
} from "./money.ts";
import { processorMs } from "../../test/setup/processor-time.ts";

function currency(code: string): Currency {
  if (!isCurrency(code)) throw new Error(`${code} is no currency`);
  return code;
}

/** The minor units, or the fault's name. */
function verdict(text: string, code: string, form: AmountForm): bigint | string {
  const outcome = parseAmount(text, currency(code), form);
  return typeof outcome === "bigint" ? outcome : outcome.fault;
}

test.each<[form: AmountForm, code: string, text: string, expected: bigint]>([
  ["number", "EUR", "1", 100n],
  ["number", "EUR", "1.0", 100n],
  ["number", "EUR", "1.00", 100n],
  ["number", "EUR", "10.5", 1050n],
  ["string", "EUR", "1", 100n],
  ["string", "EUR", "1.00", 100n],
  ["string", "EUR", "10.5", 1050n],
  ["string", "EUR", "1.000", 100n],
  ["string", "JPY", "1.0", 1n],
  ["number", "EUR", "0.01", 1n],
  ["number", "JPY", "1", 1n],
  ["number", "KWD", "0.001", 1n],
  ["string", "KWD", "1.005", 1005n],
  ["number", "EUR", "1e2", 10000n],
  ["number", "EUR", "1E2", 10000n],
  ["number", "EUR", "1e-2", 1n],
  ["number", "EUR", "9007199254740.93", 900719925474093n],
  ["number", "EUR", "9999999999999.99", 999999999999999n],
  ["number", "EUR", "10000000000000.00", 10n ** 15n],
  ["string", "JPY", "1000000000000000", 10n ** 15n],
  ["string", "KWD", "1000000000000", 10n ** 15n],
])("%s %s %s is accepted exactly", (form, code, text, expected) => {
  expect(verdict(text, code, form)).toBe(expected);
});

test.each<[form: AmountForm, code: string, text: string, fault: string]>([
  ["number", "EUR", "0.001", "tooManyDigits"],
  ["number", "JPY", "0.5", "tooManyDigits"],
  ["number", "KWD", "0.0001", "tooManyDigits"],
  ["number", "EUR", "1.005", "tooManyDigits"],
  ["number", "EUR", "0.10000000000000000000001", "tooManyDigits"],
  ["number", "EUR", "1e-400", "tooManyDigits"],
  ["number", "EUR", "1e-99999999999999999999", "tooManyDigits"],
  ["number", "EUR", "0", "notPositive"],
  ["number", "EUR", "0.00", "notPositive"],
  ["number", "EUR", "-0", "notPositive"],
  ["number", "EUR", "0e400", "notPositive"],
  ["number", "EUR", "-1", "notPositive"],
  ["number", "EUR", "-0.01", "notPositive"],
  ["number", "EUR", "-0.001", "notPositive"],
  ["string", "EUR", "0.00", "notPositive"],
  ["number", "EUR", "1e400", "tooLarge"],
  ["number", "EUR", "1e99999999999999999999", "tooLarge"],
  ["number", "EUR", "10000000000000.01", "tooLarge"],
  ["number", "EUR", "90071992547409.93", "tooLarge"],
  ["number", "EUR", "99999999999999999999", "tooLarge"],
  ["string", "JPY", "1000000000000001", "tooLarge"],
  ["number", "EUR", `1${"0".repeat(100)}`, "format"],
  ["number", "EUR", "9".repeat(1_000_000), "format"],
])("%s %s %.30s is refused: %s", (form, code, text, fault) => {
  expect(verdict(text, code, form)).toBe(fault);
});

const NOT_AN_AMOUNT = [
  ["-1", "+1", "\u22121", "1e2", "1e400", "1E2", "-0"],
  ["1,00", "1.000,00", "1 000", "1_000", "1'000", "0x10", "0b1", "0o7", "1n", "1/2", "1.", ".5", "01", "1.0.0", "00.1"],
  [" 1", "1 ", "\t1", "1\n", "1\u0000", "\ufeff1", "1\u200b"],
  ["\uff11\uff10\uff10", "\u0661\u0660\u0660", "\u216b", "\u00bd"],
  ["NaN", "Infinity", "-Infinity", "nan", "inf", "null", "", "[object Object]", "true"],
].flat();

test.each(NOT_AN_AMOUNT)("the string %j is no amount", (text) => {
  expect(verdict(text, "EUR", "string")).toBe("format");
});

test("the sentence names the currency's own rule", () => {
  const rule = (text: string, code: string) => parseAmount(text, currency(code));
  expect(rule("1.005", "EUR")).toHaveProperty("rule", "The amount must have at most 2 decimals for EUR.");
  expect(rule("0.5", "JPY")).toHaveProperty("rule", "The amount must have no decimals for JPY.");
  expect(rule("0", "EUR")).toHaveProperty("rule", "The amount must be greater than zero.");
  expect(rule("10000000000000.01", "EUR")).toHaveProperty("rule", "The amount must not exceed 10000000000000.00 EUR.");
});

test("a limit may be zero but not negative", () => {
  expect(parseNonNegativeAmount("0.00", currency("EUR"))).toBe(0n);
  expect(parseNonNegativeAmount("-0", currency("EUR"), "number")).toBe(0n);
  expect(parseNonNegativeAmount("-0.01", currency("EUR"), "number")).toHaveProperty("fault", "notPositive");
});

test("a bound on balances may be negative and as large as a balance", () => {
  expect(parseSignedAmount("-10.5", currency("EUR"))).toBe(-1050n);
  expect(parseSignedAmount("-90000000000000000.00", currency("EUR"))).toBe(-BALANCE_MINOR_MAX);
  expect(parseSignedAmount("90000000000000000.01", currency("EUR"))).toHaveProperty("fault", "tooLarge");
  for (const text of ["--1", "+1", "-", "1e2"]) expect(parseSignedAmount(text, currency("EUR"))).toHaveProperty("fault", "format");
});

test.each<[minor: bigint, code: string, text: string]>([
  [1050n, "EUR", "10.50"],
  [0n, "EUR", "0.00"],
  [5n, "EUR", "0.05"],
  [-5n, "EUR", "-0.05"],
  [-1050n, "EUR", "-10.50"],
  [10n, "JPY", "10"],
  [-10n, "JPY", "-10"],
  [1005n, "KWD", "1.005"],
  [9007199254740993n, "EUR", "90071992547409.93"],
])("%s minor units of %s print as %s", (minor, code, text) => {
  expect(formatAmount(minor, currency(code))).toBe(text);
});

test("what is printed reads back to the same minor units, in every currency", () => {
  fc.assert(
    fc.property(fc.constantFrom(...currencies), fc.bigInt(1n, AMOUNT_MINOR_MAX), (code, minor) => {
      const text = formatAmount(minor, code);
      expect(parseAmount(text, code)).toBe(minor);
      expect(parseAmount(text, code, "number")).toBe(minor);
      expect(parseSignedAmount(`-${text}`, code)).toBe(-minor);
      expect(text.split(".")[1]?.length ?? 0).toBe(minorDigits(code));
    }),
    { numRuns: 1000 },
  );
});

test("a digit too many is refused in every currency, unless it is a zero", () => {
  fc.assert(
    fc.property(fc.constantFrom(...currencies), fc.bigInt(1n, 10n ** 14n), fc.integer({ min: 0, max: 9 }), (code, minor, digit) => {
      const printed = formatAmount(minor, code);
      const text = printed.includes(".") ? `${printed}${digit}` : `${printed}.${digit}`;
      const outcome = parseAmount(text, code);
      if (digit === 0) expect(outcome).toBe(minor);
      else expect(outcome).toHaveProperty("fault", "tooManyDigits");
    }),
  );
});

test("an exponent means what it says: the value is that of BigInt arithmetic or it is refused", () => {
  fc.assert(
    fc.property(fc.bigInt(1n, 10n ** 10n), fc.integer({ min: -20, max: 20 }), (significant, exponent) => {
      const outcome = parseAmount(`${significant}e${exponent}`, currency("EUR"), "number");
      const scaled = significant * 10n ** BigInt(exponent + 22);
      if (typeof outcome === "bigint") expect(outcome * 10n ** 20n).toBe(scaled);
      else expect(scaled % 10n ** 20n !== 0n || scaled / 10n ** 20n > AMOUNT_MINOR_MAX).toBe(true);
    }),
  );
});

test("a text of a million digits costs less than a millisecond", () => {
  const text = "9".repeat(1_000_000);
  const started = processorMs();
  for (let i = 0; i < 100; i += 1) parseAmount(text, currency("EUR"), "number");
  expect((processorMs() - started) / 100).toBeLessThan(1);
});
