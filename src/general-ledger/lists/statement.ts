// A statement with filters: pieces of SQL text from the stores, values bound by number. Pure.

/** Collects values and gives each its `$n`. */
export class Values {
  readonly list: unknown[] = [];

  /** The placeholder of a value. */
  bind(value: unknown): string {
    this.list.push(value);
    return `$${this.list.length}`;
  }
}

/** Conditions on the rows of a view under the name `m`, as a piece of a where clause. */
export type Filter = (values: Values) => readonly string[];
