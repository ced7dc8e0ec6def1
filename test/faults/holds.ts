// LED-10, LED-11, LED-22, LED-23 for payments in two phases, at two instances at the same time: bursts of pends against the same money,
// posts against cancels, against each other with different amounts, and against the instant of expiry; reversals of one payment.

import { setTimeout as pause } from "node:timers/promises";
import { unique } from "../builders.ts";
import { ACCOUNTS, atOnce, type Bank, Caller, draftOf, PAYMENTS, TRANSFER, transferOf, withBank } from "./bank.ts";
import { checkBooks } from "./books.ts";
import type { Answer } from "./calls.ts";
import { type Report, runAlone, type Size, type Suite } from "./suite.ts";

const ROUNDS = {
  short: { bursts: 12, races: 40, expiries: 60, reversals: 10 },
  long: { bursts: 200, races: 200, expiries: 200, reversals: 100 },
};

export const holds: Suite = {
  name: "holds",
  promise: "Money is held once, and each hold ends once: booked, given back or expired.",
  async run(size, report) {
    await withBank(async (bank) => {
      const scene = await prepare(bank, report);
      const rounds = ROUNDS[size];
      for (let round = 0; round < rounds.bursts && report.broken === 0; round++) await burst(scene);
      await drain(scene, size);
      for (let round = 0; round < rounds.races && report.broken === 0; round++) await race(scene, round);
      await expiries(scene, rounds.expiries);
      for (let round = 0; round < rounds.reversals && report.broken === 0; round++) await reversals(scene);
      await checkBooks(bank, report, "after bursts and races of holds");
    });
  },
};

type Scene = {
  readonly report: Report;
  readonly callers: readonly [Caller, Caller];
  readonly settlement: string;
  readonly payer: string;
  readonly payee: string;
};

async function prepare(bank: Bank, report: Report): Promise<Scene> {
  const first = new Caller((await bank.start()).port, bank.token);
  const second = new Caller((await bank.start()).port, bank.token);
  const clientId = await first.client();
  return {
    report,
    callers: [first, second],
    settlement: await first.settlement(),
    payer: await first.account(clientId),
    payee: await first.account(clientId),
  };
}

const at = ({ callers }: Scene, index: number): Caller => callers[index % 2 === 0 ? 0 : 1];
const accepted = (answers: readonly Answer[]): readonly Answer[] => answers.filter(({ status }) => status === 200);

async function drafted(scene: Scene, index: number, amount: string, changes: object = {}): Promise<string> {
  return await at(scene, index).make(PAYMENTS, { ...draftOf(scene.payer, scene.payee, amount), ...changes });
}

async function figures({ callers }: Scene, accountId: string): Promise<string> {
  const { body } = await callers[0].get(`/v2/ledger/internal/Accounts/${accountId}`);
  return [body["balance"], body["heldAmount"], body["pendingIncomingAmount"]].join(" ");
}

/** Twelve pends, four held drafts and four transfers of 60.00 against 100.00: one passes. */
async function burst(scene: Scene): Promise<void> {
  const { report, settlement, payer, payee, callers } = scene;
  await callers[0].fund(settlement, payer, "100.00");
  const ids = await atOnce(12, (index) => drafted(scene, index, "60.00"));
  const answers = await atOnce(20, (index) => {
    const caller = at(scene, index);
    const id = ids[index];
    if (id !== undefined) return caller.post(`${PAYMENTS}/${id}/pend`, {}, index % 3 === 0 ? crypto.randomUUID() : undefined);
    if (index % 2 === 0) return caller.post(TRANSFER, transferOf(payer, payee, "60.00"));
    return caller.post(PAYMENTS, { ...draftOf(payer, payee, "60.00"), state: "pending" });
  });
  const [winner, ...more] = accepted(answers);
  report.expect(winner !== undefined && more.length === 0, `${accepted(answers).length} of 20 took 60.00 from 100.00 at once`);
  for (const answer of answers)
    if (answer.status !== 200)
      report.expect(
        answer.status === 409 && answer.body["code"] === "insufficientFunds",
        `a refused hold answered ${answer.status}: ${answer.text.slice(0, 300)}`,
      );
  const isHeld = winner?.body["state"] === "pending";
  report.expectEqual(await figures(scene, payer), isHeld ? "100.00 60.00 0.00" : "40.00 0.00 0.00", "the payer after a burst");
  if (isHeld) await callers[1].post(`${PAYMENTS}/${String(winner.body["id"])}/cancel`, undefined);
  // Back to nothing, so that the next round begins with 100.00 again.
  await callers[0].fund(payer, settlement, await callers[0].balance(payer));
  report.count("bursts");
}

/** Many holds of one cent against little money: exactly as many as there are cents, and all of them are booked. */
async function drain(scene: Scene, size: Size): Promise<void> {
  const { report, settlement, payer, callers } = scene;
  const [count, cents] = size === "long" ? [1_000, 500] : [200, 100];
  await callers[0].fund(settlement, payer, (cents / 100).toFixed(2));
  const ids = await atOnce(count, (index) => drafted(scene, index, "0.01"));
  const held = accepted(await atOnce(count, (index) => at(scene, index).post(`${PAYMENTS}/${ids[index] ?? ""}/pend`, undefined)));
  report.expectEqual(held.length, cents, `holds of 0.01 of ${count} against ${cents} cents`);
  report.expect((await figures(scene, payer)).endsWith(`${(cents / 100).toFixed(2)} 0.00`), "not all the money is held after a drain");
  const posted = await atOnce(held.length, (index) =>
    at(scene, index + 1).post(`${PAYMENTS}/${String(held[index]?.body["id"])}/post`, undefined),
  );
  report.expectEqual(accepted(posted).length, cents, "held cents that were booked");
  report.expectEqual(await figures(scene, payer), "0.00 0.00 0.00", "the drained payer");
  report.count("small holds", count);
}

