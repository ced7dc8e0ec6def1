import fc from "fast-check";
import { expect, test } from "vitest";
import { maskDocumentNumber } from "./mask.ts";

test.each([
  ["S1234567890", "••••7890"],
  ["S12345678", "••••5678"],
  ["S1234567", "••••4567"],
  ["S12345", "••••45"],
  ["S1234", "••••4"],
  ["S123", "••••"],
  ["1", "••••"],
  ["", "••••"],
])("of %s a list shows %s", (number, shown) => {
  expect(maskDocumentNumber(number)).toBe(shown);
});

test("at least four characters of every number stay hidden, and never more than four are shown", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 30, unit: "grapheme" }), (number) => {
      const letters = Array.from(number).length;
      const shown = Array.from(maskDocumentNumber(number)).slice(4);
      expect(number.endsWith(shown.join(""))).toBe(true);
      expect(shown.length).toBeLessThanOrEqual(4);
      expect(letters - shown.length).toBeGreaterThanOrEqual(Math.min(4, letters));
    }),
  );
});
