// Operation 23: stored figures are set to what entries and pending payments give, only where they differ, and never to something stale.

import { ledgerJobs } from "#general-ledger";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aTransfer, unique } from "../builders.ts";
import type { TestCalls } from "../setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const RECALCULATE = "/v2/internal/Accounts/recalculate";
const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

type Item = Readonly<Record<string, unknown>>;

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

async function recalculate(accounts: readonly { readonly id: string }[], calls: TestCalls = bank.system): Promise<readonly Item[]> {
  const body = bodyOf(await calls.post(RECALCULATE, { accountIds: accounts.map(({ id }) => id) }));
  expect(body["jobId"]).toBeNull();
  return body["items"] as readonly Item[];
}

/** Damages what is stored, as a superuser could. */
async function damage(account: TestAccount, terms: string): Promise<void> {
  await bank.owner.query(`update general_ledger.account set ${terms} where id = $1`, [account.id]);
}

/** The row as the ledger reads it. */
async function rowOf({ id }: TestAccount): Promise<Item | undefined> {
  const { rows } = await bank.owner.query<Item>(
    `select balance_minor::int as balance, held_minor::int as held, incoming_minor::int as incoming, last_seq::int as last,
            (select max(e.booked_at) from general_ledger.entry e where e.account_id = a.id) is not distinct from last_booked_at as "isTimed"
     from general_ledger.account a where id = $1`,
    [id],
  );
  return rows[0];
}

/** An account with 100.00 on it, of which 30.00 are held, and one on which they are announced. */
async function aHoldingAccount(): Promise<{ account: TestAccount; payee: TestAccount }> {
  const [account, payee] = [await bank.aFundedAccount("100.00"), await bank.aClientAccount()];
  const { externalId, ...line } = aTransfer(account, payee, "30.00");
  bodyOf(await bank.system.post("/v2/internal/Payments", { externalId, state: "pending", transactions: [line] }));
  return { account, payee };
}

