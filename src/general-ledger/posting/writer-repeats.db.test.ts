// Batches do not look for repeats until one has met one: whoever asks again gets the answer of the first time all the same, and the
// others in its batch are booked once.

import { createHash } from "node:crypto";
import { toPaymentId } from "#platform/ids.ts";
import { newId } from "#platform/new-id.ts";
import pg from "pg";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openTestDatabase } from "../../../test/setup/database.ts";
import { openWriter } from "../../../test/setup/ledger.ts";
import type { TestDatabase } from "../../../test/setup/server.ts";
import type { PaymentCommand } from "./command.ts";
import type { CommandResult } from "./post-batch.store.ts";
import type { Writer } from "./writer.ts";

let database: TestDatabase;
let owner: pg.Client;
let writer: Writer;
let nowMs = 0;
let accounts: readonly string[];

beforeAll(async () => {
  database = await openTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
});
beforeEach(async () => {
  // One batch at a time, and no time between them that is not said.
  writer = openWriter(database, 1, { monotonicMs: () => nowMs });
  accounts = Array.from({ length: 20 }, () => newId());
  await owner.query(
    `insert into general_ledger.account (id, tenant, currency, credit_normal) select unnest($1::uuid[]), 'default', 'EUR', true`,
    [accounts],
  );
});
afterEach(() => writer.close());
afterAll(async () => {
  await owner.end();
  await database.drop();
});

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");
const account = (index: number): string => accounts[index] ?? expect.fail();

/** A transfer from one account to the next, by externalId, and by key when `keyed`. */
function aCommand(from: number, keyed: "keyed" | "by externalId" = "keyed"): PaymentCommand {
  const key = { id: newId(), request: sha256("request"), traceId: "trace", keepsAbsence: false };
  const rest = { clientId: null, expiresAt: null, reversesPaymentId: null, ifVersion: null, valueDate: null };
  const texts = { description: null, reference: null, metadata: null };
  return {
    ...rest,
    ...texts,
    id: toPaymentId(newId()),
    ownerTenant: "default",
    isConfined: false,
    createdBy: "test",
    externalId: newId(),
    content: newId(),
    key: keyed === "keyed" ? key : null,
    operation: "transfer",
    type: "transfer",
    lines: [
      {
        debitAccountId: account(from),
        creditAccountId: account(from + 1),
        amountMinor: 1n,
        currency: "EUR",
        type: "transfer",
        description: null,
      },
    ],
  };
}

/** The same, sent again: the server gives it another id. */
const again = (command: PaymentCommand, changes: Partial<PaymentCommand> = {}): PaymentCommand => ({
  ...command,
  id: toPaymentId(newId()),
  ...changes,
});
const submitAll = async (commands: readonly PaymentCommand[]): Promise<CommandResult[]> =>
  await Promise.all(commands.map(async (command) => await writer.submit(command)));
const outcomes = (results: readonly CommandResult[]): string[] => results.map(({ outcome }) => outcome);
const block = async (isBlocked: boolean, id: string): Promise<void> => {
  await owner.query("update general_ledger.account set debit_blocked = $1 where id = $2", [isBlocked, id]);
};

/** How many batches were begun since the last question: each takes a number, whatever becomes of it. */
let lastBatch = 0;
async function countBatches(): Promise<number> {
  const { rows } = await owner.query<{ last: number }>("select last_value::int as last from general_ledger.batch");
  const last = rows[0]?.last ?? expect.fail();
  const count = last - lastBatch;
  lastBatch = last;
  return count;
}

test("repeats of all kinds get their answers, and the others of their batch are booked once", async () => {
  const firsts = [aCommand(0), aCommand(2, "by externalId"), aCommand(4, "by externalId"), aCommand(6)];
  expect(outcomes(await submitAll(firsts))).toEqual(["accepted", "accepted", "accepted", "accepted"]);
  const [keyed, named, copied, reused] = firsts as [PaymentCommand, PaymentCommand, PaymentCommand, PaymentCommand];
  nowMs += 10_000;
  const results = await submitAll([
    aCommand(10),
    again(keyed),
    again(named),
    again(copied, { content: newId() }),
    again(reused, { externalId: newId(), key: { ...(reused.key ?? expect.fail()), request: sha256("another request") } }),
    aCommand(12, "by externalId"),
  ]);
  expect(results.slice(1, 5)).toMatchObject([
    { outcome: "replayed", paymentId: keyed.id, change: 1 },
    { outcome: "replayed", paymentId: named.id, change: 1 },
    { outcome: "duplicateExternalId" },
    { outcome: "idempotencyKeyReused" },
  ]);
  expect([results[0]?.outcome, results[5]?.outcome]).toEqual(["accepted", "accepted"]);
  const { rows } = await owner.query<{ payments: number }>(
    "select count(distinct payment_id)::int as payments from general_ledger.entry where account_id = any($1)",
    [accounts],
  );
  expect(rows[0]?.payments).toBe(firsts.length + 2);
});

test("what would be refused today is answered as it was the first time", async () => {
  for (const kind of ["keyed", "by externalId"] as const) {
    const command = aCommand(0, kind);
    expect(outcomes(await submitAll([command]))).toEqual(["accepted"]);
    await block(true, account(0));
    nowMs += 10_000;
    const [fresh, repeat] = await submitAll([aCommand(0, kind), again(command)]);
    expect(fresh?.outcome).toBe("accountBlocked");
    expect(repeat).toEqual({ outcome: "replayed", paymentId: command.id, change: 1 });
    await block(false, account(0));
  }
});

test("what was refused under a key stays refused, though it would pass today", async () => {
  await block(true, account(0));
  const command = aCommand(0);
  expect(outcomes(await submitAll([command]))).toEqual(["accountBlocked"]);
  await block(false, account(0));
  nowMs += 10_000;
  expect(await submitAll([aCommand(2), again(command), aCommand(0)])).toMatchObject([
    { outcome: "accepted" },
    { outcome: "accountBlocked", firstTraceId: "trace" },
    { outcome: "accepted" },
  ]);
});

test("a batch is written twice only where no repeat was met for a second", async () => {
  const command = aCommand(0);
  await submitAll([command]);
  nowMs += 10_000;
  await countBatches();
  for (let round = 0; round < 5; round++) {
    nowMs += 200;
    await submitAll([again(command), aCommand(2)]);
  }
  expect(await countBatches()).toBe(6);
  // The last of them did not fail, so the second counts from the first.
  nowMs += 1_000;
  await submitAll([again(command), aCommand(2)]);
  expect(await countBatches()).toBe(2);
});
