// The EXT operation of contract 5.16: accounts by their numbers or IBANs.

import { afterAll, beforeAll, expect, test } from "vitest";
import { aClient, anAccountOrder } from "../builders.ts";
import type { TestCalls } from "../setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const PATH = "/v2/ledger/internal/Accounts/by-account-numbers";

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

async function find(accountNumbers: readonly (string | null)[], calls: TestCalls = bank.system): Promise<TestAccount[]> {
  const answer = await calls.post(PATH, { accountNumbers });
  expect(answer.status).toBe(200);
  return JSON.parse(answer.text) as TestAccount[];
}

test("numbers and IBANs, in any letter case, give whole accounts in the order of the list, each once; unknown ones are absent", async () => {
  const [first, second, third] = [
    await bank.aFundedAccount("3.00"),
    await bank.aClientAccount(),
    await bank.anAccount({ accountNumber: "AbC4711" }),
  ];
  const found = await find([
    "abc4711",
    second.iban?.toLowerCase() ?? null,
    "nobody",
    first.accountNumber,
    first.iban,
    "ABC4711",
    second.accountNumber,
  ]);
  expect(found).toEqual([await bank.account(third.id), await bank.account(second.id), await bank.account(first.id)]);
  expect(found[2]?.balance).toBe("3.00");
});

test("a tenant finds its own only", async () => {
  const [north, south] = [bank.systemOf("north"), await bank.aClientAccount({ tenant: "south" })];
  const clientId = await aClient(bank, { tenant: "north" });
  const own = bodyOf(await north.post("/v2/internal/Accounts", anAccountOrder({ type: "client", clientId }))) as TestAccount;
  const names = [south.accountNumber, south.iban, own.iban];
  expect((await find(names, north)).map(({ id }) => id)).toEqual([own.id]);
  expect((await find(names)).map(({ id }) => id)).toEqual([south.id, own.id]);
});

test("a thousand at once", async () => {
  const accounts = [await bank.anAccount(), await bank.anAccount()];
  const numbers = Array.from({ length: 998 }, (_, n) => `never${n}`).concat(accounts.map(({ accountNumber }) => accountNumber));
  expect((await find(numbers)).map(({ id }) => id)).toEqual(accounts.map(({ id }) => id));
});

test.each<[string, unknown, string]>([
  ["none", { accountNumbers: [] }, "accountNumbers"],
  ["nothing", {}, "accountNumbers"],
  ["1001", { accountNumbers: Array.from({ length: 1001 }, () => "12345") }, "accountNumbers"],
  ["a wildcard", { accountNumbers: ["%%%%"] }, "accountNumbers.0"],
  ["a number with blanks", { accountNumbers: ["12 34"] }, "accountNumbers.0"],
  ["one that is too short", { accountNumbers: ["123"] }, "accountNumbers.0"],
])("400 for %s", async (_, body, field) => {
  const answer = await bank.system.post(PATH, body);
  expect([answer.status, Object.keys(answer.body["errors"] as object)]).toEqual([400, [field]]);
});
