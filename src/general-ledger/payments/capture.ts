// Partial capture (contract decision 21): what of each line of a pending payment is to be booked; the rest is released. Pure.

import type { Currency } from "#platform/currency.ts";
import { transactionId } from "#platform/ids.ts";
import { formatAmount, parseAmount } from "#platform/money.ts";
import type { FieldErrors } from "#platform/problem.ts";
import type { PostPayment } from "./contract.ts";
import type { PaymentLine } from "./payment.ts";

/**
 * Amounts by line, 0 for a line that is released whole; null: everything is booked. `amount` speaks of a payment's only line,
 * `transactions` of lines by the id of either side; lines that are not listed are released.
 */
export function readCaptures(
  { amount, transactions }: PostPayment,
  payment: { readonly id: string; readonly reversesPaymentId: string | null; readonly lines: readonly PaymentLine[] },
): { captures: readonly bigint[] | null } | { errors: FieldErrors } {
  const errors: FieldErrors = {};
  const isWhole = payment.reversesPaymentId !== null;
  const hasAmount = amount !== undefined && amount !== null;
  if (hasAmount && transactions) errors["amount"] = ["The field must not be given together with transactions."];
  const [first] = payment.lines;
  if (hasAmount && payment.lines.length > 1) errors["amount"] = ["The payment has several transactions: name them in transactions."];
  if (Object.keys(errors).length > 0) return { errors };

  if (hasAmount && first !== undefined) {
    const minor = readAmount(amount, first, "amount", errors);
    if (minor !== null && isWhole && minor !== first.amountMinor) errors["amount"] = [WHOLE];
    return minor === null || Object.keys(errors).length > 0 ? { errors } : { captures: [minor] };
  }
  if (!transactions) return { captures: null };
  const captures = payment.lines.map(() => 0n);
  const lineOf = new Map(
    payment.lines.flatMap(({ lineNo }) => [
      [transactionId(payment.id, lineNo, "debit") as string, lineNo] as const,
      [transactionId(payment.id, lineNo, "credit") as string, lineNo] as const,
    ]),
  );
  for (const [index, item] of transactions.entries()) {
    const lineNo = lineOf.get(item.id.toLowerCase());
    const line = lineNo === undefined ? undefined : payment.lines[lineNo - 1];
    if (lineNo === undefined || line === undefined)
      errors[`transactions.${index}.id`] = ["The field must be the id of a transaction of the payment."];
    else if (captures[lineNo - 1] !== 0n) errors[`transactions.${index}.id`] = ["The transaction is listed twice."];
    else captures[lineNo - 1] = readAmount(item.amount, line, `transactions.${index}.amount`, errors) ?? 0n;
  }
  if (isWhole && payment.lines.some((line, index) => captures[index] !== line.amountMinor)) errors["transactions"] ??= [WHOLE];
  return Object.keys(errors).length > 0 ? { errors } : { captures };
}

const WHOLE = "A reversal is booked whole.";

function readAmount(text: string, line: PaymentLine, path: string, errors: FieldErrors): bigint | null {
  const currency = line.currency as Currency;
  const minor = parseAmount(text, currency);
  if (typeof minor !== "bigint") {
    errors[path] = [minor.rule];
    return null;
  }
  if (minor > line.amountMinor) {
    errors[path] = [`The field must not exceed ${formatAmount(line.amountMinor, currency)}.`];
    return null;
  }
  return minor;
}
