// Reading payments back (contract decision 6): by id, and by externalId for a caller that lost the answer.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aLine, aTransfer, unique } from "../builders.ts";
import { bodyOf, type LedgerApp, openLedgerApp } from "../setup/ledger.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

const NIGHTLY = process.env["FINLEGO_NIGHTLY"] === "1";

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

const byExternalId = (externalId: string) => bank.system.get(`/v2/internal/Payments?externalId=${encodeURIComponent(externalId)}`);

describe("GET /v2/internal/Payments/{paymentId}", () => {
  test("answers the bytes of the first answer, whatever has happened to the accounts since", async () => {
    const [payer, payee, fees] = [await bank.aFundedAccount("100.00"), await bank.aClientAccount(), await bank.anAccount({ type: "fee" })];
    const transactions = [
      aLine(payer, payee, "10.00", { description: "one" }),
      aLine(payee, fees, "1.00", { type: "fee" }),
      aLine(payer, fees, "0.50"),
    ];
    const first = await bank.transfer({
      externalId: unique("payment"),
      transactions,
      reference: "R",
      metadata: { b: "1", a: "2" },
      valueDate: "2024-02-29",
    });
    for (let i = 0; i < 3; i++) bodyOf(await bank.transfer(aTransfer(payee, payer, "1.00")));
    const read = await bank.system.get(`/v2/internal/Payments/${String(first.body["id"])}`);
    expect([read.status, read.text]).toEqual([200, first.text]);
    expect((await bank.system.get(`/V2/Internal/payments/${String(first.body["id"]).toUpperCase()}`)).text).toBe(first.text);
  });

  test("404 for what is no payment: never existing, a transaction, an account, no uuid", async () => {
    const account = await bank.anAccount();
    const payment = bodyOf(await bank.transfer(aTransfer(account, await bank.anAccount(), "1.00")));
    const [line] = payment["transactions"] as { id: string }[];
    for (const id of [NOBODY, line?.id, account.id, "1", "batch", "transfer"]) {
      expect(await bank.system.get(`/v2/internal/Payments/${id}`)).toMatchObject({ status: 404, body: { code: "notFound" } });
    }
  });
});

describe("GET /v2/internal/Payments?externalId=", () => {
  test("finds the payment as it was answered", async () => {
    const [payer, payee] = [await bank.anAccount(), await bank.anAccount()];
    const externalId = `${unique("Näme")} &?/#%+"'\\`;
    const payment = bodyOf(await bank.transfer(aTransfer(payer, payee, "1.00", { externalId })));
    const { status, body } = await byExternalId(externalId);
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(["items", "pageNumber", "pageSize", "nextCursor", "totalCount"]);
    expect(body).toMatchObject({ items: [payment], pageNumber: 1, nextCursor: null, totalCount: 1 });
  });

  test("nothing found is an empty page; upper and lower case, and wild cards, are letters like others", async () => {
    const [payer, payee] = [await bank.anAccount(), await bank.anAccount()];
    const externalId = unique("Case");
    bodyOf(await bank.transfer(aTransfer(payer, payee, "1.00", { externalId })));
    for (const other of [unique("none"), externalId.toLowerCase(), "%", "Case%", `${externalId} `, "' or ''='", "\\"]) {
      expect(await byExternalId(other)).toMatchObject({ status: 200, body: { items: [], totalCount: 0, nextCursor: null } });
    }
  });

  test("a refused payment is not found", async () => {
    const order = aTransfer(await bank.aClientAccount(), await bank.anAccount(), "1.00");
    expect((await bank.transfer(order)).status).toBe(409);
    expect((await byExternalId(order["externalId"] as string)).body).toMatchObject({ items: [] });
  });

  test("finds each payment from the moment of its answer on, in every way in which it can be read", { timeout: 300_000 }, async () => {
    const EACH = NIGHTLY ? 625 : 20;
    const [payer, payee] = [await bank.aFundedAccount("1000.00"), await bank.aClientAccount()];
    const payAndRead = async (): Promise<void> => {
      const payment = bodyOf(await bank.transfer(aTransfer(payer, payee, "0.01")));
      const id = String(payment["id"]);
      const stand = (payment["accounts"] as { accountSequence: number }[])[1];
      const [byId, byName, history, account] = await Promise.all([
        bank.system.get(`/v2/internal/Payments/${id}`),
        byExternalId(String(payment["externalId"])),
        bank.system.get(
          `/internal/Transactions?accountId=${payee.id}&pageSize=100&sortDirection=asc&pageNumber=${Math.ceil((stand?.accountSequence ?? 0) / 100)}`,
        ),
        bank.account(payee.id),
      ]);
      expect(byId.body).toEqual(payment);
      expect(byName.body["items"]).toEqual([payment]);
      expect((history.body["items"] as { paymentId: string }[]).filter(({ paymentId }) => paymentId === id)).toHaveLength(1);
      // Opening makes version 1, each entry one more.
      expect(account["version"]).toBeGreaterThanOrEqual((stand?.accountSequence ?? 0) + 1);
    };
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let i = 0; i < EACH; i++) await payAndRead();
      }),
    );
    expect(await bank.account(payee.id)).toMatchObject({ balance: ((8 * EACH) / 100).toFixed(2), version: 8 * EACH + 1 });
  });

  test.each([
    ["externalId=", "externalId"],
    [`externalId=${"x".repeat(101)}`, "externalId"],
    ["externalId=a&externalId=b", "externalId"],
    ["externalId=a%00b", "externalId"],
    ["externalId=a&unknown=1", "unknown"],
  ])("400 for ?%s", async (query, field) => {
    const { status, body } = await bank.system.get(`/v2/internal/Payments?${query}`);
    expect([status, Object.keys(body["errors"] as object)]).toEqual([400, [field]]);
  });
});
