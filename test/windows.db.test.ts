// What changes between a look at it and the commit. Each test holds one side in the very moment that matters and lets it go when the other
// side waits for it: what is judged on what was, is judged again.

import { randomBytes } from "node:crypto";
import type { Actor } from "#platform/db.ts";
import { toPaymentId } from "#platform/ids.ts";
import { Lane } from "#platform/lane.ts";
import { newId } from "#platform/new-id.ts";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { findTerms } from "../src/general-ledger/payments/payment.store.ts";
import type { ChangeCommand, CommandKey } from "../src/general-ledger/posting/command.ts";
import { postBatch } from "../src/general-ledger/posting/post-batch.store.ts";
import { aLine, aTransfer, unique } from "./builders.ts";
import { lifeAt, linesOf, PAYMENTS } from "./payment-life.ts";
import { bodyOf, type LedgerApp, openLedgerApp, openWriter, type TestAccount } from "./setup/ledger.ts";

const actor: Actor = { kind: "system", id: "test", tenant: null, traceId: "test" };
const daysAgo = (days: number): string => new Date(Date.now() - days * 86_400_000).toISOString().slice(0, 10);

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

/** Until so many sessions of this database wait for a lock of another one. */
async function untilWaiting(sessions: number): Promise<void> {
  for (let waiting = 0; waiting < sessions; ) {
    // What a transaction has once seen of the activity it would see for ever.
    await bank.owner.query("select pg_stat_clear_snapshot()");
    const { rows } = await bank.owner.query<{ n: number }>(
      "select count(*)::int as n from pg_stat_activity where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0",
    );
    waiting = rows[0]?.n ?? 0;
  }
}

describe("days that are closed while payments are judged", () => {
  /** Closes the day while all of these wait for the ledger's head, having seen the day open. */
  async function closing<T>(day: string, sessions: number, calls: () => Promise<T>): Promise<T> {
    await bank.owner.query("begin");
    await bank.owner.query("select general_ledger.close_days($1)", [day]);
    const answers = calls();
    await untilWaiting(sessions);
    await bank.owner.query("commit");
    return await answers;
  }
  const pair = async (): Promise<[TestAccount, TestAccount]> => [await bank.aFundedAccount("10.00"), await bank.aClientAccount()];

  test("take no value any more, whichever way the payment comes: each is judged again by itself", async () => {
    const day = daysAgo(40);
    const [one, two, three, four] = [await pair(), await pair(), await pair(), await pair()];
    const held = await lifeAt(bank).paymentIn("pending", linesOf(...two, "1.00"));
    const valued = (between: [TestAccount, TestAccount]) => ({ ...aTransfer(...between, "1.00"), valueDate: day });
    // The writer's lane, the batch that is all or nothing, and the dry run each have a session of their own.
    const [transfer, post, batch, rehearsal] = await closing(day, 3, () =>
      Promise.all([
        bank.transfer(valued(one)),
        bank.system.post(`${PAYMENTS}/${held.id}/post`, { valueDate: day }),
        bank.system.post(`${PAYMENTS}/batch`, { payments: [valued(three)], atomic: true }),
        bank.system.post(`${PAYMENTS}/transfer?dryRun=true`, valued(four)),
      ]),
    );
    const [item] = bodyOf(batch)["results"] as { payment: object }[];
    for (const payment of [bodyOf(transfer), bodyOf(post), item?.payment, bodyOf(rehearsal)])
      expect(payment).toMatchObject({ state: "posted", valueDate: daysAgo(39), requestedValueDate: day });
    const { rows } = await bank.owner.query("select external_id from general_ledger.payment where value_date <= $1", [day]);
    expect(rows).toEqual([]);
  });

  test("do not hinder payments of open days: they are judged again, too, and booked once", async () => {
    const [payer, payee] = await pair();
    const answer = await closing(daysAgo(38), 1, () => bank.transfer(aTransfer(payer, payee, "1.00")));
    expect(bodyOf(answer)).toMatchObject({ valueDate: daysAgo(0), requestedValueDate: null });
    expect(await lifeAt(bank).figures(payer, payee)).toEqual(["9.00 0.00 9.00 0.00", "1.00 0.00 1.00 0.00"]);
  });
});

