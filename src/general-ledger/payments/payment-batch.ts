// Many payments in one call (contract decision 6): each by itself, through the writer and in order; or all or none, in one transaction.

import { fingerprint } from "#platform/canonical.ts";
import { type Database, isServerError, type Tx } from "#platform/db.ts";
import type { Answer, Call } from "#platform/http/endpoint.ts";
import { claimList, type IdempotencyKey, itemKey, runOnce } from "#platform/http/idempotency.ts";
import { canonicalBody } from "#platform/http/canonical-request.ts";
import { bodyChecker } from "#platform/http/input.ts";
import { type FieldErrors, invariant, platformProblems, Problem, problemBody, problemOf } from "#platform/problem.ts";
import type { PaymentCommand } from "../posting/command.ts";
import { type BatchDto, CreateTransfer } from "./contract.ts";
import { type Order, type Read, readTransfer } from "./new-payment.ts";
import type { Payment } from "./payment.ts";
import { findPayments } from "./payment.store.ts";
import { actorOf, duplicate, problemFor, type Settled, settle, takenElsewhere } from "./outcome.ts";
import { orderOf, type PaymentDeps, withReversedLines } from "./payments.ts";
import { type CommandResult, postBatch } from "../posting/post-batch.store.ts";
import { toPaymentDto } from "./views.ts";

type BatchCall = Call<unknown, unknown, { payments: unknown[]; atomic?: boolean }>;

const PATH = "/v2/internal/Payments/batch";

/** Rounds of an atomic batch against other transactions that take its externalIds. */
const ATTEMPTS_MAX = 5;

/** Decision 6. */
export async function createBatch(deps: PaymentDeps, call: BatchCall): Promise<Answer<BatchDto>> {
  return call.body.atomic === true ? await createAtomicBatch(deps, call) : await createPlainBatch(deps, call);
}

/** Not atomic: every item is a payment of its own, answered in order. */
async function createPlainBatch(deps: PaymentDeps, call: BatchCall): Promise<Answer<BatchDto>> {
  const { key, traceId } = call;
  const claim = key === null ? { isFresh: true, traceId } : await deps.db.write(actorOf(call), (tx) => claimList(tx, key, traceId));
  const read = await readItems(deps, call);
  const commands = read.flatMap((each) => ("command" in each ? [each.command] : []));
  // What cannot be written now (503) refuses the whole call: it must not look like the refusal of an item.
  const settled = (await settle(deps.db, call, await deps.writer.submitAll(commands))).values();
  const outcomes = read.map((each): Settled => {
    // A bad item is judged anew each time with the same result: all that a repeat must keep is the trace.
    if ("errors" in each) return { problem: invalid(each.errors, claim.traceId), isRepeat: !claim.isFresh };
    if ("problem" in each) return { problem: sameAs(each.problem, claim.traceId), isRepeat: !claim.isFresh };
    const { value } = settled.next();
    invariant(value, "an item was not settled");
    return value;
  });
  const results = outcomes.map((outcome, index) =>
    "problem" in outcome
      ? { index, accepted: false, problem: problemBody(outcome.problem, `${PATH}#${index}`, traceId) }
      : { index, accepted: true, payment: toPaymentDto(outcome.payment) },
  );
  return { body: { results }, replayed: !claim.isFresh && outcomes.every(({ isRepeat }) => isRepeat) };
}

/**
 * Atomic: all items in one transaction with the key, or the first refusal with its index and nothing done. Again when another
 * transaction has taken one of the externalIds meanwhile: then that payment is seen.
 */
async function createAtomicBatch(deps: PaymentDeps, call: BatchCall): Promise<Answer<BatchDto>> {
  const items = (await readItems(deps, { ...call, key: null })).map((read, index): Item => {
    if ("command" in read) return { index, command: read.command };
    throw withIndex("problem" in read ? read.problem : invalid(read.errors), index);
  });
  const work = async (tx: Tx): Promise<string> => JSON.stringify(await postAll(tx, deps.timeZone, items, call.caller.tenant));
  const describe = (problem: Problem) => problemBody(problem, PATH, call.traceId);
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

const checkItem = bodyChecker(CreateTransfer);

type ReadItem = Read | { readonly problem: Problem };

/** One after the other: only a reversal that leaves its lines out has something to look up, and nothing else waits. */
async function readItems({ db }: PaymentDeps, call: BatchCall): Promise<ReadItem[]> {
  const read: ReadItem[] = [];
  for (const [index, item] of call.body.payments.entries()) {
    const one = readItem(db, item, index, call);
    read.push(one instanceof Promise ? await one : one);
  }
  return read;
}

function readItem(db: Database, sent: unknown, index: number, call: BatchCall): ReadItem | Promise<ReadItem> {
  const errors = checkItem(sent);
  if (errors !== null) return { errors };
  const key = call.key === null ? null : keyOfItem(call.key, index, sent, call.traceId);
  const order = orderOf(call.caller, key);
  const body = withReversedLines(db, call, sent as CreateTransfer);
  return body instanceof Promise ? readReversal(body, order) : readTransfer(body, order);
}

async function readReversal(body: Promise<CreateTransfer>, order: Order): Promise<ReadItem> {
  try {
    return readTransfer(await body, order);
  } catch (error) {
    // There is no such payment to reverse: this refuses the item, not the list.
    if (error instanceof Problem && error.code === "notFound") return { problem: error };
    throw error;
  }
}

function invalid(errors: FieldErrors, traceId?: string): Problem {
  return problemOf(platformProblems, "validationFailed", { errors, ...(traceId === undefined ? {} : { traceId }) });
}

function keyOfItem(key: IdempotencyKey, index: number, item: unknown, traceId: string): PaymentCommand["key"] {
  const { id, fingerprint: request } = itemKey(key, index, fingerprint([key.fingerprint, canonicalBody(item, CreateTransfer)]));
  return { id, request, traceId, keepsAbsence: true };
}

/** The problem with the trace of the call that met it first. */
function sameAs(problem: Problem, traceId: string): Problem {
  return new Problem(problem.code, { status: problem.status, title: problem.title, retry: "no" }, { ...problem.extras, traceId });
}

function withIndex(problem: Problem, index: number): Problem {
  return new Problem(
    problem.code,
    { status: problem.status, title: problem.title, retry: "no" },
    { ...problem.extras, members: { ...problem.extras.members, index } },
  );
}
