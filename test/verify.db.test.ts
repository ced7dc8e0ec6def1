// `verify` says that sound books are sound, and of damaged ones what is wrong and where. The damage is done as a superuser would do it,
// past triggers and constraints: each case in a copy of the same books, and exactly the named checks must complain.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { clientProfileVerifiable } from "#client-profile";
import { ledgerVerifiable } from "#general-ledger";
import { platformVerifiable } from "#platform/platform-checks.store.ts";
import { type Report, verify } from "#platform/verify.ts";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { aLine, aTransfer, unique } from "./builders.ts";
import { bodyOf, type LedgerApp, openLedgerApp } from "./setup/ledger.ts";
import { cloneTemplate, type TestDatabase } from "./setup/server.ts";

type Books = {
  readonly alice: string;
  readonly bob: string;
  readonly source: string;
  readonly yen: string;
  readonly aliceClient: string;
  /** Alice's second entry, first line of a payment of two to Bob. */
  readonly payment: string;
  /** Alice's third entry, a payment of one line to Bob. */
  readonly last: string;
};

/** Three accounts of clients, the bank's two, and five payments. */
const CHANGES = 10;

let bank: LedgerApp;
let books: Books;

beforeAll(async () => {
  bank = await openLedgerApp();
  books = await fill();
  // Nobody may be connected to a database that is copied.
  bank.owner.on("error", () => undefined);
  const admin = new pg.Client({ connectionString: inject("testServer").ownerUrl });
  await admin.connect();
  await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()", [bankName()]);
  await admin.end();
});
afterAll(() => bank.close());

async function fill(): Promise<Books> {
  const alice = await bank.aFundedAccount("100.00");
  const bob = await bank.aClientAccount();
  const yen = await bank.aFundedAccount("5000", { currency: "JPY" });
  const source = await bank.owner.query<{ id: string }>(
    "select debit_account_id as id from general_ledger.payment_line where credit_account_id = $1",
    [alice.id],
  );
  const lines = [aLine(alice, bob, "10.00"), aLine(alice, bob, "5.00")];
  const { id: payment } = bodyOf(
    await bank.transfer({ externalId: unique("payment"), transactions: lines }, { "idempotency-key": unique("key") }),
  );
  const { id: last } = bodyOf(await bank.transfer(aTransfer(alice, bob, "1.00")));
  const refused = await bank.transfer(aTransfer(alice, bob, "1000.00"), { "idempotency-key": unique("key") });
  expect(refused.status).toBe(409);
  await bank.transfer(aTransfer(bob, alice, "2.00"));
  return {
    alice: alice.id,
    bob: bob.id,
    yen: yen.id,
    source: source.rows[0]?.id ?? "",
    aliceClient: String(alice.clientId),
    payment: String(payment),
    last: String(last),
  };
}

const bankName = (): string => decodeURIComponent(new URL(bank.database.ownerUrl).pathname.slice(1));

/** A copy of the books, damaged by somebody whom nothing stops. */
async function copyBooks(...damage: readonly string[]): Promise<TestDatabase> {
  const copy = await cloneTemplate({ ...inject("testServer"), template: bankName() });
  const owner = new pg.Client({ connectionString: copy.ownerUrl });
  await owner.connect();
  try {
    await owner.query("set session_replication_role = replica");
    for (const statement of damage) {
      const { rowCount } = await owner.query(statement);
      if (rowCount === 0) throw new Error(`nothing was damaged by: ${statement}`);
    }
    return copy;
  } finally {
    await owner.end();
  }
}

const rooms = [platformVerifiable, clientProfileVerifiable, ledgerVerifiable];

async function verifyCopy(...damage: readonly string[]): Promise<Report> {
  const copy = await copyBooks(...damage);
  try {
    return await verify({ url: copy.ownerUrl, mode: "development", rooms });
  } finally {
    await copy.drop();
  }
}

