// Chance that can be repeated: the seed is told with every failure (`note`) and taken from FINLEGO_SEED to run the same case again.

export type Random = {
  readonly note: string;
  /** From `low` to `high`, both included. */
  integer(low: number, high: number): number;
  chance(probability: number): boolean;
  pick<T>(values: readonly T[]): T;
  /** Null when there is nothing. */
  pickOrNull<T>(values: readonly T[]): T | null;
  /** Two different ones. */
  two<T>(values: readonly T[]): [T, T];
  list<T>(length: number, make: () => T): T[];
};

export function random(seed: number = Number(process.env["FINLEGO_SEED"] ?? Math.floor(Math.random() * 2 ** 31))): Random {
  let state = seed >>> 0;
  // mulberry32: small, and good enough to vary tests.
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (low: number, high: number): number => low + Math.floor(next() * (high - low + 1));
  const pick = <T>(values: readonly T[]): T => {
    const value = values[integer(0, values.length - 1)];
    if (value === undefined) throw new RangeError("nothing to pick from");
    return value;
  };
  return {
    note: `FINLEGO_SEED=${seed}`,
    integer,
    chance: (probability) => next() < probability,
    pick,
    pickOrNull: (values) => (values.length === 0 ? null : pick(values)),
    two: (values) => {
      const first = integer(0, values.length - 1);
      const second = (first + integer(1, values.length - 1)) % values.length;
      return [values[first], values[second]] as [(typeof values)[number], (typeof values)[number]];
    },
    list: (length, make) => Array.from({ length }, make),
  };
}
