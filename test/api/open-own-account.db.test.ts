// Operation 13: a client opens an account for itself.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aClient, anAccountOrder, unique } from "../builders.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";
import { type ClientStatus, standAs } from "../setup/standing.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";
const LIMIT = 50;

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp({ poolSize: 6 });
});
afterAll(() => bank.close());

const open = (clientId: string, order: unknown = { currency: "EUR" }, headers?: Record<string, string>) =>
  bank.clientCalls(clientId).post("/Accounts", order, headers);
const codeOf = ({ status, body }: Awaited<ReturnType<typeof open>>) => [status, body["code"]];
const accountsOf = async (clientId: string): Promise<TestAccount[]> =>
  JSON.parse((await bank.clientCalls(clientId).get("/Accounts")).text) as TestAccount[];

test("the account is the client's own, as a read of it answers, and without what only the bank sees", async () => {
  const clientId = await aClient(bank);
  const { status, body, text } = await open(clientId, { currency: "EUR", name: "Rent" });
  expect(status).toBe(200);
  expect(body).toMatchObject({ clientId, currency: "EUR", name: "Rent", type: "client", status: "active", isDefault: true, version: 1 });
  expect(body).not.toHaveProperty("category");
  expect((await bank.clientCalls(clientId).get(`/Accounts/${String(body["id"])}`)).text).toBe(text);
  expect(body).toMatchObject({ iban: expect.stringMatching(/^LT/) as string, balance: "0.00", creditLimit: "0.00" });
});

test("the first of a currency is the default, and each comes after the others", async () => {
  const clientId = await aClient(bank);
  for (const currency of ["EUR", "JPY", "EUR"]) bodyOf(await open(clientId, { currency, name: null }));
  expect((await accountsOf(clientId)).map(({ currency, isDefault, sortOrder, name }) => [currency, isDefault, sortOrder, name])).toEqual([
    ["EUR", true, 0, "EUR account"],
    ["JPY", true, 1, "JPY account"],
    ["EUR", false, 2, "EUR account"],
  ]);
});

test("the opening has its number in the journal and its line in the audit, by the client", async () => {
  const clientId = await aClient(bank);
  const { id } = bodyOf(await open(clientId));
  const { rows } = await bank.owner.query(
    "select actor_kind, detail from platform.audit_entry where subject = $1 and action = 'account.opened'",
    [`account:${String(id)}`],
  );
  expect(rows).toEqual([{ actor_kind: "client", detail: { type: "client", currency: "EUR", clientId } }]);
  const journal = await bank.owner.query("select from general_ledger.journal where subjects = array[$1::uuid]", [id]);
  expect(journal.rowCount).toBe(1);
});

test("it belongs to the client's tenant, whatever the token leaves out", async () => {
  const clientId = await aClient(bank, { tenant: "north" });
  const { id } = bodyOf(await open(clientId));
  expect((await bank.systemOf("north").get(`/v2/ledger/internal/Accounts/${String(id)}`)).status).toBe(200);
  expect((await bank.systemOf("south").get(`/v2/ledger/internal/Accounts/${String(id)}`)).status).toBe(404);
  expect(codeOf(await bank.clientCalls(clientId, "south").post("/Accounts", { currency: "EUR" }))).toEqual([404, "notFound"]);
});

test("a key opens one account, however often it comes", async () => {
  const clientId = await aClient(bank);
  const headers = { "idempotency-key": unique("key") };
  const answers = await Promise.all(Array.from({ length: 5 }, () => open(clientId, { currency: "EUR" }, headers)));
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(await accountsOf(clientId)).toHaveLength(1);
});

describe("refusals", () => {
  test.each<[ClientStatus, number, string]>([
    ["pending", 409, "clientNotActive"],
    ["rejected", 409, "clientNotActive"],
    ["closed", 409, "clientNotActive"],
    ["blocked", 403, "clientBlocked"],
  ])("a client that is %s: %d %s", async (standing, status, code) => {
    const clientId = await aClient(bank);
    await standAs(bank, clientId, standing);
    expect(codeOf(await open(clientId))).toEqual([status, code]);
    expect(await accountsOf(clientId)).toEqual([]);
  });

  test("a prohibited client", async () => {
    const clientId = await aClient(bank, { changes: { riskLevel: "prohibited" } });
    expect(codeOf(await open(clientId))).toEqual([409, "clientProhibited"]);
  });

  test("a client that is not there", async () => {
    expect(codeOf(await open(NOBODY))).toEqual([404, "notFound"]);
  });

  test("a refusal to a blocked client is not kept: the same key opens the account once the block is gone", async () => {
    const clientId = await aClient(bank);
    const headers = { "idempotency-key": unique("key") };
    await standAs(bank, clientId, "blocked");
    expect(codeOf(await open(clientId, { currency: "EUR" }, headers))).toEqual([403, "clientBlocked"]);
    await standAs(bank, clientId, "active");
    expect((await open(clientId, { currency: "EUR" }, headers)).status).toBe(200);
  });

  test("a currency that is not offered", async () => {
    expect(codeOf(await open(await aClient(bank), { currency: "ARS" }))).toEqual([409, "currencyNotAvailable"]);
  });

  test.each([
    [{}, "currency"],
    [{ currency: "EUR", name: "" }, "name"],
    [{ currency: "EUR", name: "x".repeat(101) }, "name"],
    [{ currency: "EUR", type: "settlement" }, "type"],
    [{ currency: "EUR", clientId: NOBODY }, "clientId"],
    [{ currency: "XXQ" }, "currency"],
  ])("400 for %j", async (order, field) => {
    const { status, body } = await open(await aClient(bank), order);
    expect([status, Object.keys(body["errors"] as object)]).toEqual([400, [field]]);
  });

  test(`more than ${LIMIT} open accounts, also when many are asked for at once; a closed one makes room`, async () => {
    const clientId = await aClient(bank);
    for (let i = 0; i < LIMIT - 3; i++) bodyOf(await open(clientId));
    const answers = await Promise.all(Array.from({ length: 8 }, () => open(clientId)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3);
    expect(answers.find(({ status }) => status === 409)?.body).toMatchObject({ code: "limitExceeded", limit: LIMIT });
    const accounts = await accountsOf(clientId);
    expect([accounts.length, accounts.filter(({ isDefault }) => isDefault).length]).toEqual([LIMIT, 1]);

    bodyOf(await bank.system.put(`/v2/internal/Accounts/${accounts[3]?.id}/close`));
    expect((await open(clientId)).status).toBe(200);
    expect(codeOf(await open(clientId))).toEqual([409, "limitExceeded"]);
    // The bank itself has no such limit.
    expect((await bank.system.post("/v2/internal/Accounts", anAccountOrder({ type: "client", clientId }))).status).toBe(200);
  });
});
