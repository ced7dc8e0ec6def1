// The bytes of a message on their way to whoever wants them: at the reader's pace, and never more than the limit. Whatever ends it, the
// connection stays: an answer is still to be sent on it.

import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { platformProblems, type Problem, problemOf } from "../problem.ts";

/** What a sender owes a reader that waits for it: so much patience to begin with, and so many bytes for each further second of it. */
export type Pace = { readonly patienceMs: number; readonly bytesPerSecond: number };

/** 128 kbit/s: nobody who means it is slower; who dribbles a byte now and then to hold a connection is. */
const PACE: Pace = { patienceMs: 12_000, bytesPerSecond: 16 * 1024 };

export type CountedBodyOptions = {
  /** Bytes. */
  readonly limit: number;
  /** Called right before the first byte is asked for. */
  readonly onFirstRead?: () => void;
  readonly pace?: Pace;
};

/**
 * Fails with `payloadTooLarge` at the first byte beyond the limit, and with `malformedRequest` when the sender goes away or keeps its reader
 * waiting for too long. Nothing is read before somebody reads here.
 */
export class CountedBody extends Readable {
  readonly #source: IncomingMessage;
  readonly #limit: number;
  readonly #onFirstRead: () => void;
  readonly #pace: Pace;
  #bytes = 0;
  #isAttached = false;
  #waitedMs = 0;
  #waitsSince: number | null = null;
  #patience: NodeJS.Timeout | undefined;

  constructor(source: IncomingMessage, { limit, onFirstRead = () => {}, pace = PACE }: CountedBodyOptions) {
    super();
    this.#source = source;
    this.#limit = limit;
    this.#onFirstRead = onFirstRead;
    this.#pace = pace;
    // An operation that is not reading at the moment learns of it when it reads on; without a listener it would end the process.
    this.on("error", () => {});
  }

  override _read(): void {
    this.#wait();
    if (this.#isAttached) {
      this.#source.resume();
      return;
    }
    this.#isAttached = true;
    if (this.#source.destroyed) {
      this.destroy(broken("The body ended early."));
      return;
    }
    this.#onFirstRead();
    this.#source.on("data", this.#take).on("end", this.#finish).on("close", this.#fail).on("error", this.#fail);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    clearTimeout(this.#patience);
    this.#source.off("data", this.#take).off("end", this.#finish).off("close", this.#fail).off("error", this.#fail);
    if (this.#isAttached) this.#source.pause();
    done(error);
  }

  readonly #take = (piece: Buffer): void => {
    this.#bytes += piece.length;
    this.#stopWaiting();
    if (this.#bytes > this.#limit) this.destroy(tooLarge(this.#limit));
    else if (this.push(piece)) this.#wait();
    else this.#source.pause();
  };

  readonly #finish = (): void => {
    this.push(null);
  };

  /** Only the reader's waiting counts: how long it takes over what it has is its own affair. */
  #wait(): void {
    if (this.#waitsSince !== null || this.destroyed) return;
    this.#waitsSince = performance.now();
    const earnedMs = (this.#bytes / this.#pace.bytesPerSecond) * 1000;
    const leftMs = Math.max(0, this.#pace.patienceMs + earnedMs - this.#waitedMs);
    this.#patience = setTimeout(() => this.destroy(broken("The body came too slowly.")), leftMs);
  }

  #stopWaiting(): void {
    clearTimeout(this.#patience);
    if (this.#waitsSince !== null) this.#waitedMs += performance.now() - this.#waitsSince;
    this.#waitsSince = null;
  }

  readonly #fail = (): void => {
    if (!this.readableEnded && !this.#source.readableEnded) this.destroy(broken("The body ended early."));
  };
}

export function tooLarge(limit: number): Problem {
  return problemOf(platformProblems, "payloadTooLarge", { detail: `At most ${limit} bytes.` });
}

function broken(detail: string): Problem {
  return problemOf(platformProblems, "malformedRequest", { detail });
}
