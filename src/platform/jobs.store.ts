// SQL of the job queue. Its tables are graphile-worker's; we add jobs in our own transactions and free those of dead workers.

import type pg from "pg";
import type { Tx } from "./db.ts";

export type NewJob = {
  readonly name: string;
  readonly envelope: string;
  readonly attemptsMax: number;
  readonly runAt: Date | null;
  readonly key: string | null;
};

export async function addJob(tx: Tx, { name, envelope, attemptsMax, runAt, key }: NewJob): Promise<void> {
  await tx.sql`
    select 1 as added
    from graphile_worker.add_job(
      identifier => ${name}::text,
      payload => ${envelope}::json,
      run_at => ${runAt}::timestamptz,
      max_attempts => ${attemptsMax}::integer,
      job_key => ${key}::text)`;
}

/** Adds jobs of one name, to run at once. */
export async function addJobs(tx: Tx, name: string, attemptsMax: number, envelopes: readonly string[]): Promise<void> {
  await tx.sql`
    select count(graphile_worker.add_job(identifier => ${name}::text, payload => e.envelope::json, max_attempts => ${attemptsMax}::integer)) as added
    from unnest(${envelopes}::text[]) as e (envelope)`;
}

/** Frees the jobs that were taken longer ago than any job may run: their worker is gone, or has lost its way. Says how many. */
export async function freeAbandonedJobs(pool: pg.Pool, afterSeconds: number): Promise<number> {
  const { rowCount } = await pool.query(
    `update graphile_worker._private_jobs
     set locked_at = null, locked_by = null
     where locked_at < clock_timestamp() - make_interval(secs => $1)`,
    [afterSeconds],
  );
  return rowCount ?? 0;
}
