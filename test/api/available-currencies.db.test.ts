// Operation 33: the currencies in which a client may open accounts.

import { afterAll, beforeAll, expect, test } from "vitest";
import { aClient, anAccountOrder } from "../builders.ts";
import { bodyOf, type LedgerApp, openLedgerApp } from "../setup/ledger.ts";

type Item = { readonly currency: string; readonly canOpenAccount: boolean };

let bank: LedgerApp;
let items: Item[];
beforeAll(async () => {
  bank = await openLedgerApp();
  items = bodyOf(await bank.clientCalls(await aClient(bank)).get("/BaasProvider/available-currencies"))["items"] as Item[];
});
afterAll(() => bank.close());

test("all on offer are listed by their code, with their ISO name, digits and the ways in which money moves", () => {
  expect(items.length).toBeGreaterThanOrEqual(33);
  expect(items.map(({ currency }) => currency)).toEqual(items.map(({ currency }) => currency).toSorted());
  expect(items).toEqual(
    expect.arrayContaining([
      { currency: "EUR", name: "Euro", minorUnits: 2, transferTypes: ["sepa", "sepaInstant", "swift", "internal"], canOpenAccount: true },
      {
        currency: "GBP",
        name: "Pound Sterling",
        minorUnits: 2,
        transferTypes: ["fasterPayments", "chaps", "swift", "internal"],
        canOpenAccount: true,
      },
      { currency: "USD", name: "US Dollar", minorUnits: 2, transferTypes: ["ach", "fedwire", "swift", "internal"], canOpenAccount: true },
      { currency: "JPY", name: "Yen", minorUnits: 0, transferTypes: ["swift", "internal"], canOpenAccount: true },
      { currency: "BHD", name: "Bahraini Dinar", minorUnits: 3, transferTypes: ["swift", "internal"], canOpenAccount: true },
    ]),
  );
});

test("in each of them an account can be opened, in another one not", async () => {
  const clientId = await aClient(bank);
  const open = async (currency: string): Promise<number> =>
    (await bank.system.post("/v2/internal/Accounts", anAccountOrder({ type: "client", clientId, currency }))).status;
  for (const { currency } of items) expect([currency, await open(currency)]).toEqual([currency, 200]);
  expect(items.map(({ currency }) => currency)).not.toContain("UZS");
  expect(await open("UZS")).toBe(409);
});

test("it takes no query and is for clients", async () => {
  const path = "/BaasProvider/available-currencies";
  expect((await bank.clientCalls(await aClient(bank)).get(`${path}?currency=EUR`)).status).toBe(400);
  expect((await bank.system.get(path)).status).toBe(403);
});
