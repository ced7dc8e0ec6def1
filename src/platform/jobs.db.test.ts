// The queue over a real database, as the role the product runs as: commit, rollback, failure, death.

import pg from "pg";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { openTestDatabase } from "../../test/setup/database.ts";
import type { TestDatabase } from "../../test/setup/server.ts";
import { type Actor, Database } from "./db.ts";
import { enqueue, type Job, job } from "./jobs.ts";
import { strictObject, Type } from "./schema.ts";
import { startWorker, type Worker, type WorkerLog } from "./worker.ts";

const actor: Actor = { kind: "system", id: "test", tenant: null, traceId: "00-11111111111111111111111111111111-2222222222222222-01" };
const payload = strictObject({ word: Type.String() });

let database: TestDatabase;
let db: Database;
let owner: pg.Client;
beforeAll(async () => {
  database = await openTestDatabase();
  db = new Database({ url: database.appUrl, role: database.appRole, poolSize: 4, name: "finlego-test" });
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await db.close();
  await database.drop();
});

type LogLine = { readonly level: string; readonly message: string; readonly detail: Record<string, unknown> };

/** A worker of the given jobs until the test ends, and what it logged. */
async function aWorker(...jobs: Job<unknown>[]): Promise<{ worker: Worker; lines: LogLine[] }> {
  const lines: LogLine[] = [];
  const write = (level: string) => (detail: object, message: string) => void lines.push({ level, message, detail: { ...detail } });
  const log: WorkerLog = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
  const worker = await startWorker({ url: database.appUrl, role: database.appRole, db, jobs, log });
  onTestFinished(() => worker.stop());
  return { worker, lines };
}

async function queued(name: string): Promise<number> {
  const { rows } = await owner.query<{ n: string }>("select count(*) n from graphile_worker.jobs where task_identifier = $1", [name]);
  return Number(rows[0]?.n);
}

test("a job runs after the commit, as the app role, with its payload and the trace of the call that added it", async () => {
  const seen = Promise.withResolvers<unknown>();
  const kind = job({
    name: "tell_role",
    payload,
    async run({ word }, context) {
      const rows = await context.db.read(context.actor, (tx) => tx.sql<{ role: string }>`select current_user as role`);
      seen.resolve({ word, role: rows[0]?.role, actor: context.actor, attempt: context.attempt });
    },
  });
  const { worker } = await aWorker(kind);
  await db.write(actor, (tx) => enqueue(tx, kind, { word: "hello" }));
  expect(await seen.promise).toEqual({
    word: "hello",
    role: "finlego_app",
    actor: { kind: "job", id: "tell_role", tenant: null, traceId: actor.traceId },
    attempt: 1,
  });
  await worker.stop();
  expect(await queued("tell_role")).toBe(0);
});

test("a job of a transaction that is rolled back never runs", async () => {
  const words: string[] = [];
  const done = Promise.withResolvers<void>();
  const kind = job({
    name: "collect",
    payload,
    async run({ word }) {
      words.push(word);
      if (word === "last") done.resolve();
    },
  });
  await aWorker(kind);
  const refused = db.write(actor, async (tx) => {
    await enqueue(tx, kind, { word: "rolled back" });
    throw new Error("refused");
  });
  await expect(refused).rejects.toThrow("refused");
  await db.write(actor, (tx) => enqueue(tx, kind, { word: "last" }));
  await done.promise;
  expect(words).toEqual(["last"]);
});

test("a job that fails is tried again, and its failure is logged without its payload", async () => {
  const done = Promise.withResolvers<number>();
  const kind = job({
    name: "fail_once",
    payload,
    async run(_payload, { attempt }) {
      if (attempt === 1) throw new Error("the other side is down");
      done.resolve(attempt);
    },
  });
  const { lines } = await aWorker(kind);
  await db.write(actor, (tx) => enqueue(tx, kind, { word: "secret-payload" }));
  expect(await done.promise).toBe(2);
  const failure = lines.find((line) => line.message === "job failed and is tried again");
  expect(failure).toMatchObject({ level: "warn", detail: { job: "fail_once", attempt: 1, traceId: actor.traceId } });
  expect(JSON.stringify(lines)).not.toContain("secret-payload");
});

test("after its last attempt a job stays in the queue for a person to look at", async () => {
  const kind = job({
    name: "fail_for_good",
    payload,
    attemptsMax: 1,
    run: () => Promise.reject(new Error("never")),
  });
  const { worker, lines } = await aWorker(kind);
  const failed = untilLogged(lines, "job failed for the last time");
  await db.write(actor, (tx) => enqueue(tx, kind, { word: "x" }));
  expect(await failed).toMatchObject({ level: "error" });
  await worker.stop();
  expect(await queued("fail_for_good")).toBe(1);
});

