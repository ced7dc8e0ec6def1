import { expect, test } from "vitest";
import { readDates } from "./date-bounds.ts";

test("a bare date is its whole day, from and to", () => {
  expect(readDates({ dateFrom: "2024-02-29", dateTo: "2024-02-29" })).toEqual({
    from: new Date("2024-02-29T00:00:00Z"),
    before: new Date("2024-03-01T00:00:00Z"),
  });
});

test("an instant between two milliseconds is the later of them", () => {
  expect(readDates({ dateFrom: "2024-01-01T00:00:00.0009Z" })).toEqual({ from: new Date("2024-01-01T00:00:00.001Z"), before: null });
  expect(readDates({ dateTo: "2024-01-01T00:00:00.000Z" })).toEqual({ from: null, before: new Date("2024-01-01T00:00:00Z") });
});
