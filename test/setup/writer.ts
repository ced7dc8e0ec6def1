// What a test of the writer needs: accounts without a bank around them, commands, and a hand on the database to lock, kill and look.

import { toPaymentId } from "#platform/ids.ts";
import { newId } from "#platform/new-id.ts";
import { toBusy } from "#platform/db-errors.ts";
import { Problem } from "#platform/problem.ts";
import type { CommandResult, PaymentCommand, Writer } from "#general-ledger";
import pg from "pg";
import { openTestDatabase } from "./database.ts";
import { openWriter } from "./ledger.ts";
import type { TestDatabase } from "./server.ts";

export type WriterBench = {
  readonly database: TestDatabase;
  /** The database as its owner. */
  readonly owner: pg.Client;
  /** A writer that `closeWriters` closes. */
  aWriter(lanes?: number, changes?: Parameters<typeof openWriter>[2]): Writer;
  closeWriters(): Promise<void>;
  someAccounts(count: number): Promise<string[]>;
  balanceOf(account: string): Promise<bigint>;
  /** Runs `work` while a connection of its own holds the account's row. */
  holding(account: string, work: () => Promise<void>): Promise<void>;
  connections(): Promise<number>;
  /** Ends every lane that is at work; says how many. */
  kill(): Promise<number>;
  /** Cancels the statement of every lane that is at work. */
  cancel(): Promise<void>;
  untilWaiting(): Promise<void>;
  /** A backend leaves the list a moment after its connection has ended. */
  untilGone(): Promise<void>;
  close(): Promise<void>;
};

const LANES = "datname = current_database() and application_name like 'writer-%'";

export async function openWriterBench(): Promise<WriterBench> {
  const database = await openTestDatabase();
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  const opened: Writer[] = [];
  const count = async (sql: string): Promise<number> => (await owner.query(sql)).rows.length;
  const connections = () => count(`select from pg_stat_activity where ${LANES}`);
  return {
    database,
    owner,
    aWriter(lanes = 2, changes = {}) {
      const writer = openWriter(database, lanes, changes);
      opened.push(writer);
      return writer;
    },
    async closeWriters() {
      await Promise.all(opened.splice(0).map((writer) => writer.close()));
    },
    async someAccounts(number) {
      const ids = Array.from({ length: number }, () => newId());
      await owner.query(
        "insert into general_ledger.account (id, tenant, currency, credit_normal) select unnest($1::uuid[]), 'default', 'EUR', true",
        [ids],
      );
      return ids;
    },
    async balanceOf(account) {
      const { rows } = await owner.query<{ balance: string }>("select balance_minor as balance from general_ledger.account where id = $1", [
        account,
      ]);
      return BigInt(rows[0]?.balance ?? "");
    },
    async holding(account, work) {
      const holder = new pg.Client({ connectionString: database.ownerUrl });
      await holder.connect();
      try {
        await holder.query("begin");
        await holder.query("select from general_ledger.account where id = $1 for update", [account]);
        await work();
      } finally {
        await holder.end();
      }
    },
    connections,
    kill: () => count(`select pg_terminate_backend(pid) from pg_stat_activity where ${LANES} and state = 'active'`),
    async cancel() {
      await owner.query(`select pg_cancel_backend(pid) from pg_stat_activity where ${LANES} and state = 'active'`);
    },
    async untilWaiting() {
      while ((await count(`select from pg_stat_activity where ${LANES} and wait_event_type = 'Lock'`)) === 0);
    },
    async untilGone() {
      while ((await connections()) > 0);
    },
    async close() {
      await owner.end();
      await database.drop();
    },
  };
}

export function aCommand(debitAccountId: string, creditAccountId: string, changes: Partial<PaymentCommand> = {}): PaymentCommand {
  return {
    id: toPaymentId(newId()),
    ownerTenant: "default",
    isConfined: false,
    createdBy: "test",
    externalId: newId(),
    content: newId(),
    key: null,
    operation: "transfer",
    type: "transfer",
    clientId: null,
    expiresAt: null,
    reversesPaymentId: null,
    ifVersion: null,
    valueDate: null,
    description: null,
    reference: null,
    metadata: null,
    lines: [{ debitAccountId, creditAccountId, amountMinor: 1n, currency: "EUR", type: "transfer", description: null }],
    ...changes,
  };
}

/** One that no reader of arrays takes: the batch fails before it has locked anything. */
export const aBrokenCommand = (debit: string, credit: string): PaymentCommand => aCommand(debit, credit, { valueDate: "2026-02-30" });

/** One that is refused by a table, and so after its accounts were locked. */
export function aWorthlessCommand(debit: string, credit: string): PaymentCommand {
  const command = aCommand(debit, credit);
  return { ...command, lines: command.lines.map((line) => ({ ...line, amountMinor: 0n })) };
}

/** The end of a submission in a word: the outcome, `busy` for what would be answered 503, or the error itself. */
export async function ending(submitted: Promise<CommandResult>): Promise<string> {
  try {
    return (await submitted).outcome;
  } catch (error) {
    return error instanceof Problem ? error.code : (toBusy(error)?.code ?? String(error));
  }
}

/** The number of the entry that the command left on the account that it debits. */
export async function seqOf(submitted: Promise<CommandResult>): Promise<bigint | undefined> {
  const result = await submitted;
  return result.outcome === "accepted" ? result.payment.accounts[0]?.seq : undefined;
}