describe("accounts that are written anew while a batch waits for them", () => {
  /** Writes the accounts' rows anew, elsewhere in their table, while the call waits for them. */
  async function moving<T>(accounts: readonly TestAccount[], call: () => Promise<T>): Promise<T> {
    const ids = accounts.map(({ id }) => id);
    await bank.owner.query("begin");
    for (let times = 0; times < 20; times++)
      await bank.owner.query("update general_ledger.account set debit_blocked = debit_blocked where id = any($1)", [ids]);
    const answer = call();
    await untilWaiting(1);
    await bank.owner.query("commit");
    return await answer;
  }

  test("are booked where they stand then, and those of refused payments stay as they are", async () => {
    const [payer, poor] = [await bank.aFundedAccount("10.00"), await bank.aClientAccount()];
    const [payee, other] = [await bank.aClientAccount(), await bank.aClientAccount()];
    for (const order of [aTransfer(payer, payee, "1.00"), aTransfer(payee, other, "0.50")]) {
      const [accepted, refused] = await moving([payer, payee, poor, other], () =>
        Promise.all([bank.transfer(order), bank.system.post(`${PAYMENTS}/transfer`, aTransfer(poor, other, "1.00"))]),
      );
      expect([accepted.status, refused.body]).toMatchObject([200, { code: "insufficientFunds" }]);
    }
    expect(await lifeAt(bank).figures(payer, payee, poor, other)).toEqual([
      "9.00 0.00 9.00 0.00",
      "0.50 0.00 0.50 0.00",
      "0.00 0.00 0.00 0.00",
      "0.50 0.00 0.50 0.00",
    ]);
  });
});

describe("a payment that two instances change at once", () => {
  async function aDraft(): Promise<{ id: string; payer: TestAccount; payee: TestAccount }> {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.aClientAccount()];
    const { id } = await lifeAt(bank).paymentIn("draft", linesOf(payer, payee, "4.00"));
    return { id, payer, payee };
  }
  async function change(operation: ChangeCommand["operation"], id: string, accounts?: readonly TestAccount[]): Promise<ChangeCommand> {
    const [payment] = await bank.db.read(actor, (tx) => findTerms(tx, [id]));
    if (payment === undefined) throw new Error("the payment is not there");
    const [debit, credit] = accounts ?? [];
    const lines = payment.lines.map((line) => ({
      ...line,
      debitAccountId: debit?.id ?? line.debitAccountId,
      creditAccountId: credit?.id ?? line.creditAccountId,
    }));
    const order = {
      ownerTenant: "default",
      isConfined: false,
      createdBy: "test",
      key: null,
      reason: null,
      valueDate: null,
      captures: null,
    };
    return { ...order, operation, payment: { ...payment, lines } };
  }

  test("goes one way: its state is compared in the change itself, also where the locks of its accounts are not met", async () => {
    const { id, payer, payee } = await aDraft();
    const [pend, cancel] = [await change("pend", id), await change("cancel", id, [await bank.anAccount(), await bank.anAccount()])];
    const { appUrl: url, appRole: role } = bank.database;
    const lane = new Lane({ url, role, name: "other" });
    onTestFinished(() => lane.close());
    const options = { atomic: false, timeZone: "UTC" };
    let cancelled: Promise<unknown> = Promise.resolve();
    await bank.db.write(actor, async (tx) => {
      await postBatch(tx.sql, [pend], options);
      cancelled = postBatch(lane.sql, [cancel], options).catch((error: unknown) => error);
      await untilWaiting(1);
    });
    // One that may be tried again: then the new state is judged.
    expect(await cancelled).toMatchObject({ code: "40001", message: "a payment was changed under the locks of its accounts" });
    expect((await lifeAt(bank).get(id)).body).toMatchObject({ state: "pending", cancelledAt: null });
    expect(await lifeAt(bank).figures(payer, payee)).toEqual(["10.00 4.00 6.00 0.00", "0.00 0.00 0.00 4.00"]);
  });

  test("is posted or cancelled by one of their writers, and the other hears so", async () => {
    const [here, there] = [openWriter(bank.database), openWriter(bank.database)];
    onTestFinished(async () => void (await Promise.all([here.close(), there.close()])));
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.aClientAccount()];
    let posted = 0;
    for (let round = 0; round < 30; round++) {
      const { id } = await lifeAt(bank).paymentIn("pending", linesOf(payer, payee, "0.10"));
      const [post, cancel] = [await change("post", id), await change("cancel", id)];
      const results = await Promise.all([here.submit(post), there.submit(cancel)]);
      const outcomes = results.map(({ outcome }) => outcome);
      expect(outcomes.toSorted()).toEqual(["accepted", "invalidState"]);
      posted += outcomes[0] === "accepted" ? 1 : 0;
      expect((await lifeAt(bank).get(id)).body).toMatchObject({ state: outcomes[0] === "accepted" ? "posted" : "cancelled" });
    }
    const left = (10 - posted / 10).toFixed(2);
    expect(await lifeAt(bank).figures(payer)).toEqual([`${left} 0.00 ${left} 0.00`]);
  });
});

