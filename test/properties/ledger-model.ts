// The ledger as a program without a database: the pure rules of posting.ts, and around them what the database function adds - names,
// keys, payments and reversals. The property tests hold post_batch against it.

import {
  type ChangeCommand,
  type LedgerCommand,
  linesOf,
  type PaymentCommand,
  type PaymentTerms,
} from "../../src/general-ledger/posting/command.ts";
import { type Command, judge, type KnownPayment, type LedgerAccount, type Reversed } from "../../src/general-ledger/posting/posting.ts";
import type { CommandResult } from "../../src/general-ledger/posting/post-batch.store.ts";
import type { PaymentState } from "../../src/general-ledger/words.ts";

export const CURRENCIES = ["EUR", "JPY", "KWD"];
export const TENANTS = ["default", "north", "south"];

export type ModelPayment = {
  readonly terms: PaymentTerms;
  readonly tenant: string;
  readonly content: string;
  readonly state: PaymentState;
  readonly isExpired: boolean;
  readonly booked: readonly bigint[] | null;
  readonly changeNo: number;
};

type Kept = { readonly request: string; readonly answer: Summary };

export type Model = {
  readonly clients: readonly string[];
  readonly books: Map<string, LedgerAccount>;
  readonly payments: Map<string, ModelPayment>;
  /** Payment by tenant and externalId. */
  readonly names: Map<string, string>;
  readonly keys: Map<string, Kept>;
};

/** What a command came to, in a form that the model and the database can be compared in. */
export type Summary = { readonly outcome: string; readonly figures: string };

const NEVER_KEPT = new Set(["notItsClient", "endsInThePast", "idempotencyKeyReused"]);

/** Runs one command on the model. */
export function run(model: Model, command: LedgerCommand): Summary {
  const { key } = command;
  const kept = key === null ? undefined : model.keys.get(key.id);
  if (key !== null && kept !== undefined) {
    return kept.request === key.request ? kept.answer : { outcome: "idempotencyKeyReused", figures: "" };
  }
  const { told, answerOfKey } = "payment" in command ? change(model, command) : make(model, command);
  const isKept = !NEVER_KEPT.has(told.outcome) && (told.outcome !== "notFound" || key?.keepsAbsence === true);
  if (key !== null && isKept) model.keys.set(key.id, { request: key.request, answer: answerOfKey });
  return told;
}

type Told = { readonly told: Summary; readonly answerOfKey: Summary };

const refused = (outcome: string, figures = ""): Told => ({
  told: { outcome, figures },
  answerOfKey: { outcome: "refusedBefore", figures: outcome },
});

const repeated = (outcome: string, { terms, changeNo }: ModelPayment): Told => ({
  told: { outcome, figures: `${terms.id} ${changeNo}` },
  answerOfKey: { outcome: "replayed", figures: `${terms.id} ${changeNo}` },
});

function make(model: Model, command: PaymentCommand): Told {
  const name = `${command.ownerTenant}/${command.externalId}`;
  const before = model.payments.get(model.names.get(name) ?? "");
  if (before !== undefined) return before.content === command.content ? repeated("replayed", before) : refused("duplicateExternalId");

  const clients = command.lines.flatMap((line) => [clientOf(model, line.debitAccountId), clientOf(model, line.creditAccountId)]);
  const isForeign = command.clientId !== null && !clients.includes(command.clientId);
  const reverses = command.reversesPaymentId === null ? null : reversedOf(model, command, command.reversesPaymentId);
  const asked: Command = {
    operation: command.operation,
    lines: command.lines,
    confinedTo: command.isConfined ? command.ownerTenant : null,
    endsInThePast: command.expiresAt !== null && command.expiresAt < new Date(),
    ...(command.ifVersion === null ? {} : { ifVersion: command.ifVersion }),
  };
  // The payment to reverse is judged behind the versions and before the lines, the client at the end.
  const early = judge({ ...asked, lines: [] }, model.books);
  if (early.code !== "accepted" && early.code !== "unchanged") return refused(early.code, figuresOf(early));
  if (reverses === "unknown") return refused("notFound");
  const result = judge(reverses === null ? asked : { ...asked, reverses }, model.books);
  if (result.code !== "accepted") return refused(result.code, result.code === "unchanged" ? "" : figuresOf(result));

  if (isForeign) return refused("notItsClient");
  for (const [id, account] of result.accounts) model.books.set(id, account);
  const posted = result.state === "posted";
  model.payments.set(command.id, {
    terms: termsOf(command),
    tenant: tenantOf(model, command),
    content: command.content,
    state: result.state,
    isExpired: false,
    booked: posted ? command.lines.map(({ amountMinor }) => amountMinor) : null,
    changeNo: 1,
  });
  model.names.set(name, command.id);
  return accepted(model, command, 1);
}

