// SQL of the migration runner. It runs as the owner, before the app role may do anything.

import type pg from "pg";

/** Held until the connection ends, so that several starting instances migrate one after another. */
const MIGRATION_LOCK = 7_263_514_091;

export async function takeMigrationLock(client: pg.Client): Promise<void> {
  await client.query("select pg_advisory_lock($1)", [MIGRATION_LOCK]);
}

export async function prepare(client: pg.Client): Promise<void> {
  await client.query("create schema if not exists platform");
  await client.query(`create table if not exists platform.migration (
    name text primary key,
    hash text not null,
    applied_at timestamptz not null default clock_timestamp()
  )`);
}

export async function appliedMigrations(client: pg.Client): Promise<Map<string, string>> {
  const result = await client.query<{ name: string; hash: string }>("select name, hash from platform.migration");
  return new Map(result.rows.map((row) => [row.name, row.hash]));
}

/** The file and its record commit together: a crash leaves neither. */
export async function apply(client: pg.Client, name: string, hash: string, text: string): Promise<void> {
  await client.query("begin");
  try {
    await client.query("set local lock_timeout = '2s'");
    await client.query(text);
    await client.query("insert into platform.migration (name, hash) values ($1, $2)", [name, hash]);
    await client.query("commit");
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    throw new Error(`migration ${name} failed`, { cause: error });
  }
}
