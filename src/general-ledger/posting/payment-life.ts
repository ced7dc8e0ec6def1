// The life of a drafted payment as a table (contract 4.4). Pure.
//
//   draft --pend--> pending --post--> posted
//     |                |
//     +-----cancel-----+--> cancelled

import type { PaymentState } from "../words.ts";

/** What can be done to a payment that is there. `expire` is the cancelling of one whose time is over. */
export type ChangeOperation = "pend" | "post" | "cancel" | "expire";

/** The state after a change; `done`: it was made before, the payment stays as it is; `never`: not from here. */
type Step = PaymentState | "done" | "never";

const LIFE: Readonly<Record<PaymentState, Readonly<Record<ChangeOperation, Step>>>> = {
  draft: { pend: "pending", post: "never", cancel: "cancelled", expire: "cancelled" },
  pending: { pend: "done", post: "posted", cancel: "cancelled", expire: "cancelled" },
  posted: { pend: "never", post: "done", cancel: "never", expire: "never" },
  cancelled: { pend: "never", post: "never", cancel: "done", expire: "done" },
};

/** Where a change leads from a state. */
export function nextState(operation: ChangeOperation, state: PaymentState): Step {
  return LIFE[state][operation];
}
