// What the workers of the load know of the bank, from its answers: which accounts and payments there are, so that they ask about things
// that exist, and about the same things at once. It is often out of date, and that is wanted.

import { toldBy } from "./claims.ts";
import type { AccountType, Call, LineOrder, Operation, Order } from "./operation.ts";

export type KnownAccount = {
  readonly id: string;
  readonly type: AccountType;
  readonly currency: string;
  version: number;
  isClosed: boolean;
};

export type KnownPayment = {
  readonly id: string;
  readonly order: Order;
  /** How it was asked for. */
  readonly isDrafted: boolean;
  readonly pends: boolean;
  /** Ids of its lines. */
  readonly lineIds: readonly string[];
  state: string;
  /** Its lines as they were booked; as they were ordered until then. */
  booked: readonly LineOrder[];
  isReversed: boolean;
};

export const CURRENCIES = ["EUR", "JPY", "KWD"] as const;
/** Those of which the load works on the newest only: the others are history. */
const PAYMENTS_IN_WORK = 60;

export class Known {
  readonly accounts: KnownAccount[] = [];
  readonly #payments: KnownPayment[] = [];
  readonly #prefix: string;
  readonly #byId = new Map<string, KnownPayment>();
  clientIds: readonly string[] = [];
  #names = 0;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  newName(): string {
    return `${this.#prefix}-${++this.#names}`;
  }

  /** A client's account more often than one of the bank. */
  openings(clientIds: readonly string[]): Operation[] {
    this.clientIds = clientIds;
    const of = (type: AccountType, currency: string, clientId: string | null): Operation => ({
      kind: "openAccount",
      type,
      currency,
      clientId,
      name: this.newName(),
    });
    return CURRENCIES.flatMap((currency) => [
      of("settlement", currency, null),
      of("clearing", currency, null),
      of("fee", currency, null),
      of("reserve", currency, null),
      ...clientIds.map((clientId) => of("client", currency, clientId)),
    ]);
  }

  /** 100 units of the smallest kind for each guarded account, times a hundred. */
  deposits(): Operation[] {
    return this.accounts
      .filter(({ type }) => type === "client" || type === "reserve")
      .map(({ id, currency }) => {
        const source = this.accounts.find((account) => account.type === "settlement" && account.currency === currency)?.id ?? "";
        return { kind: "transfer", order: this.newOrder([{ debit: source, credit: id, amount: 10_000n, currency }]) };
      });
  }

  newOrder(lines: readonly LineOrder[], changes: Partial<Order> = {}): Order {
    return { externalId: this.newName(), lines, reverses: null, ifVersion: null, expiresAt: null, ...changes };
  }

  /** The newest payments that are so, as far as is known. */
  payments(isSo: (payment: KnownPayment) => boolean): readonly KnownPayment[] {
    return this.#payments.slice(-PAYMENTS_IN_WORK).filter(isSo);
  }

  payment(id: string): KnownPayment | undefined {
    return this.#byId.get(id);
  }

  learn(call: Call): void {
    const { operation, answer } = call;
    if (answer.status !== 200) return;
    for (const { order, payment } of toldBy(call)) {
      const id = String(payment["id"]);
      const state = String(payment["state"]);
      const known = this.#byId.get(id);
      if (known !== undefined) {
        known.state = state;
        if (state === "posted") known.booked = bookedOf(known.order, payment);
      }
      if (known === undefined && order !== null)
        this.#add({
          id,
          order,
          isDrafted: operation.kind === "draft",
          pends: operation.kind === "draft" && operation.pends,
          state,
          lineIds: (payment["transactions"] as { id: string }[]).map((line) => line.id),
          booked: order.lines,
          isReversed: false,
        });
      if (order !== null && order.reverses !== null) {
        const original = this.#byId.get(order.reverses);
        if (original !== undefined) original.isReversed = true;
      }
    }
    if (operation.kind === "openAccount")
      this.accounts.push({
        id: String(answer.body["id"]),
        type: operation.type,
        currency: operation.currency,
        version: 1,
        isClosed: false,
      });
    else if (typeof answer.body["version"] === "number") this.#learnAccount(answer.body);
  }

  #learnAccount(body: Readonly<Record<string, unknown>>): void {
    const account = this.accounts.find(({ id }) => id === body["id"]);
    if (account === undefined) return;
    account.version = Math.max(account.version, Number(body["version"]));
    account.isClosed ||= body["status"] === "closed";
  }

  #add(payment: KnownPayment): void {
    this.#payments.push(payment);
    this.#byId.set(payment.id, payment);
  }
}

function bookedOf({ lines }: Order, payment: Readonly<Record<string, unknown>>): readonly LineOrder[] {
  const told = payment["transactions"] as readonly { readonly amount: string; readonly state: string }[];
  return lines.flatMap((line, index) => {
    const { amount = "0", state = "cancelled" } = told[index] ?? {};
    return state === "posted" ? [{ ...line, amount: BigInt(amount.replace(".", "")) }] : [];
  });
}
