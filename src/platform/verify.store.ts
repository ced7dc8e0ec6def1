// SQL around the checks: the one snapshot they see, and how their findings are counted.

import type { Client } from "pg";
import type { Check, Finding } from "./checks.ts";

/** A million rows are sorted in memory, not on disk. Nothing can be written; no row is silently hidden by row-level security. */
export const VERIFY_SESSION_OPTIONS = [
  "default_transaction_read_only=on",
  "row_security=off",
  "statement_timeout=0",
  "idle_in_transaction_session_timeout=0",
  "lock_timeout=10s",
  "timezone=UTC",
  "work_mem=128MB",
  "jit=off",
]
  .map((setting) => `-c ${setting}`)
  .join(" ");

/** Everything until endSnapshot sees the database as it is now. */
export async function beginSnapshot(client: Client): Promise<Date> {
  await client.query("begin isolation level repeatable read read only");
  const { rows } = await client.query<{ now: Date }>("select clock_timestamp() as now");
  if (rows[0] === undefined) throw new Error("a query without a condition gave no row");
  return rows[0].now;
}

export async function endSnapshot(client: Client): Promise<void> {
  await client.query("rollback");
}

/** False: nothing of ours was ever installed there. */
export async function hasSchema(client: Client): Promise<boolean> {
  const { rows } = await client.query("select where to_regclass('platform.migration') is not null");
  return rows.length === 1;
}

export type Found = { readonly total: number; readonly findings: Finding[] };

/** Runs one check. At most `limit` findings come back, with the number of all. */
export async function runCheck(client: Client, { sql, values }: Check, limit: number): Promise<Found> {
  const { rows } = await client.query<Finding & { total: number }>(
    `select f.place, f.message, f.expected, f.actual, count(*) over ()::int as total
     from (${sql}) f
     order by f.message, f.place::text
     limit ${limit}`,
    [...values],
  );
  return {
    total: rows[0]?.total ?? 0,
    findings: rows.map(({ place, message, expected, actual }) => ({ place, message, expected, actual })),
  };
}

/** The first column of the first row. */
export async function readFigure(client: Client, sql: string): Promise<string | null> {
  const { rows } = await client.query<{ figure: string | null }>(`select (${sql})::text as figure`);
  return rows[0]?.figure ?? null;
}
