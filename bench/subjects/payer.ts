// What every subject offers: to make payments, for real, and to say when they are done.

import type { Order } from "../load.ts";
import type { RunOrder } from "../subject.ts";

export type Payer = {
  /** How many accounts there are to choose from. */
  readonly accounts: number;
  /** Called before each run; opens what the run needs. */
  prepare(order: RunOrder): Promise<void>;
  /** One call of one caller. Resolves after the commit with the number of payments made; rejects when one was refused. */
  readonly pay: (next: () => Order, caller: number) => Promise<number>;
  close(): Promise<void>;
};
