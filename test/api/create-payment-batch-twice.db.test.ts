// A batch sent more than once: it answers the same bytes, goes on where it was interrupted, and does nothing a second time.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aTransfer, unique } from "../builders.ts";
import type { TestAnswer } from "../setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp } from "../setup/ledger.ts";

const PATH = "/v2/internal/Payments/batch";
const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

const keyed = (): Record<string, string> => ({ "idempotency-key": unique("batch") });
const isReplay = (answer: TestAnswer): boolean => answer.headers["idempotency-replayed"] === "true";
const send = (body: unknown, headers?: Record<string, string>): Promise<TestAnswer> => bank.system.post(PATH, body, headers);

function expectReplay(first: TestAnswer, again: TestAnswer): void {
  expect(again.text).toBe(first.text);
  expect(again.status).toBe(first.status);
  expect(again.headers["content-type"]).toBe(first.headers["content-type"]);
  expect([isReplay(first), isReplay(again)]).toEqual([false, true]);
}

describe("each by itself, under a key", () => {
  test("the same bytes again: payments, refusals, and items that were no payments", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.anAccount()];
    const order = aTransfer(payer, payee, "1.00", { metadata: { b: "1", a: "2" } });
    const payments = [
      order,
      aTransfer(payer, payee, "100.00"),
      aTransfer(payer, { ...payee, id: NOBODY }, "1.00"),
      aTransfer(payer, payee, "0.001"),
      null,
      order,
      { ...order, amount: "2.00" },
    ];
    const key = keyed();
    const first = await send({ payments }, key);
    const accepted = (bodyOf(first)["results"] as { accepted: boolean }[]).map((result) => result.accepted);
    expect(accepted).toEqual([true, false, false, false, false, true, false]);

    // What would be judged otherwise now is not judged again.
    await bank.transfer(aTransfer(payee, payer, "500.00"));
    expectReplay(first, await send({ payments }, key));
    expectReplay(first, await send(JSON.stringify({ payments }, null, 2), key));
    expect(await bank.account(payer.id)).toMatchObject({ balance: "509.00" });
  });

  test("a list whose every item is no payment is repeated too", async () => {
    const key = keyed();
    const body = { payments: [null, {}, { amount: 1 }] };
    expectReplay(await send(body, key), await send(body, key));
  });

  test("without a key, payments are found by their externalIds and refusals are judged again", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.anAccount()];
    const payments = [aTransfer(payer, payee, "1.00"), aTransfer(payer, payee, "100.00")];
    const first = bodyOf(await send({ payments }))["results"] as object[];
    await bank.transfer(aTransfer(payee, payer, "500.00"));
    const again = await send({ payments });
    const results = bodyOf(again)["results"] as object[];
    expect(results[0]).toEqual(first[0]);
    expect(results[1]).toMatchObject({ accepted: true });
    expect(isReplay(again)).toBe(false);
  });

  test("an interrupted list goes on: what was booked is answered, what was not is booked", async () => {
    const [free, locked, payee, other] = [
      await bank.aFundedAccount("10.00"),
      await bank.aFundedAccount("10.00"),
      await bank.anAccount(),
      await bank.anAccount(),
    ];
    const payments = [aTransfer(free, payee, "1.00"), aTransfer(locked, other, "2.00"), aTransfer(free, payee, "100.00")];
    const key = keyed();
    await bank.owner.query("begin");
    await bank.owner.query("select from general_ledger.account where id = $1 for update", [locked.id]);
    const interrupted = await send({ payments }, key);
    await bank.owner.query("rollback");
    expect(interrupted).toMatchObject({ status: 503, body: { code: "busy" } });
    expect(interrupted.headers["retry-after"]).toBe("1");

    const first = await send({ payments }, key);
    const results = bodyOf(first)["results"] as { accepted: boolean; problem?: { code: string } }[];
    expect(results.map(({ accepted, problem }) => (accepted ? "ok" : problem?.code))).toEqual(["ok", "ok", "insufficientFunds"]);
    expectReplay(first, await send({ payments }, key));
    expect(await bank.account(free.id)).toMatchObject({ balance: "9.00" });
    expect(await bank.account(locked.id)).toMatchObject({ balance: "8.00" });
  });

  test("thirty times at once: one effect, one answer", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.anAccount()];
    const payments = Array.from({ length: 9 }, () => aTransfer(payer, payee, "1.50"));
    const key = keyed();
    const answers = await Promise.all(Array.from({ length: 30 }, () => send({ payments }, key)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers.filter((answer) => !isReplay(answer))).toHaveLength(1);
    expect(await bank.account(payer.id)).toMatchObject({ balance: "1.00" });
  });
});