describe("named accounts", () => {
  test("that are sound are left as they are, down to their version", async () => {
    const { account, payee } = await aHoldingAccount();
    const source = await bank.anAccount();
    const before = await Promise.all([account, payee, source].map(({ id }) => bank.account(id)));
    expect(await recalculate([account, payee, source])).toEqual([
      {
        accountId: account.id,
        previousBalance: "100.00",
        balance: "100.00",
        previousHeldAmount: "30.00",
        heldAmount: "30.00",
        changed: false,
      },
      { accountId: payee.id, previousBalance: "0.00", balance: "0.00", previousHeldAmount: "0.00", heldAmount: "0.00", changed: false },
      { accountId: source.id, previousBalance: "0.00", balance: "0.00", previousHeldAmount: "0.00", heldAmount: "0.00", changed: false },
    ]);
    expect(await Promise.all([account, payee, source].map(({ id }) => bank.account(id)))).toEqual(before);
  });

  test.each<[string, string, Item]>([
    ["the balance", "balance_minor = 12345", { previousBalance: "123.45", balance: "100.00", changed: true }],
    ["what is held", "held_minor = 1", { previousHeldAmount: "0.01", heldAmount: "30.00", changed: true }],
    ["what is announced", "incoming_minor = 7", { changed: true }],
    ["the number of the last entry", "last_seq = 17", { changed: true }],
    ["its time", "last_booked_at = now() + interval '1 day'", { changed: true }],
    [
      "everything",
      "balance_minor = 1, held_minor = 0, incoming_minor = 1, last_seq = 0, last_booked_at = null",
      { balance: "100.00", heldAmount: "30.00" },
    ],
  ])("whose %s was damaged are set right, once", async (_, terms, expected) => {
    const { account, payee } = await aHoldingAccount();
    const sound = await rowOf(account);
    await damage(account, terms);
    const version = Number((await bank.account(account.id))["version"]);
    expect(await recalculate([account])).toMatchObject([{ accountId: account.id, ...expected }]);
    expect(await rowOf(account)).toEqual(sound);
    expect(await bank.account(account.id)).toMatchObject({ version: version + 1, balance: "100.00", heldAmount: "30.00" });
    expect(await recalculate([account])).toMatchObject([{ changed: false }]);
    // It goes on as if nothing had been.
    expect((await bank.transfer(aTransfer(account, payee, "70.01"))).body).toMatchObject({ code: "insufficientFunds" });
    bodyOf(await bank.transfer(aTransfer(account, payee, "70.00")));
  });

  test("of the debit side and of other currencies are shown as everywhere", async () => {
    const [yen, source] = [await bank.aFundedAccount("500", { currency: "JPY" }), await bank.anAccount()];
    bodyOf(await bank.transfer(aTransfer(source, await bank.anAccount({ type: "fee" }), "2.50")));
    await damage(yen, "balance_minor = 1");
    await damage(source, "balance_minor = 0");
    expect(await recalculate([source, yen])).toMatchObject([
      { accountId: source.id, previousBalance: "0.00", balance: "2.50", changed: true },
      { accountId: yen.id, previousBalance: "1", balance: "500", changed: true },
    ]);
  });

  test("leave a trace: who had it done, and what was changed from what to what", async () => {
    const [account, sound] = [await bank.aFundedAccount("1.00"), await bank.aFundedAccount("1.00")];
    await damage(account, "balance_minor = 900");
    await recalculate([account, sound]);
    const { rows } = await bank.owner.query<Item>(
      "select action, subject, detail from platform.audit_entry where action like 'account%recalculated' order by id desc limit 2",
    );
    expect(rows).toMatchObject([
      { action: "accounts.recalculated", detail: { accounts: 2, changed: 1 } },
      { action: "account.recalculated", subject: `account:${account.id}`, detail: { previousBalanceMinor: "900", balanceMinor: "100" } },
    ]);
  });

  test("are changes of the ledger where something was corrected: one event for each of these, none for sound and for closed ones", async () => {
    const [account, sound, closed] = [await bank.aFundedAccount("1.00"), await bank.aFundedAccount("1.00"), await bank.aClientAccount()];
    bodyOf(await bank.system.put(`/v2/internal/Accounts/${closed.id}/close`));
    const feed = bank.callAs({ kind: "system", scopes: ["events.read"] });
    const eventsAfter = async (after: number): Promise<Item> => bodyOf(await feed.get(`/internal/Events?limit=1000&after=${after}`));
    const began = Number((await eventsAfter(0))["lastSequence"]);
    await recalculate([account, sound, closed]);
    expect(await eventsAfter(began)).toMatchObject({ items: [], lastSequence: began });
    await damage(account, "held_minor = 5");
    await damage(closed, "incoming_minor = 5");
    expect((await recalculate([account, sound, closed])).map(({ changed }) => changed)).toEqual([true, false, true]);
    const { items } = await eventsAfter(began);
    expect(items).toMatchObject([{ sequence: began + 1, type: "account.changed", subject: `account:${account.id}` }]);
    expect(items).toHaveLength(1);
  });

  test("that would be below their credit limit are refused, and none is changed", async () => {
    const [account, other] = [await bank.aFundedAccount("10.00"), await bank.aFundedAccount("5.00")];
    await damage(account, "floor_minor = 2000, balance_minor = 3000");
    await damage(other, "balance_minor = 1");
    const { status, body } = await bank.system.post(RECALCULATE, { accountIds: [account.id, other.id] });
    expect([status, body["code"]]).toEqual([409, "insufficientFunds"]);
    expect([await rowOf(account), await rowOf(other)]).toMatchObject([{ balance: 3000 }, { balance: 1 }]);
    await damage(account, "floor_minor = 0");
    await recalculate([account, other]);
  });

  test("that never were or are another tenant's: 404 names the places, and nothing is changed", async () => {
    const account = await bank.aFundedAccount("1.00", { tenant: "south" });
    await damage(account, "balance_minor = 2");
    for (const [calls, accountIds, places] of [
      [bank.system, [account.id, NOBODY], ["accountIds.1"]],
      [bank.systemOf("north"), [account.id], ["accountIds.0"]],
    ] as const) {
      const { status, body } = await calls.post(RECALCULATE, { accountIds });
      expect([status, Object.keys(body["errors"] as object)]).toEqual([404, places]);
    }
    expect(await rowOf(account)).toMatchObject({ balance: 2 });
    expect(await recalculate([account], bank.systemOf("south"))).toMatchObject([{ changed: true }]);
  });

  test.each<[string, unknown, string]>([
    ["none", { accountIds: [] }, "accountIds"],
    ["1001", { accountIds: Array.from({ length: 1001 }, () => NOBODY) }, "accountIds"],
    ["an unknown field", { all: true }, "all"],
  ])("400 for %s", async (_, wrong, field) => {
    const { status, body } = await bank.system.post(RECALCULATE, wrong);
    expect([status, Object.keys(body["errors"] as object)]).toEqual([400, [field]]);
  });
});

