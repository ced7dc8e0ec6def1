// The second lock on the door. The database refuses by itself what the product must never do: first what its own role may not even try,
// then what breaks a rule of money, tried as the owner with raw SQL. Every statement is rolled back; none may come so far as to be kept.

import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { aTransfer } from "./builders.ts";
import { bodyOf, type LedgerApp, openLedgerApp } from "./setup/ledger.ts";

const NOT_PERMITTED = "42501";

let bank: LedgerApp;
let app: pg.Client;
let ids: { readonly alice: string; readonly bob: string; readonly yen: string; readonly payment: string };

beforeAll(async () => {
  bank = await openLedgerApp();
  const { appUrl, appRole } = bank.database;
  app = new pg.Client({ connectionString: appUrl, ...(appRole === null ? {} : { options: `-c role=${appRole}` }) });
  await app.connect();
  const alice = await bank.aFundedAccount("100.00");
  const bob = await bank.aClientAccount();
  const yen = await bank.aFundedAccount("5000", { currency: "JPY" });
  const payment = bodyOf(await bank.transfer(aTransfer(alice, bob, "10.00")));
  ids = { alice: alice.id, bob: bob.id, yen: yen.id, payment: String(payment["id"]) };
});
afterAll(async () => {
  await app.end();
  await bank.close();
});

/** How the statements end: "done", or the SQLSTATE and message of the first that is refused. */
async function attempt(client: pg.Client, statements: readonly string[]): Promise<{ code: string; message: string }> {
  await client.query("begin");
  try {
    for (const statement of statements) await client.query(statement);
    return { code: "done", message: "" };
  } catch (error) {
    if (error instanceof pg.DatabaseError) return { code: error.code ?? "", message: error.message };
    throw error;
  } finally {
    await client.query("rollback");
  }
}

