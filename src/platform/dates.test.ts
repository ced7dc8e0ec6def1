import fc from "fast-check";
import { expect, test } from "vitest";
import { addDays, compareDates, daysBetween, isLocalDate, type LocalDate, today } from "./dates.ts";

function date(text: string): LocalDate {
  if (!isLocalDate(text)) throw new Error(`${text} is no date`);
  return text;
}

const anyDay = fc.integer({ min: -719_162, max: 2_932_896 }).map((day) => addDays(date("1970-01-01"), day));

test.each(["2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31", "2026-11-30", "2026-12-31"])("%s is a day", (text) => {
  expect(isLocalDate(text)).toBe(true);
});

test.each([
  "2023-02-30",
  "2023-02-29",
  "1900-02-29",
  "2026-11-31",
  "2026-13-01",
  "2026-00-10",
  "2026-01-00",
  "2026-01-32",
  "0000-01-01",
  "10000-01-01",
  "2026-1-01",
  "20260101",
  "2026-01-01T00:00:00Z",
  "2026-01-01\n",
  " 2026-01-01",
  "-026-01-01",
  "２０２６-01-01",
  "",
])("%j is no day", (text) => {
  expect(isLocalDate(text)).toBe(false);
});

test("a day exists exactly when the engine's calendar does not move it", () => {
  const pad = (value: number, length: number) => String(value).padStart(length, "0");
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9999 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 31 }), (year, month, day) => {
      const text = `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}`;
      expect(isLocalDate(text)).toBe(new Date(`${text}T00:00:00Z`).toISOString().slice(0, 10) === text);
    }),
    { numRuns: 5000 },
  );
});

test.each([
  ["2026-11-23T23:30:00Z", "UTC", "2026-11-23"],
  ["2026-11-23T23:30:00Z", "Europe/Vilnius", "2026-11-24"],
  ["2026-11-23T02:30:00Z", "America/New_York", "2026-11-22"],
  ["2026-06-30T22:30:00Z", "Europe/London", "2026-06-30"],
  ["2026-06-30T23:30:00Z", "Europe/London", "2026-07-01"],
  ["2026-11-23T10:00:00Z", "Pacific/Kiritimati", "2026-11-24"],
])("at %s in %s it is %s", (instant, zone, day) => {
  expect(today(new Date(instant), zone)).toBe(day);
});

test("a zone that does not exist is refused", () => {
  expect(() => today(new Date(0), "Europe/Atlantis")).toThrow(RangeError);
});

test.each([
  ["2024-02-28", 1, "2024-02-29"],
  ["2023-02-28", 1, "2023-03-01"],
  ["2026-03-29", 1, "2026-03-30"],
  ["2026-01-01", -1, "2025-12-31"],
  ["0001-01-01", 0, "0001-01-01"],
])("%s and %i days is %s", (from, days, to) => {
  expect(addDays(date(from), days)).toBe(to);
});

test("the calendar has two ends", () => {
  expect(() => addDays(date("9999-12-31"), 1)).toThrow(RangeError);
  expect(() => addDays(date("0001-01-01"), -1)).toThrow(RangeError);
});

test("days added are days between, and later days sort later", () => {
  fc.assert(
    fc.property(anyDay, anyDay, (a, b) => {
      expect(addDays(a, daysBetween(a, b))).toBe(b);
      expect(Math.sign(compareDates(a, b))).toBe(-Math.sign(daysBetween(a, b)) + 0);
    }),
  );
});
