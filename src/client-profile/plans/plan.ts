// What a plan says: a fee for each month, limits, and fees of what is done. Pure: reads the wire's words into terms that can be kept, or says
// what is wrong with them; and prints them again. Amounts are minor units; a share is counted in millionths, so that nothing is rounded.

import { type Currency, isCurrency } from "#platform/currency.ts";
import { readDecimal } from "#platform/decimal.ts";
import { formatAmount, parseNonNegativeAmount } from "#platform/money.ts";
import { isPlainText, PLAIN_TEXT_RULE } from "#platform/plain-text.ts";
import type { FieldErrors } from "#platform/problem.ts";
import type { AmountKind, FeeDto, FeeWords, LimitDto, LimitWords, Rail, TermsWords } from "./contract.ts";

/** At most so many accounts that are not closed; at most so much in one currency, of one transfer or of a day's or a month's together. */
export type Limit =
  | { readonly kind: "accounts"; readonly accountsMax: number }
  | { readonly kind: AmountKind; readonly currency: Currency; readonly amountMinor: bigint };

export type Fee =
  | { readonly kind: "outgoingTransfer"; readonly transferType: Rail; readonly currency: Currency; readonly amountMinor: bigint }
  | { readonly kind: "accountMonthly"; readonly currency: Currency; readonly amountMinor: bigint }
  /** Millionths of what is exchanged, and at least the minimum. */
  | { readonly kind: "foreignExchange"; readonly currency: Currency; readonly millionths: number; readonly minimumMinor: bigint };

export type Terms = {
  readonly name: string;
  readonly currency: Currency;
  readonly monthlyFeeMinor: bigint;
  /** Sorted, each kind and currency once. */
  readonly limits: readonly Limit[];
  /** Sorted, each kind, rail and currency once. */
  readonly fees: readonly Fee[];
};

/** The terms, or sentences by dotted field path. */
export function readTerms(words: TermsWords): Terms | { readonly errors: FieldErrors } {
  const errors: FieldErrors = {};
  // Clients read it.
  if (!isPlainText(words.name)) errors["name"] = [PLAIN_TEXT_RULE];
  const currency = currencyIn(words.currency, "currency", errors);
  const monthlyFeeMinor = amountIn(words.monthlyFee, currency, "monthlyFee", errors);
  const limits = words.limits.map((limit, index) => readLimit(limit, `limits.${index}`, errors));
  const fees = words.fees.map((fee, index) => readFee(fee, `fees.${index}`, errors));
  refuseTwice(limits.map(keyOfLimit), "limits", errors);
  refuseTwice(fees.map(keyOfFee), "fees", errors);
  if (Object.keys(errors).length > 0) return { errors };
  return { name: words.name, currency, monthlyFeeMinor, limits: sorted(limits, keyOfLimit), fees: sorted(fees, keyOfFee) };
}

export function isSame(a: Terms, b: Terms): boolean {
  const textOf = (terms: Terms): string => JSON.stringify(toWords(terms));
  return textOf(a) === textOf(b);
}

/** As it is answered; a request may say it in the same words. */
export type TermsDto = {
  readonly name: string;
  readonly currency: string;
  readonly monthlyFee: string;
  readonly limits: LimitDto[];
  readonly fees: FeeDto[];
};

export function toWords({ name, currency, monthlyFeeMinor, limits, fees }: Terms): TermsDto {
  return {
    name,
    currency,
    monthlyFee: formatAmount(monthlyFeeMinor, currency),
    limits: sorted(limits, keyOfLimit).map(limitWords),
    fees: sorted(fees, keyOfFee).map(feeWords),
  };
}

function limitWords(limit: Limit): LimitDto {
  if (limit.kind === "accounts") return { kind: limit.kind, count: limit.accountsMax, amount: null, currency: null };
  const { kind, currency, amountMinor } = limit;
  return { kind, count: null, amount: formatAmount(amountMinor, currency), currency };
}

function feeWords(fee: Fee): FeeDto {
  const { kind, currency } = fee;
  const nothing = { transferType: null, amount: null, percent: null, minimum: null };
  if (fee.kind === "foreignExchange") {
    return { ...nothing, kind, percent: percentText(fee.millionths), minimum: formatAmount(fee.minimumMinor, currency), currency };
  }
  const transferType = fee.kind === "outgoingTransfer" ? fee.transferType : null;
  return { ...nothing, kind, transferType, amount: formatAmount(fee.amountMinor, currency), currency };
}

