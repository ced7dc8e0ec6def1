// The posting rules stand twice: as pure TypeScript that can be read, and as a database function that runs at speed. Here both get the
// same random commands and must agree on every outcome, every figure and every balance. The seed is printed with a failure.

import { afterAll, beforeAll, expect, test } from "vitest";
import pg from "pg";
import { BALANCE_BOUND, post, type LedgerAccount, OUTCOMES, spendable } from "../../src/general-ledger/posting/posting.ts";
import { type CommandResult, postBatch } from "../../src/general-ledger/posting/post-batch.store.ts";
import type { PaymentCommand } from "../../src/general-ledger/posting/command.ts";
import type { AccountStatus } from "../../src/general-ledger/words.ts";
import { Lane } from "#platform/lane.ts";
import { toPaymentId } from "#platform/ids.ts";
import { newId } from "#platform/new-id.ts";
import { openTestDatabase } from "../setup/database.ts";
import type { TestDatabase } from "../setup/server.ts";
import { random, type Random } from "../random.ts";

const COMMANDS = 100_000;
const CURRENCIES = ["EUR", "JPY", "KWD"];
const TENANTS = ["default", "north", "south"];

let database: TestDatabase;
let lane: Lane;
let owner: pg.Client;

beforeAll(async () => {
  database = await openTestDatabase();
  lane = new Lane({ url: database.appUrl, role: database.appRole, name: "agree" });
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
});
afterAll(async () => {
  await lane.close();
  await owner.end();
  await database.drop();
});

test("the pure rules and the database function agree on 100 000 random commands", { timeout: 120_000 }, async () => {
  const draw = random();
  const books = new Map<string, LedgerAccount>();
  for (let i = 0; i < 40; i++) await addAccount(books, draw, i);
  const known = new Map<string, { id: string; content: string }>();
  const keys = new Map<string, { request: string; paymentId: string | null; refusal: string | null }>();
  const seen = new Set<string>();

  for (let done = 0; done < COMMANDS; ) {
    const commands = distinct(draw.list(draw.integer(1, 400), () => command(draw, books)));
    const results = await postBatch(lane.sql, commands, { atomic: false, timeZone: "UTC" });
    for (const [index, each] of commands.entries()) {
      const expected = judge(each, books, known, keys);
      expect(summary(results[index]), draw.note).toEqual(expected);
      seen.add(expected.outcome);
    }
    done += commands.length;
  }
  await expectEqualBooks(books);
  // A run that never met one of the ends would say nothing about it.
  expect([...seen].sort()).toEqual([...OUTCOMES].sort());
});

test("an atomic batch is booked whole or not at all", { timeout: 60_000 }, async () => {
  const draw = random();
  const books = new Map<string, LedgerAccount>();
  for (let i = 0; i < 12; i++) await addAccount(books, draw, 100 + i);
  for (let round = 0; round < 300; round++) {
    const commands = distinct(
      draw.list(draw.integer(1, 4), () => ({ ...command(draw, books), key: null, externalId: `atomic-${newId()}` })),
    );
    const results = await postBatch(lane.sql, commands, { atomic: true, timeZone: "UTC" });
    const after = new Map(books);
    const expected = commands.map((each) => judge(each, after, new Map(), new Map()));
    const passes = expected.every(({ outcome }) => outcome === "accepted");
    expect(
      results.every(({ outcome }) => outcome === "accepted"),
      draw.note,
    ).toBe(passes);
    if (passes) for (const [id, account] of after) books.set(id, account);
    else
      expect(
        results.some(({ outcome }) => outcome === "accepted"),
        draw.note,
      ).toBe(false);
  }
  await expectEqualBooks(books);
});

/** One account of each currency stands close to the bound, so that limitExceeded is met. */
const isRich = (index: number): boolean => index < 3;