/** Resolves with the first line of that message, also one that is still to come. */
function untilLogged(lines: LogLine[], message: string): Promise<LogLine> {
  return new Promise((resolve) => {
    const look = (): void => {
      const line = lines.find((each) => each.message === message);
      if (line) resolve(line);
      else setImmediate(look);
    };
    look();
  });
}

test("a stopping worker finishes the job it has begun and takes no other", async () => {
  const begun = Promise.withResolvers<void>();
  const mayEnd = Promise.withResolvers<void>();
  let ended = false;
  const kind = job({
    name: "slow",
    payload,
    async run({ word }) {
      if (word === "second") throw new Error("taken after stop");
      begun.resolve();
      await mayEnd.promise;
      ended = true;
    },
  });
  const { worker } = await aWorker(kind);
  await db.write(actor, (tx) => enqueue(tx, kind, { word: "first" }));
  await begun.promise;
  const stopped = worker.stop();
  await db.write(actor, (tx) => enqueue(tx, kind, { word: "second" }));
  mayEnd.resolve();
  await stopped;
  expect(ended).toBe(true);
  expect(await queued("slow")).toBe(1);
  expect(worker.stop()).toBe(stopped);
});

test("jobs of a worker that died are taken over once they have been held for longer than a job may run", async () => {
  const done = Promise.withResolvers<number>();
  const kind = job({ name: "orphan", payload, run: async (_payload, { attempt }) => done.resolve(attempt) });
  await db.write(actor, (tx) => enqueue(tx, kind, { word: "x" }));
  await owner.query(
    `update graphile_worker._private_jobs j set locked_by = 'worker-dead', locked_at = clock_timestamp() - interval '301 seconds', attempts = 1
     from graphile_worker._private_tasks t where t.id = j.task_id and t.identifier = 'orphan'`,
  );
  const { lines } = await aWorker(kind);
  expect(await done.promise).toBe(2);
  expect(lines).toContainEqual(expect.objectContaining({ message: "jobs of lost workers are free again" }));
});

test("a worker whose connections all break goes on: the running job ends, the next one runs", async () => {
  const begun = Promise.withResolvers<void>();
  const mayEnd = Promise.withResolvers<void>();
  const next = Promise.withResolvers<void>();
  const runs: string[] = [];
  const kind = job({
    name: "survive",
    payload,
    async run({ word }) {
      runs.push(word);
      if (word === "second") return next.resolve();
      begun.resolve();
      await mayEnd.promise;
    },
  });
  await aWorker(kind);
  await db.write(actor, (tx) => enqueue(tx, kind, { word: "first" }));
  await begun.promise;
  await owner.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'finlego-worker' and datname = current_database()",
  );
  mayEnd.resolve();
  await db.write(actor, (tx) => enqueue(tx, kind, { word: "second" }));
  await next.promise;
  expect(runs).toEqual(["first", "second"]);
});

test("a worker that cannot say that a job is done begins again", async () => {
  const done = Promise.withResolvers<void>();
  const kind = job({
    name: "begin_again",
    payload,
    async run({ word }) {
      if (word === "second") return done.resolve();
      // From here on no job can be taken off the queue.
      await owner.query("revoke delete on graphile_worker._private_jobs from finlego_app");
    },
  });
  const { lines } = await aWorker(kind);
  await db.write(actor, (tx) => enqueue(tx, kind, { word: "first" }));
  expect(await untilLogged(lines, "the worker has ended")).toMatchObject({ level: "error" });
  await owner.query("grant delete on graphile_worker._private_jobs to finlego_app");
  await untilLogged(lines, "the worker has begun again");
  await db.write(actor, (tx) => enqueue(tx, kind, { word: "second" }));
  await done.promise;
});

test("of jobs with one key only the last one added waits", async () => {
  const kind = job({ name: "keyed", payload, run: async () => {} });
  await db.write(actor, async (tx) => {
    for (const word of ["a", "b", "c"]) await enqueue(tx, kind, { word }, { key: "one" });
  });
  expect(await queued("keyed")).toBe(1);
});

test("a payload that is not what the job is told is refused where it is added", async () => {
  const kind = job({ name: "strict", payload, run: async () => {} });
  const wrong = { word: 1 } as unknown as { word: string };
  await expect(db.write(actor, (tx) => enqueue(tx, kind, wrong))).rejects.toThrow("the payload of strict does not fit: /word type");
  expect(await queued("strict")).toBe(0);
});

test("the app role owns nothing of the queue", async () => {
  const { rows } = await owner.query<{ owner: string }>(
    "select distinct tableowner as owner from pg_tables where schemaname = 'graphile_worker'",
  );
  expect(rows.map((row) => row.owner)).not.toContain("finlego_app");
});
