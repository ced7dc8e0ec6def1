// The posting rules stand twice: as pure TypeScript that can be read, and as a database function that runs at speed. Here both get the
// same random commands and must agree on every outcome, every figure and every balance. The seed is printed with a failure.

import { afterAll, beforeAll, expect, test } from "vitest";
import pg from "pg";
import { sqlState } from "#platform/db.ts";
import { Lane } from "#platform/lane.ts";
import { newId } from "#platform/new-id.ts";
import { type LedgerAccount, OUTCOMES } from "../../src/general-ledger/posting/posting.ts";
import type { LedgerCommand } from "../../src/general-ledger/posting/command.ts";
import { type CommandResult, postBatch } from "../../src/general-ledger/posting/post-batch.store.ts";
import type { AccountStatus } from "../../src/general-ledger/words.ts";
import { random, type Random } from "../random.ts";
import { openTestDatabase } from "../setup/database.ts";
import type { TestDatabase } from "../setup/server.ts";
import { anyCommand, aPlainTransfer, aPayment, distinct } from "./ledger-commands.ts";
import { CURRENCIES, type Model, run, summary, TENANTS } from "./ledger-model.ts";

const COMMANDS = 100_000;
const OPTIONS = { atomic: false, timeZone: "UTC" };
/** How batches ended that did not look for repeats. */
const unprepared = { booked: 0, again: 0 };

let database: TestDatabase;
let lane: Lane;
let owner: pg.Client;

beforeAll(async () => {
  database = await openTestDatabase();
  lane = new Lane({ url: database.appUrl, role: database.appRole, name: "agree" });
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  // Accounts of clients that are not in the books, and payments whose time is moved: the triggers of this session rest.
  await owner.query("set session_replication_role = replica");
});
afterAll(async () => {
  await lane.close();
  await owner.end();
  await database.drop();
});

test("the pure rules and the database function agree on 100 000 random commands", { timeout: 240_000 }, async () => {
  const draw = random();
  const model = await aModel(draw, 40);
  const seen = new Set<string>();
  for (let done = 0; done < COMMANDS; ) {
    const make = draw.chance(0.4) ? aPlainTransfer : anyCommand;
    const commands = distinct(
      model,
      // Some are so short that they hold no repeat.
      draw.list(draw.integer(1, draw.chance(0.5) ? 4 : 400), () => make(draw, model)),
    );
    const results = draw.chance(0.5) ? await postBatch(lane.sql, commands, OPTIONS) : await postUnprepared(commands);
    for (const [index, command] of commands.entries()) {
      const expected = run(model, command);
      expect(summary(results[index]), draw.note).toEqual(expected);
      seen.add(expected.outcome);
    }
    await letSomeEnd(draw, model);
    done += commands.length;
  }
  await expectEqualBooks(model);
  // A run that never met one of the ends would say nothing about it.
  expect([...seen].sort()).toEqual([...OUTCOMES].sort());
  expect(Math.min(unprepared.booked, unprepared.again)).toBeGreaterThan(20);
});

test("an atomic batch is booked whole or not at all", { timeout: 60_000 }, async () => {
  const draw = random();
  let model = await aModel(draw, 12);
  for (let round = 0; round < 300; round++) {
    const commands = distinct(
      model,
      draw.list(draw.integer(1, 4), () => ({
        ...aPayment(draw, model),
        key: null,
        externalId: `atomic-${newId()}`,
        reversesPaymentId: null,
        type: "transfer" as const,
      })),
    );
    const results = await postBatch(lane.sql, commands, { atomic: true, timeZone: "UTC" });
    const after: Model = { ...model, books: new Map(model.books), payments: new Map(model.payments), names: new Map(model.names) };
    const passes = commands.map((command) => run(after, command)).every(({ outcome }) => outcome === "accepted");
    const outcomes = results.map(({ outcome }) => outcome);
    expect(
      outcomes.every((outcome) => outcome === "accepted"),
      draw.note,
    ).toBe(passes);
    if (passes) model = after;
    else expect(outcomes, draw.note).not.toContain("accepted");
  }
  await expectEqualBooks(model);
});

/** One account of each currency stands close to the bound, so that limitExceeded is met; the next one's client is blocked, others are not active. */
/** As the writer does: repeats are not looked for; a batch that meets one is sent again. */
async function postUnprepared(commands: readonly LedgerCommand[]): Promise<CommandResult[]> {
  try {
    const results = await postBatch(lane.sql, commands, { ...OPTIONS, expectsRepeats: false });
    unprepared.booked++;
    return results;
  } catch (error) {
    if (sqlState(error) !== "23505") throw error;
    unprepared.again++;
    return await postBatch(lane.sql, commands, OPTIONS);
  }
}

