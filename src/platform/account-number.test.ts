import fc from "fast-check";
import { expect, test } from "vitest";
import { accountNumber, isAccountNumber, RUNNING_NUMBER_MAX, runningDigits } from "./account-number.ts";

const running = fc.bigInt(1n, RUNNING_NUMBER_MAX);

test.each([
  [1n, "0000000195"],
  [2n, "0000000292"],
  [12345678n, "1234567889"],
  [99999999n, "9999999952"],
])("the running number %s is the account %s", (given, number) => {
  expect(accountNumber(given)).toBe(number);
});

test("a number and its check digits leave 1 when divided by 97", () => {
  fc.assert(
    fc.property(running, (given) => {
      const number = accountNumber(given);
      expect(BigInt(number) % 97n).toBe(1n);
      expect([number.length, isAccountNumber(number), BigInt(runningDigits(number))]).toEqual([10, true, given]);
    }),
  );
});

test("every wrong digit and every swap of two different neighbours is found", () => {
  fc.assert(
    fc.property(running, fc.nat(9), fc.integer({ min: 1, max: 9 }), (given, place, change) => {
      const digits = Array.from(accountNumber(given));
      const wrong = digits.with(place, String((Number(digits[place]) + change) % 10));
      expect(isAccountNumber(wrong.join(""))).toBe(false);
      const [a, b] = [digits[place], digits[place + 1]];
      if (a === undefined || b === undefined || a === b) return;
      expect(
        isAccountNumber(
          digits
            .with(place, b)
            .with(place + 1, a)
            .join(""),
        ),
      ).toBe(false);
    }),
  );
});

test.each([0n, -1n, RUNNING_NUMBER_MAX + 1n])("no account has the running number %s", (given) => {
  expect(() => accountNumber(given)).toThrow(RangeError);
});

test.each(["", "000000019", "00000001950", "000000019A", " 0000000195", "0000000195\n", "LT00000001", "0000000196", "٠٠٠٠٠٠٠١٩٥"])(
  "%j is no account number of ours",
  (text) => {
    expect(isAccountNumber(text)).toBe(false);
    expect(() => runningDigits(text)).toThrow(RangeError);
  },
);
