// The value date of a payment that names none: the day it is at the bank (decision 24), which is not everybody's.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aTransfer } from "../builders.ts";
import { bodyOf, type LedgerApp, openLedgerApp } from "../setup/ledger.ts";

// 25 hours apart: never the same day.
describe.each([
  ["Pacific/Kiritimati", 14],
  ["Pacific/Pago_Pago", -11],
])("at a bank in %s", (timeZone, hours) => {
  let bank: LedgerApp;
  beforeAll(async () => {
    bank = await openLedgerApp({ timeZone });
  });
  afterAll(() => bank.close());

  test("is today there, for one payment, a list, and all or none", async () => {
    const [payer, payee] = [await bank.anAccount(), await bank.anAccount()];
    const batch = async (atomic: boolean): Promise<object> => {
      const body = bodyOf(await bank.system.post("/v2/internal/Payments/batch", { payments: [aTransfer(payer, payee, "1")], atomic }));
      return (body["results"] as { payment: object }[])[0]?.payment ?? {};
    };
    for (const payment of [bodyOf(await bank.transfer(aTransfer(payer, payee, "1"))), await batch(false), await batch(true)]) {
      const { createdAt, valueDate } = payment as { createdAt: string; valueDate: string };
      expect(valueDate).toBe(new Date(Date.parse(createdAt) + hours * 3_600_000).toISOString().slice(0, 10));
    }
    const { body } = await bank.system.get(`/internal/Transactions?accountId=${payer.id}`);
    for (const { createdAt, valueDate } of body["items"] as { createdAt: string; valueDate: string }[]) {
      expect(valueDate).toBe(new Date(Date.parse(createdAt) + hours * 3_600_000).toISOString().slice(0, 10));
    }
  });

  test("is the named day where one is named, far away or past", async () => {
    const [payer, payee] = [await bank.anAccount(), await bank.anAccount()];
    for (const valueDate of ["2000-02-29", "9999-12-31"])
      expect((await bank.transfer(aTransfer(payer, payee, "1", { valueDate }))).body).toMatchObject({ valueDate });
  });
});
