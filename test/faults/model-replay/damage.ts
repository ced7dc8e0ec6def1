// The checker proves itself: the record of a run in which nothing was wrong is damaged in one place, in each way in which a ledger can
// lie, and the checker must find every one.

import type { Report } from "../suite.ts";
import { judge } from "./check.ts";
import { toldBy } from "./claims.ts";
import type { Call, Change, History } from "./operation.ts";

/** Null: the run has nothing that could be damaged so. */
type Damage = (history: History) => History | null;

type Body = Readonly<Record<string, unknown>>;
type Stand = { readonly balance: string; readonly heldAmount: string };

const DAMAGES: Readonly<Record<string, Damage>> = {
  "a balance in an answer, one unit off": (history) =>
    withAnswer(history, isTransfer, (body) => {
      const [stand, ...others] = body["accounts"] as readonly Stand[];
      return { ...body, accounts: [{ ...stand, balance: oneMore(stand?.balance ?? "") }, ...others] };
    }),
  "the holds in the answer to a pend": (history) =>
    withAnswer(history, is("pend"), (body) => ({
      ...body,
      accounts: (body["accounts"] as readonly Stand[]).map((stand) => ({ ...stand, heldAmount: oneMore(stand.heldAmount) })),
    })),
  "what was captured": (history) =>
    withAnswer(history, is("post"), (body) => ({
      ...body,
      transactions: (body["transactions"] as readonly { readonly amount: string }[]).map((line) => ({
        ...line,
        amount: oneMore(line.amount),
      })),
    })),
  "a balance that is read, one unit off": (history) =>
    withAnswer(history, is("readAccount"), (body) => ({ ...body, balance: oneMore(String(body["balance"])) })),
  "a payment that is read in another state": (history) =>
    withAnswer(history, is("readPayment"), (body) => ({ ...body, state: body["state"] === "cancelled" ? "draft" : "cancelled" })),
  "a total that wobbles": (history) =>
    withAnswer(history, is("readTotals"), (body) => {
      const [item, ...others] = body["items"] as readonly Stand[];
      return { ...body, items: [{ ...item, balance: oneMore(item?.balance ?? "") }, ...others] };
    }),
  "a stale read": staleRead,
  "a call that is forgotten, though it had its effect": (history) => without(history, isTransfer),
  "an accepted payment that is told as refused": (history) =>
    replace(history, isTransfer, (call) => ({ ...call, answer: refusal({ code: "currencyMismatch" }) })),
  "two payments that exchange their numbers": exchanged,
  "a change that is missing in the order": (history) =>
    withChanges(history, (changes) => changes.filter(({ sequence }) => sequence !== middle(changes).sequence)),
  "a change that is there twice": (history) =>
    withChanges(history, (changes) => [
      ...changes,
      { ...(changes.findLast(({ change }) => change === "payment.posted") ?? middle(changes)), sequence: changes.length + 1 },
    ]),
  "a change that nobody asked for": (history) =>
    withChanges(history, (changes) => [
      ...changes,
      { sequence: changes.length + 1, change: "payment.posted", subject: "00000000-0000-7000-8000-000000000000" },
    ]),
  "a change that follows one that was asked for later": outOfTime,
  "a refusal with other figures": (history) =>
    replace(history, isShort, (call) => ({
      ...call,
      answer: refusal({ ...call.answer.body, available: oneMore(String(call.answer.body["available"])) }),
    })),
  "a refusal for want of money that was there": (history) =>
    replace(
      history,
      isTransfer,
      (call) => ({ ...call, number: -call.number, answer: refusal({ code: "insufficientFunds", available: "0.00", required: "0.01" }) }),
      true,
    ),
  "a replay that says something else": (history) =>
    replace(
      history,
      ({ repeats }) => repeats !== null,
      (call) => ({ ...call, answer: { ...call.answer, text: `${call.answer.text} ` } }),
    ),
};

