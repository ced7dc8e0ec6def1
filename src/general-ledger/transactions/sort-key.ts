// What transactions can be sorted by: the values as numbers, which a cursor holds, and back as the database has them. Pure.

import { type Currency, minorDigits } from "#platform/currency.ts";
import { comparePlaces, type Place, placeText, readPlace } from "../lists/place.ts";
import type { SortKey } from "./transaction.store.ts";

export type SortBy = "createdAt" | "postedAt" | "valueDate" | "amount";

/** Something with its place and value; null: it has none and stands behind all that have one. */
export type Keyed<P extends Place = Place> = { readonly place: P; readonly value: bigint | null };

/** Amounts of all currencies are on one scale, that of four digits. */
const DIGITS = 4;
const INSTANT_MAX = 253_402_300_799_999n;
const DATE_MAX = 9_999_12_31n;
const AMOUNT_MAX = 10n ** 18n;

/** Amounts on one scale; instants in milliseconds, dates as the number that their digits make. */
export function valueOf(key: SortKey | undefined, sortBy: SortBy): bigint | null {
  if (key === undefined) return null;
  if (sortBy === "amount") return key.amountMinor * scaleOf(key.currency);
  if (sortBy === "valueDate") return BigInt(key.valueDate.replaceAll("-", ""));
  const at = sortBy === "createdAt" ? key.createdAt : key.postedAt;
  return at === null ? null : BigInt(at.getTime());
}

/** A cursor's value as the database has it, for amounts of that currency. A forged one is no fault: it is brought within bounds. */
export function columnValue(value: bigint, sortBy: SortBy, currency: string): bigint | string | Date {
  if (sortBy === "amount") return smaller(value / scaleOf(currency), AMOUNT_MAX);
  if (sortBy !== "valueDate") return new Date(Number(smaller(value, INSTANT_MAX)));
  const digits = Number(smaller(value, DATE_MAX));
  const [year, month, day] = [Math.trunc(digits / 10_000), Math.trunc(digits / 100) % 100, digits % 100];
  const at = new Date(Date.UTC(2000, Math.min(month, 12) - 1, day));
  at.setUTCFullYear(Math.max(year, 1));
  return at.toISOString().slice(0, 10);
}

/** Order as for Array.sort: greater values first when newest first, those without one last. */
export function compareKeys(a: Keyed, b: Keyed, newestFirst: boolean): number {
  return compareValues(a.value, b.value, newestFirst) || comparePlaces(a.place, b.place, newestFirst);
}

/** The text of a cursor, and back; 400 for a text that no cursor holds. */
export function keyText({ place, value }: Keyed): string {
  return `${value ?? "-"} ${placeText(0n, place)}`;
}

export function readKey(text: string): Keyed {
  const [value = "", place = ""] = text.split(" ");
  const { after } = readPlace(/^(?:-|[0-9]{1,30})$/.test(value) ? place : "");
  return { value: value === "-" ? null : BigInt(value), place: after };
}

function scaleOf(currency: string): bigint {
  return 10n ** BigInt(DIGITS - minorDigits(currency as Currency));
}

function compareValues(a: bigint | null, b: bigint | null, newestFirst: boolean): number {
  if (a === b) return 0;
  if (a === null) return 1;
  if (b === null) return -1;
  return a < b === newestFirst ? 1 : -1;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