/** 5000 is "0.50", 1 is "0.0001": two digits at least, four at most. */
export function percentText(millionths: number): string {
  const digits = String(millionths).padStart(5, "0");
  return `${digits.slice(0, -4)}.${digits.slice(-4).replace(/0{1,2}$/, "")}`;
}

/** Millionths of a percentage from 0 to 100 with up to four decimals; null for any other text. */
export function millionthsIn(percent: string): number | null {
  const decimal = readDecimal(percent);
  if (decimal === null || decimal.negative || decimal.power < -4) return null;
  if (decimal.significant === "") return 0;
  if (decimal.significant.length + decimal.power > 3) return null;
  const millionths = Number(decimal.significant + "0".repeat(decimal.power + 4));
  return millionths <= 1_000_000 ? millionths : null;
}

const MISPLACED = "The field is not allowed for this kind.";
const MISSING = "The field is required for this kind.";

function readLimit(words: LimitWords, path: string, errors: FieldErrors): Limit {
  const { kind, count = null, amount = null, currency = null } = words;
  if (kind === "accounts") {
    expectMembers(path, errors, { count }, { amount, currency });
    return { kind, accountsMax: count ?? 0 };
  }
  expectMembers(path, errors, { amount, currency }, { count });
  const known = currencyIn(currency ?? "", `${path}.currency`, errors);
  return { kind, currency: known, amountMinor: amountIn(amount ?? "", known, `${path}.amount`, errors) };
}

function readFee(words: FeeWords, path: string, errors: FieldErrors): Fee {
  const { kind, currency, transferType = null, amount = null, percent = null, minimum = null } = words;
  const known = currencyIn(currency, `${path}.currency`, errors);
  if (kind === "foreignExchange") {
    expectMembers(path, errors, { percent, minimum }, { transferType, amount });
    const millionths = millionthsIn(percent ?? "");
    if (millionths === null) errors[`${path}.percent`] ??= ["The field must be a percentage from 0 to 100 with at most 4 decimals."];
    return { kind, currency: known, millionths: millionths ?? 0, minimumMinor: amountIn(minimum ?? "", known, `${path}.minimum`, errors) };
  }
  if (kind === "outgoingTransfer") expectMembers(path, errors, { transferType, amount }, { percent, minimum });
  else expectMembers(path, errors, { amount }, { transferType, percent, minimum });
  const amountMinor = amountIn(amount ?? "", known, `${path}.amount`, errors);
  return kind === "outgoingTransfer"
    ? { kind, transferType: transferType ?? "internal", currency: known, amountMinor }
    : { kind, currency: known, amountMinor };
}

function expectMembers(
  path: string,
  errors: FieldErrors,
  needed: Readonly<Record<string, unknown>>,
  misplaced: Readonly<Record<string, unknown>>,
): void {
  for (const [name, value] of Object.entries(needed)) if (value === null) errors[`${path}.${name}`] = [MISSING];
  for (const [name, value] of Object.entries(misplaced)) if (value !== null) errors[`${path}.${name}`] = [MISPLACED];
}

/** What is wrong becomes an error where none stands yet; then the text goes on as it came, and nobody keeps it. */
function currencyIn(text: string, path: string, errors: FieldErrors): Currency {
  if (!isCurrency(text)) errors[path] ??= ["The field must be an active ISO 4217 currency."];
  return text as Currency;
}

function amountIn(text: string, currency: Currency, path: string, errors: FieldErrors): bigint {
  if (!isCurrency(currency)) return 0n;
  const minor = parseNonNegativeAmount(text, currency);
  if (typeof minor === "bigint") return minor;
  errors[path] ??= [minor.rule];
  return 0n;
}

function refuseTwice(keys: readonly string[], path: string, errors: FieldErrors): void {
  keys.forEach((key, index) => {
    if (keys.indexOf(key) < index) errors[`${path}.${index}`] ??= ["The same is said twice."];
  });
}

const LIMIT_ORDER: readonly Limit["kind"][] = ["accounts", "singleTransfer", "dailyOutgoing", "monthlyOutgoing"];
const FEE_ORDER: readonly Fee["kind"][] = ["outgoingTransfer", "accountMonthly", "foreignExchange"];

function keyOfLimit(limit: Limit): string {
  return `${LIMIT_ORDER.indexOf(limit.kind)} ${limit.kind === "accounts" ? "" : limit.currency}`;
}

function keyOfFee(fee: Fee): string {
  return `${FEE_ORDER.indexOf(fee.kind)} ${fee.kind === "outgoingTransfer" ? fee.transferType : ""} ${fee.currency}`;
}

function sorted<T>(items: readonly T[], keyOf: (item: T) => string): T[] {
  return items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}
