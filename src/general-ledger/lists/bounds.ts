// Bounds of filters: from the caller's texts to instants and minor units. Pure.

import { type Currency, currencies, minorDigits } from "#platform/currency.ts";
import { isLocalDate } from "#platform/dates.ts";
import { readDecimal } from "#platform/decimal.ts";

/** `from` is included, `before` is not. */
export type DateBounds = { readonly from: Date | null; readonly before: Date | null };

export type DateQuery = { readonly dateFrom?: string | null; readonly dateTo?: string | null };

/** Contract 3.5: from is inclusive, to exclusive; a bare date means the whole day (UTC). */
export function readDates({ dateFrom, dateTo }: DateQuery): DateBounds {
  return { from: dateFrom == null ? null : startOf(dateFrom), before: dateTo == null ? null : endOf(dateTo) };
}

const DAY_MS = 86_400_000;

function startOf(text: string): Date {
  return isLocalDate(text) ? new Date(midnight(text)) : instantOf(text);
}

function endOf(text: string): Date {
  return isLocalDate(text) ? new Date(midnight(text) + DAY_MS) : instantOf(text);
}

function midnight(date: string): number {
  return Date.parse(`${date}T00:00:00Z`);
}

/** What is booked stands at whole milliseconds: at or after, and before, an instant between two of them is at or after, and before, the later. */
function instantOf(text: string): Date {
  const isBetween = /\.[0-9]{3}[0-9]*[1-9]/.test(text);
  return new Date(Date.parse(text) + (isBetween ? 1 : 0));
}

/** The same bound in the minor units of currencies with that many digits. */
export type MinorBound = { readonly codes: readonly Currency[]; readonly minor: bigint };

/** Larger than any amount in the books, and still a bigint of the database. */
const BEYOND = 10n ** 18n;

/** A bound on amounts of any currency, by the digits that currencies have. "10.505" from below is 1051 cents, from above 1050. */
export function minorBounds(text: string, side: "from" | "to"): MinorBound[] {
  const byDigits = Map.groupBy(currencies, minorDigits);
  return [...byDigits].map(([digits, codes]) => ({ codes, minor: minorBound(text, digits, side) }));
}

function minorBound(text: string, digits: number, side: "from" | "to"): bigint {
  const decimal = readDecimal(text);
  if (decimal === null || decimal.significant === "") return 0n;
  const shift = decimal.power + digits;
  if (decimal.significant.length + shift > 18) return BEYOND;
  if (shift >= 0) return BigInt(decimal.significant + "0".repeat(shift));
  // Whole units below; something is always left over, because `significant` has no zeros at its end.
  const floor = BigInt(decimal.significant.slice(0, shift) || "0");
  return side === "from" ? floor + 1n : floor;
}
