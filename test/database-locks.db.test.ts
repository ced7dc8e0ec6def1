// The app role against the database: what the running product may not even try, table by table and column by column. Every statement is
// rolled back; none may come so far as to be kept.

import { ledgerVerifiable } from "#general-ledger";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { aLine, unique } from "./builders.ts";
import { attempt, DONE, openSmallBooks, PAYMENT, type SmallBooks } from "./raw-sql.ts";
import { bodyOf } from "./setup/ledger.ts";

const NOT_PERMITTED = "42501";

let bank: SmallBooks["bank"];
let ids: SmallBooks["ids"];
let app: pg.Client;

beforeAll(async () => {
  ({ bank, ids } = await openSmallBooks());
  const { appUrl, appRole } = bank.database;
  app = new pg.Client({ connectionString: appUrl, ...(appRole === null ? {} : { options: `-c role=${appRole}` }) });
  await app.connect();
});
afterAll(async () => {
  await app.end();
  await bank.close();
});

describe("the app role", () => {
  /** What the product itself has to do: all other columns and tables are closed to it. */
  const MAY_UPDATE: Readonly<Record<string, readonly string[]>> = {
    "platform.idempotency_key": ["answer", "status"],
    "client_profile.client": (
      "blocked_at citizenship_country city closed_at country date_of_birth document_expiration_date document_issued_by " +
      "document_issued_country document_issued_date document_number document_type email email_mark erased_at external_id first_name last_name " +
      "phone_is_e164 phone_number plan_code residence_country restricted_at risk_level sealed_block_reason sealed_profile search_marks state status " +
      "street_line1 street_line2 updated_at verification_status version zip"
    ).split(" "),
    "client_profile.client_key": ["destroyed_at", "master_key", "wrapped_key"],
    "client_profile.deletion_notification": ["sealed_comment", "status", "updated_at"],
    "client_profile.document": [
      "content_removed_at",
      "deleted_at",
      "deleted_by",
      "erased_at",
      "missing_at",
      "scan_finding",
      "scan_status",
      "scanned_at",
      "sealed_details",
    ],
    "client_profile.plan": ["updated_at", "version"],
    "client_profile.related_individual": [
      "position",
      "removed_at",
      "roles",
      "sealed_profile",
      "share_percent",
      "updated_at",
      "verification_status",
    ],
    "client_profile.search_key": ["master_key", "wrapped_key"],
    "general_ledger.journal_follower": ["held_until", "holder", "last_sequence"],
    "onboarding.applicant": [
      "applicant_id",
      "applied_at",
      "applied_rank",
      "attention",
      "creating_until",
      "lifecycle",
      "lifecycle_at",
      "linked_at",
      "person_linked_at",
    ],
    "onboarding.verification_event": ["outcome", "settled_at", "state"],
    "onboarding.import_fault": ["external_id"],
    "onboarding.import_run": ["created", "duplicates", "faulty", "finished_at", "held_until", "holder", "rows", "updated_at"],
    "one_time_codes.block": ["lifted_at", "lifted_by"],
    "one_time_codes.challenge": ["ended_at", "outcome", "proof_expires_at", "proof_used_at", "sealed_message", "sent_at"],
    "one_time_codes.client_failures": ["failures"],
  };
  const MAY_INSERT: Readonly<Record<string, "every column" | readonly string[]>> = {
    "platform.audit_entry": "every column",
    "platform.event": "every column",
    "platform.idempotency_key": "every column",
    "client_profile.client": "every column",
    "client_profile.client_key": "every column",
    "client_profile.client_status_history": "every column",
    "client_profile.deletion_notification": "every column",
    "client_profile.deletion_notification_history": "every column",
    "client_profile.document": "every column",
    "client_profile.erasure_certificate": "every column",
    "client_profile.plan": "every column",
    "client_profile.plan_fee": "every column",
    "client_profile.plan_limit": "every column",
    "client_profile.plan_version": "every column",
    "client_profile.related_individual": "every column",
    "client_profile.search_key": "every column",
    "general_ledger.account_profile": "every column",
    "onboarding.applicant": "every column",
    "onboarding.verification_event": "every column",
    "onboarding.import_batch": "every column",
    "onboarding.import_fault": "every column",
    "onboarding.import_run": "every column",
    "one_time_codes.block": "every column",
    "one_time_codes.challenge": "every column",
    "one_time_codes.client_failures": "every column",
    "general_ledger.account": ["client_id", "credit_normal", "currency", "floor_minor", "id", "is_default", "status", "tenant"],
  };
  /** Lists of what is still to be done. */
  const MAY_DELETE = ["general_ledger.payment_expiry"];
  const TABLES = [
    "client_profile.client",
    "client_profile.client_key",
    "client_profile.client_status_history",
    "client_profile.deletion_notification",
    "client_profile.deletion_notification_history",
    "client_profile.document",
    "client_profile.erasure_certificate",
    "client_profile.plan",
    "client_profile.plan_fee",
    "client_profile.plan_limit",
    "client_profile.plan_version",
    "client_profile.related_individual",
    "client_profile.search_key",
    "general_ledger.account",
    "general_ledger.account_kind",
    "general_ledger.account_profile",
    "general_ledger.entry",
    "general_ledger.hold_change",
    "general_ledger.journal",
    "general_ledger.journal_follower",
    "general_ledger.ledger_head",
    "general_ledger.open_payment",
    "general_ledger.payment",
    "general_ledger.payment_change",
    "general_ledger.payment_expiry",
    "general_ledger.payment_line",
    "general_ledger.payment_metadata",
    "general_ledger.released_line",
    "general_ledger.reversal",
    "general_ledger.value_shift",
    "onboarding.applicant",
    "onboarding.import_batch",
    "onboarding.import_fault",
    "onboarding.import_run",
    "onboarding.verification_event",
    "one_time_codes.block",
    "one_time_codes.challenge",
    "one_time_codes.client_failures",
    "platform.audit_entry",
    "platform.event",
    "platform.idempotency_key",
    "platform.migration",
  ];

  test("is tried on every table there is", async () => {
    const { rows } = await bank.owner.query<{ name: string }>(
      `select schemaname || '.' || tablename as name from pg_tables
       where schemaname not in ('pg_catalog', 'information_schema', 'graphile_worker') order by name`,
    );
    expect(rows.map(({ name }) => name)).toEqual(TABLES);
  });

  describe.each(TABLES)("on %s", (table) => {
    test.each([
      ["truncate", `truncate ${table} cascade`],
      ["drop", `drop table ${table} cascade`],
      ["add a column", `alter table ${table} add column extra int`],
      ["switch triggers off", `alter table ${table} disable trigger user`],
      ["switch foreign keys off", `alter table ${table} disable trigger all`],
      ["add a trigger", `create trigger t before insert on ${table} for each row execute function suppress_redundant_updates_trigger()`],
      ["add a rule", `create rule r as on insert to ${table} do instead nothing`],
      ["own it", `alter table ${table} owner to finlego_app`],
      ["hide rows", `alter table ${table} enable row level security`],
      ["point a foreign key at it", `create temp table t (id uuid references ${table})`],
    ])("may not %s", async (_, statement) => {
      const { code } = await attempt(app, [statement]);
      // A temporary table may not point to a lasting one at all.
      expect([NOT_PERMITTED, ...(statement.startsWith("create temp") ? ["42P16"] : [])]).toContain(code);
    });

    // Whoever may delete may lock the table too.
    test.each([
      ["remove rows", `delete from ${table} where false`],
      ["stop others from reading", `lock table ${table} in access exclusive mode`],
    ])("may %s only where it strikes off what is done", async (_, statement) => {
      const { code } = await attempt(app, [statement]);
      expect(code).toBe(MAY_DELETE.includes(table) ? "done" : NOT_PERMITTED);
    });

    const columnsWhere = async (right: (column: string) => string): Promise<string[]> => {
      const { rows } = await bank.owner.query<{ name: string }>(
        "select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped and attidentity = '' and attgenerated = '' order by attname",
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
    ["open a closed day", "update general_ledger.ledger_head set closed_through = '-infinity'"],
    ["draw numbers of batches", "select nextval('general_ledger.batch')"],
    ["turn account numbers back", "select setval('general_ledger.account_number', 1)"],
    ["reset the statistics that count changes", "select pg_stat_reset()"],
    ["reset those of one table", "select pg_stat_reset_single_table_counters('general_ledger.entry'::regclass)"],
  ])("may not %s", async (_, statement) => {
    expect(await attempt(app, [statement])).toMatchObject({ code: NOT_PERMITTED });
  });

  const follow = (to: string): string => `update general_ledger.journal_follower set last_sequence = ${to} where name = 'sink'`;
  const HEAD = "(select last_sequence from general_ledger.ledger_head)";

  test("moves the place of a follower on, never back and never beyond the journal; its owner moves it anywhere", async () => {
    expect(await attempt(app, [follow("1"), follow("1"), follow(HEAD)])).toEqual(DONE);
    expect(await attempt(app, [follow("2"), follow("1")])).toEqual({ code: "23001", message: "the place of follower sink cannot go back" });
    expect(await attempt(app, [follow(`${HEAD} + 1`)])).toEqual({
      code: "23001",
      message: "the place of follower sink cannot be beyond the end of the journal",
    });
    expect(await attempt(bank.owner, [follow(HEAD), follow("0"), follow(`${HEAD} + 1`)])).toEqual(DONE);
  });

  test("may not end a session of the owner", async () => {
    const { rows } = await bank.owner.query<{ pid: number }>("select pg_backend_pid() as pid");
    expect(await attempt(app, [`select pg_terminate_backend(${rows[0]?.pid})`])).toMatchObject({ code: NOT_PERMITTED });
  });

  test("may not change settings of the server", async () => {
    // Not a statement for a transaction.
    await expect(app.query("alter system set fsync = off")).rejects.toMatchObject({ code: NOT_PERMITTED });
  });

  // Trigger functions run by themselves only.
  test("may call no functions but these", async () => {
    const { rows } = await bank.owner.query<{ name: string }>(
      `select distinct p.pronamespace::regnamespace || '.' || p.proname as name
       from pg_proc p
       where p.pronamespace::regnamespace::text in ('platform', 'client_profile', 'general_ledger', 'one_time_codes')
         and p.prorettype <> 'trigger'::regtype and has_function_privilege('finlego_app', p.oid, 'execute')
       order by name`,
    );
    const readers = [
      "count_changes_before",
      "count_entries_before",
      "count_entries_through",
      "has_pending_payment",
      "held_before",
      "last_change_dated_before",
      "last_draft_through",
      "pieces",
    ].map((name) => `general_ledger.${name}`);
    expect(rows.map(({ name }) => name)).toEqual([...ledgerVerifiable.doors, ...readers].toSorted());
  });

  test.each<[what: string, statement: () => string, message: RegExp]>([
    [
      "block an account that is not there",
      () => `select general_ledger.set_account_blocks('account.blocked', '${PAYMENT}', true, true, 'x')`,
      /there is no account/,
    ],
    [
      "call an opening a block",
      () => `select general_ledger.set_account_blocks('account.opened', '${ids.bob}', true, true, 'x')`,
      /unknown change/,
    ],
    [
      "block what it says it unblocks",
      () => `select general_ledger.set_account_blocks('account.unblocked', '${ids.bob}', true, true, 'x')`,
      /cannot be changed so/,
    ],
    ["close an account with money on it", () => `select general_ledger.close_account('${ids.alice}', null, now())`, /is not empty/],
    [
      "give a client's account no floor",
      () => `select general_ledger.change_account('${ids.alice}', null, true, null, false)`,
      /cannot have that floor/,
    ],
    [
      "ask for more than an account has",
      () => `select general_ledger.change_account('${ids.alice}', null, true, 1, false)`,
      /cannot have that floor/,
    ],
    [
      "order accounts that are not the client's",
      () => `select general_ledger.order_accounts(gen_random_uuid(), array['${ids.alice}'::uuid])`,
      /are not the open accounts/,
    ],
    [
      "tell a payment as a change of an account",
      () => `select general_ledger.journal_account_change('payment.posted', '${ids.alice}')`,
      /unknown change/,
    ],
  ])("may not %s", async (_, statement, message) => {
    expect((await attempt(app, [statement()])).message).toMatch(message);
  });

  test("may not number the opening of an account that is not there", async () => {
    const end = await attempt(app, ["select general_ledger.journal_account_change('account.opened', gen_random_uuid())"]);
    expect(end.message).toMatch(/there is no account/);
  });

  /** One transfer of 1.00 EUR from Alice to Bob, as the product sends it, with the accounts in the order given. */
  const post = (accounts: readonly string[], lines: 0 | 1 | 2, operation = "transfer", payment = PAYMENT, amount = 100): string => {
    const values: Readonly<Record<string, string>> = {
      p_accounts: `array[${accounts.map((id) => `'${id}'::uuid`).join(", ")}]`,
      p_atomic: "false",
      p_time_zone: "'UTC'",
      p_expects_repeats: "true",
      c_operation: `'{${operation}}'`,
      c_id: `'{${payment}}'`,
      c_owner_tenant: "'{default}'",
      c_confined: "'{f}'",
      c_created_by: "'{test}'",
      c_external_id: "array[gen_random_uuid()::text]",
      c_content: "array[gen_random_uuid()]",
      c_key: "'{NULL}'",
      c_request: "'{NULL}'",
      c_trace: "'{trace}'",
      c_type: "'{transfer}'",
      ...nulls("c_keep_absent c_value_date c_description c_reference c_metadata c_reason c_expires_at c_reverses c_client"),
      c_lines: `'{${lines}}'`,
      l_debit: `'{${accounts.indexOf(ids.alice) + 1}}'`,
      l_credit: `'{${accounts.indexOf(ids.bob) + 1}}'`,
      l_amount: `'{${amount}}'`,
      l_currency: "'{EUR}'",
      l_type: "'{transfer}'",
      ...nulls("l_description l_capture v_command v_account v_version"),
    };
    const named = Object.entries(values).map(([name, value]) => `${name} => ${value}`);
    return `select from general_ledger.post_batch(${named.join(", ")})`;
  };
  const nulls = (names: string): Record<string, string> => Object.fromEntries(names.split(" ").map((name) => [name, "null"]));

  test("posts with the accounts named once each, ascending, and not otherwise", async () => {
    const ascending = [ids.alice, ids.bob].toSorted();
    expect(await attempt(app, [post(ascending, 1)])).toEqual(DONE);
    for (const accounts of [ascending.toReversed(), [...ascending, ...ascending], [PAYMENT, ...ascending.toReversed()]]) {
      expect((await attempt(app, [post(accounts, 1)])).message).toMatch(/accounts are to be named once each, ascending/);
    }
  });

  test.each([0, 2] as const)("may not post a payment of %s lines and send one", async (lines) => {
    const end = await attempt(app, [post([ids.alice, ids.bob].toSorted(), lines)]);
    expect(end.message).toMatch(/the lines do not fit the commands/);
  });

  test.each(["pend", "cancel"])("may %s a draft as it was drafted, and not as another payment", async (operation) => {
    const lines = ["1.00", "2.00"].map((amount) => aLine({ id: ids.alice, currency: "EUR" }, { id: ids.bob, currency: "EUR" }, amount));
    const draftOf = async (transactions: readonly unknown[]): Promise<string> =>
      String(bodyOf(await bank.system.post("/v2/internal/Payments", { externalId: unique("draft"), transactions }))["id"]);
    const [short, long] = [await draftOf(lines.slice(0, 1)), await draftOf(lines)];
    const { alice, bob, source } = ids;
    const change = (between: readonly string[], payment: string, amount: number): string =>
      post(between.toSorted(), 1, operation, payment, amount);
    expect(await attempt(app, [change([alice, bob], short, 100)])).toEqual(DONE);
    for (const other of [change([alice, bob], short, 99), change([alice, bob], long, 100), change([alice, bob, source], short, 300)]) {
      expect((await attempt(app, [other])).message).toMatch(/are others than those that were judged/);
    }
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
