// The period lock: a closed day takes no value, the next open day does, and the answer shows both.

import { afterAll, beforeAll, expect, test } from "vitest";
import { aLine, aTransfer, unique } from "../builders.ts";
import type { TestAnswer } from "../setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const PATH = "/internal/PeriodLock";
const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

const codeOf = ({ status, body }: TestAnswer): unknown[] => [status, body["code"]];

let bank: LedgerApp;
let payer: TestAccount;
let payee: TestAccount;
beforeAll(async () => {
  bank = await openLedgerApp();
  [payer, payee] = [await bank.aFundedAccount("100.00"), await bank.aClientAccount()];
});
afterAll(() => bank.close());

const close = (closedThrough: unknown) => bank.system.send("PUT", PATH, { closedThrough });
const valued = async (valueDate?: string) =>
  bodyOf(await bank.transfer({ ...aTransfer(payer, payee, "1.00"), ...(valueDate && { valueDate }) }));

test("no day is closed at first; closing moves the lock, the same day once more changes nothing, an earlier one is refused", async () => {
  expect(bodyOf(await bank.system.get(PATH))).toEqual({ closedThrough: null });
  expect(bodyOf(await close(daysAgo(10)))).toEqual({ closedThrough: daysAgo(10) });
  expect(bodyOf(await close(daysAgo(10)))).toEqual({ closedThrough: daysAgo(10) });
  expect(codeOf(await close(daysAgo(11)))).toEqual([409, "invalidState"]);
  expect(bodyOf(await bank.system.get(PATH))).toEqual({ closedThrough: daysAgo(10) });
});

test("a closed value date becomes the next open day, visibly; an open one stays, in the past as in the future", async () => {
  await close(daysAgo(10));
  expect(await valued(daysAgo(10))).toMatchObject({ valueDate: daysAgo(9), requestedValueDate: daysAgo(10) });
  expect(await valued(daysAgo(300))).toMatchObject({ valueDate: daysAgo(9), requestedValueDate: daysAgo(300) });
  expect(await valued(daysAgo(9))).toMatchObject({ valueDate: daysAgo(9), requestedValueDate: null });
  expect(await valued(daysAgo(-30))).toMatchObject({ valueDate: daysAgo(-30), requestedValueDate: null });
  expect(await valued()).toMatchObject({ valueDate: daysAgo(0), requestedValueDate: null });
});

test("a payment in two phases is valued when it is posted, by the days that are closed then", async () => {
  await close(daysAgo(10));
  const order = { externalId: unique("end"), state: "pending", transactions: [aLine(payer, payee, "2.00")] };
  const { id } = bodyOf(await bank.system.post("/v2/internal/Payments", order));
  const posted = bodyOf(await bank.system.post(`/v2/internal/Payments/${String(id)}/post`, { valueDate: daysAgo(20) }));
  expect(posted).toMatchObject({ state: "posted", valueDate: daysAgo(9), requestedValueDate: daysAgo(20) });
  expect(bodyOf(await bank.system.get(`/v2/internal/Payments/${String(id)}`))).toMatchObject({
    valueDate: daysAgo(9),
    requestedValueDate: daysAgo(20),
  });
});

test("a payment that was on its way when days were closed is valued on an open one: whatever was answered, no closed day took value later", async () => {
  const closing = daysAgo(5);
  const answers = await Promise.all([
    ...Array.from({ length: 40 }, () => valued(closing)),
    close(closing),
    ...Array.from({ length: 40 }, () => valued(closing)),
  ]);
  const dates = new Set(answers.map((answer) => ("valueDate" in answer ? answer["valueDate"] : null)));
  for (const date of dates) expect([null, closing, daysAgo(4)]).toContain(date);
  expect((await valued(closing))["valueDate"]).toBe(daysAgo(4));
});

test.each([daysAgo(0), daysAgo(-1), "2026-02-30", "yesterday", "", 20_260_101, null])("%j cannot be closed", async (day) => {
  expect(codeOf(await close(day))).toEqual([400, "validationFailed"]);
});

test("only the bank itself closes days, with the scope for it", async () => {
  const tenant = bank.callAs({ kind: "system", tenant: "north", scopes: ["ledger.admin"] });
  expect((await tenant.send("PUT", PATH, { closedThrough: daysAgo(3) })).status).toBe(403);
  const writer = bank.callAs({ kind: "system", scopes: ["ledger.write", "ledger.read"] });
  expect((await writer.send("PUT", PATH, { closedThrough: daysAgo(3) })).status).toBe(403);
});
