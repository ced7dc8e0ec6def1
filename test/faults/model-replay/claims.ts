// Who asked for what the journal says was done. Every change must have been asked for by a call that was told so; what nobody asked for,
// or was told to somebody and is not there, is a fault.

import type { Call, Change, History, Order } from "./operation.ts";

/** One payment in an answer: the answer itself, or an item of a batch. */
export type Told = { readonly call: Call; readonly order: Order | null; readonly payment: Readonly<Record<string, unknown>> };

/** A payment's refusal in an answer. `before`: the items of an atomic batch that stand before it. */
export type Refused = {
  readonly call: Call;
  readonly order: Order | null;
  readonly problem: Readonly<Record<string, unknown>>;
  readonly before: readonly Order[];
};

export function toldBy(call: Call): Told[] {
  const { operation, answer } = call;
  if (answer.status !== 200) return [];
  if (operation.kind === "transfer" || operation.kind === "draft") return [{ call, order: operation.order, payment: answer.body }];
  if (operation.kind === "pend" || operation.kind === "post" || operation.kind === "cancel")
    return [{ call, order: null, payment: answer.body }];
  if (operation.kind !== "batch") return [];
  return resultsOf(call).flatMap(({ payment }, index) =>
    payment === undefined ? [] : [{ call, order: operation.orders[index] ?? null, payment }],
  );
}

export function refusedBy(call: Call): Refused[] {
  const { operation, answer } = call;
  if (operation.kind !== "batch") {
    if (answer.status === 200) return [];
    const order = operation.kind === "transfer" || operation.kind === "draft" ? operation.order : null;
    return [{ call, order, problem: answer.body, before: [] }];
  }
  if (answer.status !== 200) {
    const index = Number(answer.body["index"]);
    return [{ call, order: operation.orders[index] ?? null, problem: answer.body, before: operation.orders.slice(0, index) }];
  }
  return resultsOf(call).flatMap(({ problem }, index) =>
    problem === undefined ? [] : [{ call, order: operation.orders[index] ?? null, problem, before: [] }],
  );
}

type Item = { readonly payment?: Readonly<Record<string, unknown>>; readonly problem?: Readonly<Record<string, unknown>> };

function resultsOf({ answer }: Call): readonly Item[] {
  return (answer.body["results"] as readonly Item[] | undefined) ?? [];
}

/** The calls behind each change, by its sequence; and the changes of each subject in their order. */
export class Claims {
  readonly #changes = new Map<string, Change[]>();
  readonly #makers = new Map<string, Told[]>();
  readonly #movers = new Map<string, Told[]>();
  readonly #openers = new Map<string, Call[]>();
  readonly #terms = new Map<string, Call[]>();

  constructor({ calls, changes }: History) {
    for (const change of changes) push(this.#changes, change.subject, change);
    for (const call of calls) {
      for (const told of toldBy(call)) {
        const id = String(told.payment["id"]);
        if (told.order !== null) push(this.#makers, id, told);
        else push(this.#movers, `${id} ${call.operation.kind}`, told);
      }
      if (call.answer.status !== 200) continue;
      if (call.operation.kind === "openAccount") push(this.#openers, String(call.answer.body["id"]), call);
      if (isOfTerms(call)) push(this.#terms, String(call.answer.body["id"]), call);
    }
  }

  changesOf(subject: string): readonly Change[] {
    return this.#changes.get(subject) ?? [];
  }

  makersOf(paymentId: string): readonly Told[] {
    return this.#makers.get(paymentId) ?? [];
  }

  moversOf(paymentId: string, kind: "pend" | "post" | "cancel"): readonly Told[] {
    return this.#movers.get(`${paymentId} ${kind}`) ?? [];
  }

  openersOf(accountId: string): readonly Call[] {
    return this.#openers.get(accountId) ?? [];
  }

  /** Calls that changed the account's terms, or found them so already; each answers the account. */
  termsOf(accountId: string): readonly Call[] {
    return this.#terms.get(accountId) ?? [];
  }

  get subjects(): readonly string[] {
    return [...this.#makers.keys(), ...this.#openers.keys()];
  }
}

export function isOfTerms({ operation }: Call): boolean {
  return ["block", "unblock", "limit", "rename", "close"].includes(operation.kind);
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key);
  if (values === undefined) map.set(key, [value]);
  else values.push(value);
}
