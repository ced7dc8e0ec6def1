// Operation 27: sums over accounts by currency and category, exact whatever their size, and steady while payments run.

import { afterAll, beforeAll, expect, test } from "vitest";
import { aTransfer } from "../builders.ts";
import type { TestCalls } from "../setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const SUMS = "/v2/ledger/internal/Accounts/getAggregatedAmounts";
const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

type Sum = Readonly<Record<"currency" | "category" | "balance" | "heldAmount" | "availableBalance" | "pendingIncomingAmount", string>> & {
  readonly accountsCount: number;
};

let bank: LedgerApp;
let alice: TestAccount;
let bob: TestAccount;
beforeAll(async () => {
  bank = await openLedgerApp();
  [alice, bob] = [await bank.aFundedAccount("100.00"), await bank.aClientAccount({ tenant: "north" })];
});
afterAll(() => bank.close());

async function sums(query = "", calls: TestCalls = bank.system): Promise<readonly Sum[]> {
  return bodyOf(await calls.get(`${SUMS}${query}`))["items"] as readonly Sum[];
}

const minor = (text: string): bigint => BigInt(text.replace(".", ""));

test("each currency and category has one sum, on its normal side, with holds and what is announced", async () => {
  const { externalId, ...line } = aTransfer(alice, bob, "30.00");
  bodyOf(await bank.system.post("/v2/internal/Payments", { externalId, state: "pending", transactions: [line] }));
  const yen = await bank.aFundedAccount("500", { currency: "JPY" });
  expect(await sums()).toEqual([
    {
      currency: "EUR",
      category: "asset",
      accountsCount: 1,
      balance: "100.00",
      heldAmount: "0.00",
      availableBalance: "100.00",
      pendingIncomingAmount: "0.00",
    },
    {
      currency: "EUR",
      category: "liability",
      accountsCount: 2,
      balance: "100.00",
      heldAmount: "30.00",
      availableBalance: "70.00",
      pendingIncomingAmount: "30.00",
    },
    {
      currency: "JPY",
      category: "asset",
      accountsCount: 1,
      balance: "500",
      heldAmount: "0",
      availableBalance: "500",
      pendingIncomingAmount: "0",
    },
    {
      currency: "JPY",
      category: "liability",
      accountsCount: 1,
      balance: "500",
      heldAmount: "0",
      availableBalance: "500",
      pendingIncomingAmount: "0",
    },
  ]);
  expect(await sums(`?clientId=${yen.clientId}`)).toMatchObject([{ currency: "JPY", accountsCount: 1 }]);
});

test("filters narrow it down, and a tenant sees its own only", async () => {
  const counts = async (query: string, calls?: TestCalls): Promise<unknown[]> =>
    (await sums(query, calls)).map(({ currency, category, accountsCount }) => [currency, category, accountsCount]);
  expect(await counts("?currencies=EUR")).toEqual([
    ["EUR", "asset", 1],
    ["EUR", "liability", 2],
  ]);
  expect(await counts("?types=client&types=fee")).toEqual([
    ["EUR", "liability", 2],
    ["JPY", "liability", 1],
  ]);
  expect(await counts("?types=settlement&currencies=JPY")).toEqual([["JPY", "asset", 1]]);
  expect(await counts("?statuses=closed")).toEqual([]);
  expect(await counts(`?clientId=${NOBODY}`)).toEqual([]);
  expect(await counts(`?clientId=${alice.clientId}`)).toEqual([["EUR", "liability", 1]]);
  expect(await counts("", bank.systemOf("north"))).toEqual([["EUR", "liability", 1]]);
  expect(await counts(`?clientId=${alice.clientId}`, bank.systemOf("north"))).toEqual([]);
  expect(await counts("", bank.systemOf("nobodys"))).toEqual([]);
});

test.each([
  ["currencies=eur", "currencies.0"],
  ["types=wallet", "types.0"],
  ["statuses=open", "statuses.0"],
  ["clientId=1", "clientId"],
  ["clientIds=1", "clientIds"],
])("400 for ?%s", async (query, field) => {
  const { status, body } = await bank.system.get(`${SUMS}?${query}`);
  expect([status, Object.keys(body["errors"] as object)]).toEqual([400, [field]]);
});

test("while payments run between accounts their sum never moves", async () => {
  const parties = [alice, bob, await bank.aFundedAccount("50.00")];
  const expected = (await sums("?types=client&currencies=EUR"))[0]?.balance;
  const load = { isOver: false };
  const paying = Promise.all(
    Array.from({ length: 120 }, async (_, n) =>
      bank.transfer(aTransfer(parties[n % 3] as TestAccount, parties[(n + 1) % 3] as TestAccount, "0.07")),
    ),
  ).finally(() => (load.isOver = true));
  do {
    const [clients, others] = await Promise.all([sums("?types=client&currencies=EUR"), sums("?currencies=EUR")]);
    expect(clients[0]?.balance).toBe(expected);
    const whole = others.reduce((sum, { category, balance }) => sum + (category === "asset" ? -minor(balance) : minor(balance)), 0n);
    expect(whole).toBe(0n);
  } while (!load.isOver);
  await paying;
});

test("sums beyond sixty-three bits are exact", async () => {
  const three = [
    await bank.anAccount({ type: "clearing", currency: "KWD" }),
    await bank.anAccount({ type: "clearing", currency: "KWD" }),
    await bank.anAccount({ type: "clearing", currency: "KWD" }),
  ];
  await bank.owner.query(
    "update general_ledger.account set balance_minor = 8999999999999999999, incoming_minor = 9223372036854775807 where id = any($1)",
    [three.map(({ id }) => id)],
  );
  expect(await sums("?currencies=KWD")).toMatchObject([
    { balance: "26999999999999999.997", availableBalance: "26999999999999999.997", pendingIncomingAmount: "27670116110564327.421" },
  ]);
});