/** Each damage by itself must be found. */
export function plantDamage(history: History, report: Report): void {
  for (const [what, damage] of Object.entries(DAMAGES)) {
    const damaged = damage(history);
    report.expect(damaged !== null, `no place for a planted fault: ${what}`);
    if (damaged === null) continue;
    report.expect(judge(damaged).faults.length > 0, `the checker did not see a planted fault: ${what}`);
    report.count("planted faults");
  }
}

const is =
  (kind: string) =>
  ({ operation, answer, repeats, isReplay }: Call): boolean =>
    operation.kind === kind && answer.status === 200 && repeats === null && !isReplay;
const isTransfer = is("transfer");
const isShort = ({ answer, operation }: Call): boolean => operation.kind !== "batch" && answer.body["code"] === "insufficientFunds";

const refusal = (body: Body): Call["answer"] => ({ status: 409, body, text: JSON.stringify(body) });

/** One unit more in the last digit; nine becomes eight. */
function oneMore(amount: string): string {
  return amount.slice(0, -1) + (amount.endsWith("9") ? "8" : String(Number(amount.at(-1)) + 1));
}

function middle<T>(values: readonly T[]): T {
  const value = values[values.length >> 1];
  if (value === undefined) throw new RangeError("there is no middle of nothing");
  return value;
}

/** One of those, somewhere in the run. */
function oneOf(history: History, isOne: (call: Call) => boolean): Call | null {
  const found = history.calls.filter(isOne);
  return found.length === 0 ? null : middle(found);
}

function replace(history: History, isOne: (call: Call) => boolean, change: (call: Call) => Call, isAdded = false): History | null {
  const one = oneOf(history, isOne);
  if (one === null) return null;
  return { ...history, calls: history.calls.flatMap((call) => (call !== one ? [call] : isAdded ? [call, change(call)] : [change(call)])) };
}

function withAnswer(history: History, isOne: (call: Call) => boolean, change: (body: Body) => Body): History | null {
  return replace(history, isOne, (call) => ({ ...call, answer: { ...call.answer, body: change(call.answer.body) } }));
}

function without(history: History, isOne: (call: Call) => boolean): History | null {
  const one = oneOf(history, isOne);
  // Whoever repeats it would still tell of it.
  return one === null ? null : { ...history, calls: history.calls.filter((call) => call !== one && call.repeats !== one.number) };
}

function withChanges(history: History, change: (changes: readonly Change[]) => readonly Change[]): History {
  return { ...history, changes: change(history.changes) };
}

/** An account as it was read, by somebody who asked only after a payment that changed it had been answered. */
function staleRead(history: History): History | null {
  for (const read of history.calls.filter(is("readAccount"))) {
    const id = String(read.answer.body["id"]);
    const later = history.calls.find((call) => isTransfer(call) && call.startedAt > read.endedAt && call.answer.text.includes(id));
    if (later === undefined) continue;
    const { endedAt } = later;
    return {
      ...history,
      calls: history.calls.map((call) => (call === read ? { ...read, startedAt: endedAt + 0.1, endedAt: endedAt + 0.2 } : call)),
    };
  }
  return null;
}

function exchanged(history: History): History | null {
  const [one, other] = history.calls.filter(isTransfer).slice(-2);
  if (one === undefined || other === undefined) return null;
  const numbered = (call: Call, { answer }: Call): Call => {
    const { sequence } = answer.body;
    return { ...call, answer: { ...call.answer, body: { ...call.answer.body, sequence, postedSequence: sequence } } };
  };
  return {
    ...history,
    calls: history.calls.map((call) => (call === one ? numbered(one, other) : call === other ? numbered(other, one) : call)),
  };
}

/** A payment whose call began only after a later number had been told. */
function outOfTime(history: History): History | null {
  const told = history.calls.filter(isTransfer);
  const early = told[told.length >> 2];
  const late = told.at(-1);
  if (early === undefined || late === undefined) return null;
  const moved = { ...early, startedAt: late.endedAt + 1, endedAt: late.endedAt + 2 };
  const sequence = toldBy(early)[0]?.payment["sequence"];
  return sequence === undefined ? null : { ...history, calls: history.calls.map((call) => (call === early ? moved : call)) };
}
