// What the block of a client does to its accounts: the ledger's part of contract decision 22, as the room that blocks clients calls it.

import { clientAccounts } from "#general-ledger";
import type { Actor } from "#platform/db.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aClient, anAccountOrder, aTransfer } from "./builders.ts";
import type { TestAnswer } from "./setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "./setup/ledger.ts";

const actor: Actor = { kind: "system", id: "test", tenant: null, traceId: "test" };

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp({ poolSize: 12 });
});
afterAll(() => bank.close());

const block = (clientId: string | null, isBlocked = true): Promise<void> =>
  bank.db.write(actor, (tx) => clientAccounts.setBlocked(tx, clientId ?? "", isBlocked));
const openFor = async (clientId: string): Promise<TestAccount> =>
  bodyOf(await bank.system.post("/v2/internal/Accounts", anAccountOrder({ type: "client", clientId }))) as TestAccount;
const codeOf = ({ status, body }: TestAnswer): unknown[] => [status, body["code"]];
const lastChange = async (): Promise<unknown> => {
  const { rows } = await bank.owner.query(
    "select first_sequence + size - 1 as sequence, changes::text[] as changes, subjects from general_ledger.journal order by first_sequence desc limit 1",
  );
  return rows[0];
};

test("stops debits of all its accounts, and lets credits in; the end of the block lets both through", async () => {
  const clientId = await aClient(bank);
  const [first, second, source] = [await openFor(clientId), await openFor(clientId), await bank.anAccount()];
  bodyOf(await bank.transfer(aTransfer(source, first, "10.00")));
  await block(clientId);
  expect(codeOf(await bank.transfer(aTransfer(first, source, "1.00")))).toEqual([409, "clientBlocked"]);
  expect(codeOf(await bank.transfer(aTransfer(first, second, "1.00")))).toEqual([409, "clientBlocked"]);
  expect((await bank.transfer(aTransfer(source, second, "1.00"))).status).toBe(200);
  // The account's own blocks are another matter.
  expect(await bank.account(first.id)).toMatchObject({ status: "active", debitBlocked: false, version: 3 });
  await block(clientId, false);
  expect((await bank.transfer(aTransfer(first, second, "1.00"))).status).toBe(200);
});

test("is a change of every open account, numbered in id order in one go; a repeat and a client without accounts are none", async () => {
  const clientId = await aClient(bank);
  const [first, closed, second] = [await openFor(clientId), await openFor(clientId), await openFor(clientId)];
  bodyOf(await bank.system.put(`/v2/internal/Accounts/${closed.id}/close`));
  await block(clientId);
  const change = await lastChange();
  expect(change).toMatchObject({ changes: ["account.changed", "account.changed"], subjects: [first.id, second.id].sort() });
  await block(clientId);
  await block(await aClient(bank));
  expect(await lastChange()).toEqual(change);
  expect(await bank.account(closed.id)).toMatchObject({ version: 2 });
  const { rows } = await bank.owner.query(
    "select action from platform.audit_entry where subject = $1 and action like 'client.debits%' order by at",
    [`client:${clientId}`],
  );
  expect(rows).toEqual([{ action: "client.debitsStopped" }, { action: "client.debitsStopped" }]);
});

test("leaves no trace when the transaction around it is rolled back", async () => {
  const account = await bank.aFundedAccount("1.00");
  const failed = bank.db.write(actor, async (tx) => {
    await clientAccounts.setBlocked(tx, account.clientId ?? "", true);
    throw new Error("on second thoughts");
  });
  await expect(failed).rejects.toThrow("on second thoughts");
  expect((await bank.transfer(aTransfer(account, await bank.anAccount(), "1.00"))).status).toBe(200);
});

test("no debit that runs while the client is blocked has a later number than the block, on any of its accounts", async () => {
  const target = await bank.anAccount();
  const clientId = await aClient(bank);
  const accounts: TestAccount[] = [];
  for (let i = 0; i < 4; i++) {
    const account = await openFor(clientId);
    bodyOf(await bank.transfer(aTransfer(target, account, "100.00")));
    accounts.push(account);
  }
  const pay = (count: number) =>
    Array.from({ length: count }, (_, i) => bank.transfer(aTransfer(accounts[i % 4] ?? target, target, "1.00")));
  const before = pay(50);
  await before[0];
  const [, ...paid] = await Promise.all([block(clientId), ...before, ...pay(50)]);
  const { rows } = await bank.owner.query<{ sequence: string }>(
    "select first_sequence as sequence from general_ledger.journal where changes = array_fill('account.changed'::general_ledger.change, array[4])",
  );
  const accepted = paid.filter(({ status }) => status === 200);
  expect(accepted.length).toBeGreaterThan(0);
  for (const { body } of accepted) expect(Number(body["sequence"])).toBeLessThan(Number(rows[0]?.sequence));
  for (const { body } of paid.filter(({ status }) => status !== 200)) expect(body["code"]).toBe("clientBlocked");
  for (const account of accounts) expect(codeOf(await bank.transfer(aTransfer(account, target, "1.00")))).toEqual([409, "clientBlocked"]);
});

test("comes after the openings that run, and before none: no account of a blocked client is left out", async () => {
  const clientId = await aClient(bank);
  const blocking = bank.db.write(actor, async (tx) => {
    // What the room of clients does first.
    await tx.sql`update client_profile.client set status = 'blocked', blocked_at = now() where id = ${clientId}`;
    await clientAccounts.setBlocked(tx, clientId, true);
  });
  const opened = await Promise.all(Array.from({ length: 8 }, () => bank.clientCalls(clientId).post("/Accounts", { currency: "EUR" })));
  await blocking;
  for (const answer of opened.filter(({ status }) => status !== 200)) expect(codeOf(answer)).toEqual([403, "clientBlocked"]);
  const { rows } = await bank.owner.query("select from general_ledger.account where client_id = $1 and not client_blocked", [clientId]);
  expect(rows).toEqual([]);
});

test("after all this the books are in order", async () => {
  expect(await bank.unbalanced()).toEqual([]);
});
