// Amounts: from the caller's text to whole minor units and back, without floating point. A text is taken exactly as its
// mathematical value or refused; nothing is ever rounded here (contract decisions 1 and 12).

import { type Currency, minorDigits } from "./currency.ts";
import { type Decimal, readDecimal } from "./decimal.ts";

/** The largest amount that one order may move, in minor units (contract decision 12). */
export const AMOUNT_MINOR_MAX = 10n ** 15n;

/** Balances and holds stay within plus and minus this many minor units (contract decision 15). */
export const BALANCE_MINOR_MAX = 9n * 10n ** 18n;

/** A longer text is refused unread, so that a million digits cost nothing. */
export const AMOUNT_TEXT_MAX = 64;

/** Why a text is no amount; `rule` is the sentence for the caller. */
export type AmountFault = {
  readonly fault: "format" | "tooManyDigits" | "notPositive" | "tooLarge";
  readonly rule: string;
};

/** Where the text came from: a JSON string takes neither sign nor exponent, a JSON number may have both. */
export type AmountForm = "string" | "number";

const PLAIN = /^(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/;

/** Whether the text has the form of an amount; what its currency allows is `parseAmount`'s business. */
export function isAmountText(text: string): boolean {
  return text.length <= AMOUNT_TEXT_MAX && PLAIN.test(text);
}

/** As `isAmountText`, with a minus sign allowed. */
export function isSignedAmountText(text: string): boolean {
  return isAmountText(text.startsWith("-") ? text.slice(1) : text);
}

/**
 * Reads an amount greater than zero, at most `AMOUNT_MINOR_MAX`.
 * Zeros that change nothing are accepted ("1.000" EUR and "1.0" JPY are 1); digits that would be lost are refused.
 */
export function parseAmount(text: string, currency: Currency, form: AmountForm = "string"): bigint | AmountFault {
  const minor = parseNonNegativeAmount(text, currency, form);
  return minor === 0n ? { fault: "notPositive", rule: "The amount must be greater than zero." } : minor;
}

/** As `parseAmount`, zero allowed: limits such as creditLimit. */
export function parseNonNegativeAmount(text: string, currency: Currency, form: AmountForm = "string"): bigint | AmountFault {
  const decimal = form === "number" ? readBounded(text) : isAmountText(text) && readDecimal(text);
  if (!decimal) return { fault: "format", rule: 'The amount must be a decimal number without a sign, such as "10.50".' };
  if (decimal.negative && decimal.significant !== "") return { fault: "notPositive", rule: "The amount must not be negative." };
  return toMinor(decimal, currency, AMOUNT_MINOR_MAX);
}

/** Reads an amount of either sign within `BALANCE_MINOR_MAX`: the bounds of a search over balances. */
export function parseSignedAmount(text: string, currency: Currency): bigint | AmountFault {
  const decimal = isSignedAmountText(text) && readDecimal(text);
  if (!decimal) return { fault: "format", rule: 'The amount must be a decimal number, such as "-10.50".' };
  const minor = toMinor(decimal, currency, BALANCE_MINOR_MAX);
  return typeof minor === "bigint" && decimal.negative ? -minor : minor;
}

/** Prints minor units with exactly the currency's digits: -1050n EUR is "-10.50", 10n JPY is "10". */
export function formatAmount(minor: bigint, currency: Currency): string {
  const digits = minorDigits(currency);
  if (digits === 0) return minor.toString();
  const text = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, "0");
  return `${minor < 0n ? "-" : ""}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

function readBounded(text: string): Decimal | null {
  return text.length <= AMOUNT_TEXT_MAX ? readDecimal(text) : null;
}

/** The absolute value. The power of ten is bounded before it is applied: "1e400" must not become 400 digits. */
function toMinor(decimal: Decimal, currency: Currency, max: bigint): bigint | AmountFault {
  if (decimal.significant === "") return 0n;
  const shift = decimal.power + minorDigits(currency);
  if (shift < 0) return { fault: "tooManyDigits", rule: digitsRule(currency) };
  if (decimal.significant.length + shift > max.toString().length) return tooLarge(currency, max);
  const minor = BigInt(decimal.significant + "0".repeat(shift));
  return minor > max ? tooLarge(currency, max) : minor;
}

function digitsRule(currency: Currency): string {
  const digits = minorDigits(currency);
  return digits === 0
    ? `The amount must have no decimals for ${currency}.`
    : `The amount must have at most ${digits} decimals for ${currency}.`;
}

function tooLarge(currency: Currency, max: bigint): AmountFault {
  return { fault: "tooLarge", rule: `The amount must not exceed ${formatAmount(max, currency)} ${currency}.` };
}
