// Payments of type reversal (contract decisions 20, 21): the lines that were booked, with their sides exchanged, once. History stays.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aLine, aTransfer, unique } from "../builders.ts";
import { type Life, lifeAt, linesOf, type TestPayment } from "../payment-life.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

let bank: LedgerApp;
let life: Life;
beforeAll(async () => {
  bank = await openLedgerApp();
  life = lifeAt(bank);
});
afterAll(() => bank.close());

const reversalOf = (
  id: string,
  lines?: readonly Record<string, unknown>[],
  changes: Record<string, unknown> = {},
): Record<string, unknown> => ({
  externalId: unique("undo"),
  type: "reversal",
  reversesPaymentId: id,
  ...(lines === undefined ? {} : { transactions: lines }),
  ...changes,
});

async function paid(amount = "6.00"): Promise<{ payer: TestAccount; payee: TestAccount; payment: TestPayment }> {
  const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.aClientAccount()];
  return { payer, payee, payment: bodyOf(await bank.transfer(aTransfer(payer, payee, amount))) as TestPayment };
}

describe("a reversal", () => {
  test("gives the money back, names its payment and is named by it; what was booked stays", async () => {
    const { payer, payee, payment } = await paid();
    const before = await bank.system.get(`/internal/Transactions?accountId=${payer.id}`);
    const reversal = bodyOf(await bank.transfer(reversalOf(payment.id, linesOf(payee, payer, "6.00")))) as TestPayment;
    expect(reversal).toMatchObject({ type: "reversal", state: "posted", reversesPaymentId: payment.id, reversedByPaymentId: null });
    expect(await life.figures(payer, payee)).toEqual(["10.00 0.00 10.00 0.00", "0.00 0.00 0.00 0.00"]);
    expect((await life.get(payment.id)).body).toEqual({ ...payment, reversedByPaymentId: reversal.id });
    const after = await bank.system.get(`/internal/Transactions?accountId=${payer.id}`);
    expect((after.body["items"] as object[]).slice(1)).toEqual(before.body["items"]);
  });

  test("takes its lines from the payment when it gives none", async () => {
    const [payer, payee, fees] = [await bank.aFundedAccount("10.00"), await bank.aClientAccount(), await bank.anAccount({ type: "fee" })];
    const lines = [aLine(payer, payee, "6.00"), aLine(payer, fees, "1.00")];
    const payment = bodyOf(await bank.transfer(life.order(lines))) as TestPayment;
    const reversal = bodyOf(await bank.transfer(reversalOf(payment.id))) as TestPayment;
    expect(reversal.transactions).toMatchObject([
      { debitAccountId: payee.id, creditAccountId: payer.id, amount: "6.00" },
      { debitAccountId: fees.id, creditAccountId: payer.id, amount: "1.00" },
    ]);
    expect(await life.figures(payer, payee, fees)).toEqual(["10.00 0.00 10.00 0.00", "0.00 0.00 0.00 0.00", "0.00 0.00 0.00 0.00"]);
  });

  test("of a payment that was booked in part gives back that part", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.aClientAccount()];
    const { id, transactions } = await life.paymentIn("pending", linesOf(payer, payee, "6.00", "2.00"));
    bodyOf(await life.act("post", id, { transactions: [{ id: transactions[0]?.id, amount: "4.00" }] }));
    expect((await bank.transfer(reversalOf(id, linesOf(payee, payer, "6.00", "2.00")))).body).toMatchObject({ code: "invalidState" });
    expect((await bank.transfer(reversalOf(id, linesOf(payee, payer, "4.00")))).body).toMatchObject({ state: "posted" });
    expect(await life.figures(payer, payee)).toEqual(["10.00 0.00 10.00 0.00", "0.00 0.00 0.00 0.00"]);
  });

  test("can be drafted and held; its payment is taken by it until it is cancelled, and says so once it is posted", async () => {
    const { payer, payee, payment } = await paid();
    const drafted = bodyOf(await life.draft(reversalOf(payment.id, linesOf(payee, payer, "6.00"), { state: "pending" }))) as TestPayment;
    expect((await life.get(payment.id)).body).toMatchObject({ reversedByPaymentId: null });
    expect((await bank.transfer(reversalOf(payment.id))).body).toMatchObject({ status: 409, code: "invalidState" });
    bodyOf(await life.act("cancel", drafted.id));
    const second = bodyOf(await life.draft(reversalOf(payment.id))) as TestPayment;
    bodyOf(await life.act("pend", second.id));
    expect((await life.act("post", second.id, { amount: "5.99" })).body).toMatchObject({ status: 400, code: "validationFailed" });
    bodyOf(await life.act("post", second.id, { amount: "6.00" }));
    expect((await life.get(payment.id)).body).toMatchObject({ reversedByPaymentId: second.id });
    expect(await life.figures(payer, payee)).toEqual(["10.00 0.00 10.00 0.00", "0.00 0.00 0.00 0.00"]);
  });
});

