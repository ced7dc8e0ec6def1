// From a request body to a command: amounts are read in their currency, and every fault is named by its field. Pure.

import { isCurrency } from "#platform/currency.ts";
import { canonicalJson, fingerprint } from "#platform/canonical.ts";
import { parseAmount } from "#platform/money.ts";
import type { FieldErrors } from "#platform/problem.ts";
import { uuidOf } from "#platform/http/idempotency.ts";
import type { CommandKey, CommandLine, PaymentCommand } from "../posting/command.ts";
import type { CreateTransfer } from "./contract.ts";

/** Who asks, and what the platform has found out about the call. */
export type Order = {
  /** A fresh payment id. */
  readonly id: string;
  readonly ownerTenant: string;
  readonly isConfined: boolean;
  readonly createdBy: string;
  readonly key: CommandKey | null;
};

type RawLine = NonNullable<CreateTransfer["transactions"]>[number];

/** The command, or the faults by dotted field path. */
export function readTransfer(body: CreateTransfer, order: Order): { command: PaymentCommand } | { errors: FieldErrors } {
  const errors: FieldErrors = {};
  const type = body.type ?? "transfer";
  const raw = rawLines(body, errors);
  const lines = raw.map(({ line, path }): CommandLine | null => readLine(line, path, type, errors));
  if (Object.keys(errors).length > 0) return { errors };
  const known = lines.filter((line) => line !== null);
  const metadata = body.metadata && Object.keys(body.metadata).length > 0 ? body.metadata : null;
  const terms = {
    type,
    valueDate: body.valueDate ?? null,
    description: body.description ?? null,
    reference: body.reference ?? null,
    metadata,
    lines: known,
  };
  return { command: { ...order, externalId: body.externalId, content: contentOf(terms), ...terms } };
}

type NamedLine = { readonly line: Partial<RawLine>; readonly path: string };

function rawLines(body: CreateTransfer, errors: FieldErrors): NamedLine[] {
  const { debitAccountId, creditAccountId, amount, currency } = body;
  const single = { debitAccountId, creditAccountId, amount, currency };
  if (body.transactions) {
    for (const [field, value] of Object.entries(single)) {
      if (value !== undefined && value !== null) errors[field] = ["The field must not be given together with transactions."];
    }
    return body.transactions.map((line, index) => ({ line, path: `transactions.${index}.` }));
  }
  for (const [field, value] of Object.entries(single)) {
    if (value === undefined || value === null) errors[field] = ["The field is required."];
  }
  return [{ line: single as Partial<RawLine>, path: "" }];
}

function readLine(line: Partial<RawLine>, path: string, type: PaymentCommand["type"], errors: FieldErrors): CommandLine | null {
  const { debitAccountId, creditAccountId, amount, currency } = line;
  if (!debitAccountId || !creditAccountId || amount === undefined || amount === null || !currency) return null;
  if (debitAccountId === creditAccountId) errors[`${path}creditAccountId`] = ["The field must differ from debitAccountId."];
  if (!isCurrency(currency)) {
    errors[`${path}currency`] = ["The field must be an active ISO 4217 currency."];
    return null;
  }
  const minor = parseAmount(amount, currency);
  if (typeof minor !== "bigint") {
    errors[`${path}amount`] = [minor.rule];
    return null;
  }
  return { debitAccountId, creditAccountId, amountMinor: minor, currency, type: line.type ?? type, description: line.description ?? null };
}

/**
 * What was asked for, hashed: two requests with one externalId are the same payment when this is equal. The terms have a fixed shape, so
 * a list of them in a fixed order is canonical by itself; only metadata has names of the caller's.
 */
function contentOf(terms: Omit<PaymentCommand, keyof Order | "externalId" | "content">): string {
  const { type, valueDate, description, reference, metadata } = terms;
  const lines = terms.lines.map((line) => [
    line.debitAccountId,
    line.creditAccountId,
    line.amountMinor.toString(),
    line.currency,
    line.type,
    line.description,
  ]);
  const names = metadata === null ? null : canonicalJson(metadata);
  return uuidOf(fingerprint([JSON.stringify([type, valueDate, description, reference, names, lines])]));
}
