// The group-commit writer. Commands wait in a queue without a timer; whenever a lane is free it takes all that waits, sends it in one
// round trip and answers each caller after the one commit. Correctness is the database's: any number of writers may run; this one
// is only for speed.
//
// PostgreSQL must not wait while answers are written: when no other lane is in flight, the next batch is sent before the finished one
// is answered.

import { busy, isRetryable, LOCK_TIMEOUT_MS, OutcomeUnknown, sqlState } from "#platform/db.ts";
import type { Lane } from "#platform/lane.ts";
import { Bug, invariant } from "#platform/problem.ts";
import type { LedgerCommand } from "./command.ts";
import { type CommandResult, postBatch, setLockTimeout } from "./post-batch.store.ts";
import { type Waiting, WriterQueue } from "./writer-queue.ts";

type Ticket = { readonly resolve: (result: CommandResult) => void; readonly reject: (error: unknown) => void };
type Batch = readonly Waiting<Ticket>[];

export type WriterOptions = {
  readonly lanes: readonly Lane[];
  readonly timeZone: string;
  /** Milliseconds of a clock that never goes back. */
  readonly monotonicMs: () => number;
  readonly onBatch?: (commands: number, ms: number) => void;
  readonly onFault?: (error: unknown, commands: number) => void;
};

const BATCH_LINES_MAX = 1_000;
/** Commands that must wait before a further lane is used beside one that is in flight. */
const SECOND_LANE_MIN = 64;
const SECOND_LANE_WAIT_MS = 10;
const QUEUE_MAX = 20_000;
/** A command that has not been sent after this time leaves with 503. */
const WAIT_MAX_MS = 2_000;
const SWEEP_MS = 250;
/** Waiting for a lock while a failed batch is written command by command. */
const IMPATIENT_LOCK_MS = 20;
const ONE_BY_ONE_MAX_MS = 5_000;
const ATTEMPTS_MAX = 5;