describe("is refused, and nothing happens,", () => {
  test("a second time, one after the other and all at once", async () => {
    const { payer, payee, payment } = await paid();
    const answers = await Promise.all(Array.from({ length: 20 }, () => bank.transfer(reversalOf(payment.id))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { body } of answers.filter(({ status }) => status !== 200))
      expect(body).toMatchObject({ status: 409, code: "invalidState", paymentId: payment.id });
    expect((await bank.transfer(reversalOf(payment.id))).body).toMatchObject({ code: "invalidState" });
    expect(await life.figures(payer, payee)).toEqual(["10.00 0.00 10.00 0.00", "0.00 0.00 0.00 0.00"]);
  });

  test("a second time in one list, whether all or none or each by itself; by its own lines or the payment's", async () => {
    const { payer, payee, payment } = await paid();
    const undo = (): Record<string, unknown> => reversalOf(payment.id, linesOf(payee, payer, "6.00"));
    const list = (atomic: boolean) => bank.system.post("/v2/internal/Payments/batch", { payments: [undo(), undo(), undo()], atomic });
    expect((await list(true)).body).toMatchObject({ status: 409, code: "invalidState", index: 1 });
    expect(await life.figures(payer, payee)).toEqual(["4.00 0.00 4.00 0.00", "6.00 0.00 6.00 0.00"]);
    const { results } = bodyOf(await list(false)) as { results: { accepted: boolean; problem?: object }[] };
    expect(results.map(({ accepted }) => accepted)).toEqual([true, false, false]);
    for (const { problem } of results.slice(1)) expect(problem).toMatchObject({ status: 409, code: "invalidState", paymentId: payment.id });
    expect(await life.figures(payer, payee)).toEqual(["10.00 0.00 10.00 0.00", "0.00 0.00 0.00 0.00"]);
  });

  test("of a reversal", async () => {
    const { payment } = await paid();
    const reversal = bodyOf(await bank.transfer(reversalOf(payment.id))) as TestPayment;
    expect((await bank.transfer(reversalOf(reversal.id))).body).toMatchObject({ status: 409, code: "invalidState" });
  });

  test.each(["draft", "pending", "cancelled"] as const)("of a payment that is %s", async (state) => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.aClientAccount()];
    const { id } = await life.paymentIn(state, linesOf(payer, payee, "1.00"));
    expect((await bank.transfer(reversalOf(id, linesOf(payee, payer, "1.00")))).body).toMatchObject({ status: 409, code: "invalidState" });
  });

  test("with other lines than the payment's: larger, smaller, fewer, more, the same way round, to others", async () => {
    const { payer, payee, payment } = await paid();
    const other = await bank.aClientAccount();
    const wrong = [
      linesOf(payee, payer, "6.01"),
      linesOf(payee, payer, "5.99"),
      linesOf(payee, payer, "3.00", "3.00"),
      linesOf(payee, payer, "6.00", "0.01"),
      linesOf(payer, payee, "6.00"),
      linesOf(payee, other, "6.00"),
    ];
    for (const lines of wrong)
      expect((await bank.transfer(reversalOf(payment.id, lines))).body, JSON.stringify(lines)).toMatchObject({
        status: 409,
        code: "invalidState",
      });
    expect(await life.figures(payer, payee, other)).toEqual(["4.00 0.00 4.00 0.00", "6.00 0.00 6.00 0.00", "0.00 0.00 0.00 0.00"]);
    expect((await bank.transfer(reversalOf(payment.id))).status).toBe(200);
  });

  test("when the money is gone, or the account is closed or blocked", async () => {
    const { payee, payment } = await paid();
    bodyOf(await bank.transfer(aTransfer(payee, await bank.anAccount(), "0.01")));
    expect((await bank.transfer(reversalOf(payment.id))).body).toMatchObject({
      code: "insufficientFunds",
      available: "5.99",
      required: "6.00",
    });
    const second = await paid();
    bodyOf(await bank.system.put(`/v2/internal/Accounts/${second.payer.id}/block`, { credit: true, reason: "test" }));
    expect((await bank.transfer(reversalOf(second.payment.id))).body).toMatchObject({ code: "accountBlocked", accountId: second.payer.id });
    const third = await paid("10.00");
    bodyOf(await bank.system.put(`/v2/internal/Accounts/${third.payer.id}/close`));
    expect((await bank.transfer(reversalOf(third.payment.id))).body).toMatchObject({ code: "accountClosed", accountId: third.payer.id });
  });

  test("of another tenant's payment, as of none, and the payment must be named for this type only", async () => {
    const { payer, payee, payment } = await paid();
    const foreign = await bank
      .systemOf("south")
      .post("/v2/internal/Payments/transfer", reversalOf(payment.id, linesOf(payee, payer, "6.00")));
    expect(foreign.body).toMatchObject({ status: 404, code: "notFound" });
    const absent = await bank.transfer(reversalOf("0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00", linesOf(payee, payer, "6.00")));
    expect(absent.body).toMatchObject({ status: 404, code: "notFound" });
    const untyped = await bank.transfer(reversalOf(payment.id, linesOf(payee, payer, "6.00"), { type: "transfer" }));
    expect(untyped.status).toBe(400);
    const unnamed = await bank.transfer(reversalOf(payment.id, linesOf(payee, payer, "6.00"), { reversesPaymentId: null }));
    expect(unnamed.status).toBe(400);
  });
});

test("after all this the books are in balance", async () => {
  expect(await bank.unbalanced()).toEqual([]);
});
