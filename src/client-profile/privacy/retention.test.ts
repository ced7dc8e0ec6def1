import fc from "fast-check";
import { expect, test } from "vitest";
import { erasableFrom } from "./retention.ts";

const at = (text: string) => new Date(text);
const closed = (text: string) => ({ status: "closed", closedAt: at(text), lastChangeAt: at("2030-01-01T00:00:00Z") }) as const;

test.each([
  ["2026-11-23T09:45:00.123Z", 5, "2031-11-23T09:45:00.123Z"],
  ["2024-02-29T23:59:59.999Z", 5, "2029-03-01T23:59:59.999Z"],
  ["2024-02-29T00:00:00.000Z", 4, "2028-02-29T00:00:00.000Z"],
  ["2026-12-31T23:59:59.999Z", 0, "2026-12-31T23:59:59.999Z"],
  ["2026-12-31T23:59:59.999Z", 100, "2126-12-31T23:59:59.999Z"],
])("a client closed at %s may be erased %i years later, at %s", (closedAt, years, expected) => {
  expect(erasableFrom(closed(closedAt), years)?.toISOString()).toBe(expected);
});

test("a rejected client's time begins with the last change of how it stands", () => {
  const ending = { status: "rejected", closedAt: null, lastChangeAt: at("2026-01-02T03:04:05Z") } as const;
  expect(erasableFrom(ending, 5)).toEqual(at("2031-01-02T03:04:05Z"));
});

test.each(["pending", "active", "blocked"] as const)("a client that is %s has no such time", (status) => {
  expect(erasableFrom({ status, closedAt: null, lastChangeAt: at("2000-01-01T00:00:00Z") }, 0)).toBeNull();
});

test("no client may be erased before as many years of 365 days are over", () => {
  fc.assert(
    fc.property(
      fc.date({ min: at("2000-01-01T00:00:00Z"), max: at("2090-01-01T00:00:00Z"), noInvalidDate: true }),
      fc.nat(100),
      (day, years) => {
        const end = erasableFrom({ status: "closed", closedAt: day, lastChangeAt: day }, years) ?? new Date(0);
        expect(end.getTime() - day.getTime()).toBeGreaterThanOrEqual(years * 365 * 86_400_000);
        expect(end.getUTCFullYear() - day.getUTCFullYear()).toBe(years);
      },
    ),
  );
});
