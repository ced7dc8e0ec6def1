// What a measurement of growth consists of.

export type GrowthOptions = {
  /** Entries of the grown books; a tenth as many accounts. */
  readonly rows: number;
  readonly repetitions: number;
  readonly seconds: number;
  readonly calm: number;
  /** Of each kind of read in each repetition. */
  readonly reads: number;
  readonly write: boolean;
  /** A folder where the grown books are kept; null: they go with the run. */
  readonly books: string | null;
};

/** As many accounts as the empty books have, and as take part where only few are active. */
export const FEW = 10_000;

/** Runs of payments, by the name under which they stand in the table. */
export const CELLS = {
  empty: "empty, uniform",
  grown: "grown, uniform over all accounts",
  grownFew: "grown, uniform over 10 000 of its accounts",
  emptyHot: "empty, hot",
  grownHot: "grown, hot",
} as const;
