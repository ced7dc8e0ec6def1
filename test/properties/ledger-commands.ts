// Random commands for the ledger, aimed at the edges of its rules: the most that is allowed and one more, payments in every state, keys
// and names used before, accounts of every standing.

import { toPaymentId } from "#platform/ids.ts";
import { newId } from "#platform/new-id.ts";
import type { ChangeCommand, CommandLine, LedgerCommand, PaymentCommand, PaymentTerms } from "../../src/general-ledger/posting/command.ts";
import { BALANCE_BOUND, type LedgerAccount, spendable } from "../../src/general-ledger/posting/posting.ts";
import type { Random } from "../random.ts";
import { CURRENCIES, type Model, TENANTS, termsOf } from "./ledger-model.ts";

const FUTURE = new Date("2100-01-01T00:00:00Z");
const PAST = new Date("2020-01-01T00:00:00Z");

export function anyCommand(draw: Random, model: Model): LedgerCommand {
  return draw.chance(0.45) ? aChange(draw, model) : aPayment(draw, model);
}

export function aPayment(draw: Random, model: Model): PaymentCommand {
  const reversed = draw.chance(0.05) ? draw.pickOrNull([...model.payments.values()].slice(-60)) : null;
  const lines =
    reversed === null
      ? draw.list(draw.chance(0.8) ? 1 : draw.integer(2, 6), () => aLine(draw, model.books))
      : swapped(draw, reversed.terms.lines, reversed.booked);
  const versioned = draw.chance(0.05) ? (lines[0]?.debitAccountId ?? "") : null;
  return {
    ...asker(draw),
    operation: draw.pick(["transfer", "transfer", "draft", "hold"]),
    id: toPaymentId(newId()),
    externalId: draw.chance(0.05) ? `often-${draw.integer(1, 50)}` : newId(),
    content: draw.chance(0.5) ? newId() : "00000000-0000-0000-0000-000000000001",
    type: reversed === null ? "transfer" : "reversal",
    clientId: draw.chance(0.05) ? draw.pickOrNull(model.clients) : null,
    valueDate: null,
    description: draw.chance(0.2) ? `quoted "text", a \\ and a {brace}` : null,
    reference: null,
    metadata: draw.chance(0.1) ? { note: 'a "quoted" value' } : null,
    expiresAt: draw.chance(0.1) ? (draw.chance(0.2) ? PAST : FUTURE) : null,
    reversesPaymentId: reversed?.terms.id ?? null,
    ifVersion: versioned === null ? null : { [versioned]: (model.books.get(versioned)?.version ?? 1n) + BigInt(draw.integer(0, 1)) },
    lines,
  };
}

/** A payment of one line in one step, on which nothing else hangs: a batch of nothing but these is judged the short way. */
export function aPlainTransfer(draw: Random, model: Model): PaymentCommand {
  const nothingElse = { clientId: null, expiresAt: null, reversesPaymentId: null, ifVersion: null };
  return { ...aPayment(draw, model), ...nothingElse, operation: "transfer", type: "transfer", lines: [aLine(draw, model.books)] };
}

function aChange(draw: Random, model: Model): ChangeCommand {
  const known = draw.pickOrNull([...model.payments.values()].slice(-200));
  const payment = known === null || draw.chance(0.02) ? unknownPayment(draw, model) : known.terms;
  const operation = draw.pick(["pend", "pend", "post", "post", "post", "cancel", "expire"] as const);
  return {
    ...asker(draw),
    operation,
    payment,
    reason: draw.chance(0.2) ? 'a "reason"' : null,
    valueDate: null,
    captures: operation === "post" && draw.chance(0.3) ? capturesOf(draw, payment.lines) : null,
  };
}

function unknownPayment(draw: Random, model: Model): PaymentTerms {
  return termsOf(aPayment(draw, model));
}

function asker(draw: Random): Pick<PaymentCommand, "ownerTenant" | "isConfined" | "createdBy" | "key"> {
  const key = draw.chance(0.3)
    ? {
        id: draw.chance(0.2) ? `00000000-0000-0000-0000-0000000000${draw.integer(10, 60)}` : newId(),
        request: draw.pick(["aa", "bb"]).repeat(32),
        traceId: "trace",
        keepsAbsence: draw.chance(0.3),
      }
    : null;
  return { ownerTenant: draw.pick(TENANTS), isConfined: draw.chance(0.2), createdBy: "test", key };
}

/** At least something is booked. */
function capturesOf(draw: Random, lines: readonly CommandLine[]): bigint[] {
  const captures = lines.map(({ amountMinor }) => draw.pick([0n, 1n, amountMinor]));
  return captures.every((amount) => amount === 0n) ? lines.map(({ amountMinor }) => amountMinor) : captures;
}

/** The lines of a reversal: mostly right, in any order. */
function swapped(draw: Random, lines: readonly CommandLine[], booked: readonly bigint[] | null): CommandLine[] {
  const right = lines
    .map((line, index) => ({
      debitAccountId: line.creditAccountId,
      creditAccountId: line.debitAccountId,
      amountMinor: booked?.[index] ?? line.amountMinor,
      currency: line.currency,
      type: "reversal" as const,
      description: null,
    }))
    .filter(({ amountMinor }) => amountMinor > 0n)
    .toReversed();
  const [first, ...rest] = right;
  return first !== undefined && draw.chance(0.3) ? [{ ...first, amountMinor: first.amountMinor + 1n }, ...rest] : right;
}

function aLine(draw: Random, books: ReadonlyMap<string, LedgerAccount>): CommandLine {
  const ids = [...books.keys()];
  const third = draw.integer(0, 2);
  // Mostly two accounts of one currency; sometimes any, or one that does not exist.
  const same = ids.filter((_, index) => index % 3 === third);
  const [debitAccountId, creditAccountId] = draw.two(draw.chance(0.95) ? same : [...ids, newId()]);
  return {
    debitAccountId,
    creditAccountId,
    amountMinor: anAmount(draw, books.get(debitAccountId), books.get(creditAccountId)),
    currency: CURRENCIES[third] ?? "EUR",
    type: "transfer",
    description: null,
  };
}

/** Anything, the most that is allowed, or just what the account can give and one more: rules break at their edges. */
function anAmount(draw: Random, debit: LedgerAccount | undefined, credit: LedgerAccount | undefined): bigint {
  const room = credit === undefined ? BALANCE_BOUND : BALANCE_BOUND - credit.balanceMinor;
  if (room > 0n && room < 1_000_000n && draw.chance(0.5)) return room + BigInt(draw.integer(0, 1));
  if (draw.chance(0.02)) return 1_000_000_000_000_000n;
  const left = debit === undefined ? null : spendable(debit);
  if (left !== null && left > 0n && left < 1_000_000n && draw.chance(0.3)) return left + BigInt(draw.integer(0, 1));
  return BigInt(draw.integer(1, 4_000));
}

/** One name stands only once in a batch, and one payment is changed once: the writer's queue sees to it. */
export function distinct({ names: known }: Model, commands: readonly LedgerCommand[]): LedgerCommand[] {
  const names = new Set<string>();
  return commands.filter((command) => {
    const { id, reversesPaymentId } = "payment" in command ? command.payment : command;
    const own = "payment" in command ? id : `${command.ownerTenant}/${command.externalId}`;
    // What is reversed or repeated must not change in the same batch either.
    const subject = [own, reversesPaymentId, known.get(own)].filter((each) => each !== null && each !== undefined);
    const all = [...subject, ...(command.key === null ? [] : [command.key.id])];
    if (all.some((name) => names.has(name))) return false;
    for (const name of all) names.add(name);
    return true;
  });
}
