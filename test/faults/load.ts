// A mixed load of careful clients: each call is repeated under its key or externalId until there is a definite answer, whatever happens to
// the servers meanwhile. Afterwards the books must hold exactly what was acknowledged.

import { setTimeout as pause } from "node:timers/promises";
import { anIndividual, unique } from "../builders.ts";
import { type Answer, insist, NoAnswer } from "./calls.ts";
import { ACCOUNTS, type Bank, BATCH, Caller, IMPORTS, TRANSFER, type Transfer, transferOf } from "./bank.ts";
import { storedPayments } from "./books.ts";
import type { Report } from "./suite.ts";

const ACCOUNT_COUNT = 6;
const REPLAYS = 60;

type Done = {
  readonly path: string;
  readonly body: unknown;
  readonly key: string | undefined;
  readonly transfers: readonly Transfer[];
  readonly answer: Answer;
};

export type LoadOptions = {
  readonly bank: Bank;
  /** Where the servers listen; they may be gone at any moment. */
  readonly ports: readonly number[];
  readonly report: Report;
  readonly workers: number;
};

export class Load {
  readonly #options: LoadOptions;
  readonly #prefix = unique("load");
  readonly #done: Done[] = [];
  #workers: Promise<void>[] = [];
  #ending = false;
  #count = 0;
  #settlement = "";
  #accounts: string[] = [];

  constructor(options: LoadOptions) {
    this.#options = options;
  }

  /** The servers must be up; they may be killed from the moment this resolves. */
  async begin(): Promise<void> {
    const { bank, ports, workers } = this.#options;
    const caller = new Caller(ports[0] ?? 0, bank.token);
    this.#settlement = await caller.settlement();
    const clientId = await caller.client();
    for (let index = 0; index < ACCOUNT_COUNT; index++) this.#accounts.push(await caller.account(clientId));
    for (const account of this.#accounts) await caller.fund(this.#settlement, account, "1000.00");
    this.#workers = Array.from({ length: workers }, (_, index) => this.#work(index));
    // A worker that fails must fail the suite when it is awaited, not the process now.
    for (const worker of this.#workers) worker.catch(() => undefined);
  }

  /** Lets every call come to its definite answer. */
  async end(): Promise<void> {
    this.#ending = true;
    await Promise.all(this.#workers);
  }

  /** How many calls have their answer. */
  get answered(): number {
    return this.#done.length;
  }

  async #work(index: number): Promise<void> {
    const { bank, ports, report } = this.#options;
    const near = [...ports.slice(index % ports.length), ...ports.slice(0, index % ports.length)];
    while (!this.#ending) {
      const call = this.#nextCall();
      const answer = await insist(call.path, call.body, { ports: near, token: bank.token, key: call.key }, (outcome) => {
        if (outcome instanceof NoAnswer) report.count("answers lost");
        else
          report.expect(
            [200, 409, 503].includes(outcome.status),
            `under faults a call answered ${outcome.status}: ${outcome.text.slice(0, 300)}`,
          );
      });
      this.#done.push({ ...call, answer });
    }
  }

  #nextCall(): Omit<Done, "answer"> {
    const number = ++this.#count;
    const key = crypto.randomUUID();
    const one = (place: number): Transfer => {
      const to = (number + 1 + place) % ACCOUNT_COUNT;
      const amount = (Math.ceil(Math.random() * 4_000) / 100).toFixed(2);
      return transferOf(this.#accounts[number % ACCOUNT_COUNT] ?? "", this.#accounts[to] ?? "", amount, {
        externalId: `${this.#prefix}-${number}-${place}`,
      });
    };
    if (number % 20 === 0) return { path: IMPORTS, body: anIndividual(), key, transfers: [] };
    if (number % 20 === 5)
      return { path: ACCOUNTS, body: { type: "reserve", currency: "EUR", externalId: `${this.#prefix}-${number}` }, key, transfers: [] };
    if (number % 10 === 3) {
      const payments = [one(0), one(1), one(2)];
      return { path: BATCH, body: { payments, atomic: number % 20 === 3 }, key, transfers: payments };
    }
    const transfer = one(0);
    return { path: TRANSFER, body: transfer, key: number % 4 === 0 ? undefined : key, transfers: [transfer] };
  }

  /** The servers must be up. Everything acknowledged is there, once; nothing else is; balances are exact; repeats replay. */
  async check(when: string): Promise<void> {
    const { bank, ports, report } = this.#options;
    const caller = new Caller(ports[0] ?? 0, bank.token);
    const minor = new Map(this.#accounts.map((id) => [id, 100_000]));
    const acknowledged = new Set<string>();
    for (const { transfers, answer, path } of this.#done) {
      for (const [index, transfer] of transfers.entries()) {
        if (!wasAccepted(path, answer, index)) continue;
        acknowledged.add(transfer.externalId);
        const amount = Math.round(Number(transfer.amount) * 100);
        minor.set(transfer.debitAccountId, (minor.get(transfer.debitAccountId) ?? 0) - amount);
        minor.set(transfer.creditAccountId, (minor.get(transfer.creditAccountId) ?? 0) + amount);
      }
    }
    const stored = await storedPayments(bank, `${this.#prefix}-`);
    for (const id of acknowledged)
      report.expect(stored.get(id)?.count === 1, `${when}: acknowledged payment ${id} is in the books ${stored.get(id)?.count ?? 0} times`);
    for (const id of stored.keys())
      report.expect(acknowledged.has(id), `${when}: payment ${id} is in the books and was refused or never answered`);
    for (const [id, wanted] of minor) report.expectEqual(await caller.balance(id), (wanted / 100).toFixed(2), `${when}: balance of ${id}`);
    await this.#replay(when);
    report.count("acknowledged", acknowledged.size);
  }

  async #replay(when: string): Promise<void> {
    const { bank, ports, report } = this.#options;
    const keyed = this.#done.filter(({ key }) => key !== undefined);
    const step = Math.max(1, Math.floor(keyed.length / REPLAYS));
    for (let index = 0; index < keyed.length; index += step) {
      const call = keyed[index];
      if (call === undefined) break;
      const repeat = await insist(call.path, call.body, { ports, token: bank.token, key: call.key });
      report.expectEqual([repeat.status, repeat.text], [call.answer.status, call.answer.text], `${when}: repeat of ${call.path}`);
    }
  }

  /** Waits until some more calls were answered: the bank serves again. */
  async progress(calls: number, maxMs: number): Promise<number> {
    const [began, target] = [performance.now(), this.#done.length + calls];
    while (this.#done.length < target) {
      if (performance.now() - began > maxMs) return Number.POSITIVE_INFINITY;
      await pause(10);
    }
    return performance.now() - began;
  }
}

function wasAccepted(path: string, answer: Answer, index: number): boolean {
  if (answer.status !== 200) return false;
  if (path !== BATCH) return true;
  const results = answer.body["results"] as readonly { readonly accepted: boolean }[];
  return results[index]?.accepted === true;
}
