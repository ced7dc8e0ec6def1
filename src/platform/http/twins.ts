// Calls with the same idempotency key that run at the same time in this process: the later ones wait for the first without
// taking a connection, and share its answer. Only for speed and fairness: between processes the key row decides.

import { Problem, refusePlatform } from "../problem.ts";
import { type IdempotencyKey, isDefinite } from "./idempotency.ts";

const WAIT_MS = 2_000;

type Outcome<T> = { readonly answer: T } | { readonly error: unknown };
type Running<T> = { readonly fingerprint: string; readonly result: Promise<T> };

export class Twins<T extends { readonly replayed: boolean }> {
  readonly #running = new Map<string, Running<T>>();
  readonly #waitMs: number;

  constructor(waitMs: number = WAIT_MS) {
    this.#waitMs = waitMs;
  }

  /**
   * Runs `work`, or waits for the twin that is running (2 s unless said otherwise, then 409 idempotencyInProgress). A twin's success or definite
   * refusal is the answer of both; after any other end of the twin the call is tried afresh.
   */
  run(key: IdempotencyKey | null, work: () => Promise<T>): Promise<T> {
    if (key === null) return work();
    return this.#running.has(key.id) ? this.#join(key, work) : this.#first(key, work);
  }

  async #join(key: IdempotencyKey, work: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + this.#waitMs;
    for (;;) {
      const twin = this.#running.get(key.id);
      if (twin === undefined) return await this.#first(key, work);
      if (twin.fingerprint !== key.fingerprint) refusePlatform("idempotencyKeyReused");
      const outcome = await before(deadline, outcomeOf(twin.result));
      if (outcome === null) return refusePlatform("idempotencyInProgress", { headers: { "retry-after": "1" } });
      if ("answer" in outcome) return { ...outcome.answer, replayed: true };
      if (outcome.error instanceof Problem && isDefinite(outcome.error)) throw outcome.error;
    }
  }

  async #first(key: IdempotencyKey, work: () => Promise<T>): Promise<T> {
    const result = work();
    this.#running.set(key.id, { fingerprint: key.fingerprint, result });
    try {
      return await result;
    } finally {
      this.#running.delete(key.id);
    }
  }
}

function outcomeOf<T>(result: Promise<T>): Promise<Outcome<T>> {
  return result.then(
    (answer) => ({ answer }),
    (error: unknown) => ({ error }),
  );
}

async function before<T>(deadline: number, outcome: Promise<T>): Promise<T | null> {
  const wait = deadline - performance.now();
  if (wait <= 0) return null;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), wait);
  });
  try {
    return await Promise.race([outcome, late]);
  } finally {
    clearTimeout(timer);
  }
}
