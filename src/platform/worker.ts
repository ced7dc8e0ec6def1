// Runs the jobs of the queue. Any number of workers may work one queue, in one process with the server or in their own. A worker that is
// stopped finishes what it has begun; one that dies leaves its jobs to the others, a few minutes later.

import { setTimeout } from "node:timers/promises";
import { type LogLevel, Logger, type Runner, run, type Task } from "graphile-worker";
import pg from "pg";
import { type Database, sessionOptions } from "./db.ts";
import type { Job, JobEnvelope } from "./jobs.ts";
import * as store from "./jobs.store.ts";

/** Where the worker tells what happened; pino's loggers fit. Payloads are never told. */
export type WorkerLog = Record<"debug" | "info" | "warn" | "error", (detail: object, message: string) => void>;

export type WorkerOptions = {
  readonly url: string;
  /** As for `Database`: the role to act as, null where the URL logs in as it. */
  readonly role: string | null;
  /** What jobs open their own transactions on. The queue has connections of its own: it needs one for itself to be woken at once. */
  readonly db: Database;
  readonly jobs: readonly Job<unknown>[];
  readonly log: WorkerLog;
  /** Jobs at the same time. */
  readonly concurrency?: number;
};

export type Worker = {
  /** Takes no more jobs, waits for those that run (after 5 s their signal asks them to give up), closes the connections. */
  stop(): Promise<void>;
};

const CONCURRENCY = 4;
/** A job that takes longer is asked to give up. */
const JOB_SECONDS_MAX = 60;
/** A job held longer than this belongs to nobody. */
const ABANDONED_AFTER_SECONDS = 300;
const ABANDONED_CHECK_MS = 60_000;
const RESTART_MS = 2_000;

/** Starts to work the queue. The schema must be migrated already: this role owns nothing. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { log } = options;
  const pool = openPool(options);
  const stopping = new AbortController();
  let runner: Runner;
  try {
    runner = await begin(pool, options);
  } catch (error) {
    await pool.end();
    throw error;
  }
  const stopWatching = watchAbandoned(pool, log);

  /** A database that was away for long ends the library's runner: another one is begun until there is one again. */
  const goOn = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const reason: unknown = await runner.promise.catch((error: unknown) => error);
      if (stopping.signal.aborted) return;
      log.error(reason === undefined ? {} : { err: reason }, "the worker has ended");
      await pause(RESTART_MS, stopping.signal);
      if (stopping.signal.aborted) return;
      try {
        runner = await begin(pool, options);
        if (stopping.signal.aborted) return await runner.stop();
        log.info({}, "the worker has begun again");
      } catch (error) {
        log.error({ err: error }, "the worker cannot begin again yet");
      }
    }
  };
  const going = goOn();

  let stopped: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    stopping.abort();
    stopWatching();
    // A runner that has ended by itself says so by an error; it is stopped then, which is all that is wanted.
    await runner.stop().catch(() => undefined);
    await going;
    await pool.end();
  };
  return { stop: () => (stopped ??= stop()) };
}

function openPool({ url, role, log, concurrency = CONCURRENCY }: WorkerOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: concurrency + 2,
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    application_name: "finlego-worker",
    options: sessionOptions(role),
  });
  // Each broken connection tells of itself; the pool would say it again. Its error holds the whole connection: only the message is logged.
  pool.on("error", () => undefined);
  pool.on("connect", (client) => client.on("error", (error) => log.warn({ reason: error.message }, "the worker lost a connection")));
  return pool;
}

function begin(pool: pg.Pool, options: WorkerOptions): Promise<Runner> {
  const { jobs, log, concurrency = CONCURRENCY } = options;
  return run({
    pgPool: pool,
    concurrency,
    noHandleSignals: true,
    // Without batches the library does not wait for "this job is done" to reach the database: stopping would lose it.
    preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
    parsedCronItems: [],
    logger: quietLogger(log),
    taskList: Object.fromEntries(jobs.map((kind) => [kind.name, taskOf(kind, options)])),
  });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => undefined);
}

function taskOf(kind: Job<unknown>, { db, log }: WorkerOptions): Task {
  return async (raw, { job: row, abortSignal }) => {
    const { traceId, payload } = raw as JobEnvelope;
    const about = { job: kind.name, jobId: row.id, attempt: row.attempts, traceId };
    try {
      await kind.run(kind.read(payload), {
        db,
        actor: { kind: "job", id: kind.name, tenant: null, traceId },
        signal: AbortSignal.any([abortSignal, AbortSignal.timeout(JOB_SECONDS_MAX * 1_000)]),
        attempt: row.attempts,
      });
      log.debug(about, "job done");
    } catch (error) {
      const last = row.attempts >= row.max_attempts;
      log[last ? "error" : "warn"]({ ...about, err: error }, last ? "job failed for the last time" : "job failed and is tried again");
      throw error;
    }
  };
}

/** The library tells of jobs, with their payloads, what we tell ourselves; of the queue as a whole it tells what nobody else does. */
function quietLogger(log: WorkerLog): Logger {
  const levels: Readonly<Record<`${LogLevel}`, keyof WorkerLog>> = { error: "error", warning: "warn", info: "debug", debug: "debug" };
  return new Logger((scope) => (level, message) => {
    if (scope.jobId === undefined) log[levels[level]]({}, message);
  });
}

function watchAbandoned(pool: pg.Pool, log: WorkerLog): () => void {
  const check = (): void => {
    store.freeAbandonedJobs(pool, ABANDONED_AFTER_SECONDS).then(
      (jobs) => {
        if (jobs > 0) log.warn({ jobs }, "jobs of lost workers are free again");
      },
      (error: unknown) => log.warn({ err: error }, "abandoned jobs could not be looked for"),
    );
  };
  check();
  const timer = setInterval(check, ABANDONED_CHECK_MS);
  timer.unref();
  return () => clearInterval(timer);
}
