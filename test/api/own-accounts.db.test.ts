// Operations 14, 16, 20 and 25: accounts as their owner sees them and as the system does.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aClient, anAccountOrder, aTransfer } from "../builders.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";
import { standAs } from "../setup/standing.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

const open = async (order: object): Promise<TestAccount> => bodyOf(await bank.system.post("/v2/internal/Accounts", order)) as TestAccount;
const openFor = (clientId: string, changes: object = {}): Promise<TestAccount> =>
  open(anAccountOrder({ type: "client", clientId, ...changes }));
const listOf = async (clientId: string, query = ""): Promise<TestAccount[]> => {
  const answer = await bank.clientCalls(clientId).get(`/Accounts${query}`);
  expect([answer.status, answer.text.startsWith("[")]).toEqual([200, true]);
  return JSON.parse(answer.text) as TestAccount[];
};

describe("GET /v2/ledger/internal/Accounts/{accountId}", () => {
  test("is the system's view: every field of the owner's, and the category", async () => {
    const account = await bank.aFundedAccount("12.34");
    const { status, body } = await bank.system.get(`/v2/ledger/internal/Accounts/${account.id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: account.id, balance: "12.34", availableBalance: "12.34", category: "liability", version: 2 });
    const own = await bank.clientCalls(account.clientId ?? "").get(`/Accounts/${account.id}`);
    expect(body).toEqual({ ...own.body, category: "liability" });
  });

  test("takes the id and the path in any letter case", async () => {
    const account = await bank.anAccount();
    expect((await bank.system.get(`/V2/LEDGER/internal/accounts/${account.id.toUpperCase()}`)).body).toMatchObject({ id: account.id });
  });

  test("shows holds, money on its way, credit limit and blocks as they are stored", async () => {
    const account = await bank.aFundedAccount("100.00");
    await bank.owner.query(
      "update general_ledger.account set held_minor = 3000, incoming_minor = 500, floor_minor = -1050, debit_blocked = true, credit_blocked = true where id = $1",
      [account.id],
    );
    expect(await bank.account(account.id)).toMatchObject({
      balance: "100.00",
      heldAmount: "30.00",
      availableBalance: "70.00",
      pendingIncomingAmount: "5.00",
      creditLimit: "10.50",
      debitBlocked: true,
      creditBlocked: true,
    });
  });

  test("what is on hold cannot be spent, the credit limit can", async () => {
    const [account, payee] = [await bank.aFundedAccount("100.00"), await bank.anAccount()];
    await bank.owner.query("update general_ledger.account set held_minor = 3000, floor_minor = -1000 where id = $1", [account.id]);
    const refused = await bank.transfer(aTransfer(account, payee, "80.01"));
    expect(refused.body).toMatchObject({ code: "insufficientFunds", available: "80.00", required: "80.01" });
    const { body } = await bank.transfer(aTransfer(account, payee, "80.00"));
    expect((body["accounts"] as object[])[0]).toMatchObject({ balance: "20.00", heldAmount: "30.00", availableBalance: "-10.00" });
  });

  test.each([NOBODY, "1", "not-a-uuid", "0000000001", NOBODY.replaceAll("-", "")])("404 for %s, which is no account", async (id) => {
    expect(await bank.system.get(`/v2/ledger/internal/Accounts/${id}`)).toMatchObject({ status: 404, body: { code: "notFound" } });
  });

  test("takes no query", async () => {
    const account = await bank.anAccount();
    const { status, body } = await bank.system.get(`/v2/ledger/internal/Accounts/${account.id}?expand=all`);
    expect([status, body["errors"]]).toEqual([400, { expand: ["The field is not known."] }]);
  });
});

describe("GET /Accounts", () => {
  test("lists the client's own in their order, as a plain array, and no other's", async () => {
    const [clientId, other] = [await aClient(bank), await aClient(bank)];
    const opened = [await openFor(clientId), await openFor(clientId, { currency: "USD" }), await openFor(clientId, { currency: "JPY" })];
    await openFor(other);
    const listed = await listOf(clientId);
    expect(listed.map(({ id }) => id)).toEqual(opened.map(({ id }) => id));
    for (const [index, account] of listed.entries()) expect({ ...account, category: "liability" }).toEqual(opened[index]);

    await bank.owner.query("update general_ledger.account_profile set sort_order = -1 where account_id = $1", [opened[2]?.id]);
    expect((await listOf(clientId)).map(({ currency }) => currency)).toEqual(["JPY", "EUR", "USD"]);
  });

  test("of a client without accounts is empty", async () => {
    expect(await listOf(await aClient(bank))).toEqual([]);
    expect(await listOf(NOBODY)).toEqual([]);
  });

  test.each(["blocked", "closed", "pending", "rejected"] as const)("of a client that is %s can still be read", async (status) => {
    const account = await bank.aFundedAccount("1.00");
    await standAs(bank, account.clientId, status);
    expect(await listOf(account.clientId ?? "")).toMatchObject([{ id: account.id, balance: "1.00" }]);
    expect((await bank.clientCalls(account.clientId ?? "").get(`/Accounts/${account.id}`)).status).toBe(200);
  });

  test("filters by currency and by one or several statuses", async () => {
    const clientId = await aClient(bank);
    const [eur, usd, closed, blocked] = [
      await openFor(clientId),
      await openFor(clientId, { currency: "USD" }),
      await openFor(clientId),
      await openFor(clientId),
    ];
    await bank.owner.query("update general_ledger.account set status = 'closed' where id = $1", [closed.id]);
    await bank.owner.query("update general_ledger.account set status = 'blocked' where id = $1", [blocked.id]);
    const ids = async (query: string): Promise<string[]> => (await listOf(clientId, query)).map(({ id }) => id);
    expect(await ids("?currency=USD")).toEqual([usd.id]);
    expect(await ids("?currency=CHF")).toEqual([]);
    expect(await ids("?statuses=active")).toEqual([eur.id, usd.id]);
    expect(await ids("?statuses=closed&statuses=blocked")).toEqual([closed.id, blocked.id]);
    expect(await ids("?statuses=closed&currency=USD")).toEqual([]);
    expect(await ids("?statuses=pending")).toEqual([]);
  });

  test.each([
    ["currency=eur", "currency"],
    ["currency=EUR&currency=USD", "currency"],
    ["statuses=open", "statuses.0"],
    ["statuses=", "statuses.0"],
    ["statuses=active&statuses=active&statuses=active&statuses=active&statuses=active", "statuses"],
    ["clientId=" + NOBODY, "clientId"],
  ])("400 for ?%s", async (query, field) => {
    const { status, body } = await bank.clientCalls(NOBODY).get(`/Accounts?${query}`);
    expect([status, Object.keys(body["errors"] as object)]).toEqual([400, [field]]);
  });
});

describe("GET /Accounts/{id}, by id, number or IBAN", () => {
  test("all three answer the same account, the letters of number and IBAN in any case", async () => {
    const clientId = await aClient(bank);
    const account = await openFor(clientId, { accountNumber: `Own${Date.now()}`, iban: "DE02120300000000202051" });
    const calls = bank.clientCalls(clientId);
    const byId = await calls.get(`/Accounts/${account.id}`);
    expect(byId.status).toBe(200);
    const names = [
      account.id.toUpperCase(),
      account.accountNumber,
      account.accountNumber.toUpperCase(),
      account.iban ?? "",
      "de02120300000000202051",
    ];
    for (const name of names) expect((await calls.get(`/Accounts/${name}`)).text).toBe(byId.text);
  });

  test("the view has no category, and no other field than the list", async () => {
    const account = await bank.aClientAccount();
    const { body } = await bank.clientCalls(account.clientId ?? "").get(`/accounts/${account.id}`);
    expect(body).not.toHaveProperty("category");
    expect([body]).toEqual(await listOf(account.clientId ?? ""));
  });

  test("a closed account can still be read", async () => {
    const account = await bank.aClientAccount();
    await bank.owner.query("update general_ledger.account set status = 'closed' where id = $1", [account.id]);
    const { body } = await bank.clientCalls(account.clientId ?? "").get(`/Accounts/${account.accountNumber}`);
    expect(body).toMatchObject({ status: "closed" });
  });

  test("what others call their accounts does not stand in the way of one's own", async () => {
    const [clientId, other] = [await aClient(bank), await aClient(bank)];
    const own = await openFor(clientId);
    // Nobody else's account can have our IBAN for its number, in any letter case.
    for (const accountNumber of [String(own.iban), String(own.iban).toLowerCase()]) {
      const order = { type: "client", clientId: other, currency: "EUR", accountNumber };
      const { status, body } = await bank.system.post("/v2/internal/Accounts", order);
      expect([status, Object.keys(body["errors"] as object)]).toEqual([400, ["accountNumber"]]);
    }
    expect((await bank.clientCalls(clientId).get(`/Accounts/${own.iban}`)).body).toMatchObject({ id: own.id });
  });

  test.each([NOBODY, "9999999999", "123", "1".repeat(35), "LT000000000000000000", "send-otp", "a%20b", "%00", "..%2f", "ÄÖÜß"])(
    "404 for %s",
    async (name) => {
      const { status, body } = await bank.clientCalls(await aClient(bank)).get(`/Accounts/${name}`);
      expect([status, body["code"]]).toEqual([404, "notFound"]);
    },
  );
});