describe("payments of one name between different accounts, at two instances that see neither's", () => {
  const TERMS = {
    operation: "transfer",
    type: "transfer",
    ownerTenant: "default",
    isConfined: false,
    createdBy: "test",
    clientId: null,
    valueDate: null,
    description: null,
    reference: null,
    metadata: null,
    expiresAt: null,
    reversesPaymentId: null,
    ifVersion: null,
  } as const;
  const aKey = (): CommandKey => ({ id: newId(), request: randomBytes(32).toString("hex"), traceId: "test", keepsAbsence: false });

  test.each([
    ["externalId", "duplicateExternalId", () => ({ externalId: newId(), key: null })],
    ["key", "idempotencyKeyReused", () => ({ key: aKey() })],
  ] as const)("of one %s: one is booked, the other hears %s", async (_, outcome, makeName) => {
    const writers = [openWriter(bank.database), openWriter(bank.database)];
    onTestFinished(async () => void (await Promise.all(writers.map((writer) => writer.close()))));
    const accounts = await Promise.all(Array.from({ length: 4 }, () => bank.anAccount()));
    const name = makeName();
    await bank.owner.query("begin");
    await bank.owner.query("select from general_ledger.ledger_head for update");
    const submitted = writers.map((writer, index) => {
      const [debit, credit] = [accounts[2 * index]?.id ?? "", accounts[2 * index + 1]?.id ?? ""];
      const line = {
        debitAccountId: debit,
        creditAccountId: credit,
        amountMinor: 100n,
        currency: "EUR",
        type: "transfer",
        description: null,
      } as const;
      const own = { id: toPaymentId(newId()), externalId: newId(), content: newId(), lines: [line] };
      const key = name.key === null ? null : { ...name.key, request: randomBytes(32).toString("hex") };
      return writer.submit({ ...TERMS, ...own, ...name, key });
    });
    await untilWaiting(2);
    await bank.owner.query("commit");
    const outcomes = (await Promise.all(submitted)).map((result) => result.outcome);
    expect(outcomes.toSorted()).toEqual(["accepted", outcome]);
    const balances = await Promise.all(accounts.map(({ id }) => bank.account(id)));
    expect(balances.filter(({ balance }) => balance !== "0.00")).toHaveLength(2);
  });
});

test("an account is not closed by the database while a payment is on its way over it, though no figure of the account tells", async () => {
  const [debit, credit] = [await bank.anAccount(), await bank.anAccount()];
  bodyOf(await bank.system.post(PAYMENTS, { externalId: unique("way"), state: "pending", transactions: [aLine(debit, credit, "1.00")] }));
  for (const { id } of [debit, credit]) {
    const closed = bank.db.write(actor, (tx) => tx.sql`select general_ledger.close_account(${id}, null, now())`);
    await expect(closed).rejects.toThrow(`account ${id} is not empty`);
  }
});

test("after all this the books are in balance", async () => {
  expect(await bank.unbalanced()).toEqual([]);
});
