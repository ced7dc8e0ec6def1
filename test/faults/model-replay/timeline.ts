// When what can have been seen. The sequence is one total order; whoever looks sees the books after some number of changes, and that
// number is bounded by the clock: all that was answered before he began is in, nothing that was asked for after he had his answer is.

export type Span = { readonly sequence: number; readonly startedAt: number; readonly endedAt: number };

/** Somebody had an answer by then that shows at least so much. */
export type Seen = { readonly endedAt: number; readonly sequence: number };

export class Timeline {
  readonly #byEnd: readonly Bound[];
  readonly #byStart: readonly Bound[];
  readonly #last: number;

  /** One span for each change: from the first that asked for it to the first that was told of it. */
  constructor(spans: readonly Span[], last: number, seen: readonly Seen[] = []) {
    this.#last = last;
    let most = 0;
    this.#byEnd = [...spans, ...seen]
      .toSorted((a, b) => a.endedAt - b.endedAt)
      .map(({ endedAt, sequence }) => ({ at: endedAt, sequence: (most = Math.max(most, sequence)) }));
    let least = last + 1;
    this.#byStart = spans
      .toSorted((a, b) => b.startedAt - a.startedAt)
      .map(({ startedAt, sequence }) => ({ at: -startedAt, sequence: (least = Math.min(least, sequence)) }));
  }

  /** The sequences at which somebody may have looked who asked at `startedAt` and was answered at `endedAt`. */
  window({ startedAt, endedAt }: { readonly startedAt: number; readonly endedAt: number }): { readonly from: number; readonly to: number } {
    const from = lastBefore(this.#byEnd, startedAt)?.sequence ?? 0;
    const to = (lastBefore(this.#byStart, -endedAt)?.sequence ?? this.#last + 1) - 1;
    return { from, to };
  }
}

/** `at` rises. */
type Bound = { readonly at: number; readonly sequence: number };

function lastBefore(bounds: readonly Bound[], at: number): Bound | undefined {
  let [low, high] = [0, bounds.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bounds[middle]?.at ?? Number.POSITIVE_INFINITY) < at) low = middle + 1;
    else high = middle;
  }
  return bounds[low - 1];
}

/** What something was, at each point of the sequence. */
export class Past<T> {
  readonly #sequences: number[] = [];
  readonly #values: T[] = [];

  /** Sequences are added in order. */
  add(sequence: number, value: T): void {
    if (this.#sequences.at(-1) === sequence) this.#values[this.#values.length - 1] = value;
    else {
      this.#sequences.push(sequence);
      this.#values.push(value);
    }
  }

  /** After the change of that number. */
  at(sequence: number): T | undefined {
    return this.#values[this.#indexAt(sequence)];
  }

  /** Where it changed after `from`, up to and with `to`. */
  changesWithin(from: number, to: number): readonly number[] {
    return this.#sequences.slice(this.#indexAt(from) + 1, this.#indexAt(to) + 1);
  }

  #indexAt(sequence: number): number {
    let [low, high] = [0, this.#sequences.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sequences[middle] ?? 0) <= sequence) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
