// The group-commit writer. Commands wait in a queue without a timer; whenever a lane is free it takes all that waits, sends it in one
// round trip and answers each caller after the one commit. Correctness is the database's: any number of writers may run; this one
// is only for speed.
//
// PostgreSQL must not wait while answers are written: when no other lane is in flight, the next batch is sent before the finished one
// is answered; and what waits for the accounts of a batch in flight is sent behind it on the same lane, so that the server goes on with
// it in the moment of the commit. A hot account is written without a pause that way.

import { busy, isRetryable, LOCK_TIMEOUT_MS, OutcomeUnknown, sqlState } from "#platform/db.ts";
import { LANE_DEPTH, type Lane } from "#platform/lane.ts";
import { Bug } from "#platform/problem.ts";
import type { LedgerCommand } from "./command.ts";
import { type CommandResult, postBatch, setLockTimeout } from "./post-batch.store.ts";
import { type Waiting, WriterQueue } from "./writer-queue.ts";

/** A command and what became of it. */
export type Judged = { readonly command: LedgerCommand; readonly result: CommandResult };

type Ticket = { readonly resolve: (result: CommandResult) => void; readonly reject: (error: unknown) => void };
type Batch = readonly Waiting<Ticket>[];

/** A lane and what is in flight on it, the first to be committed first. */
type Track = {
  readonly lane: Lane;
  readonly batches: Batch[];
  /** Batches that are being written command by command, one after the other; nothing is sent behind them. Null: none. */
  mending: Promise<unknown> | null;
};

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
/** Commands that must wait for the accounts of a batch in flight before they are sent behind it. */
const BEHIND_MIN = 32;
const QUEUE_MAX = 20_000;
/** A command that has not been sent after this time leaves with 503. */
const WAIT_MAX_MS = 2_000;
const SWEEP_MS = 250;
/** Waiting for a lock while a failed batch is written command by command. */
const IMPATIENT_LOCK_MS = 20;
const ONE_BY_ONE_MAX_MS = 5_000;
const ATTEMPTS_MAX = 5;
/** A batch whose outcome is unknown is not sent again after this time: a server that is silent for so long says nothing the next time either. */
const UNKNOWN_MAX_MS = 10_000;
/** How long batches look for repeats after one has met one unprepared, which is written twice. Costs one batch in so long at most. */
const REPEATS_EXPECTED_MS = 1_000;