describe("the app role", () => {
  /** What the product itself has to do: all other columns and tables are closed to it. */
  const MAY_UPDATE: Readonly<Record<string, readonly string[]>> = {
    "platform.idempotency_key": ["answer", "status"],
    "client_profile.client": (
      "block_reason blocked_at city country email phone_is_e164 phone_number risk_level state status " +
      "street_line1 street_line2 updated_at verification_status zip"
    ).split(" "),
  };
  const MAY_INSERT: Readonly<Record<string, "every column" | readonly string[]>> = {
    "platform.audit_entry": "every column",
    "platform.event": "every column",
    "platform.idempotency_key": "every column",
    "client_profile.client": "every column",
    "client_profile.client_status_history": "every column",
    "general_ledger.account_profile": "every column",
    "general_ledger.account": ["client_id", "credit_normal", "currency", "floor_minor", "id", "is_default", "status", "tenant"],
  };
  const TABLES = [
    "client_profile.client",
    "client_profile.client_status_history",
    "general_ledger.account",
    "general_ledger.account_profile",
    "general_ledger.entry",
    "general_ledger.journal",
    "general_ledger.ledger_head",
    "general_ledger.payment",
    "general_ledger.payment_line",
    "platform.audit_entry",
    "platform.event",
    "platform.idempotency_key",
    "platform.migration",
  ];

  test("is tried on every table there is", async () => {
    const { rows } = await bank.owner.query<{ name: string }>(
      `select schemaname || '.' || tablename as name from pg_tables
       where schemaname in ('platform', 'client_profile', 'general_ledger') order by name`,
    );
    expect(rows.map(({ name }) => name)).toEqual(TABLES);
  });

  describe.each(TABLES)("on %s", (table) => {
    test.each([
      ["delete", `delete from ${table}`],
      ["truncate", `truncate ${table} cascade`],
      ["drop", `drop table ${table} cascade`],
      ["add a column", `alter table ${table} add column extra int`],
      ["switch triggers off", `alter table ${table} disable trigger user`],
      ["switch foreign keys off", `alter table ${table} disable trigger all`],
      ["add a trigger", `create trigger t before insert on ${table} for each row execute function suppress_redundant_updates_trigger()`],
      ["add a rule", `create rule r as on insert to ${table} do instead nothing`],
      ["own it", `alter table ${table} owner to finlego_app`],
      ["stop others from reading", `lock table ${table} in access exclusive mode`],
      ["hide rows", `alter table ${table} enable row level security`],
      ["point a foreign key at it", `create temp table t (id uuid references ${table})`],
    ])("may not %s", async (_, statement) => {
      const { code } = await attempt(app, [statement]);
      // A temporary table may not point to a lasting one at all.
      expect([NOT_PERMITTED, ...(statement.startsWith("create temp") ? ["42P16"] : [])]).toContain(code);
    });

    const columnsWhere = async (right: (column: string) => string): Promise<string[]> => {
      const { rows } = await bank.owner.query<{ name: string }>(
        "select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped and attidentity = '' order by attname",
        [table],
      );
      const open: string[] = [];
      for (const { name } of rows) if ((await attempt(app, [right(name)])).code !== NOT_PERMITTED) open.push(name);
      return open.length === rows.length ? ["every column"] : open;
    };
    const listed = (may: "every column" | readonly string[] | undefined): readonly string[] =>
      may === "every column" ? [may] : (may ?? []);

    test("may update only the columns it works on", async () => {
      expect(await columnsWhere((column) => `update ${table} set ${column} = null where false`)).toEqual(listed(MAY_UPDATE[table]));
    });

    test("may insert only the columns it works on", async () => {
      expect(await columnsWhere((column) => `insert into ${table} (${column}) select null where false`)).toEqual(listed(MAY_INSERT[table]));
    });
  });

  test.each([
    ["pass the triggers by", "set session_replication_role = replica"],
    ["run a program", "copy (select 1) to program 'true'"],
    ["write a file", "copy (select 1) to '/tmp/finlego-never'"],
    ["read a file", "select pg_read_file('/etc/passwd')"],
    ["read passwords", "select * from pg_authid"],
    ["make a role", "create role intruder superuser"],
    ["raise itself", "alter role finlego_app superuser"],
    ["change settings of the database", "do $$ begin execute format('alter database %I set fsync = off', current_database()); end $$"],
    ["make a schema", "create schema intruder"],
    ["make a table in public", "create table public.intruder (id int)"],
    ["make a function in the ledger", "create function general_ledger.f() returns int language sql as 'select 1'"],
    ["make a function in the platform", "create function platform.f() returns int language sql as 'select 1'"],
    [
      "replace the lock of the books",
      "create or replace function platform.refuse_change() returns trigger language plpgsql as 'begin return new; end'",
    ],
    ["run post_batch as itself", "alter function general_ledger.post_batch security invoker"],
    ["number changes by itself", "select general_ledger.append_journal(1, '{}', '{}')"],
    ["draw numbers of batches", "select nextval('general_ledger.batch')"],
    ["turn account numbers back", "select setval('general_ledger.account_number', 1)"],
    ["reset the statistics that count changes", "select pg_stat_reset()"],
    ["reset those of one table", "select pg_stat_reset_single_table_counters('general_ledger.entry'::regclass)"],
  ])("may not %s", async (_, statement) => {
    expect(await attempt(app, [statement])).toMatchObject({ code: NOT_PERMITTED });
  });

  test("may not end a session of the owner", async () => {
    const { rows } = await bank.owner.query<{ pid: number }>("select pg_backend_pid() as pid");
    expect(await attempt(app, [`select pg_terminate_backend(${rows[0]?.pid})`])).toMatchObject({ code: NOT_PERMITTED });
  });

  test("may not change settings of the server", async () => {
    // Not a statement for a transaction.
    await expect(app.query("alter system set fsync = off")).rejects.toMatchObject({ code: NOT_PERMITTED });
  });

  test("may not number the opening of an account that is not there", async () => {
    const end = await attempt(app, ["select general_ledger.journal_account_change('account.opened', gen_random_uuid())"]);
    expect(end.message).toMatch(/there is no account/);
  });

  /** One transfer of 1.00 EUR from Alice to Bob, as the product sends it, with the accounts in the order given. */
  const post = (accounts: readonly string[], lines: 0 | 1 | 2): string =>
    `select from general_ledger.post_batch(
       array[${accounts.map((id) => `'${id}'::uuid`).join(", ")}], false, 'UTC', '{${PAYMENT}}', '{default}', '{f}', '{test}', '{locks}',
       array[gen_random_uuid()], '{NULL}', '{NULL}', '{trace}', '{f}', '{transfer}', '{NULL}', '{NULL}', '{NULL}', '{NULL}', '{${lines}}',
       '{${PAYMENT}}', '{1}', '{${accounts.indexOf(ids.alice) + 1}}', '{${accounts.indexOf(ids.bob) + 1}}', '{100}', '{EUR}', '{transfer}', '{NULL}')`;

  test("posts with the accounts named once each, ascending, and not otherwise", async () => {
    const ascending = [ids.alice, ids.bob].toSorted();
    expect(await attempt(app, [post(ascending, 1)])).toEqual({ code: "done", message: "" });
    for (const accounts of [ascending.toReversed(), [...ascending, ...ascending], [PAYMENT, ...ascending.toReversed()]]) {
      expect((await attempt(app, [post(accounts, 1)])).message).toMatch(/accounts are to be named once each, ascending/);
    }
  });

  test.each([0, 2] as const)("may not post a payment of %s lines and send one", async (lines) => {
    const end = await attempt(app, [post([ids.alice, ids.bob].toSorted(), lines)]);
    expect(end.message).toMatch(/the lines do not fit the commands/);
  });

  // With one DATABASE_URL for all, the session belongs to the owner and only acts as the app role.
  test.runIf(inject("testServer").appRole === null)("may not become the owner", async () => {
    const { rows } = await bank.owner.query<{ owner: string }>("select current_user as owner");
    for (const statement of ["set role", "set session authorization"]) {
      expect(await attempt(app, [`${statement} ${rows[0]?.owner}`])).toMatchObject({ code: NOT_PERMITTED });
    }
    const { rows: after } = await app
      .query<{ who: string }>("reset role; reset session authorization; select current_user as who")
      .then((results) => {
        const last: unknown = Array.isArray(results) ? results.at(-1) : results;
        return last as pg.QueryResult<{ who: string }>;
      });
    expect(after[0]?.who).toBe("finlego_app");
  });
});