test("sound books are right, as the owner and as the app role see them", async () => {
  const copy = await copyBooks();
  try {
    for (const url of [copy.ownerUrl, copy.appUrl]) {
      const report = await verify({ url, mode: "development", rooms });
      expect(
        report.checks.flatMap(({ id, severity, findings }) =>
          severity === "error" ? findings.map((finding) => ({ id, ...finding })) : [],
        ),
      ).toEqual([]);
      expect(report).toMatchObject({ ok: true, ledgerSequence: CHANGES });
      expect(Date.parse(report.checkedAt)).toBeGreaterThan(Date.now() - 60_000);
    }
  } finally {
    await copy.drop();
  }
});

type Place = Readonly<Record<string, string | number>>;
type Damage = {
  readonly name: string;
  readonly done: (books: Books) => string | readonly string[];
  /** The checks that complain, each with the places they must name. */
  readonly found: (books: Books) => Readonly<Record<string, readonly Place[]>>;
};

const entry = (account: string, seq: number): string => `account_id = '${account}' and account_seq = ${seq}`;
const touched = (table: string): readonly Place[] => [{ table: `general_ledger.${table}` }];

const DAMAGES: readonly Damage[] = [
  {
    name: "one minor unit in an entry",
    done: ({ alice }) => `update general_ledger.entry set amount_minor = amount_minor + 1 where ${entry(alice, 2)}`,
    found: ({ alice, payment }) => ({
      "INV-1": [
        { paymentId: payment, currency: "EUR" },
        { paymentId: payment, lineNo: 1, accountId: alice, accountSeq: 2 },
      ],
      "INV-2": [{ currency: "EUR" }],
      "INV-3": [{ accountId: alice }],
      "INV-6": [{ accountId: alice, accountSeq: 2, paymentId: payment }],
      "INV-10": touched("entry"),
    }),
  },
  {
    name: "a lost entry",
    done: ({ alice }) => `delete from general_ledger.entry where ${entry(alice, 3)}`,
    found: ({ alice, payment }) => ({
      "INV-1": [
        { paymentId: payment, currency: "EUR" },
        { paymentId: payment, lineNo: 2, accountId: alice, accountSeq: 3 },
      ],
      "INV-2": [{ currency: "EUR" }],
      "INV-3": [{ accountId: alice }],
      "INV-6": [{ accountId: alice, accountSeq: 4 }],
      "INV-10": touched("entry"),
    }),
  },
  {
    name: "a doubled entry",
    done: ({ bob }) =>
      `insert into general_ledger.entry select account_id, payment_id, 99, amount_minor, balance_after, held_after, booked_at, line_no
       from general_ledger.entry where ${entry(bob, 1)}`,
    found: ({ bob, payment }) => ({
      "INV-1": [
        { paymentId: payment, currency: "EUR" },
        { paymentId: payment, lineNo: 1, accountId: bob, accountSeq: 99 },
      ],
      "INV-2": [{ currency: "EUR" }],
      "INV-3": [{ accountId: bob }],
      "INV-6": [{ accountId: bob, accountSeq: 99 }],
    }),
  },
  {
    name: "a balance one too high",
    done: ({ alice }) => `update general_ledger.account set balance_minor = balance_minor + 1 where id = '${alice}'`,
    found: ({ alice }) => ({ "INV-3": [{ accountId: alice }] }),
  },
  {
    name: "a balance one too low",
    done: ({ bob }) => `update general_ledger.account set balance_minor = balance_minor - 1 where id = '${bob}'`,
    found: ({ bob }) => ({ "INV-3": [{ accountId: bob }] }),
  },
  {
    name: "a hold that nobody placed",
    done: ({ alice }) => `update general_ledger.account set held_minor = held_minor + 1 where id = '${alice}'`,
    found: ({ alice }) => ({ "INV-4": [{ accountId: alice }] }),
  },
  {
    name: "a hold below zero",
    done: ({ alice }) => [
      "alter table general_ledger.account drop constraint account_holds_are_not_negative",
      `update general_ledger.account set held_minor = held_minor - 1 where id = '${alice}'`,
    ],
    found: ({ alice }) => ({
      "INV-4": [{ accountId: alice }],
      "DB-4": [{ table: "general_ledger.account", constraint: "account_holds_are_not_negative" }],
    }),
  },
  {
    name: "two accounts of a line swapped",
    done: ({ last }) =>
      `update general_ledger.payment_line set debit_account_id = credit_account_id, credit_account_id = debit_account_id where payment_id = '${last}'`,
    found: ({ last, alice, bob }) => ({
      "INV-1": [
        { paymentId: last, lineNo: 1, accountId: alice },
        { paymentId: last, lineNo: 1, accountId: bob },
      ],
      "INV-23": [{ paymentId: last }],
    }),
  },
  {
    name: "an entry moved to another account",
    done: ({ alice, bob }) => `update general_ledger.entry set account_id = '${bob}', account_seq = 50 where ${entry(alice, 4)}`,
    found: ({ last, alice, bob }) => ({
      "INV-1": [
        { paymentId: last, lineNo: 1, accountId: alice, accountSeq: 4 },
        { paymentId: last, lineNo: 1, accountId: bob, accountSeq: 50 },
      ],
      "INV-3": [{ accountId: alice }, { accountId: bob }],
      "INV-6": [
        { accountId: alice, accountSeq: 5 },
        { accountId: bob, accountSeq: 50 },
      ],
      "INV-10": touched("entry"),
    }),
  },
  {
    name: "a posted payment called cancelled",
    done: ({ last }) =>
      `update general_ledger.payment set state = 'cancelled', cancelled_at = posted_at, posted_at = null where id = '${last}'`,
    found: ({ last }) => ({
      "INV-1": [{ paymentId: last, lineNo: 1 }],
      "INV-5": [{ paymentId: last, lineNo: 1 }, { paymentId: last }],
      "INV-7": [{ paymentId: last }],
    }),
  },
  {
    name: "a gap in the sequence",
    done: () => "delete from general_ledger.journal where first_sequence = 7",
    found: () => ({ "INV-7": [{ sequence: 8 }], "INV-10": touched("journal") }),
  },
  {
    name: "a tail of the journal cut off",
    done: () => `delete from general_ledger.journal where first_sequence = ${CHANGES}`,
    found: () => ({ "INV-7": [{ sequence: CHANGES }], "INV-10": touched("journal") }),
  },
  {
    name: "the ledger's head turned back",
    done: () => "update general_ledger.ledger_head set last_sequence = last_sequence - 1",
    found: () => ({ "INV-7": [{ sequence: CHANGES - 1 }] }),
  },
  {
    name: "an account's currency changed",
    done: ({ yen }) => `update general_ledger.account set currency = 'EUR' where id = '${yen}'`,
    found: ({ yen }) => ({ "INV-1": [{ accountId: yen, lineNo: 1 }], "INV-2": [{ currency: "EUR" }, { currency: "JPY" }] }),
  },
  {
    name: "a line's currency changed",
    done: ({ last }) => `update general_ledger.payment_line set currency = 'JPY' where payment_id = '${last}'`,
    found: ({ last, alice, bob }) => ({
      "INV-1": [
        { paymentId: last, lineNo: 1, accountId: alice },
        { paymentId: last, lineNo: 1, accountId: bob },
      ],
    }),
  },
  {
    name: "two balances off by amounts that cancel out",
    done: ({ alice, bob }) =>
      `update general_ledger.account set balance_minor = balance_minor + case id when '${alice}' then 1 else -1 end where id in ('${alice}', '${bob}')`,
    found: ({ alice, bob }) => ({ "INV-3": [{ accountId: alice }, { accountId: bob }] }),
  },
  {
    name: "both entries of a line off by amounts that cancel out, and the balances with them",
    done: ({ alice, bob, last }) => [
      `update general_ledger.entry set amount_minor = amount_minor + sign(amount_minor)::bigint, balance_after = balance_after + sign(amount_minor)::bigint
       where payment_id = '${last}'`,
      `update general_ledger.account set balance_minor = balance_minor + case id when '${alice}' then -1 else 1 end where id in ('${alice}', '${bob}')`,
    ],
    found: ({ last, alice, bob }) => ({
      "INV-1": [
        { paymentId: last, lineNo: 1, accountId: alice },
        { paymentId: last, lineNo: 1, accountId: bob },
      ],
      "INV-6": [{ accountId: alice, accountSeq: 5 }, { accountId: bob }],
      "INV-10": touched("entry"),
    }),
  },
  {
    name: "two subjects of the journal exchanged",
    done: ({ payment, last }) =>
      `update general_ledger.journal set subjects = array[case subjects[1] when '${payment}' then '${last}'::uuid else '${payment}'::uuid end]
       where subjects[1] in ('${payment}', '${last}')`,
    found: ({ payment, last }) => ({ "INV-7": [{ paymentId: payment }, { paymentId: last }], "INV-10": touched("journal") }),
  },
  {
    name: "the journal's opening given to another account",
    done: ({ alice, bob }) => `update general_ledger.journal set subjects = array['${bob}'::uuid] where subjects[1] = '${alice}'`,
    found: ({ alice, bob }) => ({ "INV-7": [{ accountId: alice }, { accountId: bob }], "INV-10": touched("journal") }),
  },
  {
    name: "times of the journal out of order",
    done: () => "update general_ledger.journal set committed_at = committed_at - interval '1 day' where first_sequence = 9",
    found: () => ({ "INV-7": [{ sequence: 9 }], "INV-10": touched("journal") }),
  },
  {
    name: "a payment that claims another place",
    done: ({ last }) => `update general_ledger.payment set place = place + 1 where id = '${last}'`,
    found: ({ last }) => ({ "INV-7": [{ paymentId: last }] }),
  },
  {
    name: "an idempotency key that points nowhere",
    done: ({ payment }) =>
      `update platform.idempotency_key set payment_id = '00000000-0000-7000-8000-000000000000' where payment_id = '${payment}'`,
    found: () => ({ "INV-8": [{ paymentId: "00000000-0000-7000-8000-000000000000" }] }),
  },
  {
    name: "an idempotency key without its answer",
    done: () => "update platform.idempotency_key set answer = null where status = 409",
    found: () => ({ "INV-8": [{}] }),
  },
  {
    name: "an entry's time turned back",
    done: ({ alice }) => `update general_ledger.entry set booked_at = booked_at - interval '1 hour' where ${entry(alice, 4)}`,
    found: ({ alice, last }) => ({
      "INV-5": [{ paymentId: last, accountId: alice, accountSeq: 4 }],
      "INV-6": [{ accountId: alice, accountSeq: 4 }],
      "INV-10": touched("entry"),
    }),
  },
  {
    name: "a payment's time of posting changed",
    done: ({ last }) => `update general_ledger.payment set posted_at = posted_at + interval '1 hour' where id = '${last}'`,
    found: ({ last }) => ({ "INV-5": [{ paymentId: last }] }),
  },
  {
    name: "a payment given to another client",
    done: ({ payment }) => `update general_ledger.payment set client_id = null where id = '${payment}'`,
    found: ({ payment }) => ({ "INV-23": [{ paymentId: payment }] }),
  },
  {
    name: "a payment that is gone",
    done: ({ last }) => `delete from general_ledger.payment where id = '${last}'`,
    found: ({ last }) => ({ "INV-1": [{ paymentId: last }], "INV-7": [{ paymentId: last }], "INV-23": [{ paymentId: last, lineNo: 1 }] }),
  },
  {
    name: "an account that is gone",
    done: ({ yen }) => `delete from general_ledger.account where id = '${yen}'`,
    found: ({ yen }) => ({
      "INV-1": [{ currency: "unknown" }],
      "INV-2": [{ currency: "unknown" }],
      "INV-7": [{ accountId: yen }],
      "INV-20": [{ subject: `account:${yen}` }],
      "INV-23": [{ accountId: yen }, { accountId: yen, accountSeq: 1 }, { constraint: "account_profile_account_id_fkey", account_id: yen }],
    }),
  },
  {
    name: "a floor taken away from a client's account",
    done: ({ alice }) => [
      "alter table general_ledger.account drop constraint account_of_client_has_floor",
      `update general_ledger.account set floor_minor = null where id = '${alice}'`,
    ],
    found: ({ alice }) => ({
      "INV-4": [{ accountId: alice }],
      "DB-4": [{ table: "general_ledger.account", constraint: "account_of_client_has_floor" }],
    }),
  },
  {
    name: "an account turned to the other side",
    done: ({ source }) => `update general_ledger.account set credit_normal = not credit_normal where id = '${source}'`,
    found: ({ source }) => ({ "INV-23": [{ accountId: source }] }),
  },
  {
    name: "an audit row that is gone",
    done: ({ alice }) => `delete from platform.audit_entry where subject = 'account:${alice}'`,
    found: ({ alice }) => ({ "INV-20": [{ subject: `account:${alice}` }], "INV-10": [{ table: "platform.audit_entry" }] }),
  },
  {
    name: "a client's standing changed behind its history",
    done: ({ aliceClient }) => `update client_profile.client set status = 'closed' where id = '${aliceClient}'`,
    found: ({ aliceClient }) => ({ "INV-12": [{ clientId: aliceClient }] }),
  },
  {
    name: "a client that is gone",
    done: ({ aliceClient }) => `delete from client_profile.client where id = '${aliceClient}'`,
    found: ({ aliceClient }) => ({
      "INV-20": [{ subject: `client:${aliceClient}` }],
      "INV-23": [
        { table: "general_ledger.account", client_id: aliceClient },
        { table: "client_profile.client_status_history", client_id: aliceClient },
      ],
    }),
  },
  {
    name: "a trigger switched off",
    done: () => "alter table general_ledger.entry disable trigger entry_is_immutable",
    found: () => ({ "DB-4": [{ table: "general_ledger.entry", trigger: "entry_is_immutable" }] }),
  },
  {
    name: "a trigger taken away",
    done: () => "drop trigger entry_sums_are_zero on general_ledger.entry",
    found: () => ({ "DB-4": [{ table: "general_ledger.entry", trigger: "entry_sums_are_zero" }] }),
  },
  {
    name: "the trigger of a foreign key switched off",
    done: () => "alter table client_profile.client_status_history disable trigger all",
    found: () => ({ "DB-4": [{ table: "client_profile.client_status_history", trigger: "client_status_history_is_immutable" }] }),
  },
  {
    name: "a lock whose function was emptied",
    done: () =>
      "create or replace function platform.refuse_change() returns trigger language plpgsql as $$ begin return coalesce(new, old); end $$",
    found: () => ({ "DB-4": [{ function: "platform.refuse_change()" }] }),
  },
  {
    name: "a rule that swallows a statement",
    done: () => "create rule swallow as on insert to platform.audit_entry do instead nothing",
    found: () => ({ "DB-4": [{ table: "platform.audit_entry", rule: "swallow" }] }),
  },
  {
    name: "a right that nobody granted in a migration",
    done: () => "grant update (balance_minor), delete on general_ledger.account to finlego_app",
    found: () => ({ "DB-1": [{ on: "general_ledger.account" }, { on: "general_ledger.account", column: "balance_minor" }] }),
  },
  {
    name: "a right that everybody has",
    done: () => "grant insert on general_ledger.entry to public",
    found: () => ({ "DB-1": [{ on: "general_ledger.entry", column: "amount_minor" }] }),
  },
  {
    name: "a door opened beside the door",
    done: () => "grant execute on function general_ledger.append_journal to finlego_app",
    found: () => ({
      "DB-1": [{ function: "general_ledger.append_journal(bigint,general_ledger.change[],uuid[])" }],
    }),
  },
  {
    name: "a table that belongs to the app role",
    done: () => "alter table platform.event owner to finlego_app",
    found: () => ({ "DB-2": [{ relation: "platform.event" }], "DB-1": [{ on: "platform.event", column: "subject" }] }),
  },
];

