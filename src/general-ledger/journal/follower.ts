// Tells somebody outside of every change of the ledger, in the order of the sequence and at least once. An event is sent when the one
// before it was accepted, never earlier: also where two instances overlap for a moment, a receiver that drops what is not newer than
// what it has sees every event once and in order. The price is that one event that is never accepted holds up all later ones: it is
// tried again for ever, and from the eighth time on the log says so as an error.
//
// Nothing is written twice: the journal is the outbox, `journal_follower` has the place in it. Only committed rows are read, and no
// transaction is open while something is sent.

import { setTimeout as wait } from "node:timers/promises";
import type { Actor, Database } from "#platform/db.ts";
import { describeFault } from "#platform/fault.ts";
import { newTraceId } from "#platform/http/trace.ts";
import { newId } from "#platform/new-id.ts";
import type { WorkerLog } from "#platform/worker.ts";
import type { LedgerEvent } from "./contract.ts";
import { findHead } from "./event.store.ts";
import { readEvents } from "./events.ts";
import * as store from "./follower.store.ts";

export type FollowerOptions = {
  readonly db: Database;
  /** Resolves when the receiver has accepted the event, throws when it has not, or not in time. */
  readonly deliver: (event: LedgerEvent, signal: AbortSignal) => Promise<void>;
  readonly log: WorkerLog;
  /** How long an instance that says nothing more is believed to be alive. Longer than a delivery may take. */
  readonly holdMs?: number;
  /** The longest wait before an event that was not accepted is tried again. */
  readonly retryMaxMs?: number;
};

/** Which row of `journal_follower` is ours. */
const NAME = "sink";
const HOLD_MS = 15_000;
const POLL_MS = 250;
/** How often an instance that does not deliver looks whether it should. */
const TAKE_OVER_MS = 1_000;
const RETRY_FIRST_MS = 50;
const RETRY_MAX_MS = 30_000;
/** So many events are read at once, and their delivery noted together. */
const PAGE = 100;
/** Tries of one event before the log calls it an error: some twelve seconds. */
const ALARM_AFTER = 8;
/** After the stop a delivery that runs has so long to end. */
const LAST_DELIVERY_MS = 5_000;

/** The last change noted as delivered, and until when (monotonic) the delivery is ours. */
type Held = { noted: bigint; untilMs: number };

/** Follows the journal from where any instance has come. Start one in each process; one of them delivers. */
export class Follower {
  readonly #options: Required<FollowerOptions>;
  readonly #holder = newId();
  readonly #actor: Actor = { kind: "job", id: "ledger_follower", tenant: null, traceId: newTraceId() };
  readonly #stopping = new AbortController();
  readonly #givingUp = new AbortController();
  readonly #running: Promise<void>;
  /** Null: another instance delivers. */
  #held: Held | null = null;
  #failures = 0;
  #behind = 0;

  constructor(options: FollowerOptions) {
    this.#options = { holdMs: HOLD_MS, retryMaxMs: RETRY_MAX_MS, ...options };
    this.#running = this.#run();
  }

  /** How many changes wait to be delivered, as this instance last saw; 0 where another one delivers. */
  get behind(): number {
    return this.#held === null ? 0 : this.#behind;
  }

