// The text formats of our JSON schemas: what each accepts, and the sentence for a caller who missed it. Every check is linear in the
// text's length, and bounded before it looks closer.

import { isLocalDate } from "./dates.ts";
import { isUuid } from "./ids.ts";
import { isAmountText, isSignedAmountText } from "./money.ts";
import { isPlainText, PLAIN_TEXT_RULE } from "./plain-text.ts";

export type TextFormat = { readonly accepts: (text: string) => boolean; readonly rule: string };

/** By the name that schemas use in `format`. */
export const textFormats: ReadonlyMap<string, TextFormat> = new Map([
  ["amount", { accepts: isAmountText, rule: 'The field must be a decimal number without a sign, such as "10.50".' }],
  ["signed-amount", { accepts: isSignedAmountText, rule: 'The field must be a decimal number, such as "-10.50".' }],
  ["uuid", { accepts: isUuid, rule: "The field must be a UUID with hyphens." }],
  ["date", { accepts: isLocalDate, rule: "The field must be a date (YYYY-MM-DD)." }],
  ["date-time", { accepts: isUtcTime, rule: "The field must be a time in UTC (YYYY-MM-DDThh:mm:ssZ)." }],
  ["date-or-date-time", { accepts: isDateOrTime, rule: "The field must be a date (YYYY-MM-DD) or a time in UTC (YYYY-MM-DDThh:mm:ssZ)." }],
  ["plain-text", { accepts: isPlainText, rule: PLAIN_TEXT_RULE }],
  ["email", { accepts: isEmail, rule: "The field must be an e-mail address." }],
]);

const TIME = /^([0-9]{4}-[0-9]{2}-[0-9]{2})T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|\+00:00)$/;

/** An instant in UTC, seconds given, at most nanoseconds (ISO 8601, RFC 3339); no leap seconds, which no clock of ours can show. */
export function isUtcTime(text: string): boolean {
  const parts = text.length <= 40 ? TIME.exec(text) : null;
  return parts?.[1] !== undefined && isLocalDate(parts[1]);
}

function isDateOrTime(text: string): boolean {
  return isLocalDate(text) || isUtcTime(text);
}

/** Characters of an unquoted local part (RFC 5321 dot-string, ASCII). */
const LOCAL_PART = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const DOMAIN_LABEL = /^[A-Za-z0-9-]{1,63}$/;

/**
 * An address that mail can be sent to: unquoted local part of at most 64 characters, a domain of two labels or more, 254 characters
 * in all (RFC 5321). No comments, quoting, address literals or line breaks, which is where mail headers get injected.
 */
export function isEmail(text: string): boolean {
  if (text.length > 254) return false;
  const at = text.indexOf("@");
  if (at < 1 || at > 64 || !LOCAL_PART.test(text.slice(0, at))) return false;
  const labels = text.slice(at + 1).split(".");
  if (labels.length < 2 || !labels.every(isDomainLabel)) return false;
  // A last label of digits alone would make it an address of a machine, not of a domain.
  return !/^[0-9]+$/.test(labels.at(-1) ?? "");
}

function isDomainLabel(label: string): boolean {
  return DOMAIN_LABEL.test(label) && !label.startsWith("-") && !label.endsWith("-");
}
