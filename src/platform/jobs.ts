// Work for later. A job is added in the transaction that makes it necessary: after the commit it runs at least once, after a rollback
// never. At least once means that a job may run again after it has done its work (the process died before it could say so), and that
// two workers may, rarely, run it at the same time: what a job does must be safe to repeat. Failed jobs are tried again, later each time.

import type { Static, TSchema } from "typebox";
import { buildAjv } from "./ajv.ts";
import type { Actor, Database, Tx } from "./db.ts";
import * as store from "./jobs.store.ts";
import { Bug } from "./problem.ts";

/** What a running job has beside its payload. It opens its own transactions; calls to the outside world stand between them, never inside. */
export type JobContext = {
  readonly db: Database;
  /** For `db.write` and `db.read`: the job by its name, with the trace of the call that added it. */
  readonly actor: Actor;
  /** Fires when the worker stops or the job's time is up: give up, and be tried again. */
  readonly signal: AbortSignal;
  /** 1 at the first try. */
  readonly attempt: number;
};

/** A kind of job: what it is called in the queue, what it is told, and what it does. */
export type Job<Payload> = {
  /** Stands in the queue's rows: a job that was added under another name is not found any more. */
  readonly name: string;
  /** Tries until it is left for a person to look at; the waits between them grow from seconds to hours. */
  readonly attemptsMax: number;
  /** Throws when the payload is not what this job is told; the message says where, and holds no value. */
  read(payload: unknown): Payload;
  run(payload: Payload, context: JobContext): Promise<void>;
};

/** Payloads stand in the queue for everybody who may look into it: ids only, never personal data. */
export type JobDefinition<P extends TSchema> = {
  readonly name: string;
  readonly payload: P;
  /** Default 25: about three days. */
  readonly attemptsMax?: number;
  run(payload: Static<P>, context: JobContext): Promise<void>;
};

const ATTEMPTS_MAX = 25;
const ajv = buildAjv();

/** Checks `run` against the payload's schema, and the payload against it again whenever the job is added and whenever it runs. */
export function job<P extends TSchema>(definition: JobDefinition<P>): Job<Static<P>> {
  const { name, attemptsMax = ATTEMPTS_MAX } = definition;
  const check = ajv.compile(definition.payload);
  return {
    name,
    attemptsMax,
    read(payload) {
      if (check(payload)) return payload as Static<P>;
      const places = (check.errors ?? []).map((error) => `${error.instancePath || "/"} ${error.keyword}`);
      throw new Bug(`the payload of ${name} does not fit: ${places.join(", ")}`);
    },
    run: (payload, context) => definition.run(payload, context),
  };
}

export type EnqueueOptions = {
  /** Not before this instant; default at once. */
  readonly runAt?: Date;
  /** Of jobs with one key only the last one added stands in the queue, unless the earlier one is running already. */
  readonly key?: string;
};

/** Adds the job in the caller's transaction. */
export async function enqueue<Payload>(tx: Tx, kind: Job<Payload>, payload: Payload, options: EnqueueOptions = {}): Promise<void> {
  kind.read(payload);
  const envelope: JobEnvelope = { traceId: tx.actor.traceId, payload };
  await store.addJob(tx, {
    name: kind.name,
    envelope: JSON.stringify(envelope),
    attemptsMax: kind.attemptsMax,
    runAt: options.runAt ?? null,
    key: options.key ?? null,
  });
}

/** As `enqueue`, many of one kind in one statement, to run at once. */
export async function enqueueAll<Payload>(tx: Tx, kind: Job<Payload>, payloads: readonly Payload[]): Promise<void> {
  if (payloads.length === 0) return;
  const envelopes = payloads.map((payload): string => {
    kind.read(payload);
    return JSON.stringify({ traceId: tx.actor.traceId, payload } satisfies JobEnvelope);
  });
  await store.addJobs(tx, kind.name, kind.attemptsMax, envelopes);
}

/** As a job stands in the queue: the payload, and the trace that it continues. */
export type JobEnvelope = { readonly traceId: string; readonly payload: unknown };
