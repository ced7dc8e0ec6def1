// Holds under many at once and at their limits: one cent is held once, fifty lines are held whole or not at all, figures stay exact.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aLine, aTransfer } from "../builders.ts";
import { type Life, lifeAt, linesOf, type TestPayment } from "../payment-life.ts";
import { bodyOf, type LedgerApp, openLedgerApp } from "../setup/ledger.ts";
import type { TestAnswer } from "../setup/http.ts";

let bank: LedgerApp;
let life: Life;
beforeAll(async () => {
  bank = await openLedgerApp();
  life = lifeAt(bank);
});
afterAll(() => bank.close());

const passed = (answers: readonly TestAnswer[]): number => answers.filter(({ status }) => status === 200).length;

describe("at once", () => {
  test("twenty pends of 60 against 100: one holds, and the others hear what is left", async () => {
    const payee = await bank.anAccount();
    for (let round = 0; round < 10; round++) {
      const payer = await bank.aFundedAccount("100.00");
      const drafts = await Promise.all(Array.from({ length: 20 }, () => life.paymentIn("draft", linesOf(payer, payee, "60.00"))));
      const answers = await Promise.all(drafts.map(({ id }) => life.act("pend", id)));
      expect(passed(answers)).toBe(1);
      for (const { status, body } of answers.filter((answer) => answer.status !== 200))
        expect([status, body["code"], body["available"]]).toEqual([409, "insufficientFunds", "40.00"]);
      expect(await life.figures(payer)).toEqual(["100.00 60.00 40.00 0.00"]);
    }
  });

  test("pends, transfers and held drafts in one burst: never more than there is", async () => {
    const payee = await bank.anAccount();
    for (let round = 0; round < 5; round++) {
      const payer = await bank.aFundedAccount("100.00");
      const drafts = await Promise.all(Array.from({ length: 8 }, () => life.paymentIn("draft", linesOf(payer, payee, "60.00"))));
      const answers = await Promise.all([
        ...drafts.map(({ id }) => life.act("pend", id)),
        ...Array.from({ length: 8 }, () => bank.transfer(aTransfer(payer, payee, "60.00"))),
        ...Array.from({ length: 8 }, () => life.draft(life.order(linesOf(payer, payee, "60.00"), { state: "pending" }))),
      ]);
      expect(passed(answers)).toBe(1);
    }
  });

  test("two hundred pends of one cent against one euro, then all are posted: a hundred, and nothing is left", async () => {
    const [payer, payee] = [await bank.aFundedAccount("1.00"), await bank.aClientAccount()];
    const drafts = await Promise.all(Array.from({ length: 200 }, () => life.paymentIn("draft", linesOf(payer, payee, "0.01"))));
    expect(passed(await Promise.all(drafts.map(({ id }) => life.act("pend", id))))).toBe(100);
    expect(await life.figures(payer, payee)).toEqual(["1.00 1.00 0.00 0.00", "0.00 0.00 0.00 1.00"]);
    expect(passed(await Promise.all(drafts.map(({ id }) => life.act("post", id))))).toBe(100);
    expect(await life.figures(payer, payee)).toEqual(["0.00 0.00 0.00 0.00", "1.00 0.00 1.00 0.00"]);
    expect(await bank.unbalanced()).toEqual([]);
  });

  test("post against cancel of one payment: one of them, and the money goes with it", async () => {
    const [payer, payee] = [await bank.aFundedAccount("100.00"), await bank.aClientAccount()];
    let posted = 0;
    for (let round = 0; round < 40; round++) {
      const { id } = await life.paymentIn("pending", linesOf(payer, payee, "0.01"));
      const [post, cancel] = await Promise.all(
        round % 2 === 0 ? [life.act("post", id), life.act("cancel", id)] : [life.act("cancel", id), life.act("post", id)].toReversed(),
      );
      const { state } = (await life.get(id)).body;
      expect(new Set([post?.status, cancel?.status])).toEqual(new Set([200, 409]));
      expect(state).toBe(post?.status === 200 ? "posted" : "cancelled");
      posted += post?.status === 200 ? 1 : 0;
    }
    const left = (100 - posted / 100).toFixed(2);
    expect(await life.figures(payer)).toEqual([`${left} 0.00 ${left} 0.00`]);
  });

  test("ten posts of one payment with different amounts: one amount is booked, and whoever asked for it hears so", async () => {
    const [payer, payee] = [await bank.aFundedAccount("100.00"), await bank.aClientAccount()];
    const { id } = await life.paymentIn("pending", linesOf(payer, payee, "10.00"));
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => life.act("post", id, { amount: `${1 + (index % 5)}.00` })));
    const booked = new Set(answers.filter(({ status }) => status === 200).map(({ body }) => (body as TestPayment).transactions[0]?.amount));
    expect(booked.size).toBe(1);
    expect(passed(answers)).toBe(2);
    const [amount = ""] = booked;
    expect(await life.figures(payee)).toEqual([`${amount} 0.00 ${amount} 0.00`]);
  });
});

