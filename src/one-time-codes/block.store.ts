// SQL of wrong tries and of the blocks that follow. Times are the database's own.

import type { Tx } from "#platform/db.ts";

/** Locks the client's count of failures in a row until the transaction ends, and tells it. */
export async function lockFailures(tx: Tx, clientId: string): Promise<number> {
  await tx.sql`insert into one_time_codes.client_failures (client_id) values (${clientId}) on conflict (client_id) do nothing`;
  const [row] = await tx.sql<{ failures: number }>`
    select failures from one_time_codes.client_failures where client_id = ${clientId} for update`;
  if (row === undefined) throw new Error("a count of failures vanished");
  return row.failures;
}

export async function setFailures(tx: Tx, clientId: string, failures: number): Promise<void> {
  await tx.sql`update one_time_codes.client_failures set failures = ${failures} where client_id = ${clientId} and failures <> ${failures}`;
}

/** `until` null: it stays until staff lifts it. */
export type Block = { readonly until: Date | null };

/** The block that stands longest, or null. */
export async function findBlock(tx: Tx, clientId: string): Promise<Block | null> {
  const rows = await tx.sql<Block>`
    select nullif(until, 'infinity') as until
    from one_time_codes.block b
    where b.client_id = ${clientId} and b.lifted_at is null and b.until > clock_timestamp()
    order by b.until desc
    limit 1`;
  return rows[0] ?? null;
}

/** Blocks that began in the last 24 hours and were not lifted. */
export async function countRecentBlocks(tx: Tx, clientId: string): Promise<number> {
  const [row] = await tx.sql<{ blocks: number }>`
    select count(*)::int as blocks
    from one_time_codes.block b
    where b.client_id = ${clientId} and b.lifted_at is null and b.at > clock_timestamp() - interval '24 hours'`;
  return row?.blocks ?? 0;
}

/** Blocks the client for so many seconds, or where that is null until staff lifts it. */
export async function insertBlock(tx: Tx, clientId: string, seconds: number | null): Promise<Block> {
  const [row] = await tx.sql<Block>`
    insert into one_time_codes.block (client_id, at, until)
    select ${clientId}, clock.now, coalesce(clock.now + make_interval(secs => ${seconds}), 'infinity')
    from (select clock_timestamp() as now) clock
    returning nullif(until, 'infinity') as until`;
  if (row === undefined) throw new Error("an insert gave no row");
  return row;
}

/** Lifts the blocks that stand or count. Gives their number. */
export async function liftBlocks(tx: Tx, clientId: string, by: string): Promise<number> {
  const rows = await tx.sql`
    update one_time_codes.block b
    set lifted_at = clock_timestamp(), lifted_by = ${by}
    where b.client_id = ${clientId} and b.lifted_at is null
      and (b.until > clock_timestamp() or b.at > clock_timestamp() - interval '24 hours')
    returning b.id`;
  return rows.length;
}
