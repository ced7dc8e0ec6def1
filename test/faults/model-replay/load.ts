// The load of the model replay: careful clients that do everything a ledger can be asked, on few accounts, so that they meet. Every write
// has an Idempotency-Key and is repeated under it until there is a definite answer. What each call was, when, and what it got, is kept.

import { setTimeout as pause } from "node:timers/promises";
import { random, type Random } from "../../random.ts";
import type { Bank } from "../bank.ts";
import { type Answer, call, isDefinite, NoAnswer } from "../calls.ts";
import type { Report } from "../suite.ts";
import { type Call, type Change, type Operation, requestOf } from "./operation.ts";
import { Known } from "./known.ts";
import { nextOperation } from "./mix.ts";

const ANSWER_MAX_MS = 10_000;
const SETTLED_MAX_MS = 60_000;
/** Nobody should ever see one; the suite has failed then, and goes on to tell more. */
const ERRORS_BORNE = 2;

export type ModelLoadOptions = {
  readonly bank: Bank;
  /** Where the servers listen; they may be gone at any moment. */
  readonly ports: readonly number[];
  readonly report: Report;
  readonly seed: number;
  readonly workers: number;
  /** Kinds of operations that this bank serves. */
  readonly serves: ReadonlySet<Operation["kind"]>;
};

export class ModelLoad {
  readonly #options: ModelLoadOptions;
  readonly #calls: Call[] = [];
  readonly #known: Known;
  #number = 0;

  constructor(options: ModelLoadOptions) {
    this.#options = options;
    this.#known = new Known(`replay-${options.seed}`);
  }

  get answered(): number {
    return this.#calls.length;
  }

  /** In the order of their numbers. */
  get calls(): readonly Call[] {
    return this.#calls.toSorted((a, b) => a.number - b.number);
  }

  /** Opens the first accounts and puts money on them. */
  async begin(clientIds: readonly string[]): Promise<void> {
    // Each is asked: a repeat in its place would leave the others without the account that pays them.
    for (const operation of this.#known.openings(clientIds)) await this.#keep(operation, 0, null);
    for (const operation of this.#known.deposits()) await this.#keep(operation, 0, null);
  }

  /** Everybody works until so many calls have their definite answers. */
  async work(until: number): Promise<void> {
    const { workers, seed, serves } = this.#options;
    await Promise.all(
      Array.from({ length: workers }, async (_, worker) => {
        // A stream of one's own: what a worker asks depends on the seed and on what it has seen.
        const draw = random(seed + 1 + worker);
        while (this.#number < until) await this.#ask(nextOperation(draw, this.#known, serves), draw, worker);
      }),
    );
  }

  async #ask(operation: Operation, draw: Random, worker: number): Promise<void> {
    const isWrite = !operation.kind.startsWith("read");
    const before = isWrite && draw.chance(0.03) ? this.#calls[draw.integer(0, this.#calls.length - 1)] : undefined;
    if (before !== undefined && !before.operation.kind.startsWith("read")) await this.#keep(before.operation, worker, before);
    else await this.#keep(operation, worker, null);
  }

  /** One call to its definite answer; `repeats` sends an earlier one again, under its key. */
  async #keep(operation: Operation, worker: number, repeats: Call | null): Promise<void> {
    const number = ++this.#number;
    // The call that is repeated on purpose may itself be such a one.
    const first = repeats === null ? null : (repeats.repeats ?? repeats.number);
    const key = `${this.#options.seed}-${first ?? number}`;
    const startedAt = now();
    const { answer, attempts } = await this.#insist(operation, key, worker);
    const endedAt = now();
    const { status, body, text } = answer;
    const isReplay = answer.headers["idempotency-replayed"] === "true";
    const kept: Call = { number, operation, startedAt, endedAt, answer: { status, body, text }, isReplay, repeats: first };
    this.#calls.push(kept);
    if (first === null) this.#known.learn(kept);
    this.#options.report.count("operations");
    if (attempts > 1) this.#options.report.count("settled by retry");
  }

  async #insist(operation: Operation, key: string, worker: number): Promise<{ answer: Answer; attempts: number }> {
    const { bank, ports, report } = this.#options;
    const { method, path, body } = requestOf(operation);
    const deadline = performance.now() + SETTLED_MAX_MS;
    for (let attempts = 1; performance.now() < deadline; attempts++) {
      const port = ports[(worker + attempts) % ports.length] ?? 0;
      const options = { port, token: bank.token, key: method === "GET" ? undefined : key, timeoutMs: ANSWER_MAX_MS };
      try {
        const answer = await call(method, path, body, options);
        report.expect(answer.status !== 500, `${method} ${path} ${JSON.stringify(body)} answered 500`);
        if (isDefinite(answer) || (answer.status === 500 && attempts >= ERRORS_BORNE)) return { answer, attempts };
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        report.count("answers lost");
      }
      await pause(10 + 20 * Math.random());
    }
    throw new Error(`no definite answer within ${SETTLED_MAX_MS} ms: ${method} ${path}`);
  }
}

/** Never falls, and is the time of day to some milliseconds. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

const PAGE = 1_000;

/** The ledger's changes in their order, as an integrating program follows them. */
export async function readChanges(bank: Bank, port: number): Promise<Change[]> {
  const token = await bank.mint({ scope: "events.read" });
  const changes: Change[] = [];
  for (let after = 0, more = true; more; ) {
    const answer = await call("GET", `/internal/Events?after=${after}&limit=${PAGE}`, undefined, { port, token });
    if (answer.status !== 200) throw new Error(`reading events answered ${answer.status}: ${answer.text}`);
    const page = answer.body as { items: { sequence: number; type: string; subject: string }[]; lastSequence: number; hasMore: boolean };
    for (const { sequence, type, subject } of page.items)
      changes.push({ sequence, change: type, subject: subject.slice(subject.indexOf(":") + 1) });
    after = page.lastSequence;
    more = page.hasMore;
  }
  return changes;
}

/** The same from the books themselves, behind the bank's back. */
export async function readJournal(bank: Bank): Promise<Change[]> {
  const rows = await bank.query<{ sequence: string; change: string; subject: string }>(
    `select (j.first_sequence + c.place - 1)::text as sequence, c.change::text as change, c.subject::text as subject
     from general_ledger.journal j cross join lateral unnest(j.changes, j.subjects) with ordinality c(change, subject, place)
     order by j.first_sequence, c.place`,
  );
  return rows.map(({ sequence, change, subject }) => ({ sequence: Number(sequence), change, subject }));
}