test("under payments sound accounts are never changed, and damaged ones are set to what they are at that moment", async () => {
  const [from, to] = [await bank.aFundedAccount("1000.00"), await bank.aClientAccount()];
  await damage(to, "balance_minor = 77");
  const pay = async (): Promise<void> => void bodyOf(await bank.transfer(aTransfer(from, to, "1.00")));
  const hold = async (): Promise<void> => {
    const { externalId, ...line } = aTransfer(from, to, "0.50", { externalId: unique("hold") });
    const { id } = bodyOf(await bank.system.post("/v2/internal/Payments", { externalId, state: "pending", transactions: [line] }));
    bodyOf(await bank.system.post(`/v2/internal/Payments/${String(id)}/${Math.random() < 0.5 ? "post" : "cancel"}`, {}));
  };
  const load = { isOver: false };
  const paying = Promise.all(Array.from({ length: 100 }, (_, n) => (n % 3 === 0 ? hold() : pay()))).finally(() => (load.isOver = true));
  const changes: unknown[] = [];
  do {
    const items = await recalculate([from, to]);
    changes.push(...items.filter(({ changed }) => changed === true).map(({ accountId }) => accountId));
  } while (!load.isOver);
  await paying;
  expect(changes).toEqual([to.id]);
  expect(await recalculate([from, to])).toMatchObject([{ changed: false }, { changed: false }]);
});

describe("all accounts", () => {
  /** Works the queue until it is empty, as a worker would. */
  async function work(): Promise<number> {
    for (let runs = 0; ; runs++) {
      const { rows } = await bank.owner.query<{ id: string; name: string; payload: { payload: unknown } }>(
        `delete from graphile_worker._private_jobs j using graphile_worker._private_tasks t
         where t.id = j.task_id and t.identifier = 'general_ledger.recalculate_accounts' returning j.id, t.identifier as name, j.payload`,
      );
      if (rows.length === 0) return runs;
      for (const { name, payload } of rows) {
        const kind = ledgerJobs.find((job) => job.name === name);
        const actor = { kind: "job", id: name, tenant: null, traceId: "test" } as const;
        const context = { db: bank.db, actor, signal: new AbortController().signal, attempt: 1 };
        await kind?.run(kind.read(payload.payload), context);
      }
    }
  }

  test.each([
    ["an empty object", {}],
    ["no body", undefined],
    ["null", { accountIds: null }],
  ])("are gone through in the background, ordered by %s", async (_, body) => {
    const [north, south] = [await bank.aFundedAccount("1.00", { tenant: "north" }), await bank.aFundedAccount("2.00", { tenant: "south" })];
    await damage(north, "balance_minor = 5");
    await damage(south, "balance_minor = 6");
    const order = async (calls: TestCalls): Promise<Item> => bodyOf(await calls.post(RECALCULATE, body));
    expect(await order(bank.systemOf("south"))).toEqual({ items: [], jobId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string });
    expect([await rowOf(north), await rowOf(south)]).toMatchObject([{ balance: 5 }, { balance: 6 }]);
    expect(await work()).toBeGreaterThan(0);
    expect([await rowOf(north), await rowOf(south)]).toMatchObject([{ balance: 5 }, { balance: 200 }]);
    await order(bank.system);
    await order(bank.system);
    await work();
    expect([await rowOf(north), await rowOf(south)]).toMatchObject([{ balance: 100 }, { balance: 200 }]);
  });

  test("one that would be below its credit limit does not keep the others from being set right", async () => {
    const [stuck, wrong] = [await bank.aFundedAccount("10.00"), await bank.aFundedAccount("5.00")];
    await damage(stuck, "floor_minor = 2000, balance_minor = 3000");
    await damage(wrong, "balance_minor = 1");
    bodyOf(await bank.system.post(RECALCULATE, {}));
    await work();
    expect([await rowOf(stuck), await rowOf(wrong)]).toMatchObject([{ balance: 3000 }, { balance: 500 }]);
    const { rows } = await bank.owner.query("select subject from platform.audit_entry where action = 'account.recalculationRefused'");
    expect(rows).toEqual([{ subject: `account:${stuck.id}` }]);
    await damage(stuck, "floor_minor = 0");
    await recalculate([stuck]);
  });
});
