// Operations 15 and 21: a client names its accounts, chooses its default, and puts them into its own order.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aClient, anAccountOrder, aTransfer, unique } from "../builders.ts";
import type { TestAnswer } from "../setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";
import { standAs } from "../setup/standing.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

type Listed = TestAccount & { readonly isDefault: boolean; readonly sortOrder: number; readonly version: number };

const change = ({ id, clientId }: Pick<TestAccount, "id" | "clientId">, body: unknown, headers?: Record<string, string>) =>
  bank.clientCalls(clientId ?? "").patch(`/Accounts/${id}`, body, headers);
const openFor = async (clientId: string, currency = "EUR"): Promise<TestAccount> =>
  bodyOf(await bank.system.post("/v2/internal/Accounts", anAccountOrder({ type: "client", clientId, currency }))) as TestAccount;
const codeOf = ({ status, body }: TestAnswer): unknown[] => [status, body["code"]];
const listOf = async (clientId: string): Promise<Listed[]> =>
  JSON.parse((await bank.clientCalls(clientId).get("/Accounts")).text) as Listed[];
const defaultsOf = async (clientId: string): Promise<string[]> =>
  (await listOf(clientId)).filter(({ isDefault }) => isDefault).map(({ id }) => id);
const changesOf = async (id: string): Promise<string[]> => {
  const { rows } = await bank.owner.query<{ change: string }>(
    "select u.change from general_ledger.journal j, unnest(j.changes, j.subjects) u(change, subject) where u.subject = $1 order by j.first_sequence",
    [id],
  );
  return rows.map(({ change: what }) => what);
};
const auditOf = async (subject: string, action: string): Promise<unknown[]> => {
  const { rows } = await bank.owner.query<{ detail: unknown }>(
    "select detail from platform.audit_entry where subject = $1 and action = $2 order by at",
    [subject, action],
  );
  return rows.map(({ detail }) => detail);
};

describe("a name", () => {
  test("is the client's to choose; the answer is what a read answers, a version further", async () => {
    const account = await bank.aFundedAccount("10.00");
    const answer = await change(account, { name: "Miete & Nebenkosten" });
    expect(answer.body).toMatchObject({ id: account.id, name: "Miete & Nebenkosten", balance: "10.00", version: 3 });
    expect((await bank.clientCalls(account.clientId ?? "").get(`/Accounts/${account.id}`)).text).toBe(answer.text);
    expect(await changesOf(account.id)).toEqual(["account.opened", "account.changed"]);
    // What an account is called may tell of a person: the audit says that it was changed, not to what.
    expect(await auditOf(`account:${account.id}`, "account.changed")).toEqual([{ isRenamed: true }]);
  });

  test("that it has already is no change", async () => {
    const account = await bank.aClientAccount();
    expect(await change(account, { name: "EUR account", isDefault: true })).toMatchObject({ status: 200, body: { version: 1 } });
    expect(await changesOf(account.id)).toEqual(["account.opened"]);
  });

  test.each([
    [{}, "$"],
    [{ name: null }, "$"],
    [{ name: null, isDefault: null }, "$"],
    [{ name: "" }, "name"],
    [{ name: "x".repeat(101) }, "name"],
    [{ isDefault: "true" }, "isDefault"],
    [{ name: "x", creditLimit: "5.00" }, "creditLimit"],
    [{ status: "closed" }, "status"],
  ])("400 for %j", async (body, field) => {
    const answer = await change(await bank.aClientAccount(), body);
    expect([answer.status, Object.keys(answer.body["errors"] as object)]).toEqual([400, [field]]);
  });

  test("of another's account, or of one that is not there, is 404", async () => {
    const [mine, other] = [await bank.aClientAccount(), await bank.aClientAccount()];
    for (const id of [other.id, NOBODY, mine.accountNumber]) {
      expect(codeOf(await change({ ...mine, id }, { name: "x" }))).toEqual([404, "notFound"]);
    }
    expect(await bank.account(other.id)).toMatchObject({ name: "EUR account", version: 1 });
  });

  test("of a closed account stays", async () => {
    const account = await bank.aClientAccount();
    bodyOf(await bank.system.put(`/v2/internal/Accounts/${account.id}/close`));
    expect(codeOf(await change(account, { name: "x" }))).toEqual([409, "accountClosed"]);
  });

  test("is not chosen while the client is blocked, nor is a default: 403 clientBlocked", async () => {
    const account = await bank.aClientAccount();
    const other = await openFor(account.clientId ?? "");
    await standAs(bank, account.clientId, "blocked");
    for (const wanted of [{ name: "x" }, { isDefault: true }]) expect(codeOf(await change(other, wanted))).toEqual([403, "clientBlocked"]);
    expect(await defaultsOf(account.clientId ?? "")).toEqual([account.id]);
    await standAs(bank, account.clientId, "active");
    expect((await change(other, { name: "x", isDefault: true })).status).toBe(200);
  });

  test("a repeat of its key answers the same, also after a later change", async () => {
    const account = await bank.aClientAccount();
    const headers = { "idempotency-key": unique("key") };
    const first = await change(account, { name: "first" }, headers);
    bodyOf(await change(account, { name: "second" }));
    expect((await change(account, { name: "first" }, headers)).text).toBe(first.text);
    expect(await bank.account(account.id)).toMatchObject({ name: "second" });
  });
});

