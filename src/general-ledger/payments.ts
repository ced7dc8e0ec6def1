// The shell of payments: reads the body, hands the command to the writer (or posts it in a caller's transaction), and turns the result
// into the answer or the one problem.

import { type Caller, callerTenant } from "#platform/access.ts";
import type { Currency } from "#platform/currency.ts";
import { type Actor, type Database, isServerError, type Tx } from "#platform/db.ts";
import type { Answer, Call } from "#platform/http/endpoint.ts";
import { bodyChecker, canonicalBody } from "#platform/http/input.ts";
import { claimList, type IdempotencyKey, itemKey, runOnce } from "#platform/http/idempotency.ts";
import { canonicalJson, fingerprint } from "#platform/canonical.ts";
import { toPaymentId } from "#platform/ids.ts";
import { formatAmount } from "#platform/money.ts";
import { newId } from "#platform/new-id.ts";
import {
  type FieldErrors,
  invariant,
  platformProblems,
  Problem,
  type ProblemExtras,
  problemBody,
  problemOf,
  refusePlatform,
} from "#platform/problem.ts";
import type { PaymentCommand } from "./command.ts";
import { type BatchDto, CreateTransfer, type PaymentDto } from "./contract.ts";
import { readTransfer } from "./new-payment.ts";
import type { Payment } from "./payment.ts";
import { findPayments } from "./payment.store.ts";
import { type CommandRefusal, type CommandResult, postBatch } from "./post-batch.store.ts";
import { generalLedgerProblems } from "./problems.ts";
import { toPaymentDto } from "./views.ts";
import type { Writer } from "./writer.ts";

/** What the shell needs: the writer for calls of their own, the database to read what a repeat asks for. */
export type PaymentDeps = { readonly writer: Writer; readonly db: Database; readonly timeZone: string };

/** Rounds of an atomic batch against other transactions that take its externalIds. */
const ATTEMPTS_MAX = 5;

type TransferCall = Call<unknown, unknown, CreateTransfer>;
type BatchCall = Call<unknown, unknown, { payments: unknown[]; atomic?: boolean }>;

/** Operation 41. */
export async function createTransfer(deps: PaymentDeps, call: TransferCall): Promise<Answer<PaymentDto>> {
  const key =
    call.key === null
      ? null
      : { id: call.key.id, request: call.key.fingerprint.toString("hex"), traceId: call.traceId, keepsAbsence: false };
  const read = readTransfer(call.body, { ...orderOf(call.caller), key });
  if ("errors" in read) return refusePlatform("validationFailed", { errors: read.errors });
  const outcome = await settle(deps, call, read.command, await deps.writer.submit(read.command));
  if ("problem" in outcome) throw outcome.problem;
  return { body: toPaymentDto(outcome.payment), replayed: outcome.replayed };
}

/** Decision 6. */
export async function createBatch(deps: PaymentDeps, call: BatchCall): Promise<Answer<BatchDto>> {
  return call.body.atomic === true ? await createAtomicBatch(deps, call) : await createPlainBatch(deps, call);
}

/** Not atomic: every item is a payment of its own, answered in order. */
async function createPlainBatch(deps: PaymentDeps, call: BatchCall): Promise<Answer<BatchDto>> {
  const { key } = call;
  const claim =
    key === null ? { isFresh: true, traceId: call.traceId } : await deps.db.write(actorOf(call), (tx) => claimList(tx, key, call.traceId));
  const settled = await Promise.all(
    call.body.payments.map(async (item, index): Promise<Settled> => {
      const read = readItem(item, index, call);
      // Judged anew each time with the same result: all that a repeat must keep is the trace.
      if ("errors" in read) return { problem: invalid(read.errors, claim.traceId), replayed: !claim.isFresh };
      try {
        return await settle(deps, call, read.command, await deps.writer.submit(read.command));
      } catch (error) {
        // What cannot be answered now (503) must not look like a refusal of the item: the caller repeats the whole list.
        if (error instanceof Problem && error.status < 500) return { problem: error, replayed: false };
        throw error;
      }
    }),
  );
  const results = settled.map((outcome, index) =>
    "problem" in outcome
      ? { index, accepted: false, problem: problemBody(outcome.problem, `/v2/internal/Payments/batch#${index}`, call.traceId) }
      : { index, accepted: true, payment: toPaymentDto(outcome.payment) },
  );
  return { body: { results }, replayed: !claim.isFresh && settled.every((outcome) => outcome.replayed) };
}

/**
 * Atomic: all items in one transaction with the key, or the first refusal with its index and nothing done. Again when another
 * transaction has taken one of the externalIds meanwhile: then that payment is seen.
 */
async function createAtomicBatch(deps: PaymentDeps, call: BatchCall): Promise<Answer<BatchDto>> {
  const items = call.body.payments.map((item, index): Item => {
    const read = readItem(item, index, { ...call, key: null });
    if ("errors" in read) throw withIndex(invalid(read.errors), index);
    return { index, command: read.command };
  });
  const work = async (tx: Tx): Promise<string> => JSON.stringify(await postAll(tx, deps.timeZone, items, call.caller.tenant));
  const describe = (problem: Problem) => problemBody(problem, "/v2/internal/Payments/batch", call.traceId);
  for (let attempt = 1; ; attempt++) {
    try {
      return { stored: await runOnce(deps.db, actorOf(call), call.key, work, describe) };
    } catch (error) {
      if (attempt === ATTEMPTS_MAX || !isServerError(error) || error.constraint !== "payment_external_id_once") throw error;
    }
  }
}

type Item = { readonly index: number; readonly command: PaymentCommand };