export class Writer {
  readonly #options: WriterOptions;
  readonly #queue = new WriterQueue<Ticket>();
  readonly #free: Lane[];
  readonly #sweep: NodeJS.Timeout;
  #inFlight = 0;
  #scheduled = false;
  #patience: NodeJS.Timeout | null = null;
  #idle: (() => void)[] = [];

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#free = [...options.lanes];
    this.#sweep = setInterval(() => this.#dropLate(), SWEEP_MS).unref();
  }

  /** Hands one command over. Resolves after its commit; rejects with 503 `busy` when the queue is full or the wait was too long. */
  async submit(command: LedgerCommand): Promise<CommandResult> {
    if (this.#queue.length >= QUEUE_MAX) throw busy("Too many payments are waiting.");
    return await new Promise((resolve, reject) => {
      this.#queue.add({ command, sinceMs: this.#options.monotonicMs(), ticket: { resolve, reject } });
      this.#schedule();
    });
  }

  /** Commands that wait or are being written. */
  get load(): number {
    return this.#queue.length + this.#inFlight;
  }

  /** Resolves when nothing waits and nothing is in flight; then closes the lanes. Nothing may be submitted afterwards. */
  async close(): Promise<void> {
    if (this.load > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    clearInterval(this.#sweep);
    await Promise.all(this.#options.lanes.map((lane) => lane.close()));
  }

  /** One turn of the event loop collects what arrives together. */
  #schedule(): void {
    if (this.#scheduled || this.#free.length === 0) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#free.length > 0 && this.#queue.length > 0) {
      if (this.#inFlight > 0 && !this.#isWorthAnotherLane()) return;
      // Each lane takes its share of the load, so that one part is judged while the answers of the other are written.
      const share = Math.ceil(this.load / this.#options.lanes.length);
      const batch = this.#queue.take(Math.min(BATCH_LINES_MAX, Math.max(SECOND_LANE_MIN, share)));
      if (batch.length === 0) return;
      const lane = this.#free.pop();
      invariant(lane, "a free lane was taken");
      this.#inFlight += batch.length;
      void this.#run(lane, batch);
    }
  }

  /**
   * A batch costs about a millisecond whatever its size: beside one that is in flight another is sent only when it is large, or when
   * the one in flight takes long - it may be waiting for a lock that is none of the others' business.
   */
  #isWorthAnotherLane(): boolean {
    if (this.#queue.length >= SECOND_LANE_MIN) return true;
    const waited = this.#options.monotonicMs() - this.#queue.oldestSinceMs;
    if (waited >= SECOND_LANE_WAIT_MS) return true;
    if (this.#patience === null) {
      this.#patience = setTimeout(() => {
        this.#patience = null;
        this.#dispatch();
      }, SECOND_LANE_WAIT_MS - waited);
    }
    return false;
  }

  async #run(lane: Lane, batch: Batch): Promise<void> {
    const start = this.#options.monotonicMs();
    const settle = await this.#write(lane, batch);
    this.#options.onBatch?.(batch.length, this.#options.monotonicMs() - start);
    this.#queue.release(batch);
    this.#inFlight -= batch.length;
    this.#free.push(lane);
    if (this.#inFlight > 0) {
      // PostgreSQL is at work for another lane: answer first, so that these callers' next commands go into one large batch.
      settle();
      this.#schedule();
    } else {
      // It would idle: send first what waits, then answer.
      this.#dispatch();
      settle();
    }
    if (this.load === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Writes a batch and returns how to answer it. Never throws. */
  async #write(lane: Lane, batch: Batch): Promise<() => void> {
    try {
      const results = await this.#post(lane, batch);
      return () => batch.forEach((entry, index) => answer(entry, results[index]));
    } catch (error) {
      this.#options.onFault?.(error, batch.length);
      if (batch.length === 1 || isOutage(error)) return () => batch.forEach(({ ticket }) => ticket.reject(error));
      return await this.#oneByOne(lane, batch);
    }
  }

  /**
   * After a fault that one command caused: only the culprit fails. Whoever meets a locked account now is refused at once; the batch has
   * waited for it already, and the others must not wait again.
   */
  async #oneByOne(lane: Lane, batch: Batch): Promise<() => void> {
    const settles: (() => void)[] = [];
    const deadline = this.#options.monotonicMs() + ONE_BY_ONE_MAX_MS;
    const isPatient = await setPatience(lane, IMPATIENT_LOCK_MS);
    for (const entry of batch) {
      if (this.#options.monotonicMs() > deadline) settles.push(() => entry.ticket.reject(busy("A needed account is locked.")));
      else settles.push(await this.#write(lane, [entry]));
    }
    if (isPatient) await setPatience(lane, LOCK_TIMEOUT_MS);
    return () => settles.forEach((settle) => settle());
  }

  /**
   * Sends a batch; again after a deadlock, a unique key taken by another writer meanwhile, or a broken connection. The last is safe because
   * every command has an externalId: what was committed before the break comes back as a repeat of the same payment.
   */
  async #post(lane: Lane, batch: Batch): Promise<CommandResult[]> {
    const commands = batch.map(({ command }) => command);
    for (let attempt = 1; ; attempt++) {
      try {
        return await postBatch(lane.sql, commands, { atomic: false, timeZone: this.#options.timeZone });
      } catch (error) {
        if (attempt === ATTEMPTS_MAX || !mayRepeat(error)) throw error;
        await pause(attempt * attempt * 5);
      }
    }
  }

  #dropLate(): void {
    for (const { ticket } of this.#queue.removeOlderThan(this.#options.monotonicMs() - WAIT_MAX_MS)) {
      ticket.reject(busy("The payment waited too long to be written. It was not booked."));
    }
  }
}

/** Sets the lane's lock_timeout; false when its connection is gone: the next one has the default. */
async function setPatience(lane: Lane, ms: number): Promise<boolean> {
  try {
    await setLockTimeout(lane.sql, ms);
    return true;
  } catch {
    return false;
  }
}

function answer(entry: Waiting<Ticket>, result: CommandResult | undefined): void {
  if (result === undefined) entry.ticket.reject(new Bug("a command without a result"));
  else entry.ticket.resolve(result);
}

function mayRepeat(error: unknown): boolean {
  return isRetryable(error) || sqlState(error) === "23505" || error instanceof OutcomeUnknown;
}

/** The database itself is away: trying command by command would only take longer. */
function isOutage(error: unknown): boolean {
  return error instanceof OutcomeUnknown || sqlState(error) === null || /^(57|08|53)/.test(sqlState(error) ?? "");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