const PAYMENT = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

/** A row of a posted payment of a batch that is still open. */
const payment = (changes: Readonly<Record<string, string>> = {}): string => {
  const row = {
    id: `'${PAYMENT}'`,
    batch_id: "1000000",
    place: "0",
    type: "'transfer'",
    state: "'posted'",
    value_date: "current_date",
    created_at: "now()",
    pended_at: "null",
    posted_at: "now()",
    cancelled_at: "null",
    content: "gen_random_uuid()",
    tenant: "'default'",
    owner_tenant: "'default'",
    created_by: "'test'",
    external_id: "gen_random_uuid()::text",
    ...changes,
  };
  return `insert into general_ledger.payment (${Object.keys(row).join(", ")}) values (${Object.values(row).join(", ")})`;
};
const draft = (): string => payment({ state: "'draft'", posted_at: "null" });
const pending = (): string => payment({ state: "'pending'", posted_at: "null", pended_at: "now()" });

const line = (debit: string, credit: string, amount: string, changes: { readonly no?: number; readonly currency?: string } = {}): string =>
  `insert into general_ledger.payment_line (payment_id, line_no, debit_account_id, credit_account_id, amount_minor, debit_seq, credit_seq, currency, type)
   values ('${PAYMENT}', ${changes.no ?? 1}, '${debit}', '${credit}', ${amount}, 90, 90, '${changes.currency ?? "EUR"}', 'transfer')`;

/** Entries inserted in one statement: account and amount. */
const entries = (...sides: readonly (readonly [account: string, amount: number | string])[]): string => {
  const rows = sides.map(([account, amount], index) => `('${account}', '${PAYMENT}', ${90 + index}, ${amount}, 0, 0, now(), 1)`);
  return `insert into general_ledger.entry (account_id, payment_id, account_seq, amount_minor, balance_after, held_after, booked_at, line_no)
          values ${rows.join(", ")}`;
};

const state = (word: string, rest: string): string => `update general_ledger.payment set state = '${word}'${rest} where id = '${PAYMENT}'`;
const account = (change: string): string => `update general_ledger.account set ${change} where id = '${ids.alice}'`;
const append = (batch: number): string => `select general_ledger.append_journal(${batch}, '{payment.posted}', array['${PAYMENT}'::uuid])`;
const journal = (values: string): string =>
  `insert into general_ledger.journal (first_sequence, batch_id, size, committed_at, changes, subjects) values (${values})`;