function change(model: Model, command: ChangeCommand): Told {
  const { operation, payment: terms } = command;
  const payment = model.payments.get(terms.id);
  if (payment === undefined || (command.isConfined && payment.tenant !== command.ownerTenant)) return refused("notFound");
  const known: KnownPayment = {
    state: payment.state,
    isExpired: payment.isExpired,
    isReversal: terms.reversesPaymentId !== null,
    booked: payment.booked,
  };
  const result = judge(
    {
      operation,
      lines: terms.lines,
      confinedTo: command.isConfined ? command.ownerTenant : null,
      payment: known,
      ...(command.captures === null ? {} : { captures: command.captures }),
    },
    model.books,
  );
  if (result.code === "unchanged") return repeated("unchanged", payment);
  if (result.code !== "accepted") return refused(result.code, figuresOf(result));
  for (const [id, account] of result.accounts) model.books.set(id, account);
  const changeNo = payment.changeNo + 1;
  const booked = result.state === "posted" ? (command.captures ?? terms.lines.map(({ amountMinor }) => amountMinor)) : null;
  model.payments.set(terms.id, { ...payment, state: result.state, booked, changeNo });
  return accepted(model, command, changeNo);
}

function accepted({ books }: Model, command: LedgerCommand, changeNo: number): Told {
  const ids = new Set(linesOf(command).flatMap((line) => [line.debitAccountId, line.creditAccountId]));
  const stands = [...ids].map((id) => {
    const account = books.get(id);
    return `${id} ${account?.lastSeq} ${account?.balanceMinor} ${account?.heldMinor}`;
  });
  const id = "payment" in command ? command.payment.id : command.id;
  return { told: { outcome: "accepted", figures: stands.join("; ") }, answerOfKey: { outcome: "replayed", figures: `${id} ${changeNo}` } };
}

function figuresOf({ code, accountId, availableMinor, requiredMinor }: Extract<ReturnType<typeof judge>, { accountId: unknown }>): string {
  return code === "insufficientFunds" || code === "versionMismatch" ? `${accountId} ${availableMinor} ${requiredMinor}` : (accountId ?? "");
}

function clientOf({ books }: Model, accountId: string): string | null {
  return books.get(accountId)?.clientId ?? null;
}

function tenantOf({ books }: Model, { isConfined, ownerTenant, lines }: PaymentCommand): string {
  if (isConfined) return ownerTenant;
  const sides = [books.get(lines[0]?.debitAccountId ?? ""), books.get(lines[0]?.creditAccountId ?? "")];
  return sides.find((account) => account !== undefined && account.clientId !== null)?.tenant ?? "default";
}

function reversedOf({ payments }: Model, command: PaymentCommand, id: string): Reversed | "unknown" {
  const payment = payments.get(id);
  if (payment === undefined || (command.isConfined && payment.tenant !== command.ownerTenant)) return "unknown";
  const isReversed = [...payments.values()].some(({ terms, state }) => terms.reversesPaymentId === id && state !== "cancelled");
  const lines = payment.terms.lines.map((line, index) => ({ ...line, amountMinor: payment.booked?.[index] ?? line.amountMinor }));
  return {
    isPosted: payment.state === "posted",
    isReversal: payment.terms.type === "reversal",
    isReversed,
    lines: lines.filter(({ amountMinor }) => amountMinor > 0n),
  };
}

/** The part of a command that stays with the payment. */
export function termsOf(command: PaymentCommand): PaymentTerms {
  const { id, externalId, type, clientId, description, reference, metadata, expiresAt, reversesPaymentId, lines } = command;
  return {
    id,
    externalId,
    type,
    clientId,
    description,
    reference,
    metadata,
    expiresAt,
    reversesPaymentId,
    valueDate: "",
    askedValueDate: null,
    createdAt: new Date(),
    lines: lines.map((line, index) => ({ ...line, lineNo: index + 1, postedMinor: null })),
  };
}

/** What the database told, in the same form. */
export function summary(result: CommandResult | undefined): Summary {
  if (result === undefined) return { outcome: "missing", figures: "" };
  switch (result.outcome) {
    case "accepted":
      return {
        outcome: "accepted",
        figures: result.payment.accounts.map((s) => `${s.accountId} ${s.seq} ${s.balanceMinor} ${s.heldMinor}`).join("; "),
      };
    case "replayed":
    case "unchanged":
      return { outcome: result.outcome, figures: `${result.paymentId} ${result.change}` };
    case "withdrawn":
      return { outcome: "withdrawn", figures: "" };
    default:
      if (result.firstTraceId !== null) return { outcome: "refusedBefore", figures: result.outcome };
      if (result.outcome === "insufficientFunds" || result.outcome === "versionMismatch")
        return { outcome: result.outcome, figures: `${result.accountId} ${result.availableMinor} ${result.requiredMinor}` };
      return { outcome: result.outcome, figures: result.accountId ?? "" };
  }
}