describe("fifty lines", () => {
  test.each([1, 25, 50])("are held, or posted, whole or not at all: the one at place %i fails", async (place) => {
    const [payer, good, blocked] = [await bank.aFundedAccount("49.00"), await bank.anAccount({ type: "clearing" }), await bank.anAccount()];
    const poor = await bank.aClientAccount();
    const fifty = (bad: Record<string, unknown>): Record<string, unknown>[] =>
      Array.from({ length: 50 }, (_, index) => (index === place - 1 ? bad : aLine(payer, good, "1.00")));
    const short = await life.paymentIn("draft", fifty(aLine(poor, good, "1.00")));
    expect((await life.act("pend", short.id)).body).toMatchObject({ code: "insufficientFunds", accountId: poor.id, required: "1.00" });
    const held = await life.paymentIn("pending", fifty(aLine(blocked, good, "1.00")));
    expect(await life.figures(payer, good)).toEqual(["49.00 49.00 0.00 0.00", "0.00 0.00 0.00 50.00"]);
    bodyOf(await bank.system.put(`/v2/internal/Accounts/${blocked.id}/block`, { debit: true, reason: "test" }));
    expect((await life.act("post", held.id)).body).toMatchObject({ code: "accountBlocked", accountId: blocked.id });
    expect(await life.figures(payer, good, blocked)).toEqual(["49.00 49.00 0.00 0.00", "0.00 0.00 0.00 50.00", "0.00 0.00 0.00 0.00"]);
    // Without the line in the way the others can be booked.
    const others = held.transactions.filter((_, index) => index !== place - 1).map(({ id }) => ({ id, amount: "1.00" }));
    bodyOf(await life.act("post", held.id, { transactions: others }));
    expect(await life.figures(payer, good, blocked)).toEqual(["0.00 0.00 0.00 0.00", "49.00 0.00 49.00 0.00", "0.00 0.00 0.00 0.00"]);
  });

  test("of a batch are refused with it", async () => {
    const [source, never, poor] = [await bank.anAccount(), await bank.aClientAccount(), await bank.aClientAccount()];
    const payments = Array.from({ length: 20 }, (_, index) => aTransfer(index === 19 ? poor : source, never, "1.00"));
    const answer = await bank.system.post("/v2/internal/Payments/batch", { payments, atomic: true });
    expect(answer.body).toMatchObject({ status: 409, code: "insufficientFunds", index: 19 });
    expect(await life.figures(never)).toEqual(["0.00 0.00 0.00 0.00"]);
  });
});

describe("big numbers are exact", () => {
  const MOST = "10000000000000.00";

  test("the greatest amount fifty times over, held, announced, booked", async () => {
    const [source, target] = [await bank.anAccount({ type: "clearing" }), await bank.anAccount({ type: "suspense" })];
    const { id } = await life.paymentIn("pending", linesOf(source, target, ...Array.from({ length: 50 }, () => MOST)));
    expect(await life.figures(source, target)).toEqual([
      "0.00 500000000000000.00 -500000000000000.00 0.00",
      "0.00 0.00 0.00 500000000000000.00",
    ]);
    const { transactions } = (await life.get(id)).body as TestPayment;
    const less = transactions.map((line, index) => ({ id: line.id, amount: index === 0 ? "9999999999999.99" : MOST }));
    const posted = bodyOf(await life.act("post", id, { transactions: less })) as TestPayment;
    expect(posted.accounts.map(({ balance }) => balance)).toEqual(["-499999999999999.99", "499999999999999.99"]);
    expect(await life.figures(source)).toEqual(["-499999999999999.99 0.00 -499999999999999.99 0.00"]);
  });

  test.each([
    ["held_minor", 0],
    ["incoming_minor", 1],
  ] as const)("%s never passes nine million million million: a hold that would is refused and leaves no trace", async (figure, at) => {
    const pair = [await bank.anAccount({ type: "clearing" }), await bank.anAccount({ type: "suspense" })] as const;
    const [source, target] = pair;
    await bank.owner.query(`update general_ledger.account set ${figure} = 8999999999999999900 where id = $1`, [pair[at].id]);
    const before = await life.figures(source, target);
    const over = await life.paymentIn("draft", linesOf(source, target, "0.60", "0.41"));
    expect((await life.act("pend", over.id)).body).toMatchObject({ status: 409, code: "limitExceeded", accountId: pair[at].id });
    expect(await life.figures(source, target)).toEqual(before);
    const exact = await life.paymentIn("draft", linesOf(source, target, "0.60", "0.40"));
    bodyOf(await life.act("pend", exact.id));
    expect((await life.figures(source, target))[at]).toContain("90000000000000000.00");
    bodyOf(await life.act("cancel", exact.id));
    expect(await life.figures(source, target)).toEqual(before);
  });
});