describe("the default", () => {
  test("moves from the other account of the currency, as one change of both; other currencies keep theirs", async () => {
    const clientId = await aClient(bank);
    const [first, yen, second] = [await openFor(clientId), await openFor(clientId, "JPY"), await openFor(clientId)];
    expect(bodyOf(await change(second, { isDefault: true }))).toMatchObject({ isDefault: true, version: 2 });
    expect((await defaultsOf(clientId)).sort()).toEqual([yen.id, second.id].sort());
    expect(await bank.account(first.id)).toMatchObject({ isDefault: false, version: 2 });
    const { rows } = await bank.owner.query(
      "select changes, subjects from general_ledger.journal where $1 = any(subjects) and $2 = any(subjects)",
      [first.id, second.id],
    );
    expect(rows).toEqual([{ changes: "{account.changed,account.changed}", subjects: [second.id, first.id] }]);
    expect(await auditOf(`account:${first.id}`, "account.changed")).toEqual([{ isDefault: false }]);
    expect(await auditOf(`account:${second.id}`, "account.changed")).toEqual([{ isDefault: true }]);
  });

  test("is not given up, only handed on: 409 invalidState", async () => {
    const clientId = await aClient(bank);
    const [first, second] = [await openFor(clientId), await openFor(clientId)];
    expect(await change(first, { isDefault: false })).toMatchObject({ status: 409, body: { code: "invalidState", accountId: first.id } });
    expect(await change(second, { isDefault: false })).toMatchObject({ status: 200, body: { version: 1 } });
  });

  test("is one at any time, however many accounts want to be it at once", async () => {
    const clientId = await aClient(bank);
    const accounts: TestAccount[] = [];
    for (let i = 0; i < 5; i++) accounts.push(await openFor(clientId));
    const source = await bank.anAccount();
    const answers = await Promise.all(
      [...accounts, ...accounts].flatMap((account) => [
        change(account, { isDefault: true }),
        bank.transfer(aTransfer(source, account, "1.00")),
      ]),
    );
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(await defaultsOf(clientId)).toHaveLength(1);
    // Each entry, each default given and each one taken is a version.
    for (const { id, version } of await listOf(clientId)) expect([id, version]).toEqual([id, (await changesOf(id)).length + 2]);
  });
});

