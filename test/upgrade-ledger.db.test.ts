// A ledger of the release before holds were told by the changes that created them: what waits, what was released and what was held at any
// instant is found after the upgrade as it was before.

import { readFile } from "node:fs/promises";
import { ledgerVerifiable } from "#general-ledger";
import { Lane } from "#platform/lane.ts";
import { migrate } from "#platform/migrations.ts";
import { newId } from "#platform/new-id.ts";
import { toPaymentId } from "#platform/ids.ts";
import { verify } from "#platform/verify.ts";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ChangeCommand, LedgerCommand, PaymentCommand } from "../src/general-ledger/posting/command.ts";
import { postBatch } from "../src/general-ledger/posting/post-batch.store.ts";
import { type OldDatabase, openOldDatabase } from "./old-release.ts";

const LAST_MIGRATION = "0025";
const CALLER = { ownerTenant: "default", isConfined: false, createdBy: "test", key: null };
const [alice, bob, bank] = [newId(), newId(), newId()].toSorted() as [string, string, string];

/** The accounts of this test are nobody's, and nobody opened them. */
const ABOUT_OPENING = ["every account has its profile,", "the audit tells of every", "the journal tells of every"];

let old: OldDatabase;
let lane: Lane;
beforeEach(async () => {
  old = await openOldDatabase(LAST_MIGRATION);
  // The functions that post_batch calls since.
  await old.owner.query(await readFile(new URL("../db/migrations/0029_rows_at_hand.sql", import.meta.url), "utf8"));
  lane = new Lane({ url: old.appUrl, role: old.appRole, name: "upgrade" });
  await old.owner.query(
    `insert into general_ledger.account (id, tenant, currency, credit_normal, floor_minor)
     values ($1, 'default', 'EUR', true, 0), ($2, 'default', 'EUR', true, 0), ($3, 'default', 'EUR', false, null)`,
    [alice, bob, bank],
  );
});
afterEach(async () => {
  await lane.close();
  await old.drop();
});

type Posted = Extract<Awaited<ReturnType<typeof postBatch>>[number], { outcome: "accepted" }>["payment"];

/** Each command in a millisecond of its own. */
async function post(...commands: readonly LedgerCommand[]): Promise<Posted[]> {
  await old.owner.query("select pg_sleep(0.003)");
  const results = await postBatch(lane.sql, commands, { atomic: false, timeZone: "UTC" });
  return results.map((result) => {
    if (result.outcome !== "accepted") throw new Error(result.outcome);
    return result.payment;
  });
}

function order(operation: PaymentCommand["operation"], debit: string, credit: string, ...amounts: readonly bigint[]): PaymentCommand {
  const id = toPaymentId(newId());
  const terms = { description: null, reference: null, metadata: null, valueDate: null, expiresAt: null, reversesPaymentId: null } as const;
  const lines = amounts.map((amountMinor) => ({
    debitAccountId: debit,
    creditAccountId: credit,
    amountMinor,
    currency: "EUR",
    type: "transfer" as const,
    description: null,
  }));
  return { ...CALLER, ...terms, id, externalId: id, content: newId(), operation, type: "transfer", clientId: null, ifVersion: null, lines };
}

const change = (operation: ChangeCommand["operation"], payment: Posted | undefined, captures: bigint[] | null = null): ChangeCommand => {
  if (payment === undefined) throw new Error("no payment to change");
  return { ...CALLER, operation, payment, reason: null, valueDate: null, captures };
};

/** What alice held before each of the instants. */
async function heldBefore(instants: readonly string[]): Promise<string[]> {
  const { rows } = await old.owner.query<{ held: string }>(
    "select general_ledger.held_before($1, t.at) as held from unnest($2::timestamptz[]) with ordinality t(at, n) order by n",
    [alice, instants],
  );
  return rows.map(({ held }) => held);
}

/** Payments of alice's in every state, and ten holds more. */
async function fill(): Promise<{ draft: Posted; held: Posted; captured: Posted }> {
  await post(order("transfer", bank, alice, 100_000n));
  const [draft, drafted, held] = await post(
    order("draft", alice, bob, 1n),
    order("draft", alice, bob, 20n),
    order("hold", alice, bob, 300n),
  );
  const [captured, cancelled] = await post(order("hold", alice, bob, 4_000n, 5_000n), order("hold", alice, bob, 7n));
  await post(change("pend", drafted));
  const [done] = await post(change("post", captured, [1_000n, 0n]), order("transfer", bob, alice, 5n), order("hold", alice, bob, 9n));
  await post(change("cancel", cancelled));
  for (let round = 0; round < 10; round++) await post(order("hold", alice, bob, 11n));
  if (draft === undefined || held === undefined || done === undefined) throw new Error("a payment is missing");
  return { draft, held, captured: done };
}

test("what waits, what was released and what was held at any instant is found as before", { timeout: 60_000 }, async () => {
  const { draft, held, captured } = await fill();
  const { rows: log } = await old.owner.query<{ at: string; before: string; held: string }>(
    `select (changed_at + interval '1 microsecond')::text as at, changed_at::text as before, held_minor::text as held
     from general_ledger.hold_change where account_id = $1 order by changed_at, batch_id, place`,
    [alice],
  );
  const last = [...new Map(log.map((row) => [row.at, row])).values()];
  expect(last.length).toBeGreaterThanOrEqual(14);
  await migrate(old.ownerUrl);

  expect(await heldBefore(last.map(({ at }) => at))).toEqual(last.map((row) => row.held));
  expect(await heldBefore(last.map(({ before }) => before))).toEqual(["0", ...last.slice(0, -1).map((row) => row.held)]);
  const { rows: open } = await old.owner.query<{ id: string }>("select payment_id as id from general_ledger.open_payment");
  expect(open.map(({ id }) => id)).toEqual(expect.arrayContaining([draft.id, held.id]));
  expect(open).toHaveLength(14);
  const { rows: released } = await old.owner.query(
    "select account_id, payment_id, line_no from general_ledger.released_line order by account_id",
  );
  expect(released).toEqual([alice, bob].map((account_id) => ({ account_id, payment_id: captured.id, line_no: 2 })));

  // The payments of then go on, and whatever `verify` checks of payments is right.
  const [, , later] = await post(change("post", held), change("cancel", draft), order("hold", alice, bob, 13n));
  await post(change("cancel", later));
  const report = await verify({ url: old.ownerUrl, mode: "development", rooms: [ledgerVerifiable] });
  const complaints = report.checks.filter(({ ok, severity }) => !ok && severity === "error").map(({ name }) => name);
  expect(complaints.filter((name) => !ABOUT_OPENING.includes(name.split(" ").slice(0, 5).join(" ")))).toEqual([]);
});
