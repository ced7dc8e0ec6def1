// The steps of a drafted payment's life, as tests take them.

import { aLine, unique } from "./builders.ts";
import type { TestAnswer } from "./setup/http.ts";
import { bodyOf, type LedgerApp, type TestAccount } from "./setup/ledger.ts";

export const PAYMENTS = "/v2/internal/Payments";

/** A PaymentDto, as far as tests read it. */
export type TestPayment = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly externalId: string;
  readonly state: string;
  readonly sequence: number;
  readonly transactions: readonly {
    readonly id: string;
    readonly amount: string;
    readonly instructedAmount: string;
    readonly state: string;
  }[];
  readonly accounts: readonly {
    readonly accountId: string;
    readonly accountSequence: number;
    readonly balance: string;
    readonly heldAmount: string;
  }[];
};

export const STATES = ["draft", "pending", "posted", "cancelled"] as const;
export type State = (typeof STATES)[number];
export type Command = "pend" | "post" | "cancel";

export type Life = {
  /** Body of a draft, with an externalId of its own. */
  order(lines: readonly Record<string, unknown>[], changes?: Readonly<Record<string, unknown>>): Record<string, unknown>;
  draft(body: Readonly<Record<string, unknown>>, headers?: Readonly<Record<string, string>>): Promise<TestAnswer>;
  act(command: Command, id: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<TestAnswer>;
  /** A payment of these lines, brought to the state. */
  paymentIn(state: State, lines: readonly Record<string, unknown>[], changes?: Readonly<Record<string, unknown>>): Promise<TestPayment>;
  get(id: string): Promise<TestAnswer>;
  /** Balance, held, available and announced of each. */
  figures(...accounts: readonly TestAccount[]): Promise<string[]>;
};

export function lifeAt(bank: LedgerApp): Life {
  const draft: Life["draft"] = (body, headers) => bank.system.post(PAYMENTS, body, headers);
  const act: Life["act"] = (command, id, body, headers) => bank.system.post(`${PAYMENTS}/${id}/${command}`, body, headers);
  const order: Life["order"] = (lines, changes = {}) => ({ externalId: unique("life"), transactions: lines, ...changes });
  return {
    order,
    draft,
    act,
    get: (id) => bank.system.get(`${PAYMENTS}/${id}`),
    async paymentIn(state, lines, changes) {
      let payment = bodyOf(await draft(order(lines, changes))) as TestPayment;
      const steps: Readonly<Record<State, readonly Command[]>> = {
        draft: [],
        pending: ["pend"],
        posted: ["pend", "post"],
        cancelled: ["cancel"],
      };
      for (const step of steps[state]) payment = bodyOf(await act(step, payment.id)) as TestPayment;
      return payment;
    },
    async figures(...accounts) {
      const found = await Promise.all(accounts.map(({ id }) => bank.account(id)));
      return found.map(({ balance, ...rest }) =>
        [balance, rest["heldAmount"], rest["availableBalance"], rest["pendingIncomingAmount"]].join(" "),
      );
    },
  };
}

/** One line of each amount between the same two. */
export function linesOf(debit: TestAccount, credit: TestAccount, ...amounts: readonly string[]): Record<string, unknown>[] {
  return amounts.map((amount) => aLine(debit, credit, amount));
}