describe("the order", () => {
  const reorder = (clientId: string, accountIds: unknown, headers?: Record<string, string>) =>
    bank.clientCalls(clientId).put("/Accounts/reorder-accounts", { accountIds }, headers);

  test("is the client's: the answer and every list follow it, and new accounts come last", async () => {
    const clientId = await aClient(bank);
    const ids = [await openFor(clientId), await openFor(clientId, "JPY"), await openFor(clientId, "USD")].map(({ id }) => id);
    const wanted = [ids[2], ids[0], ids[1]];
    const answer = await reorder(clientId, wanted);
    const listed = await bank.clientCalls(clientId).get("/Accounts");
    expect([answer.status, answer.text]).toEqual([200, listed.text]);
    expect((await listOf(clientId)).map(({ id, sortOrder, version }) => [id, sortOrder, version])).toEqual(
      wanted.map((id, i) => [id, i, 1]),
    );
    const last = await openFor(clientId);
    expect((await listOf(clientId)).at(-1)?.id).toBe(last.id);
    expect(await auditOf(`client:${clientId}`, "client.accountsReordered")).toEqual([{ accounts: 3 }]);
  });

  test("that is so already is no change", async () => {
    const clientId = await aClient(bank);
    const ids = [(await openFor(clientId)).id, (await openFor(clientId)).id];
    expect((await reorder(clientId, ids)).status).toBe(200);
    expect(await auditOf(`client:${clientId}`, "client.accountsReordered")).toEqual([]);
  });

  test("puts closed accounts after the open ones", async () => {
    const clientId = await aClient(bank);
    const [a, b, c] = [await openFor(clientId), await openFor(clientId), await openFor(clientId)];
    bodyOf(await bank.system.put(`/v2/internal/Accounts/${a.id}/close`));
    const answer = await reorder(clientId, [c.id, b.id]);
    expect((JSON.parse(answer.text) as Listed[]).map(({ id }) => id)).toEqual([c.id, b.id]);
    expect((await listOf(clientId)).map(({ id }) => id)).toEqual([c.id, b.id, a.id]);
  });

  test("names every open account and no other, and tells nothing of others' accounts: 409 invalidState", async () => {
    const clientId = await aClient(bank);
    const [a, b, closed] = [(await openFor(clientId)).id, (await openFor(clientId)).id, (await openFor(clientId)).id];
    bodyOf(await bank.system.put(`/v2/internal/Accounts/${closed}/close`));
    const other = (await bank.aClientAccount()).id;
    expect((await reorder(clientId, [b])).body).toMatchObject({ code: "invalidState", missing: [a], unknown: [] });
    expect((await reorder(clientId, [b, a, closed])).body).toMatchObject({ code: "invalidState", missing: [], unknown: [closed] });
    expect((await reorder(clientId, [b, other, NOBODY])).body).toMatchObject({
      code: "invalidState",
      missing: [a],
      unknown: [other, NOBODY],
    });
    expect((await listOf(clientId)).map(({ id }) => id)).toEqual([a, b, closed]);
  });

  test("names each once, in whatever letter case: 400", async () => {
    const clientId = await aClient(bank);
    const { id } = await openFor(clientId);
    for (const list of [[id, id], [id, id.toUpperCase()], [], ["x"], null, [null]]) {
      expect(codeOf(await reorder(clientId, list))).toEqual([400, "validationFailed"]);
    }
  });

  test("is one of those that were asked for at once", async () => {
    const clientId = await aClient(bank);
    const ids = [await openFor(clientId), await openFor(clientId), await openFor(clientId)].map(({ id }) => id);
    const orders = [ids, [...ids].reverse(), [ids[1], ids[2], ids[0]]];
    const answers = await Promise.all([...orders, ...orders, ...orders].map((order) => reorder(clientId, order)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(orders).toContainEqual((await listOf(clientId)).map(({ id }) => id));
  });

  test("is not chosen while the client is blocked: 403 clientBlocked", async () => {
    const clientId = await aClient(bank);
    const [a, b] = [(await openFor(clientId)).id, (await openFor(clientId)).id];
    await standAs(bank, clientId, "blocked");
    expect(codeOf(await reorder(clientId, [b, a]))).toEqual([403, "clientBlocked"]);
    expect((await listOf(clientId)).map(({ id }) => id)).toEqual([a, b]);
  });

  test("is repeated under a key", async () => {
    const clientId = await aClient(bank);
    const [a, b] = [(await openFor(clientId)).id, (await openFor(clientId)).id];
    const headers = { "idempotency-key": unique("key") };
    const first = await reorder(clientId, [b, a], headers);
    bodyOf({ ...(await reorder(clientId, [a, b])) });
    expect((await reorder(clientId, [b, a], headers)).text).toBe(first.text);
    expect((await listOf(clientId)).map(({ id }) => id)).toEqual([a, b]);
  });
});
