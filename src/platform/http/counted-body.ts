// The bytes of a message on their way to whoever wants them: at the reader's pace, and never more than the limit. Whatever ends it, the
// connection stays: an answer is still to be sent on it.

import type { IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { platformProblems, type Problem, problemOf } from "../problem.ts";

/**
 * Fails with `payloadTooLarge` at the first byte beyond the limit, and with `malformedRequest` when the sender goes away or is cut for being
 * slow. Nothing is read before somebody reads here.
 */
export class CountedBody extends Readable {
  readonly #source: IncomingMessage;
  readonly #limit: number;
  readonly #onFirstRead: () => void;
  #bytes = 0;
  #isAttached = false;

  constructor(source: IncomingMessage, limit: number, onFirstRead: () => void = () => {}) {
    super();
    this.#source = source;
    this.#limit = limit;
    this.#onFirstRead = onFirstRead;
    // An operation that is not reading at the moment learns of it when it reads on; without a listener it would end the process.
    this.on("error", () => {});
  }

  override _read(): void {
    if (this.#isAttached) {
      this.#source.resume();
      return;
    }
    this.#isAttached = true;
    if (this.#source.destroyed) {
      this.destroy(endedEarly());
      return;
    }
    this.#onFirstRead();
    this.#source.on("data", this.#take).on("end", this.#finish).on("close", this.#fail).on("error", this.#fail);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#source.off("data", this.#take).off("end", this.#finish).off("close", this.#fail).off("error", this.#fail);
    if (this.#isAttached) this.#source.pause();
    done(error);
  }

  readonly #take = (piece: Buffer): void => {
    this.#bytes += piece.length;
    if (this.#bytes > this.#limit) this.destroy(tooLarge(this.#limit));
    else if (!this.push(piece)) this.#source.pause();
  };

  readonly #finish = (): void => {
    this.push(null);
  };

  readonly #fail = (): void => {
    if (!this.readableEnded && !this.#source.readableEnded) this.destroy(endedEarly());
  };
}

export function tooLarge(limit: number): Problem {
  return problemOf(platformProblems, "payloadTooLarge", { detail: `At most ${limit} bytes.` });
}

function endedEarly(): Problem {
  return problemOf(platformProblems, "malformedRequest", { detail: "The body ended early." });
}