export class Writer {
  readonly #options: WriterOptions;
  readonly #queue = new WriterQueue<Ticket>();
  readonly #tracks: readonly Track[];
  readonly #sweep: NodeJS.Timeout;
  #inFlight = 0;
  #scheduled = false;
  /** Length of the queue from which it is worth looking for what could go behind a batch in flight. */
  #behindFrom = BEHIND_MIN;
  #patience: NodeJS.Timeout | null = null;
  #repeatsUntilMs = Number.NEGATIVE_INFINITY;
  #idle: (() => void)[] = [];

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#tracks = options.lanes.map((lane) => ({ lane, batches: [], mending: null }));
    this.#sweep = setInterval(() => this.#dropLate(), SWEEP_MS).unref();
  }

  /** Hands one command over. Resolves after its commit; rejects with 503 `busy` when the queue is full or the wait was too long. */
  async submit(command: LedgerCommand): Promise<CommandResult> {
    const sinceMs = this.#admit(1);
    return await new Promise((resolve, reject) => this.#queue.add({ command, sinceMs, ticket: { resolve, reject } }));
  }

  /**
   * As `submit` for each, with what became of all, in order: one promise for the whole list. Rejects as soon as one cannot be written; what
   * becomes of the others is then not told. A list that does not fit into the queue is refused whole, with nothing written.
   */
  async submitAll(commands: readonly LedgerCommand[]): Promise<Judged[]> {
    const sinceMs = this.#admit(commands.length);
    const judged: Judged[] = [];
    if (commands.length === 0) return judged;
    let open = commands.length;
    return await new Promise((resolve, reject) => {
      for (const [index, command] of commands.entries()) {
        const resolveOne = (result: CommandResult): void => {
          judged[index] = { command, result };
          if (--open === 0) resolve(judged);
        };
        this.#queue.add({ command, sinceMs, ticket: { resolve: resolveOne, reject } });
      }
    });
  }

  /** Has so many commands, which the caller adds now, looked at; gives the time. */
  #admit(commands: number): number {
    if (this.#queue.length + commands > QUEUE_MAX) throw busy("Too many payments are waiting.");
    this.#schedule();
    return this.#options.monotonicMs();
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
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#dispatch();
    });
  }

  #dispatch(): void {
    while (this.#queue.length > 0 && (this.#sendBeside() || this.#sendBehind()));
  }

  /** Sends what shares no account with anything in flight, on a lane that is free. */
  #sendBeside(): boolean {
    const track = this.#tracks.find(({ batches }) => batches.length === 0);
    if (track === undefined || (this.#inFlight > 0 && !this.#isWorthAnotherLane())) return false;
    return this.#send(track, this.#queue.take(this.#share()));
  }

  /** Sends what waits for the accounts of a batch in flight behind that batch. */
  #sendBehind(): boolean {
    if (this.#queue.length < this.#behindFrom) return false;
    for (const track of this.#tracks) {
      const [leader] = track.batches;
      if (leader === undefined || track.batches.length === LANE_DEPTH || track.mending !== null) continue;
      if (this.#send(track, this.#queue.takeBehind(leader, this.#share(), BEHIND_MIN))) return true;
    }
    // Not looked for again before so many more have come, or a batch has ended.
    this.#behindFrom = this.#queue.length + BEHIND_MIN;
    return false;
  }

  /** Each lane takes its share of the load, so that one part is judged while the answers of the other are written. */
  #share(): number {
    return Math.min(BATCH_LINES_MAX, Math.max(SECOND_LANE_MIN, Math.ceil(this.load / this.#tracks.length)));
  }

  #send(track: Track, batch: Batch): boolean {
    if (batch.length === 0) return false;
    track.batches.push(batch);
    this.#inFlight += batch.length;
    void this.#run(track, batch);
    return true;
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

  async #run(track: Track, batch: Batch): Promise<void> {
    const start = this.#options.monotonicMs();
    const settle = await this.#write(track, batch);
    this.#options.onBatch?.(batch.length, this.#options.monotonicMs() - start);
    this.#queue.release(batch);
    this.#inFlight -= batch.length;
    track.batches.splice(track.batches.indexOf(batch), 1);
    this.#behindFrom = BEHIND_MIN;
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
  async #write(track: Track, batch: Batch): Promise<() => void> {
    try {
      return await this.#writeWhole(track.lane, batch);
    } catch (error) {
      this.#options.onFault?.(error, batch.length);
      return batch.length === 1 || isOutage(error) ? () => rejectAll(batch, error) : await this.#mend(track, batch);
    }
  }

  async #writeWhole(lane: Lane, batch: Batch): Promise<() => void> {
    const results = await this.#post(lane, batch);
    return () => batch.forEach((entry, index) => answer(entry, results[index]));
  }

  async #writeOne(lane: Lane, entry: Waiting<Ticket>): Promise<() => void> {
    try {
      return await this.#writeWhole(lane, [entry]);
    } catch (error) {
      this.#options.onFault?.(error, 1);
      return () => rejectAll([entry], error);
    }
  }

  /** Writes a batch command by command; two batches of one lane in turn, because they share its patience. */
  async #mend(track: Track, batch: Batch): Promise<() => void> {
    const turn = (track.mending ?? Promise.resolve()).then(() => this.#oneByOne(track.lane, batch));
    track.mending = turn;
    try {
      return await turn;
    } finally {
      if (track.mending === turn) track.mending = null;
    }
  }

  /**
   * After a fault that one command caused: only the culprit fails. Whoever meets a locked account now is refused at once; the batch has
   * waited for it already, and the others must not wait again. Never throws.
   */
  async #oneByOne(lane: Lane, batch: Batch): Promise<() => void> {
    const settles: (() => void)[] = [];
    const deadline = this.#options.monotonicMs() + ONE_BY_ONE_MAX_MS;
    const isPatient = await setPatience(lane, IMPATIENT_LOCK_MS);
    for (const entry of batch) {
      if (this.#options.monotonicMs() > deadline) settles.push(() => rejectAll([entry], busy("A needed account is locked.")));
      else settles.push(await this.#writeOne(lane, entry));
    }
    if (isPatient) await setPatience(lane, LOCK_TIMEOUT_MS);
    return () => settles.forEach((settle) => settle());
  }

  /**
   * Sends a batch; again after a deadlock, a name or key that was used before, or a broken connection. The last is safe because every
   * command has an externalId: what was committed before the break comes back as a repeat of the same payment.
   */
  async #post(lane: Lane, batch: Batch): Promise<CommandResult[]> {
    const commands = batch.map(({ command }) => command);
    const giveUpMs = this.#options.monotonicMs() + UNKNOWN_MAX_MS;
    let unknown: unknown = null;
    for (let attempt = 1; ; attempt++) {
      const expectsRepeats = this.#options.monotonicMs() < this.#repeatsUntilMs;
      try {
        return await postBatch(lane.sql, commands, { atomic: false, timeZone: this.#options.timeZone, expectsRepeats });
      } catch (error) {
        // What an earlier round may have booked is not undone by a database that is away now.
        if (error instanceof OutcomeUnknown) {
          unknown = error;
          if (this.#options.monotonicMs() > giveUpMs) throw error;
        }
        if (attempt === ATTEMPTS_MAX || !mayRepeat(error)) throw isOutage(error) ? (unknown ?? error) : error;
        if (isTaken(error) || unknown === error) this.#repeatsUntilMs = this.#options.monotonicMs() + REPEATS_EXPECTED_MS;
        if (!isTaken(error) || expectsRepeats) await pause(attempt * attempt * 5);
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

function rejectAll(batch: Batch, error: unknown): void {
  for (const { ticket } of batch) ticket.reject(error);
}

function answer(entry: Waiting<Ticket>, result: CommandResult | undefined): void {
  if (result === undefined) entry.ticket.reject(new Bug("a command without a result"));
  else entry.ticket.resolve(result);
}

function mayRepeat(error: unknown): boolean {
  return isRetryable(error) || isTaken(error) || error instanceof OutcomeUnknown;
}

/** A unique name or key was used before: by a repeat that was not looked for, or by another writer meanwhile. */
function isTaken(error: unknown): boolean {
  return sqlState(error) === "23505";
}

/** The database itself is away: trying command by command would only take longer. */
function isOutage(error: unknown): boolean {
  return error instanceof OutcomeUnknown || sqlState(error) === null || /^(57|08|53)/.test(sqlState(error) ?? "");
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