  /** Ends after the delivery that runs; what it delivered is noted, and another instance may go on at once. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const timer = setTimeout(() => this.#givingUp.abort(), LAST_DELIVERY_MS);
    await this.#running;
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    while (!this.#isStopping()) {
      try {
        const isBehind = await this.#deliverPage();
        this.#failures = 0;
        if (!isBehind) await this.#pause(this.#held === null ? TAKE_OVER_MS : POLL_MS);
      } catch (error) {
        await this.#waitAfter(error);
      }
    }
    await this.#release();
  }

  /** Delivers the next events. True: there are more. */
  async #deliverPage(): Promise<boolean> {
    const { db, deliver } = this.#options;
    const held = await this.#hold();
    if (held === null) return false;
    const after = Number(held.noted);
    const page = await db.read(this.#actor, async (tx) => {
      const head = Number(await findHead(tx));
      return { ...(await readEvents(tx, { after, limit: PAGE, tenant: null })), head };
    });
    this.#behind = page.head - after;
    let delivered = held.noted;
    try {
      for (const event of page.items) {
        if (this.#isStopping()) break;
        if (this.#isHoldShort(held)) await this.#note(held, delivered);
        await this.#tell(event, deliver);
        delivered = BigInt(event.sequence);
        this.#behind = page.head - event.sequence;
      }
    } finally {
      if (delivered > held.noted) await this.#note(held, delivered);
    }
    return page.hasMore;
  }

  async #tell(event: LedgerEvent, deliver: FollowerOptions["deliver"]): Promise<void> {
    try {
      await deliver(event, this.#givingUp.signal);
    } catch (error) {
      throw new NotDelivered(event.sequence, error);
    }
    this.#failures = 0;
  }

  async #hold(): Promise<Held | null> {
    if (this.#held !== null && !this.#isHoldShort(this.#held)) return this.#held;
    const { db, holdMs } = this.#options;
    const untilMs = performance.now() + holdMs;
    const noted = await db.write(this.#actor, (tx) => store.hold(tx, NAME, this.#holder, holdMs));
    this.#held = noted === null ? null : { noted, untilMs };
    return this.#held;
  }

  /** Notes what was delivered; throws when another instance has taken over meanwhile. */
  async #note(held: Held, to: bigint): Promise<void> {
    const { db, holdMs } = this.#options;
    const untilMs = performance.now() + holdMs;
    const range = { from: held.noted, to, milliseconds: holdMs };
    // Whatever comes of it, without an answer we know nothing any more.
    this.#held = null;
    const isNoted = await db.write(this.#actor, (tx) => store.advance(tx, NAME, this.#holder, range));
    if (!isNoted) throw new Error("another instance delivers the events now");
    held.noted = to;
    held.untilMs = untilMs;
    this.#held = held;
  }

  async #release(): Promise<void> {
    if (this.#held === null) return;
    this.#held = null;
    // Where the database is away the hold ends by itself.
    await this.#options.db.write(this.#actor, (tx) => store.release(tx, NAME, this.#holder)).catch(() => undefined);
  }

  #isHoldShort({ untilMs }: Held): boolean {
    // A delivery may begin in the first quarter only, so that it ends while the hold lasts.
    return performance.now() > untilMs - 0.75 * this.#options.holdMs;
  }

  async #waitAfter(error: unknown): Promise<void> {
    if (this.#isStopping()) return;
    const { log, retryMaxMs } = this.#options;
    this.#failures += 1;
    const retryInMs = Math.ceil(Math.min(retryMaxMs, RETRY_FIRST_MS * 2 ** (this.#failures - 1)) * (0.8 + 0.4 * Math.random()));
    const about = { failures: this.#failures, retryInMs };
    if (error instanceof NotDelivered) {
      const { sequence, cause } = error;
      const isAlarm = this.#failures >= ALARM_AFTER;
      // Another instance may reach the receiver where this one cannot.
      if (isAlarm) await this.#release();
      const words = isAlarm
        ? "an event of the ledger is not accepted; all later ones wait for it"
        : "an event of the ledger was not accepted and is sent again";
      log[isAlarm ? "error" : "warn"]({ ...about, sequence, fault: describeFault(cause) }, words);
    } else {
      log.warn({ ...about, fault: describeFault(error) }, "the delivery of the ledger's events was interrupted and goes on");
    }
    await this.#pause(retryInMs);
  }

  async #pause(ms: number): Promise<void> {
    await wait(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }
}

class NotDelivered extends Error {
  readonly sequence: number;

  constructor(sequence: number, cause: unknown) {
    super("the event was not accepted", { cause });
    this.sequence = sequence;
  }
}