describe("damage is found, by the right check and at the right place:", () => {
  test.each(DAMAGES)("$name", async ({ done, found }) => {
    const damage = done(books);
    const report = await verifyCopy(...(typeof damage === "string" ? [damage] : damage));
    const expected = found(books);
    const complaints = report.checks.filter(({ ok, severity }) => !ok && severity === "error");
    expect([...new Set(complaints.map(({ id }) => id))].sort(), JSON.stringify(complaints, null, 1)).toEqual(Object.keys(expected).sort());
    expect(report.ok).toBe(false);
    for (const [id, places] of Object.entries(expected)) {
      const named = complaints.filter((check) => check.id === id).flatMap(({ findings }) => findings.map(({ place }) => place));
      for (const place of places) expect(named).toContainEqual(expect.objectContaining(place));
    }
  });
});

test("books on which payments are being posted are right at every instant", async () => {
  const busy = await openLedgerApp();
  try {
    const alice = await busy.aFundedAccount("1000.00");
    const bob = await busy.aClientAccount();
    const open = { ledgerSequence: 0 };
    const transfers = Array.from({ length: 300 }, () => busy.transfer(aTransfer(alice, bob, "1.00"), { "idempotency-key": unique("key") }));
    const settled = Promise.all(transfers);
    for (let round = 0; round < 3; round++) {
      const report = await verify({ url: busy.database.ownerUrl, mode: "development", rooms });
      expect(report.checks.filter(({ ok, severity }) => !ok && severity === "error")).toEqual([]);
      expect(report["ledgerSequence"]).toBeGreaterThanOrEqual(open.ledgerSequence);
      open.ledgerSequence = Number(report["ledgerSequence"]);
    }
    expect((await settled).map(({ status }) => status)).toEqual(transfers.map(() => 200));
    expect(await verify({ url: busy.database.ownerUrl, mode: "development", rooms })).toMatchObject({ ok: true, ledgerSequence: 304 });
  } finally {
    await busy.close();
  }
});

