// The second lock on accounts: what the application's role cannot do to them, whatever its code is told, tried with its own connection.

import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aClient, anAccountOrder, aTransfer } from "./builders.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "./setup/ledger.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: LedgerApp;
let app: pg.Client;
beforeAll(async () => {
  bank = await openLedgerApp();
  app = new pg.Client({ connectionString: bank.database.appUrl });
  await app.connect();
  if (bank.database.appRole !== null) await app.query(`set role ${bank.database.appRole}`);
});
afterAll(async () => {
  await app.end();
  await bank.close();
});

const openFor = async (clientId: string, currency = "EUR"): Promise<TestAccount> =>
  bodyOf(await bank.system.post("/v2/internal/Accounts", anAccountOrder({ type: "client", clientId, currency }))) as TestAccount;

/** The error's message, or "done". */
const attempt = (text: string, values: readonly unknown[]): Promise<string> =>
  app.query(text, [...values]).then(
    () => "done",
    (error: unknown) => String(error),
  );
const change = (
  id: string,
  { floor = null, setsFloor = false, isDefault = false }: { floor?: number | null; setsFloor?: boolean; isDefault?: boolean },
) => attempt("select general_ledger.change_account($1, null, $2, $3, $4)", [id, setsFloor, floor, isDefault]);
const blocks = (what: string, id: string, debit: boolean, credit: boolean) =>
  attempt("select general_ledger.set_account_blocks($1, $2, $3, $4, 'a test')", [what, id, debit, credit]);
const close = (id: string, heir: string | null = null) => attempt("select general_ledger.close_account($1, $2, now())", [id, heir]);
const order = (clientId: string | null, ids: readonly (string | undefined)[]) =>
  attempt("select general_ledger.order_accounts($1, $2)", [clientId, ids]);

test("accounts change through their functions alone", async () => {
  for (const column of ["status", "debit_blocked", "client_blocked", "is_default", "floor_minor", "version"]) {
    expect(await attempt(`update general_ledger.account set ${column} = ${column}`, [])).toContain("permission denied");
  }
  for (const column of ["name", "sort_order", "closed_at", "block_reason"]) {
    expect(await attempt(`update general_ledger.account_profile set ${column} = ${column}`, [])).toContain("permission denied");
  }
  expect(await attempt("select general_ledger.open_account_for_change($1)", [NOBODY])).toContain("permission denied");
});

describe("terms", () => {
  test("a floor is never above zero, never above what is used, and client and reserve accounts keep theirs", async () => {
    const [client, reserve, free] = [
      await bank.aClientAccount(),
      await bank.anAccount({ type: "reserve" }),
      await bank.anAccount({ type: "fee" }),
    ];
    expect(await change(client.id, { setsFloor: true, floor: 1 })).toContain("cannot have that floor");
    expect(await change(client.id, { setsFloor: true })).toContain("cannot have that floor");
    expect(await change(reserve.id, { setsFloor: true })).toContain("cannot have that floor");
    expect(await change(client.id, { setsFloor: true, floor: -500 })).toBe("done");
    bodyOf(await bank.transfer(aTransfer(client, free, "5.00")));
    expect(await change(client.id, { setsFloor: true, floor: -499 })).toContain("account_floor_is_kept");
    expect(await change((await bank.anAccount()).id, { setsFloor: true, floor: 0 })).toContain("account_floor_needs_credit_side");
  });

  test("only a client's account is a default, and one for each currency", async () => {
    expect(await change((await bank.anAccount()).id, { isDefault: true })).toContain("account_default_is_a_clients");
    const clientId = await aClient(bank);
    const [first, second] = [await openFor(clientId), await openFor(clientId)];
    expect(await change(second.id, { isDefault: true })).toBe("done");
    expect([await bank.account(first.id), await bank.account(second.id)]).toMatchObject([{ isDefault: false }, { isDefault: true }]);
  });
});

describe("blocks", () => {
  test("go the way that the journal will tell, and are a change", async () => {
    const { id } = await bank.anAccount();
    expect(await blocks("account.blocked", id, false, false)).toContain("cannot be changed so");
    expect(await blocks("account.unblocked", id, true, false)).toContain("cannot be changed so");
    expect(await blocks("account.closed", id, true, true)).toContain("unknown change");
    expect(await blocks("account.blocked", id, true, false)).toBe("done");
    expect(await blocks("account.blocked", id, false, true)).toContain("cannot be changed so");
    expect(await blocks("account.unblocked", id, false, true)).toContain("cannot be changed so");
    expect(await blocks("account.blocked", id, true, true)).toBe("done");
    expect(await bank.account(id)).toMatchObject({ status: "blocked", version: 3 });
  });
});

describe("closing", () => {
  test("is for empty accounts", async () => {
    expect(await close((await bank.aFundedAccount("0.01")).id)).toContain("is not empty");
  });

  test("is final: no change, no block, no second closing", async () => {
    const { id } = await bank.aClientAccount();
    expect(await close(id)).toBe("done");
    expect(await change(id, { setsFloor: true, floor: -1 })).toContain("is closed");
    expect(await blocks("account.blocked", id, true, true)).toContain("is closed");
    expect(await close(id)).toContain("is closed");
    expect(await close(NOBODY)).toContain("there is no account");
  });

  test("hands the default on to the next of the client's own, and to nobody else", async () => {
    const clientId = await aClient(bank);
    const [first, yen, second, third] = [
      await openFor(clientId),
      await openFor(clientId, "JPY"),
      await openFor(clientId),
      await openFor(clientId),
    ];
    const stranger = await bank.aClientAccount();
    for (const heir of [null, yen.id, third.id, stranger.id, first.id]) expect(await close(first.id, heir)).toContain("is not the heir");
    expect(await close(third.id, second.id)).toContain("is not the heir");
    expect(await close(first.id, second.id)).toBe("done");
  });
});

test("an order names the client's open accounts, each once", async () => {
  const clientId = await aClient(bank);
  const [a, b] = [(await openFor(clientId)).id, (await openFor(clientId)).id];
  const stranger = await bank.aClientAccount();
  for (const ids of [[a], [a, a], [a, b, b], [a, stranger.id], []])
    expect(await order(clientId, ids)).toContain("are not the open accounts");
  expect(await order(stranger.clientId, [a, b])).toContain("are not the open accounts");
  expect(await order(clientId, [b, a])).toBe("done");
});

test("every change has its number: two in one transaction are refused", async () => {
  const { id } = await bank.anAccount();
  await app.query("begin");
  expect(await blocks("account.blocked", id, true, false)).toBe("done");
  expect(await blocks("account.blocked", id, true, true)).toContain("may write the journal once");
  await app.query("rollback");
});