describe("all or none, under a key", () => {
  test("the same bytes again, after success and after a refusal", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.anAccount()];
    const good = { payments: [aTransfer(payer, payee, "1.00"), aTransfer(payer, payee, "2.00")], atomic: true };
    const bad = { payments: [aTransfer(payer, payee, "1.00"), aTransfer(payer, payee, "20.00")], atomic: true };
    const [goodKey, badKey] = [keyed(), keyed()];
    const [accepted, refused] = [await send(good, goodKey), await send(bad, badKey)];
    expect(accepted.status).toBe(200);
    expect(refused.body).toMatchObject({ status: 409, code: "insufficientFunds", index: 1, available: "6.00" });
    await bank.transfer(aTransfer(payee, payer, "500.00"));
    expectReplay(accepted, await send(good, goodKey));
    expectReplay(refused, await send(bad, badKey));
    expect(await bank.account(payer.id)).toMatchObject({ balance: "507.00" });
  });

  test("400 and 404 leave no trace under the key", async () => {
    const [payer, payee] = [await bank.anAccount(), await bank.anAccount()];
    const good = aTransfer(payer, payee, "1.00");
    const key = keyed();
    const before: TestAnswer[] = [];
    for (const bad of [aTransfer(payer, payee, "0"), aTransfer(payer, { ...payee, id: NOBODY }, "1.00")]) {
      before.push(await send({ payments: [good, bad], atomic: true }, key));
    }
    expect(before.map(({ status, body }) => [status, body["index"]])).toEqual([
      [400, 1],
      [404, 1],
    ]);
    const accepted = await send({ payments: [good], atomic: true }, key);
    expect([accepted.status, isReplay(accepted)]).toEqual([200, false]);
  });

  test("thirty times at once: one effect, one answer", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.anAccount()];
    const body = { payments: [aTransfer(payer, payee, "4.00"), aTransfer(payer, payee, "4.00")], atomic: true };
    const key = keyed();
    const answers = await Promise.all(Array.from({ length: 30 }, () => send(body, key)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(await bank.account(payer.id)).toMatchObject({ balance: "2.00" });
  });
});

describe("a payment and a batch", () => {
  test("know each other's externalIds", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.anAccount()];
    const [single, listed] = [aTransfer(payer, payee, "1.00"), aTransfer(payer, payee, "2.00")];
    const first = await bank.transfer(single);
    for (const atomic of [false, true]) {
      const results = bodyOf(await send({ payments: [single, listed], atomic }))["results"] as { payment: object }[];
      expect(results[0]?.payment).toEqual(first.body);
      expect((await bank.transfer(listed)).body).toEqual(results[1]?.payment);
    }
    for (const body of [
      { ...single, amount: "3.00" },
      { ...listed, amount: "3.00" },
    ]) {
      expect((await bank.transfer(body)).body).toMatchObject({ status: 409, code: "duplicateExternalId" });
    }
    expect(await bank.account(payer.id)).toMatchObject({ balance: "7.00" });
  });

  test.each([false, true])("the same key with another list is 422 (atomic: %s)", async (atomic) => {
    const [payer, payee] = [await bank.anAccount(), await bank.anAccount()];
    const payments = [aTransfer(payer, payee, "1.00"), aTransfer(payer, payee, "2.00")];
    const key = keyed();
    const first = await send({ payments, atomic }, key);
    const others = [
      { payments: [payments[0]], atomic },
      { payments: [payments[1], payments[0]], atomic },
      { payments: [payments[0], { ...payments[1], amount: "3.00" }], atomic },
      { payments, atomic: !atomic },
    ];
    for (const other of others) expect(await send(other, key)).toMatchObject({ status: 422, body: { code: "idempotencyKeyReused" } });
    expectReplay(first, await send({ payments, atomic }, key));
    expect(await bank.account(payer.id)).toMatchObject({ balance: "3.00" });
  });
});