async function addAccount(books: Map<string, LedgerAccount>, draw: Random, index: number): Promise<void> {
  const account: LedgerAccount = {
    id: newId(),
    tenant: draw.pick(TENANTS),
    clientId: null,
    currency: CURRENCIES[index % 3] ?? "EUR",
    status: isRich(index)
      ? "active"
      : draw.pick<AccountStatus>(["active", "active", "active", "active", "active", "active", "pending", "blocked", "closed"]),
    debitBlocked: !isRich(index) && draw.chance(0.05),
    creditBlocked: !isRich(index) && draw.chance(0.05),
    floorMinor: !isRich(index) && draw.chance(0.6) ? -BigInt(draw.integer(0, 3) * 5_000) : null,
    balanceMinor: 0n,
    heldMinor: 0n,
    lastSeq: 0n,
  };
  await owner.query(
    `insert into general_ledger.account (id, tenant, currency, credit_normal, status, debit_blocked, credit_blocked, floor_minor)
     values ($1, $2, $3, true, $4, $5, $6, $7)`,
    [account.id, account.tenant, account.currency, account.status, account.debitBlocked, account.creditBlocked, account.floorMinor],
  );
  const held = account.floorMinor === null ? 0n : BigInt(draw.integer(0, Number(-account.floorMinor)));
  if (held > 0n) await owner.query("update general_ledger.account set held_minor = $2 where id = $1", [account.id, held]);
  const nearBound = isRich(index) ? 8_999_999_999_999_990_000n : 0n;
  if (nearBound > 0n) await owner.query("update general_ledger.account set balance_minor = $2 where id = $1", [account.id, nearBound]);
  books.set(account.id, { ...account, balanceMinor: nearBound, heldMinor: held });
}

function command(draw: Random, books: ReadonlyMap<string, LedgerAccount>): PaymentCommand {
  const lineCount = draw.chance(0.8) ? 1 : draw.integer(2, 6);
  const keyed = draw.chance(0.3);
  return {
    id: toPaymentId(newId()),
    ownerTenant: draw.pick(TENANTS),
    isConfined: draw.chance(0.2),
    createdBy: "test",
    externalId: draw.chance(0.05) ? `often-${draw.integer(1, 50)}` : newId(),
    content: draw.chance(0.5) ? newId() : "00000000-0000-0000-0000-000000000001",
    key: keyed
      ? {
          id: draw.chance(0.2) ? `00000000-0000-0000-0000-0000000000${draw.integer(10, 60)}` : newId(),
          request: draw.pick(["aa", "bb"]).repeat(32),
          traceId: "trace",
          keepsAbsence: draw.chance(0.3),
        }
      : null,
    type: "transfer",
    valueDate: null,
    description: draw.chance(0.2) ? `quoted "text", a \\ and a {brace}` : null,
    reference: null,
    metadata: draw.chance(0.1) ? { note: 'a "quoted" value' } : null,
    lines: draw.list(lineCount, () => line(draw, books)),
  };
}

function line(draw: Random, books: ReadonlyMap<string, LedgerAccount>): PaymentCommand["lines"][number] {
  const ids = [...books.keys()];
  const third = draw.integer(0, 2);
  // Mostly two accounts of one currency; sometimes any, or one that does not exist.
  const same = ids.filter((_, index) => index % 3 === third);
  const [debitAccountId, creditAccountId] = draw.two(draw.chance(0.95) ? same : [...ids, newId()]);
  return {
    debitAccountId,
    creditAccountId,
    amountMinor: amount(draw, books.get(debitAccountId), books.get(creditAccountId)),
    currency: CURRENCIES[third] ?? "EUR",
    type: "transfer",
    description: null,
  };
}

/** Anything, the most that is allowed, or just what the account can give and one more: rules break at their edges. */
function amount(draw: Random, debit: LedgerAccount | undefined, credit: LedgerAccount | undefined): bigint {
  const room = credit === undefined ? BALANCE_BOUND : BALANCE_BOUND - credit.balanceMinor;
  if (room > 0n && room < 1_000_000n && draw.chance(0.5)) return room + BigInt(draw.integer(0, 1));
  if (draw.chance(0.02)) return 1_000_000_000_000_000n;
  const left = debit === undefined ? null : spendable(debit);
  if (left !== null && left > 0n && left < 1_000_000n && draw.chance(0.3)) return left + BigInt(draw.integer(0, 1));
  return BigInt(draw.integer(1, 4_000));
}