const isRich = (index: number): boolean => index < 3;
const isBlockedClients = (index: number): boolean => index === 3;
const STATUSES: readonly AccountStatus[] = ["active", "active", "active", "active", "pending", "closed", "blocked"];

async function aModel(draw: Random, accounts: number): Promise<Model> {
  const model: Model = {
    clients: [newId(), newId(), newId()],
    books: new Map(),
    payments: new Map(),
    names: new Map(),
    keys: new Map(),
  };
  for (let index = 0; index < accounts; index++) {
    const account = anAccount(draw, index, model.clients);
    model.books.set(account.id, account);
    await insert(account);
  }
  return model;
}

function anAccount(draw: Random, index: number, clients: readonly string[]): LedgerAccount {
  const rich = isRich(index);
  const clientId = isBlockedClients(index) || (!rich && draw.chance(0.4)) ? draw.pick(clients) : null;
  const creditNormal = rich || clientId !== null || draw.chance(0.7);
  const floorMinor = clientId !== null || (!rich && creditNormal && draw.chance(0.4)) ? -BigInt(draw.integer(0, 3) * 5_000) : null;
  return {
    id: newId(),
    tenant: draw.pick(TENANTS),
    clientId,
    currency: CURRENCIES[index % 3] ?? "EUR",
    status: STATUSES[index] ?? draw.pick<AccountStatus>([...Array<AccountStatus>(6).fill("active"), "pending", "blocked", "closed"]),
    debitBlocked: !rich && draw.chance(0.05),
    creditBlocked: !rich && draw.chance(0.05),
    clientBlocked: isBlockedClients(index) || (clientId !== null && draw.chance(0.1)),
    creditNormal,
    floorMinor,
    balanceMinor: rich ? 8_999_999_999_999_990_000n : 0n,
    heldMinor: floorMinor === null ? 0n : BigInt(draw.integer(0, Number(-floorMinor))),
    incomingMinor: 0n,
    lastSeq: 0n,
    version: 1n,
  };
}

async function insert(account: LedgerAccount): Promise<void> {
  const { id, clientId, tenant, currency, creditNormal, status, debitBlocked, creditBlocked, clientBlocked } = account;
  const figures = [account.floorMinor, account.balanceMinor, account.heldMinor].map((figure) => figure?.toString() ?? null);
  await owner.query(
    `insert into general_ledger.account (id, client_id, tenant, currency, credit_normal, status, debit_blocked, credit_blocked, client_blocked, floor_minor, balance_minor, held_minor)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [id, clientId, tenant, currency, creditNormal, status, debitBlocked, creditBlocked, clientBlocked].concat(figures),
  );
}

/** Now and then the time of a payment is over. */
async function letSomeEnd(draw: Random, { payments }: Model): Promise<void> {
  const open = [...payments.values()].slice(-200).filter(({ terms, isExpired }) => terms.expiresAt !== null && !isExpired);
  const ended = open.filter(() => draw.chance(0.2));
  if (ended.length === 0) return;
  await owner.query("update general_ledger.payment set expires_at = created_at where id = any($1)", [ended.map(({ terms }) => terms.id)]);
  for (const payment of ended) payments.set(payment.terms.id, { ...payment, isExpired: true });
}

async function expectEqualBooks({ books, payments }: Model): Promise<void> {
  const accounts = await owner.query<{ id: string; figures: string }>(
    `select id, concat_ws(' ', balance_minor, held_minor, incoming_minor, last_seq, version) as figures
     from general_ledger.account where id = any($1)`,
    [[...books.keys()]],
  );
  const stored = new Map(accounts.rows.map(({ id, figures }) => [id, figures]));
  for (const { id, balanceMinor, heldMinor, incomingMinor, lastSeq, version } of books.values())
    expect(stored.get(id)).toBe([balanceMinor, heldMinor, incomingMinor, lastSeq, version].join(" "));
  const { rows } = await owner.query<{ id: string; state: string }>(
    "select id, state || ' ' || change_no as state from general_ledger.payment where id = any($1)",
    [[...payments.keys()]],
  );
  const states = new Map(rows.map(({ id, state }) => [id, state]));
  for (const [id, { state, changeNo }] of payments) expect(states.get(id)).toBe(`${state} ${changeNo}`);
}