const KEY = "insert into platform.idempotency_key (id, fingerprint, status, answer) values (gen_random_uuid(), sha256('x'), 200, '{}')";
const PAID_KEY =
  "insert into platform.idempotency_key (id, fingerprint, payment_id) values (gen_random_uuid(), sha256('x'), gen_random_uuid())";

describe("raw SQL as the owner:", () => {
  test("what keeps the rules is not refused", async () => {
    const { alice, bob } = ids;
    expect(await attempt(bank.owner, [payment(), line(alice, bob, "5"), entries([alice, -5], [bob, 5]), append(1_000_000)])).toEqual({
      code: "done",
      message: "",
    });
    const pended = [draft(), state("pending", ", pended_at = now()"), state("posted", ", posted_at = now()")];
    expect(await attempt(bank.owner, pended)).toEqual({ code: "done", message: "" });
    expect(await attempt(bank.owner, [account("held_minor = 9000")])).toEqual({ code: "done", message: "" });
  });

  type Case = readonly [name: string, statements: () => readonly string[], message: RegExp];

  test.each<Case>([
    ["a one-sided payment", () => [payment(), entries([ids.alice, -5])], /do not sum to zero/],
    ["sides that differ by one minor unit", () => [payment(), entries([ids.alice, -5], [ids.bob, 6])], /do not sum to zero/],
    ["a sum that is zero only across currencies", () => [payment(), entries([ids.alice, -5], [ids.yen, 5])], /do not sum to zero/],
    ["sides that come one after the other", () => [payment(), entries([ids.alice, -5]), entries([ids.bob, 5])], /do not sum to zero/],
    ["an entry of an account that is not there", () => [payment(), entries([PAYMENT, -5], [PAYMENT, 5])], /do not sum to zero/],
    ["an entry of zero", () => [payment(), entries([ids.alice, 0])], /entry_amount_is_not_zero/],
    [
      "a second entry of one number",
      () => [payment(), entries([ids.alice, -5], [ids.bob, 5]), entries([ids.alice, -5], [ids.bob, 5])],
      /entry_pkey/,
    ],
    [
      "a line in another currency than its accounts",
      () => [payment(), line(ids.alice, ids.bob, "5", { currency: "JPY" })],
      /not in the currency/,
    ],
    ["a line between two currencies", () => [payment(), line(ids.alice, ids.yen, "5")], /not in the currency/],
    ["a line of an account that is not there", () => [payment(), line(ids.alice, PAYMENT, "5")], /not in the currency/],
    ["a line of zero", () => [payment(), line(ids.alice, ids.bob, "0")], /payment_line_amount_in_range/],
    ["a line below zero", () => [payment(), line(ids.alice, ids.bob, "-5")], /payment_line_amount_in_range/],
    ["a line above 10^15", () => [payment(), line(ids.alice, ids.bob, "1000000000000001")], /payment_line_amount_in_range/],
    ["a line from an account to itself", () => [payment(), line(ids.alice, ids.alice, "5")], /payment_line_moves_between_two/],
    ["a fifty-first line", () => [payment(), line(ids.alice, ids.bob, "5", { no: 51 })], /payment_line_number_in_range/],
    ["an amount that is no number", () => [payment(), line(ids.alice, ids.bob, "'NaN'")], /invalid input syntax for type bigint/],
  ])("%s is refused", async (_, statements, message) => {
    const end = await attempt(bank.owner, statements());
    expect(end.message).toMatch(message);
  });

  test.each<Case>([
    [
      "a second posting of a payment",
      () => [entries([ids.alice, -5], [ids.bob, 5]).replaceAll(PAYMENT, ids.payment)],
      /is not being posted/,
    ],
    [
      "entries after the journal told of the payment",
      () => [payment(), append(1_000_000), entries([ids.alice, -5], [ids.bob, 5])],
      /is not being posted/,
    ],
    ["entries of a payment that is not there", () => [entries([ids.alice, -5], [ids.bob, 5])], /is not being posted/],
    ["entries of a draft", () => [draft(), entries([ids.alice, -5], [ids.bob, 5])], /is not being posted/],
    ["entries of a pending payment", () => [pending(), entries([ids.alice, -5], [ids.bob, 5])], /is not being posted/],
    ["a draft posted at once", () => [draft(), state("posted", ", posted_at = now()")], /cannot go from draft to posted/],
    ["a pending payment made a draft again", () => [pending(), state("draft", ", pended_at = null")], /cannot go from pending to draft/],
    [
      "a posted payment cancelled",
      () => [payment(), state("cancelled", ", posted_at = null, cancelled_at = now()")],
      /cannot go from posted to cancelled/,
    ],
    [
      "a cancelled payment posted",
      () => [draft(), state("cancelled", ", cancelled_at = now()"), state("posted", ", cancelled_at = null, posted_at = now()")],
      /cannot go from cancelled to posted/,
    ],
    [
      "a posted payment said otherwise",
      () => [payment(), `update general_ledger.payment set description = 'x' where id = '${PAYMENT}'`],
      /is final/,
    ],
    [
      "a posted payment moved in time",
      () => [payment(), `update general_ledger.payment set posted_at = now() - interval '1 day'`],
      /is final/,
    ],
    [
      "a draft given to another owner",
      () => [draft(), `update general_ledger.payment set owner_tenant = 'x' where id = '${PAYMENT}'`],
      /is final/,
    ],
    [
      "a pending payment said otherwise",
      () => [pending(), `update general_ledger.payment set metadata = '{"a":"b"}' where id = '${PAYMENT}'`],
      /is final/,
    ],
    ["a posted payment without its time", () => [payment({ posted_at: "null" })], /payment_times_fit_state/],
    ["a draft with a time of posting", () => [payment({ state: "'draft'" })], /payment_times_fit_state/],
    ["a pending payment without its time", () => [payment({ state: "'pending'", posted_at: "null" })], /payment_times_fit_state/],
    [
      "an id that leaves no room for lines",
      () => [payment({ id: "'0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e01'" })],
      /payment_id_leaves_room_for_lines/,
    ],
    [
      "a second payment of one externalId",
      () => [payment({ external_id: "'x'" }), payment({ external_id: "'x'", id: `'${ids.alice.slice(0, 34)}00'` })],
      /payment_external_id_once/,
    ],
  ])("%s is refused", async (_, statements, message) => {
    const end = await attempt(bank.owner, statements());
    expect(end.message).toMatch(message);
  });

  test.each<Case>([
    ["a hold below zero", () => [account("held_minor = -1")], /account_holds_are_not_negative/],
    ["an announcement below zero", () => [account("incoming_minor = -1")], /account_holds_are_not_negative/],
    ["a balance below the floor", () => [account("balance_minor = -1")], /account_floor_is_kept/],
    ["a hold of more than there is", () => [account("held_minor = 9001")], /account_floor_is_kept/],
    ["a floor above the balance", () => [account("floor_minor = 9001")], /account_floor_is_kept/],
    ["a balance out of bounds", () => [account("balance_minor = 9000000000000000001")], /account_balance_within_bounds/],
    [
      "a floor on the debit side",
      () => ["update general_ledger.account set floor_minor = -9000000000000000000 where not credit_normal"],
      /account_floor_needs_credit_side/,
    ],
    [
      "an account of a client without a floor",
      () => [
        `insert into general_ledger.account (id, client_id, tenant, currency, credit_normal)
         select gen_random_uuid(), client_id, tenant, currency, true from general_ledger.account where id = '${ids.alice}'`,
      ],
      /account_of_client_has_floor/,
    ],
    ["a floor taken away from a client's account", () => [account("floor_minor = null")], /account_of_client_has_floor/],
    ["a change of currency", () => [account("currency = 'USD'")], /update of general_ledger.account is refused/i],
    ["a change of client", () => [account("client_id = null")], /update of general_ledger.account is refused/i],
    ["a change of side", () => [account("credit_normal = false")], /update of general_ledger.account is refused/i],
    ["a change of tenant", () => [account("tenant = 'x'")], /update of general_ledger.account is refused/i],
    [
      "an account removed",
      () => [`delete from general_ledger.account where id = '${ids.alice}'`],
      /delete of general_ledger.account is refused/i,
    ],
    [
      "a second default account",
      () => [
        `insert into general_ledger.account (id, client_id, tenant, currency, credit_normal, floor_minor, is_default)
         select gen_random_uuid(), client_id, tenant, currency, true, 0, true from general_ledger.account where id = '${ids.alice}'`,
      ],
      /account_one_default_per_client_and_currency/,
    ],
    [
      "an account of a client that is not there",
      () => [
        "insert into general_ledger.account (id, client_id, tenant, currency, credit_normal, floor_minor) values (gen_random_uuid(), gen_random_uuid(), 'x', 'EUR', true, 0)",
      ],
      /account_client_id_fkey/,
    ],
  ])("%s is refused", async (_, statements, message) => {
    const end = await attempt(bank.owner, statements());
    expect(end.message).toMatch(message);
  });

  const KEPT = [
    "general_ledger.entry",
    "general_ledger.payment_line",
    "general_ledger.journal",
    "platform.audit_entry",
    "platform.event",
    "client_profile.client_status_history",
  ];
  const STAYING = ["payment", "account", "account_profile", "ledger_head"].map((name) => `general_ledger.${name}`);
  test.each([...KEPT, ...STAYING, "platform.idempotency_key", "client_profile.client"])("rows of %s are never removed", async (table) => {
    for (const statement of [`delete from ${table}`, `truncate ${table} cascade`]) {
      const end = await attempt(bank.owner, [statement]);
      expect(end.message).toMatch(/is refused: its rows are never changed or removed/);
    }
  });

  test.each(KEPT)("rows of %s are never changed", async (table) => {
    const { rows } = await bank.owner.query<{ name: string }>(
      "select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped and attidentity <> 'a'",
      [table],
    );
    expect(rows.length).toBeGreaterThan(4);
    for (const { name } of rows) {
      const end = await attempt(bank.owner, [`update ${table} set ${name} = ${name}`]);
      expect(end.message).toMatch(new RegExp(`UPDATE of ${table} is refused`));
    }
  });

  test.each<Case>([
    ["two journal rows in one transaction", () => [append(1_000_000), append(1_000_001)], /one transaction may write the journal once/],
    ["a batch numbered twice", () => [journal("1000, 1, 1, now(), '{payment.posted}', array[gen_random_uuid()]")], /journal_batch_once/],
    ["a number given twice", () => [journal("1, 1000000, 1, now(), '{payment.posted}', array[gen_random_uuid()]")], /journal_pkey/],
    ["a journal row of no changes", () => [journal("1000, 1000000, 0, now(), '{}', '{}'")], /journal_lists_every_change/],
    [
      "a journal row that counts wrong",
      () => [journal("1000, 1000000, 2, now(), '{payment.posted}', array[gen_random_uuid()]")],
      /journal_lists_every_change/,
    ],
    [
      "a journal row that leaves a gap",
      () => [journal("1000, 1000000, 1, now(), '{payment.posted}', array[gen_random_uuid()]")],
      /does not end at the head/,
    ],
    ["the head turned back", () => ["update general_ledger.ledger_head set last_sequence = last_sequence - 1"], /never turns back/],
    ["the head's time turned back", () => ["update general_ledger.ledger_head set last_at = last_at - interval '1 s'"], /never turns back/],
    ["an answered key answered anew", () => [KEY, "update platform.idempotency_key set answer = 'x' where status = 200"], /has its answer/],
    [
      "a payment's key given an answer",
      () => [PAID_KEY, "update platform.idempotency_key set status = 409, answer = 'x' where payment_id is not null"],
      /has its answer/,
    ],
    ["a second head of the ledger", () => ["insert into general_ledger.ledger_head (id) values (2)"], /ledger_has_one_head/],
    [
      "a key whose fingerprint is none",
      () => ["insert into platform.idempotency_key (id, fingerprint) values (gen_random_uuid(), 'short')"],
      /idempotency_key_fingerprint_is_sha256/,
    ],
  ])("%s is refused", async (_, statements, message) => {
    const end = await attempt(bank.owner, statements());
    expect(end.message).toMatch(message);
  });
});
