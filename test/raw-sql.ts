// Statements past the product, for the tests of what the database refuses by itself: the shortest books to try them on, and rows that
// keep every rule unless a test changes one thing of them.

import pg from "pg";
import { aTransfer } from "./builders.ts";
import { bodyOf, type LedgerApp, openLedgerApp } from "./setup/ledger.ts";

export type SmallBooks = {
  readonly bank: LedgerApp;
  readonly ids: { readonly alice: string; readonly bob: string; readonly yen: string; readonly source: string; readonly payment: string };
};

/** Alice with 90.00 EUR, Bob with 10.00 EUR, who has them from Alice in one payment, and an account in yen. Close the bank afterwards. */
export async function openSmallBooks(): Promise<SmallBooks> {
  const bank = await openLedgerApp();
  const alice = await bank.aFundedAccount("100.00");
  const bob = await bank.aClientAccount();
  const yen = await bank.aFundedAccount("5000", { currency: "JPY" });
  const source = await bank.anAccount();
  const payment = bodyOf(await bank.transfer(aTransfer(alice, bob, "10.00")));
  return { bank, ids: { alice: alice.id, bob: bob.id, yen: yen.id, source: source.id, payment: String(payment["id"]) } };
}

/** How the statements end: "done", or the SQLSTATE and message of the first that is refused. Nothing of them is kept. */
export async function attempt(client: pg.Client, statements: readonly string[]): Promise<{ code: string; message: string }> {
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

export const DONE = { code: "done", message: "" };

/** Id of the payment that the rows below are of. */
export const PAYMENT = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

type Row = Readonly<Record<string, string>>;

const insert = (table: string, row: Row): string =>
  `insert into general_ledger.${table} (${Object.keys(row).join(", ")}) values (${Object.values(row).join(", ")})`;

/** A posted payment of a batch that is still open. Values are SQL. */
export const payment = (changes: Row = {}): string =>
  insert("payment", {
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
  });
export const draft = (changes: Row = {}): string => payment({ state: "'draft'", posted_at: "null", ...changes });
export const pending = (changes: Row = {}): string => payment({ state: "'pending'", posted_at: "null", pended_at: "now()", ...changes });

/** The next change of the payment, with what else it sets. */
export const state = (word: string, rest: string): string =>
  `update general_ledger.payment set state = '${word}', change_no = change_no + 1${rest} where id = '${PAYMENT}'`;

/** A line booked in one step. */
export const line = (debit: string, credit: string, amount: string, changes: Row = {}): string =>
  insert("payment_line", {
    payment_id: `'${PAYMENT}'`,
    line_no: "1",
    debit_account_id: `'${debit}'`,
    credit_account_id: `'${credit}'`,
    amount_minor: amount,
    debit_seq: "90",
    credit_seq: "90",
    currency: "'EUR'",
    type: "'transfer'",
    ...changes,
  });
export const draftedLine = (debit: string, credit: string, amount: string, changes: Row = {}): string =>
  line(debit, credit, amount, { debit_seq: "null", credit_seq: "null", drafted_in: "999999", ...changes });

/** Entries inserted in one statement: account and amount. */
export const entries = (...sides: readonly (readonly [account: string, amount: number | string])[]): string => {
  const rows = sides.map(([account, amount], index) => `('${account}', '${PAYMENT}', ${90 + index}, ${amount}, 0, 0, now(), 1)`);
  return `insert into general_ledger.entry (account_id, payment_id, account_seq, amount_minor, balance_after, held_after, booked_at, line_no)
          values ${rows.join(", ")}`;
};

export const change = (changes: Row = {}): string =>
  insert("payment_change", {
    payment_id: `'${PAYMENT}'`,
    change_no: "1",
    batch_id: "1000000",
    place: "0",
    change: "'payment.drafted'",
    changed_at: "now()",
    value_date: "current_date",
    changed_by: "'test'",
    stands: "'{1,2,3,4,5,6}'",
    ...changes,
  });

export const reversal = (reversing: string, reversed: string): string =>
  insert("reversal", { reversing_payment_id: `'${reversing}'`, reversed_payment_id: `'${reversed}'` });

export const append = (batch: number): string =>
  `select general_ledger.append_journal(${batch}, '{payment.posted}', array['${PAYMENT}'::uuid])`;
