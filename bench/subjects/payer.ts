// What every subject offers: to make one payment, for real, and to say when it is done.

import type { Order } from "../load.ts";
import type { RunOrder } from "../subject.ts";

export type Payer = {
  /** How many accounts there are to choose from. */
  readonly accounts: number;
  /** Called before each run; opens what the run needs. */
  prepare(order: RunOrder): Promise<void>;
  /** Resolves after the commit; rejects when the payment was refused. */
  readonly pay: (order: Order, caller: number) => Promise<void>;
  close(): Promise<void>;
};
