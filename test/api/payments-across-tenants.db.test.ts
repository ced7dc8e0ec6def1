// A payment of the bank's own between two tenants belongs to one of them: it sees the payment, and not how the other's account stands.

import { afterAll, beforeAll, expect, test } from "vitest";
import { aLine, aTransfer, unique } from "../builders.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";
import type { TestCalls } from "../setup/http.ts";

const PATH = "/v2/internal/Payments";

let bank: LedgerApp;
let north: TestCalls;
let ours: TestAccount;
let theirs: TestAccount;
beforeAll(async () => {
  bank = await openLedgerApp();
  north = bank.callAs({ kind: "system", tenant: "north", scopes: ["ledger.read", "ledger.write"] });
  [ours, theirs] = [await bank.aFundedAccount("100.00", { tenant: "north" }), await bank.aClientAccount({ tenant: "south" })];
});
afterAll(() => bank.close());

const seen = (payment: unknown): unknown[] => (payment as { accounts: { accountId: string }[] }).accounts.map(({ accountId }) => accountId);

test("read by its id, by its name, and in lists", async () => {
  const order = aTransfer(ours, theirs, "1.00");
  const made = bodyOf(await bank.transfer(order));
  expect(seen(made)).toEqual([ours.id, theirs.id]);
  expect(seen(bodyOf(await north.get(`${PATH}/${String(made["id"])}`)))).toEqual([ours.id]);
  const { items } = bodyOf(await north.get(`${PATH}?accountId=${ours.id}`)) as { items: unknown[] };
  expect(items.length).toBeGreaterThan(0);
  for (const item of items) expect(seen(item)).not.toContain(theirs.id);
});

test("the other's account is no way to it", async () => {
  bodyOf(await bank.transfer(aTransfer(ours, theirs, "1.00")));
  const answer = await north.get(`${PATH}?accountId=${theirs.id}`);
  expect(answer.status === 404 || (answer.status === 200 && (answer.body["items"] as unknown[]).length === 0)).toBe(true);
});

test("cancelled by its tenant", async () => {
  const order = { externalId: unique("across"), state: "pending", transactions: [aLine(ours, theirs, "1.00")] };
  const { id } = bodyOf(await bank.system.post(PATH, order));
  const cancelled = bodyOf(await north.post(`${PATH}/${String(id)}/cancel`, {}));
  expect(cancelled).toMatchObject({ state: "cancelled" });
  expect(seen(cancelled)).toEqual([ours.id]);
});
