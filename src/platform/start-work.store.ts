// SQL of what a starting process does once. It runs as the owner of the tables.

import type { Client } from "pg";

const START_LOCK = 7_263_514_092;

/** Held until the connection ends. False: another process has it. */
export async function tryStartLock(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ isMine: boolean }>('select pg_try_advisory_lock($1) as "isMine"', [START_LOCK]);
  return rows[0]?.isMine === true;
}

/** The transaction that is the newest now: whatever is committed was committed before it. */
export async function newestTransaction(client: Client): Promise<string> {
  const { rows } = await client.query<{ xid: string }>("select pg_current_xact_id()::xid::text as xid");
  return rows[0]?.xid ?? "0";
}

/**
 * Whether anybody still keeps rows alive that were dead before that transaction: who looks at this database as it was then, autovacuum included,
 * and who began to write before, in any database of the server, because every new snapshot reaches back to the oldest of them.
 */
export async function hasOlderSnapshots(client: Client, xid: string): Promise<boolean> {
  const { rows } = await client.query<{ has: boolean }>(
    `select exists (
       select from pg_stat_activity
       where pid <> pg_backend_pid()
         and (age(backend_xid) >= age($1::xid) or (datname = current_database() and age(backend_xmin) >= age($1::xid)))) as has`,
    [xid],
  );
  return rows[0]?.has === true;
}

/** `table` with its schema, from a program text. Nobody can read the table meanwhile. */
export async function rewriteTable(client: Client, table: string): Promise<void> {
  await client.query(`vacuum (full, analyze) ${table}`);
}

/** Who may not do this gets a warning, and autovacuum comes later. */
export async function rewriteStatistics(client: Client): Promise<void> {
  await client.query("vacuum (full) pg_catalog.pg_statistic");
}
