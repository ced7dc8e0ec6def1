// Bounds on amounts: from the caller's text to minor units. Pure.

import { type Currency, currencies, minorDigits } from "#platform/currency.ts";
import { readDecimal } from "#platform/decimal.ts";

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
