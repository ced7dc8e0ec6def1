// The shell of payments: reads the body, hands the command to the writer, and turns the result into the answer or the one problem.
// Many in one call: payment-batch.ts; changes of a payment that is there: payment-changes.ts.

import { type Caller, callerTenant } from "#platform/access.ts";
import type { Database } from "#platform/db.ts";
import type { Answer, Call } from "#platform/http/endpoint.ts";
import { toPaymentId } from "#platform/ids.ts";
import { formatAmount } from "#platform/money.ts";
import type { Currency } from "#platform/currency.ts";
import { newId } from "#platform/new-id.ts";
import { invariant, refusePlatform } from "#platform/problem.ts";
import type { CommandKey, LedgerCommand, PaymentCommand } from "../posting/command.ts";
import { type CommandResult, postBatch } from "../posting/post-batch.store.ts";
import type { Writer } from "../posting/writer.ts";
import type { CreatePayment, CreateTransfer, DryRun, PaymentDto } from "./contract.ts";
import { leavesLinesOut, type Order, type Read, readDraft, readTransfer } from "./new-payment.ts";
import { actorOf, type Asker, noSuchPayment, settle } from "./outcome.ts";
import { findPayments } from "./payment.store.ts";
import type { PaymentTermsLoader } from "./payment-terms.ts";
import { toPaymentDto } from "./views.ts";

/** What the operations of payments need: the writer for calls of their own, the database to read what a repeat asks for. */
export type PaymentDeps = { readonly writer: Writer; readonly db: Database; readonly timeZone: string };

/** The shell's own: what it knows of drafted payments. */
export type PaymentShell = PaymentDeps & { readonly terms: PaymentTermsLoader };

/** Operation 41. */
export async function createTransfer(deps: PaymentShell, call: Call<unknown, DryRun, CreateTransfer>): Promise<Answer<PaymentDto>> {
  const body = await withReversedLines(deps.db, call, call.body);
  return await create(deps, call, (order) => readTransfer(body, order));
}

/** Operation 42. */
export async function createPayment(deps: PaymentShell, call: Call<unknown, DryRun, CreatePayment>): Promise<Answer<PaymentDto>> {
  const body = await withReversedLines(deps.db, call, call.body);
  const { transactions } = body;
  if (!transactions) return refusePlatform("validationFailed", { errors: { transactions: ["The field is required."] } });
  return await create(deps, call, (order) => readDraft({ ...body, transactions }, order));
}

async function create(deps: PaymentShell, call: Call<unknown, DryRun, unknown>, read: (order: Order) => Read): Promise<Answer<PaymentDto>> {
  const isDryRun = call.query.dryRun === true;
  const result = read(orderOf(call.caller, isDryRun ? null : keyOf(call)));
  if ("errors" in result) return refusePlatform("validationFailed", { errors: result.errors });
  const { command } = result;
  if (isDryRun) return await answer(deps, call, command, await tryOut(deps, call, command));
  const judged = await deps.writer.submit(command);
  if (judged.outcome === "accepted" && command.operation !== "transfer") deps.terms.keep(judged.payment);
  return await answer(deps, call, command, judged);
}

/** The answer to one command. */
export async function answer({ db }: PaymentDeps, call: Asker, command: LedgerCommand, result: CommandResult): Promise<Answer<PaymentDto>> {
  const [outcome] = await settle(db, call, [{ command, result }]);
  invariant(outcome, "a payment was not settled");
  if ("problem" in outcome) throw outcome.problem;
  return { body: toPaymentDto(outcome.payment), replayed: outcome.isRepeat };
}

/** Judges and books like any other command, and takes everything back: what would happen, exactly, and no number is used. */
async function tryOut({ db, timeZone }: PaymentDeps, call: Asker, command: PaymentCommand): Promise<CommandResult> {
  const result = await db.rehearse(actorOf(call), async (tx) => (await postBatch(tx.sql, [command], { atomic: false, timeZone }))[0]);
  invariant(result, "a rehearsed command without a result");
  return result.outcome === "accepted" ? { ...result, payment: { ...result.payment, sequence: null } } : result;
}

/** A reversal may leave its lines out: they are those of its payment, as they were booked, with the sides exchanged. */
export function withReversedLines<Body extends Partial<CreateTransfer>>(db: Database, call: Asker, body: Body): Body | Promise<Body> {
  const { reversesPaymentId } = body;
  if (body.type !== "reversal" || !reversesPaymentId || !leavesLinesOut(body)) return body;
  return withLinesOf(reversesPaymentId, db, call, body);
}

async function withLinesOf<Body extends object>(reversesPaymentId: string, db: Database, call: Asker, body: Body): Promise<Body> {
  const [payment] = await db.read(actorOf(call), (tx) => findPayments(tx, [reversesPaymentId], call.caller.tenant));
  if (payment === undefined) throw noSuchPayment(reversesPaymentId);
  const transactions = payment.lines
    .filter((line) => line.postedMinor !== 0n)
    .map((line) => ({
      debitAccountId: line.creditAccountId,
      creditAccountId: line.debitAccountId,
      amount: formatAmount(line.postedMinor ?? line.amountMinor, line.currency as Currency),
      currency: line.currency,
    }));
  return { ...body, transactions };
}

/** The key of a call that is one command. */
export function keyOf({ key, traceId }: Pick<Call<unknown, unknown, unknown>, "key" | "traceId">): CommandKey | null {
  return key === null ? null : { id: key.id, request: key.fingerprint, traceId, keepsAbsence: false };
}

/** The part of a command that says who asks; the payment's id is fresh. */
export function orderOf(caller: Caller, key: CommandKey | null): Order {
  const { ownerTenant, isConfined, createdBy } = askerOf(caller);
  return { id: toPaymentId(newId()), ownerTenant, isConfined, createdBy, key };
}

export function askerOf(caller: Caller): Omit<Order, "key" | "id"> {
  return { ownerTenant: callerTenant(caller), isConfined: caller.tenant !== null, createdBy: caller.subject };
}
