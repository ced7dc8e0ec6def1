// SQL of what a starting process does once. It runs as the owner of the tables.

import type { Client } from "pg";

const START_LOCK = 7_263_514_092;

/** Held until the connection ends. False: another process has it. */
export async function tryStartLock(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ isMine: boolean }>('select pg_try_advisory_lock($1) as "isMine"', [START_LOCK]);
  return rows[0]?.isMine === true;
}

/** `table` with its schema, from a program text. Nobody can read the table meanwhile. */
export async function rewriteTable(client: Client, table: string): Promise<void> {
  await client.query(`vacuum (full, analyze) ${table}`);
  // Where statistics were replaced their pages still hold the old ones. Who may not do this gets a warning, and autovacuum comes later.
  await client.query("vacuum (full) pg_catalog.pg_statistic");
}
