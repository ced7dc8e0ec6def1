// What became of commands, as callers hear it: the payment, or the one problem with the figures that let a program act on it.

import { type Caller, callerTenant } from "#platform/access.ts";
import type { Currency } from "#platform/currency.ts";
import type { Actor, Database } from "#platform/db.ts";
import { formatAmount } from "#platform/money.ts";
import { invariant, platformProblems, type Problem, type ProblemExtras, problemOf } from "#platform/problem.ts";
import { isChange, type LedgerCommand, linesOf } from "../posting/command.ts";
import type { CommandRefusal } from "../posting/post-batch.store.ts";
import type { Judged } from "../posting/writer.ts";
import { generalLedgerProblems } from "../problems.ts";
import type { Payment } from "./payment.ts";
import { type Ask, findPaymentsAt } from "./payment.store.ts";

/** Who asks, in which call. */
export type Asker = { readonly caller: Caller; readonly traceId: string };

/** What became of a command: the payment, or the problem. A repeat tells what was so before. */
export type Settled = { readonly isRepeat: boolean } & ({ readonly payment: Payment } | { readonly problem: Problem });

/** Tells each result as payment or problem, in order. The payments that repeats ask for are read back, all at one look. */
export async function settle(db: Database, call: Asker, judged: readonly Judged[]): Promise<Settled[]> {
  const { tenant } = call.caller;
  const asks = judged.map((each) => askOf(each, tenant)).filter((ask) => ask !== null);
  const known = asks.length === 0 ? NOTHING_KNOWN : await readBack(db, call, asks);
  return judged.map((each) => settledBy(each, known, tenant));
}

type KnownPayments = ReadonlyMap<string, Payment>;

const NOTHING_KNOWN: KnownPayments = new Map();

async function readBack(db: Database, call: Asker, asks: readonly Ask[]): Promise<KnownPayments> {
  const distinct = new Map(asks.map((ask) => [nameOf(ask), ask]));
  const found = await db.read(actorOf(call), (tx) => findPaymentsAt(tx, [...distinct.values()], call.caller.tenant));
  return new Map(found.map((payment) => [nameOf({ id: payment.id, change: payment.asked }), payment]));
}

function askOf({ command, result }: Judged, tenant: string | null): Ask | null {
  // Who is confined may cancel a payment that touches accounts of others: it is read back as far as the caller may see it.
  if (result.outcome === "accepted" && command.operation === "cancel" && tenant !== null) return { id: result.payment.id, change: null };
  return result.outcome === "replayed" || result.outcome === "unchanged" ? { id: result.paymentId, change: result.change } : null;
}

const nameOf = ({ id, change }: Ask): string => `${id} ${change ?? ""}`;

function settledBy(each: Judged, known: KnownPayments, tenant: string | null): Settled {
  const { command, result } = each;
  const ask = askOf(each, tenant);
  const payment = ask === null ? undefined : known.get(nameOf(ask));
  if (result.outcome === "accepted") return { payment: payment ?? result.payment, isRepeat: false };
  invariant(result.outcome !== "withdrawn", "a single command was withdrawn");
  if (result.outcome !== "replayed" && result.outcome !== "unchanged")
    return { problem: problemFor(result, command), isRepeat: result.firstTraceId !== null };
  if (payment === undefined) return { problem: takenElsewhere(tenant), isRepeat: false };
  // Its own id comes back when the connection broke after the commit: to the caller this is the first answer.
  return { payment, isRepeat: result.outcome === "replayed" && (isChange(command) || result.paymentId !== command.id) };
}

/** The problem of a refused command, with the figures that let a program act on it. */
export function problemFor(refusal: CommandRefusal, command: LedgerCommand): Problem {
  const { outcome, accountId } = refusal;
  const trace = refusal.firstTraceId === null ? {} : { traceId: refusal.firstTraceId, isRepeat: true };
  switch (outcome) {
    case "idempotencyKeyReused":
      return problemOf(platformProblems, outcome);
    case "notFound":
      return absent(command, accountId, trace);
    case "duplicateExternalId":
      return duplicate("The externalId belongs to a payment with other content.", trace);
    case "invalidState":
      return wrongState(command, "The payment's state does not allow it.", trace);
    case "expired":
      return wrongState(command, "The payment's time is over: it can only be cancelled.", trace);
    case "notReversible":
      return wrongState(command, "The payment to reverse is not posted, is a reversal, or was reversed before.", trace);
    case "reversalDiffers":
      return wrongState(command, "The lines are not those of the payment to reverse with their sides exchanged.", trace);
    case "notItsClient":
      return invalid({ clientId: ["The field must name the owner of one of the accounts."] });
    case "endsInThePast":
      return invalid({ expiresAt: ["The field must be in the future."] });
    case "versionMismatch":
      return problemOf(platformProblems, "preconditionFailed", {
        detail: "An account has moved.",
        members: { accountId, version: Number(refusal.availableMinor), ifVersion: Number(refusal.requiredMinor) },
        ...trace,
      });
    default:
      return problemOf(generalLedgerProblems, outcome, { members: { accountId, ...figuresOf(refusal, command) }, ...trace });
  }
}

function figuresOf({ accountId, availableMinor, requiredMinor }: CommandRefusal, command: LedgerCommand): Record<string, string> {
  if (availableMinor === null || requiredMinor === null) return {};
  const line = linesOf(command).find(
    ({ debitAccountId, creditAccountId }) => debitAccountId === accountId || creditAccountId === accountId,
  );
  const currency = (line?.currency ?? "") as Currency;
  return { available: formatAmount(availableMinor, currency), required: formatAmount(requiredMinor, currency), currency };
}

function absent(command: LedgerCommand, accountId: string | null, trace: ProblemExtras): Problem {
  if (accountId !== null)
    return problemOf(platformProblems, "notFound", { detail: `Account ${accountId} does not exist.`, members: { accountId }, ...trace });
  const paymentId = isChange(command) ? command.payment.id : command.reversesPaymentId;
  return noSuchPayment(paymentId ?? "", trace);
}

/** 404 for a payment that is not there for the caller. */
export function noSuchPayment(paymentId: string, trace: ProblemExtras = {}): Problem {
  return problemOf(platformProblems, "notFound", { detail: `Payment ${paymentId} does not exist.`, ...trace });
}

function wrongState(command: LedgerCommand, detail: string, trace: ProblemExtras): Problem {
  const paymentId = isChange(command) ? command.payment.id : command.reversesPaymentId;
  return problemOf(generalLedgerProblems, "invalidState", { detail, members: { paymentId }, ...trace });
}

function invalid(errors: NonNullable<ProblemExtras["errors"]>): Problem {
  return problemOf(platformProblems, "validationFailed", { errors });
}

/** 409 for an externalId that names another payment. */
export function duplicate(detail: string, trace: ProblemExtras = {}): Problem {
  return problemOf(generalLedgerProblems, "duplicateExternalId", { detail, errors: { externalId: ["The value is in use."] }, ...trace });
}

/** The bank's own system shares its externalIds with the tenant `default`, and may have used one for a tenant that this caller may not see. */
export function takenElsewhere(tenant: string | null): Problem {
  invariant(tenant !== null, "a payment that exists could not be read");
  return duplicate("The externalId is in use.");
}

export function actorOf({ caller, traceId }: Asker): Actor {
  return { kind: caller.kind, id: caller.subject, tenant: callerTenant(caller), traceId };
}
