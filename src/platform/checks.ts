// The words of `verify`: what a check is, what it finds, and what locks a table has. Each module owns the checks of its own tables and
// hands them out through its face; verify.ts runs them all on one snapshot. Data only: a check is a query, never code that could write.

/** One thing that must hold for all rows. `sql` gives one row for each place where it does not, see FINDING. */
export type Check = {
  /** The invariant of the reliability catalogue, "INV-3". Several checks may serve one. */
  readonly id: string;
  /** The rule as a sentence. */
  readonly name: string;
  /** A warning is told and leaves the verdict alone: advice about the installation, never about money. */
  readonly severity: "error" | "warning";
  /**
   * One query with the columns `place` (jsonb object), `message`, `expected` and `actual` (text, may be null).
   * Set-based: it must be done with a million rows in seconds.
   */
  readonly sql: string;
  readonly values: readonly unknown[];
};

/** Where a rule is broken, and how. Amounts are minor units, credit positive. */
export type Finding = {
  /** Names the row: accountId, paymentId, lineNo, accountSeq, sequence, currency, table … */
  readonly place: Readonly<Record<string, string | number>>;
  readonly message: string;
  readonly expected: string | null;
  readonly actual: string | null;
};

/** What guards one table against the running product and against mistakes. Anything beyond it, or missing from it, is a finding. */
export type TableLock = {
  /** With its schema. */
  readonly table: string;
  /** Rows are only ever added: the statistics of the table must know of no update and no delete. */
  readonly addOnly: boolean;
  /** All triggers of the table, internal ones aside. */
  readonly triggers: readonly string[];
  /** Check constraints that must be there. */
  readonly constraints: readonly string[];
  /** Columns that the app role may fill in new rows. */
  readonly appInserts: readonly string[] | "all";
  /** Columns that the app role may change. */
  readonly appUpdates: readonly string[];
  /** The app role may remove rows: of lists of what is still to be done, never of books. */
  readonly appDeletes?: true;
};

/** What a room of the house brings to `verify`. */
export type Verifiable = {
  readonly checks: readonly Check[];
  readonly locks: readonly TableLock[];
  /** Functions that run with the owner's rights and that the app role may call, with their schema. */
  readonly doors: readonly string[];
  /** Figures for the head of the report, each a query for one value. */
  readonly figures: Readonly<Record<string, string>>;
};

/** A check of one's own tables. */
export function check(id: string, name: string, sql: string, values: readonly unknown[] = []): Check {
  return { id, name, severity: "error", sql, values };
}

/** A table whose rows are only ever added. */
export function addOnly(table: string, triggers: readonly string[], rest: Partial<TableLock> = {}): TableLock {
  return { table, addOnly: true, triggers, constraints: [], appInserts: [], appUpdates: [], ...rest };
}
