// Many payments in one call (contract decision 6): each by itself and in order, or all or none.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aLine, aTransfer, unique } from "../builders.ts";
import type { TestAnswer } from "../setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const PATH = "/v2/internal/Payments/batch";
const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

type Result = {
  readonly index: number;
  readonly accepted: boolean;
  readonly payment?: Readonly<Record<string, unknown>> & { readonly id: string; readonly sequence: number };
  readonly problem?: Readonly<Record<string, unknown>>;
};

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

const send = (payments: readonly unknown[], more: object = {}, headers?: Record<string, string>): Promise<TestAnswer> =>
  bank.system.post(PATH, { payments, ...more }, headers);
const resultsOf = (answer: TestAnswer): Result[] => bodyOf(answer)["results"] as Result[];
const codes = (answer: TestAnswer): unknown[] => resultsOf(answer).map(({ accepted, problem }) => (accepted ? "ok" : problem?.["code"]));
const twoAccounts = async (): Promise<[TestAccount, TestAccount]> => [await bank.anAccount(), await bank.anAccount()];

describe("each by itself", () => {
  test("results come in the order of the payments, each the payment as a single call answers it", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.anAccount({ type: "fee" })];
    const orders = [
      aTransfer(payer, payee, "1.00", { type: "fee", metadata: { a: "1" } }),
      { externalId: unique("payment"), transactions: [aLine(payer, payee, "2.00"), aLine(payer, payee, "3.00")] },
      aTransfer(payer, payee, 4),
    ];
    const answer = await send(orders);
    const results = resultsOf(answer);
    expect(results.map(({ index, accepted }) => [index, accepted])).toEqual([0, 1, 2].map((index) => [index, true]));
    for (const [index, { payment }] of results.entries()) {
      expect(payment).toMatchObject({ externalId: orders[index]?.externalId, state: "posted" });
      expect((await bank.system.get(`/v2/internal/Payments/${payment?.id}`)).body).toEqual(payment);
    }
    expect(results.map(({ payment }) => (payment?.["accounts"] as { balance: string }[] | undefined)?.[0]?.balance)).toEqual([
      "9.00",
      "4.00",
      "0.00",
    ]);
    expect(answer.headers["idempotency-replayed"]).toBeUndefined();
  });

  test("a refused item says why and disturbs no other", async () => {
    const [poor, source] = [await bank.aClientAccount(), await bank.anAccount()];
    const [payee, dollars] = [await bank.anAccount(), await bank.anAccount({ currency: "USD" })];
    const answer = await send([
      aTransfer(source, payee, "1.00"),
      aTransfer(poor, payee, "1.00"),
      aTransfer(source, payee, "0"),
      aTransfer(source, { ...payee, id: NOBODY }, "1.00"),
      aTransfer(source, dollars, "1.00"),
      aTransfer(source, payee, "1.00", { unknown: true }),
      aTransfer(source, payee, "1.00"),
    ]);
    expect(codes(answer)).toEqual([
      "ok",
      "insufficientFunds",
      "validationFailed",
      "notFound",
      "currencyMismatch",
      "validationFailed",
      "ok",
    ]);
    const problems = resultsOf(answer).map(({ problem }) => problem);
    expect(problems[1]).toEqual({
      type: "https://tools.ietf.org/html/rfc9110#section-15.5.10",
      title: "The available balance is too low.",
      status: 409,
      detail: null,
      instance: `${PATH}#1`,
      traceId: answer.headers["traceparent"],
      code: "insufficientFunds",
      accountId: poor.id,
      available: "0.00",
      required: "1.00",
      currency: "EUR",
    });
    expect(problems[2]).toMatchObject({
      status: 400,
      instance: `${PATH}#2`,
      errors: { amount: ["The amount must be greater than zero."] },
    });
    expect(problems[3]).toMatchObject({ status: 404, accountId: NOBODY });
    expect(problems[5]).toMatchObject({ status: 400, errors: { unknown: ["The field is not known."] } });
    expect(await bank.account(payee.id)).toMatchObject({ balance: "-2.00" });
  });

  test.each(["null", "5", '"text"', "[]", "[[]]", "true", "{}", '{"externalId":1e400}', '{"metadata":{"a":12345678901234567890}}'])(
    "an item that is no payment refuses that item alone: %s",
    async (raw) => {
      const [payer, payee] = await twoAccounts();
      const good = aTransfer(payer, payee, "1.00");
      const answer = await bank.system.post(PATH, `{"payments":[${raw},${JSON.stringify(good)}]}`);
      expect(codes(answer)).toEqual(["validationFailed", "ok"]);
    },
  );

  test("an item may spend what an earlier one has brought, and not what a later one brings", async () => {
    const [source, payee] = await twoAccounts();
    const payer = await bank.aClientAccount();
    const spend = () => aTransfer(payer, payee, "10.00");
    const bring = () => aTransfer(source, payer, "10.00");
    expect(codes(await send([spend(), bring(), spend(), spend(), bring(), spend()]))).toEqual([
      "insufficientFunds",
      "ok",
      "ok",
      "insufficientFunds",
      "ok",
      "ok",
    ]);
  });

  test("one externalId with equal content is one payment", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.anAccount()];
    const order = aTransfer(payer, payee, "1.00");
    const results = resultsOf(await send([order, { ...order, amount: "1" }, order]));
    expect(new Set(results.map(({ payment }) => payment?.id)).size).toBe(1);
    expect(await bank.account(payer.id)).toMatchObject({ balance: "9.00" });
  });

  test("one externalId with other content refuses the later item, whatever accounts either touches", async () => {
    const [payer, payee] = await twoAccounts();
    for (let round = 0; round < 25; round++) {
      const externalId = unique("twice");
      const [other, another] = await twoAccounts();
      // The first item waits behind the one before it; the later one could run at once.
      const payments = [
        aTransfer(payer, payee, "1.00"),
        aTransfer(payer, payee, "2.00", { externalId }),
        aTransfer(other, another, "3.00", { externalId }),
      ];
      const busy = Array.from({ length: 3 }, () => bank.transfer(aTransfer(payer, payee, "0.01")));
      expect(codes(await send(payments))).toEqual(["ok", "ok", "duplicateExternalId"]);
      await Promise.all(busy);
    }
  });

  test("takes from one to a thousand payments", async () => {
    const [payer, payee] = await twoAccounts();
    const orders = (count: number) => Array.from({ length: count }, () => aTransfer(payer, payee, "0.01"));
    for (const count of [0, 1001]) {
      const { status, body } = await send(orders(count));
      expect([status, Object.keys(body["errors"] as object)]).toEqual([400, ["payments"]]);
    }
    expect(resultsOf(await send(orders(1000))).filter(({ accepted }) => accepted)).toHaveLength(1000);
    expect(await bank.account(payee.id)).toMatchObject({ balance: "-10.00", version: 1001 });
  });

  test.each([{}, { payments: null }, { payments: {} }, { payments: [], atomic: "true" }, { payments: [{}], other: 1 }])(
    "a list that is none is 400: %j",
    async (body) => {
      expect(await bank.system.post(PATH, body)).toMatchObject({ status: 400, body: { code: "validationFailed" } });
    },
  );
});

