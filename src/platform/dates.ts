// Calendar dates: booking dates, value dates, birthdays. A date is a day on a calendar, no instant; which day "today" is depends on a
// time zone that the caller must name. Pure: the clock is given.

/** A real day of the Gregorian calendar, 0001-01-01 to 9999-12-31, as YYYY-MM-DD. Only this file makes one. */
export type LocalDate = string & { readonly __brand: "LocalDate" };

const DATE = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/;
const DAY_MS = 86_400_000;

/** Whether the text is a day that exists: 2024-02-29 is, 2023-02-30 and 0000-01-01 are not. */
export function isLocalDate(text: string): text is LocalDate {
  const parts = DATE.exec(text);
  if (!parts) return false;
  const [year, month, day] = [Number(parts[1]), Number(parts[2]), Number(parts[3])];
  return year >= 1 && month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
}

/** The day that it is at that instant in a time zone of the IANA database. Throws RangeError for an unknown zone. */
export function today(now: Date, timeZone: string): LocalDate {
  if (timeZone === "UTC") return ofInstant(now);
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat("en-u-ca-gregory-nu-latn", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
    formats.set(timeZone, format);
  }
  const parts = new Map(format.formatToParts(now).map((part) => [part.type, part.value]));
  return checked(`${parts.get("year")?.padStart(4, "0")}-${parts.get("month")}-${parts.get("day")}`);
}

/** The day that many days later; earlier for a negative number. Throws RangeError past the ends of the calendar. */
export function addDays(date: LocalDate, days: number): LocalDate {
  return ofInstant(new Date(instantOf(date) + days * DAY_MS));
}

/** Days from one date to another; negative when `to` is the earlier one. */
export function daysBetween(from: LocalDate, to: LocalDate): number {
  return (instantOf(to) - instantOf(from)) / DAY_MS;
}

/** Order of two dates, as for Array.sort. */
export function compareDates(a: LocalDate, b: LocalDate): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Midnight in UTC, as a stand-in that has no daylight saving. */
function instantOf(date: LocalDate): number {
  return Date.parse(`${date}T00:00:00Z`);
}

function ofInstant(instant: Date): LocalDate {
  return checked(instant.toISOString().slice(0, 10));
}

function checked(text: string): LocalDate {
  if (!isLocalDate(text)) throw new RangeError(`Not a calendar date: ${text}`);
  return text;
}