test("of many findings twenty are listed and all are counted", async () => {
  const report = await verifyCopy(
    `insert into general_ledger.payment_line (payment_id, line_no, debit_account_id, credit_account_id, amount_minor, debit_seq, credit_seq, currency, type)
     select gen_random_uuid(), 1, gen_random_uuid(), gen_random_uuid(), 1, 1, 1, 'EUR', 'transfer' from generate_series(1, 30)`,
  );
  const orphans = report.checks.find(({ name }) => name === "lines and entries have their payment and their accounts");
  expect(orphans).toMatchObject({ ok: false, total: 90 });
  expect(orphans?.findings).toHaveLength(20);
});

describe("the command", () => {
  const cli = new URL("../src/cli.ts", import.meta.url).pathname;
  type End = { code: number; stdout: string; stderr: string };
  const run = async (...options: string[]): Promise<End> => {
    const env = { PATH: process.env["PATH"], FINLEGO_DATA: "/nowhere/at-all" };
    try {
      return { code: 0, ...(await promisify(execFile)(process.execPath, [cli, "verify", ...options], { env })) };
    } catch (error) {
      return error as End;
    }
  };

  test("prints the report; 0 says that the books are right, 1 that they are not", async () => {
    const sound = await copyBooks();
    const damaged = await copyBooks("update general_ledger.account set balance_minor = balance_minor + 1");
    try {
      const right = await run("--database-url", sound.ownerUrl);
      expect(right.code).toBe(0);
      expect(JSON.parse(right.stdout)).toMatchObject({ ok: true, ledgerSequence: CHANGES });
      const wrong = await run("--database-url", damaged.ownerUrl);
      expect(wrong.code).toBe(1);
      expect(JSON.parse(wrong.stdout)).toMatchObject({ ok: false });
    } finally {
      await sound.drop();
      await damaged.drop();
    }
  });

  test.each<[string, () => string[], string]>([
    ["there is no database", () => ["--database-url", "postgresql://ann:secret@127.0.0.1:1/bank"], "The database is not there"],
    ["the database holds no books", () => ["--database-url", inject("testServer").ownerUrl], "There are no books in that database"],
    ["nothing was ever started here", () => [], "There is no database in /nowhere/at-all"],
    ["the option is misspelt", () => ["--databse-url", "x"], "unknown option"],
  ])("2 and a sentence say that nobody knows, because %s", async (_, options, sentence) => {
    const end = await run(...options());
    expect(end).toMatchObject({ code: 2, stdout: "" });
    expect(end.stderr).toContain(sentence);
    expect(end.stderr).not.toContain("secret");
    expect(end.stderr.trim().split("\n").length).toBeLessThan(4);
  });
});