/** One name stands only once in a batch: the writer's queue sees to it. */
function distinct(commands: readonly PaymentCommand[]): PaymentCommand[] {
  const names = new Set<string>();
  return commands.filter(({ ownerTenant, externalId, key }) => {
    const own = [`${ownerTenant}/${externalId}`, ...(key === null ? [] : [key.id])];
    if (own.some((name) => names.has(name))) return false;
    for (const name of own) names.add(name);
    return true;
  });
}

type Summary = { outcome: string; figures: string };

function judge(
  each: PaymentCommand,
  books: Map<string, LedgerAccount>,
  known: Map<string, { id: string; content: string }>,
  keys: Map<string, { request: string; paymentId: string | null; refusal: string | null }>,
): Summary {
  const key = each.key === null ? undefined : keys.get(each.key.id);
  if (each.key !== null && key !== undefined) {
    if (key.request !== each.key.request) return { outcome: "idempotencyKeyReused", figures: "" };
    return key.paymentId === null
      ? { outcome: "refusedBefore", figures: key.refusal ?? "" }
      : { outcome: "replayed", figures: key.paymentId };
  }
  const name = `${each.ownerTenant}/${each.externalId}`;
  const before = known.get(name);
  const keep = (entry: { paymentId: string | null; refusal: string | null }): void => {
    if (each.key !== null) keys.set(each.key.id, { request: each.key.request, ...entry });
  };
  if (before !== undefined && before.content === each.content) {
    keep({ paymentId: before.id, refusal: null });
    return { outcome: "replayed", figures: before.id };
  }
  if (before !== undefined) {
    keep({ paymentId: null, refusal: "duplicateExternalId" });
    return { outcome: "duplicateExternalId", figures: "" };
  }
  const result = post({ lines: each.lines, confinedTo: each.isConfined ? each.ownerTenant : null }, books);
  if (result.code !== "accepted") {
    const figures =
      result.code === "insufficientFunds" ? `${result.accountId} ${result.availableMinor} ${result.requiredMinor}` : result.accountId;
    if (result.code !== "notFound" || each.key?.keepsAbsence === true) keep({ paymentId: null, refusal: result.code });
    return { outcome: result.code, figures };
  }
  for (const [id, account] of result.accounts) books.set(id, account);
  known.set(name, { id: each.id, content: each.content });
  keep({ paymentId: each.id, refusal: null });
  const stands = new Map(
    result.lines.flatMap(({ debit, credit }) => [[debit.accountId, debit] as const, [credit.accountId, credit] as const]),
  );
  return {
    outcome: "accepted",
    figures: [...stands.values()].map((s) => `${s.accountId} ${s.seq} ${s.balanceMinor} ${s.heldMinor}`).join("; "),
  };
}

function summary(result: CommandResult | undefined): Summary {
  if (result === undefined) return { outcome: "missing", figures: "" };
  switch (result.outcome) {
    case "accepted":
      return {
        outcome: "accepted",
        figures: result.payment.accounts.map((s) => `${s.accountId} ${s.seq} ${s.balanceMinor} ${s.heldMinor}`).join("; "),
      };
    case "replayed":
      return { outcome: "replayed", figures: result.paymentId };
    case "withdrawn":
      return { outcome: "withdrawn", figures: "" };
    default:
      if (result.firstTraceId !== null) return { outcome: "refusedBefore", figures: result.outcome };
      if (result.outcome === "insufficientFunds")
        return { outcome: result.outcome, figures: `${result.accountId} ${result.availableMinor} ${result.requiredMinor}` };
      return { outcome: result.outcome, figures: result.accountId ?? "" };
  }
}

async function expectEqualBooks(books: ReadonlyMap<string, LedgerAccount>): Promise<void> {
  const { rows } = await owner.query<{ id: string; balance: string; seq: string }>(
    "select id, balance_minor as balance, last_seq as seq from general_ledger.account where id = any($1)",
    [[...books.keys()]],
  );
  const stored = new Map(rows.map((row) => [row.id, `${row.balance} ${row.seq}`]));
  for (const account of books.values()) expect(stored.get(account.id)).toBe(`${account.balanceMinor} ${account.lastSeq}`);
}
