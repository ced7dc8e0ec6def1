// The shell of payments: reads the body, hands the command to the writer, and turns the result into the answer or the one problem.
// Many in one call: payment-batch.ts.

import { type Caller, callerTenant } from "#platform/access.ts";
import type { Currency } from "#platform/currency.ts";
import type { Actor, Database } from "#platform/db.ts";
import type { Answer, Call } from "#platform/http/endpoint.ts";
import { toPaymentId } from "#platform/ids.ts";
import { formatAmount } from "#platform/money.ts";
import { newId } from "#platform/new-id.ts";
import { invariant, platformProblems, type Problem, type ProblemExtras, problemOf, refusePlatform } from "#platform/problem.ts";
import type { PaymentCommand } from "../posting/command.ts";
import type { CreateTransfer, PaymentDto } from "./contract.ts";
import { type Order, readTransfer } from "./new-payment.ts";
import type { Payment } from "./payment.ts";
import { findPayments } from "./payment.store.ts";
import type { CommandRefusal, CommandResult } from "../posting/post-batch.store.ts";
import { generalLedgerProblems } from "../problems.ts";
import { toPaymentDto } from "./views.ts";
import type { Writer } from "../posting/writer.ts";

/** What the shell needs: the writer for calls of their own, the database to read what a repeat asks for. */
export type PaymentDeps = { readonly writer: Writer; readonly db: Database; readonly timeZone: string };

/** Who asks, in which call. */
export type Asker = { readonly caller: Caller; readonly traceId: string };

/** Operation 41. */
export async function createTransfer(deps: PaymentDeps, call: Call<unknown, unknown, CreateTransfer>): Promise<Answer<PaymentDto>> {
  const { key, traceId } = call;
  const commandKey = key === null ? null : { id: key.id, request: key.fingerprint.toString("hex"), traceId, keepsAbsence: false };
  const read = readTransfer(call.body, { ...orderOf(call.caller), key: commandKey });
  if ("errors" in read) return refusePlatform("validationFailed", { errors: read.errors });
  const { command } = read;
  const outcome = (await settle(deps.db, call, [{ command, result: await deps.writer.submit(command) }])).get(command);
  invariant(outcome, "a payment was not settled");
  if ("problem" in outcome) throw outcome.problem;
  return { body: toPaymentDto(outcome.payment), replayed: outcome.isRepeat };
}

/** What became of a command: the payment, or the problem. A repeat tells what was so before. */
export type Settled = { readonly isRepeat: boolean } & ({ readonly payment: Payment } | { readonly problem: Problem });

type Judged = { readonly command: PaymentCommand; readonly result: CommandResult };

/** Tells each result as payment or problem, by its command. The payments that repeats ask for are read back, all at one look. */
export async function settle(db: Database, call: Asker, judged: readonly Judged[]): Promise<ReadonlyMap<PaymentCommand, Settled>> {
  const { tenant } = call.caller;
  const asked = judged.flatMap(({ result }) => (result.outcome === "replayed" ? [result.paymentId] : []));
  const found = asked.length === 0 ? [] : await db.read(actorOf(call), (tx) => findPayments(tx, asked, tenant));
  const known = new Map(found.map((payment) => [payment.id, payment]));
  return new Map(judged.map(({ command, result }) => [command, settledBy(command, result, known, tenant)]));
}

function settledBy(command: PaymentCommand, result: CommandResult, known: ReadonlyMap<string, Payment>, tenant: string | null): Settled {
  if (result.outcome === "accepted") return { payment: result.payment, isRepeat: false };
  invariant(result.outcome !== "withdrawn", "a single command was withdrawn");
  if (result.outcome !== "replayed") return { problem: problemFor(result, command), isRepeat: result.firstTraceId !== null };
  const payment = known.get(result.paymentId);
  if (payment === undefined) return { problem: takenElsewhere(tenant), isRepeat: false };
  // Its own id comes back when the connection broke after the commit: to the caller this is the first answer.
  return { payment, isRepeat: result.paymentId !== command.id };
}

/** The problem of a refused command, with the figures that let a program act on it. */
export function problemFor(refusal: CommandRefusal, command: PaymentCommand): Problem {
  const { outcome, accountId } = refusal;
  const trace = refusal.firstTraceId === null ? {} : { traceId: refusal.firstTraceId, isRepeat: true };
  if (outcome === "idempotencyKeyReused") return problemOf(platformProblems, outcome);
  if (outcome === "notFound")
    return problemOf(platformProblems, outcome, { detail: `Account ${accountId ?? ""} does not exist.`, members: { accountId }, ...trace });
  if (outcome === "duplicateExternalId") return duplicate("The externalId belongs to a payment with other content.", trace);
  const line = command.lines.find(({ debitAccountId, creditAccountId }) => debitAccountId === accountId || creditAccountId === accountId);
  const currency = (line?.currency ?? "") as Currency;
  const figures =
    refusal.availableMinor === null || refusal.requiredMinor === null
      ? {}
      : { available: formatAmount(refusal.availableMinor, currency), required: formatAmount(refusal.requiredMinor, currency), currency };
  return problemOf(generalLedgerProblems, outcome, { members: { accountId, ...figures }, ...trace });
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

/** The part of a command that says who asks; the payment's id is fresh. */
export function orderOf(caller: Caller): Omit<Order, "key"> {
  return { id: toPaymentId(newId()), ownerTenant: callerTenant(caller), isConfined: caller.tenant !== null, createdBy: caller.subject };
}
