// A circuit breaker: after some failures in a row nobody waits for a system that is down; after a while one call may look whether it is
// back. Each system outside has its own, so that one that is down takes none of the others along.

export type BreakerOptions = {
  /** Failures in a row that open it. */
  readonly failuresMax: number;
  /** For how long it stays open before one call may try. */
  readonly openMs: number;
  readonly monotonicMs: () => number;
};

export class Breaker {
  readonly #options: BreakerOptions;
  #failures = 0;
  #openUntil = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** Whether a call may be made. Open, it lets through one call after `openMs`, and the next one as much later. */
  allows(): boolean {
    const { failuresMax, openMs, monotonicMs } = this.#options;
    if (this.#failures < failuresMax) return true;
    const now = monotonicMs();
    if (now < this.#openUntil) return false;
    this.#openUntil = now + openMs;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(): void {
    const { failuresMax, openMs, monotonicMs } = this.#options;
    this.#failures++;
    if (this.#failures >= failuresMax) this.#openUntil = monotonicMs() + openMs;
  }
}