/** Two posts with different amounts and a cancel, at two instances: one of the three, and the books say which. */
async function race(scene: Scene, round: number): Promise<void> {
  const { report, settlement, payer, callers } = scene;
  await callers[0].fund(settlement, payer, "1.00");
  const id = await drafted(scene, round, "1.00", { state: "pending" });
  const act = (caller: Caller, step: string, body?: object): Promise<Answer> =>
    caller.post(`${PAYMENTS}/${id}/${step}`, body, crypto.randomUUID());
  const [one, other, cancel] = await Promise.all([
    act(at(scene, round), "post", { amount: "0.70" }),
    act(at(scene, round + 1), "post", { amount: "0.30" }),
    act(at(scene, round), "cancel"),
  ]);
  const answers = [one, other, cancel] as const;
  report.expectEqual(accepted(answers).length, 1, "steps that passed of two posts and a cancel at once");
  for (const answer of answers)
    if (answer.status !== 200)
      report.expect(
        answer.body["code"] === "invalidState",
        `a step that came too late answered ${answer.status}: ${answer.text.slice(0, 300)}`,
      );
  const left = one.status === 200 ? "0.30" : other.status === 200 ? "0.70" : "1.00";
  report.expectEqual(await figures(scene, payer), `${left} 0.00 0.00`, "the payer after posts against a cancel");
  await callers[0].fund(payer, settlement, left);
  report.count("races");
}

/** LED-23: posts at the very instant of expiry. Whoever wins, the hold ends once, and the post's answer is what happened. */
async function expiries(scene: Scene, count: number): Promise<void> {
  const { report, settlement, payer, callers } = scene;
  await callers[0].fund(settlement, payer, (count / 100).toFixed(2));
  // Spread, so that the machine can be at each of them in time.
  const first = Date.now() + 1_000 + 20 * count;
  const payments = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const expiresAt = first + 15 * index;
      return { expiresAt, id: await drafted(scene, index, "0.01", { state: "pending", expiresAt: new Date(expiresAt).toISOString() }) };
    }),
  );
  const answers = await Promise.all(
    payments.map(async ({ id, expiresAt }, index) => {
      await pause(Math.max(0, expiresAt - Date.now() - 6 + (index % 9)));
      return await at(scene, index).post(`${PAYMENTS}/${id}/post`, undefined);
    }),
  );
  const until = performance.now() + 10_000;
  for (const [index, { id }] of payments.entries()) {
    const answer = answers[index];
    const isPosted = answer?.status === 200;
    report.expect(
      isPosted || answer?.body["code"] === "invalidState",
      `a post at the instant of expiry answered ${answer?.status}: ${answer?.text.slice(0, 300)}`,
    );
    let state = "pending";
    while (state === "pending" && performance.now() < until) {
      state = String((await callers[1].get(`${PAYMENTS}/${id}`)).body["state"]);
      if (state === "pending") await pause(50);
    }
    report.expectEqual(state, isPosted ? "posted" : "cancelled", `a payment whose post at its expiry answered ${answer?.status}`);
    report.count(isPosted ? "posted in time" : "expired first");
  }
  const left = (report.figure("expired first") / 100).toFixed(2);
  report.expectEqual(await figures(scene, payer), `${left} 0.00 0.00`, "the payer after all has been posted or has expired");
  if (left !== "0.00") await callers[0].fund(payer, settlement, left);
}

/** LED-22: twenty reversals of one payment, half of them held first: one stands. */
async function reversals(scene: Scene): Promise<void> {
  const { report, settlement, callers } = scene;
  const source = await callers[0].make(ACCOUNTS, { type: "clearing", currency: "EUR" });
  const reversesPaymentId = await callers[0].make(TRANSFER, transferOf(settlement, source, "5.00"));
  const answers = await atOnce(20, (index) => {
    const reversal = { externalId: unique("undo"), type: "reversal", reversesPaymentId };
    return index % 2 === 0
      ? at(scene, index / 2).post(TRANSFER, reversal)
      : at(scene, (index - 1) / 2).post(PAYMENTS, { ...reversal, state: "pending" });
  });
  const [winner, ...more] = accepted(answers);
  report.expect(winner !== undefined && more.length === 0, `${accepted(answers).length} of 20 reversals of one payment were accepted`);
  for (const answer of answers)
    if (answer.status !== 200)
      report.expect(answer.body["code"] === "invalidState", `a second reversal answered ${answer.status}: ${answer.text.slice(0, 300)}`);
  if (winner?.body["state"] === "pending") await callers[1].post(`${PAYMENTS}/${String(winner.body["id"])}/post`, undefined);
  report.expectEqual(await figures(scene, source), "0.00 0.00 0.00", "an account after its payment was reversed");
  report.count("reversals", answers.length);
}

await runAlone(import.meta, holds);