async function postAll(tx: Tx, timeZone: string, items: readonly Item[], tenant: string | null): Promise<BatchDto> {
  const byName = uniqueItems(items);
  const distinct = [...byName.values()];
  const results = await postBatch(
    tx.sql,
    distinct.map(({ command }) => command),
    { atomic: true, timeZone },
  );
  for (const [place, { index, command }] of distinct.entries()) {
    const result = results[place];
    if (result !== undefined && "firstTraceId" in result) throw withIndex(problemFor(result, command), index);
  }
  const payments = await paymentsOf(tx, { timeZone, tenant }, distinct, results);
  return {
    results: items.map(({ index, command }) => {
      const payment = payments.get(command.externalId);
      if (payment === undefined) throw withIndex(takenElsewhere(tenant), index);
      return { index, accepted: true, payment: toPaymentDto(payment) };
    }),
  };
}

/** The items by externalId: with equal content they are one payment, with other content the later one is refused. */
function uniqueItems(items: readonly Item[]): Map<string, Item> {
  const byName = new Map<string, Item>();
  for (const item of items) {
    const first = byName.get(item.command.externalId);
    if (first === undefined) byName.set(item.command.externalId, item);
    else if (first.command.content !== item.command.content)
      throw withIndex(duplicate("The externalId belongs to another payment of the batch."), item.index);
  }
  return byName;
}

type Reach = { readonly timeZone: string; readonly tenant: string | null };

/** By externalId. Some items were posted before: those are read, and the others, withdrawn because of them, are posted now. */
async function paymentsOf(
  tx: Tx,
  { timeZone, tenant }: Reach,
  items: readonly Item[],
  results: readonly CommandResult[],
): Promise<Map<string, Payment>> {
  const repeated = results.flatMap((result) => (result.outcome === "replayed" ? [result.paymentId] : []));
  const known = repeated.length === 0 ? [] : await findPayments(tx, repeated, tenant);
  const withdrawn = items.flatMap(({ command }, place) => (results[place]?.outcome === "withdrawn" ? [command] : []));
  const later = withdrawn.length === 0 ? [] : await postBatch(tx.sql, withdrawn, { atomic: true, timeZone });
  const posted = [...results, ...later].flatMap((result) => (result.outcome === "accepted" ? [result.payment] : []));
  return new Map([...known, ...posted].map((payment) => [payment.externalId, payment]));
}

type Settled = { readonly payment: Payment; readonly replayed: boolean } | { readonly problem: Problem; readonly replayed: boolean };

/** A result as payment or problem; a repeat's payment is read back. */
async function settle(
  deps: PaymentDeps,
  call: { readonly caller: Caller; readonly traceId: string },
  command: PaymentCommand,
  result: CommandResult,
): Promise<Settled> {
  if (result.outcome === "accepted") return { payment: result.payment, replayed: false };
  invariant(result.outcome !== "withdrawn", "a single command was withdrawn");
  if (result.outcome !== "replayed") return { problem: problemFor(result, command), replayed: result.firstTraceId !== null };
  const { tenant } = call.caller;
  const [payment] = await deps.db.read(actorOf(call), (tx) => findPayments(tx, [result.paymentId], tenant));
  if (payment === undefined) return { problem: takenElsewhere(tenant), replayed: false };
  // Its own id comes back when the connection broke after the commit: to the caller this is the first answer.
  return { payment, replayed: result.paymentId !== command.id };
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

const checkItem = bodyChecker(CreateTransfer);

function readItem(item: unknown, index: number, call: BatchCall): ReturnType<typeof readTransfer> {
  const errors = checkItem(item);
  if (errors !== null) return { errors };
  const key = call.key === null ? null : keyOfItem(call.key, index, item, call.traceId);
  return readTransfer(item as CreateTransfer, { ...orderOf(call.caller), key });
}

function invalid(errors: FieldErrors, traceId?: string): Problem {
  return problemOf(platformProblems, "validationFailed", { errors, ...(traceId === undefined ? {} : { traceId }) });
}

function keyOfItem(key: IdempotencyKey, index: number, item: unknown, traceId: string): PaymentCommand["key"] {
  const { id, fingerprint: request } = itemKey(
    key,
    index,
    fingerprint([key.fingerprint.toString("hex"), canonicalJson(canonicalBody(item, CreateTransfer))]),
  );
  return { id, request: request.toString("hex"), traceId, keepsAbsence: true };
}

function actorOf({ caller, traceId }: { readonly caller: Caller; readonly traceId: string }): Actor {
  return { kind: caller.kind, id: caller.subject, tenant: callerTenant(caller), traceId };
}

function orderOf(caller: Caller): { id: string; ownerTenant: string; isConfined: boolean; createdBy: string } {
  return { id: toPaymentId(newId()), ownerTenant: callerTenant(caller), isConfined: caller.tenant !== null, createdBy: caller.subject };
}

/** The bank's own system shares its externalIds with the tenant `default`, and may have used one for a tenant that this caller may not see. */
function takenElsewhere(tenant: string | null): Problem {
  invariant(tenant !== null, "a payment that exists could not be read");
  return duplicate("The externalId is in use.");
}

function duplicate(detail: string, trace: ProblemExtras = {}): Problem {
  return problemOf(generalLedgerProblems, "duplicateExternalId", { detail, errors: { externalId: ["The value is in use."] }, ...trace });
}

function withIndex(problem: Problem, index: number): Problem {
  return new Problem(
    problem.code,
    { status: problem.status, title: problem.title, retry: "no" },
    { ...problem.extras, members: { ...problem.extras.members, index } },
  );
}