describe("all or none", () => {
  const atomic = { atomic: true };

  test("all are booked, numbered one after the other", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.anAccount()];
    const results = resultsOf(
      await send([aTransfer(payer, payee, "1.00"), aTransfer(payer, payee, "2.00"), aTransfer(payee, payer, "3.00")], atomic),
    );
    const first = results[0]?.payment?.sequence ?? 0;
    expect(results.map(({ index, accepted, payment }) => [index, accepted, payment?.sequence])).toEqual([
      [0, true, first],
      [1, true, first + 1],
      [2, true, first + 2],
    ]);
    for (const { payment } of results) expect((await bank.system.get(`/v2/internal/Payments/${payment?.id}`)).body).toEqual(payment);
    expect(await bank.unbalanced()).toEqual([]);
  });

  test("the first refusal is the answer, with its index, and nothing is done", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.anAccount()];
    const dollars = await bank.anAccount({ currency: "USD" });
    const good = aTransfer(payer, payee, "1.00");
    const refusals: [object, object][] = [
      [
        aTransfer(payer, payee, "9.01"),
        { status: 409, code: "insufficientFunds", accountId: payer.id, available: "9.00", required: "9.01", currency: "EUR" },
      ],
      [aTransfer(payer, dollars, "1.00"), { status: 409, code: "currencyMismatch", accountId: dollars.id }],
      [aTransfer(payer, { ...payee, id: NOBODY }, "1.00"), { status: 404, code: "notFound", accountId: NOBODY }],
      [
        aTransfer(payer, payee, "0"),
        { status: 400, code: "validationFailed", errors: { amount: ["The amount must be greater than zero."] } },
      ],
    ];
    for (const [bad, problem] of refusals) {
      const answer = await send([good, bad, aTransfer(dollars, payee, "1.00")], atomic);
      expect(answer.body).toMatchObject({ ...problem, index: 1, instance: PATH });
      expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
    }
    expect(await bank.account(payer.id)).toMatchObject({ balance: "10.00", version: 2 });
    const found = await bank.system.get(`/v2/internal/Payments?externalId=${good["externalId"] as string}`);
    expect(found.body).toMatchObject({ items: [] });
  });

  test("payments that exist are answered as they are, the others are booked with them", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.anAccount()];
    const [old, fresh] = [aTransfer(payer, payee, "1.00"), aTransfer(payer, payee, "2.00")];
    const before = bodyOf(await bank.transfer(old));
    const results = resultsOf(await send([fresh, old], atomic));
    expect(results[1]?.payment).toEqual(before);
    expect(results[0]?.payment).toMatchObject({ externalId: fresh["externalId"], accounts: [{ balance: "7.00" }, {}] });
    const again = resultsOf(await send([fresh, old], atomic));
    expect(again).toEqual(results);
    expect(await bank.account(payer.id)).toMatchObject({ balance: "7.00" });
  });

  test("one externalId with equal content is one payment", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.anAccount()];
    const order = aTransfer(payer, payee, "1.00");
    const results = resultsOf(await send([order, aTransfer(payer, payee, "1.00"), { ...order, amount: 1 }], atomic));
    expect(results[2]?.payment).toEqual(results[0]?.payment);
    expect(results.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(await bank.account(payer.id)).toMatchObject({ balance: "8.00" });
  });

  test("one externalId with other content is 409 for the later item, in the batch or from before", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.anAccount()];
    const order = aTransfer(payer, payee, "1.00");
    const twice = await send([order, aTransfer(payer, payee, "1.00"), { ...order, amount: "2.00" }], atomic);
    expect(twice.body).toMatchObject({
      status: 409,
      code: "duplicateExternalId",
      index: 2,
      errors: { externalId: expect.any(Array) as unknown },
    });
    expect(await bank.account(payer.id)).toMatchObject({ balance: "10.00" });
    bodyOf(await bank.transfer(order));
    expect((await send([aTransfer(payer, payee, "1.00"), { ...order, amount: "2.00" }], atomic)).body).toMatchObject({
      code: "duplicateExternalId",
      index: 1,
    });
  });

  test("two at once that share an externalId but no account: both are answered, the payment is there once", async () => {
    const [a, b] = await twoAccounts();
    const [c, d] = await twoAccounts();
    const externalId = unique("race");
    // A transaction that has taken the name and not ended yet: the batch must wait for it, and then judge anew.
    const blocker = aTransfer(a, b, "1.00", { externalId });
    await bank.owner.query("begin");
    await bank.owner.query(
      "insert into general_ledger.payment select $1, null, -1, 0, 'transfer', 'draft', '2026-01-01', now(), null, null, null, $1, 'default', 'default', 'x', $2, null, null, null, null",
      [NOBODY, externalId],
    );
    const running = send([aTransfer(c, d, "1.00", { externalId })], atomic);
    await untilWaiting();
    await bank.owner.query("rollback");
    expect(codes(await running)).toEqual(["ok"]);
    expect((await bank.transfer(blocker)).body).toMatchObject({ code: "duplicateExternalId" });

    const name = unique("race");
    await bank.owner.query("begin");
    await bank.owner.query(
      "insert into general_ledger.payment select $1, null, -2, 0, 'transfer', 'draft', '2026-01-01', now(), null, null, null, $1, 'default', 'default', 'x', $2, null, null, null, null",
      [NOBODY, name],
    );
    const other = send([aTransfer(c, d, "1.00", { externalId: name })], atomic);
    await untilWaiting();
    await bank.owner.query("commit");
    expect((await other).body).toMatchObject({ status: 409, code: "duplicateExternalId", index: 0 });
  });
});

/** Until some connection of the bank waits for a lock; not for a time. */
async function untilWaiting(): Promise<void> {
  for (;;) {
    // Inside a transaction what one sees of others stands still, unless one asks anew.
    await bank.owner.query("select pg_stat_clear_snapshot()");
    const { rows } = await bank.owner.query("select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()");
    if (rows.length > 0) return;
  }
}
