// The daily erasure: whom it takes and whom it leaves, and that it can be broken off anywhere.

import type { Actor, Database } from "#platform/db.ts";
import type { JobContext } from "#platform/jobs.ts";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { unique } from "./builders.ts";
import { openTestClients } from "./setup/clients.ts";
import { openStandingBank, type StandingBank } from "./setup/standing.ts";

const actor: Actor = { kind: "job", id: "erase_due_clients", tenant: null, traceId: "test" };
const YEARS = 5;

let bank: StandingBank;
let db: Database;
let kept: string[] = [];
beforeAll(async () => {
  bank = await openStandingBank();
  db = bank.db;
});
beforeEach(() => {
  kept = [];
});
afterAll(() => bank.close());

const clientsThat = (keepErasure: (line: string) => Promise<void> = async (line) => void kept.push(line)) =>
  openTestClients({ db, retentionYears: YEARS, keepErasure });

async function runJob(clients = clientsThat(), signal = new AbortController().signal): Promise<void> {
  const job = clients.jobs.find(({ name }) => name === "erase_due_clients");
  if (job === undefined) throw new Error("there is no such job");
  await job.run({}, { db, actor, signal, attempt: 1 } satisfies JobContext);
}

/** Rejected so many years and milliseconds ago, and restricted if they asked. */
async function rejectedClients(count: number, { years, isRestricted }: { years: string; isRestricted: boolean }): Promise<string[]> {
  const ids = await Promise.all(Array.from({ length: Math.min(count, 3) }, () => bank.aClientThatIs("rejected")));
  const { rows } = await bank.owner.query<{ id: string }>(
    `insert into client_profile.client (id, tenant, external_id, type, status, verification_status, risk_level, phone_is_e164, sealed_profile,
       email_mark, search_marks, created_at, updated_at)
     select gen_random_uuid(), tenant, $2 || n, type, status, verification_status, risk_level, phone_is_e164, sealed_profile, email_mark, search_marks,
            created_at, updated_at
     from client_profile.client, generate_series(1, $3::int) n where id = $1 returning id`,
    [ids[0], unique("copy"), count - ids.length],
  );
  ids.push(...rows.map(({ id }) => id));
  await bank.owner.query(
    `insert into client_profile.client_key (client_id, master_key, wrapped_key, created_at)
     select id, 'x', '\\x00', now() from unnest($1::uuid[]) id on conflict do nothing`,
    [ids],
  );
  await bank.owner.query("alter table client_profile.client_status_history disable trigger all");
  await bank.owner.query(
    `insert into client_profile.client_status_history (client_id, at, status, verification_status, risk_level, reason, actor_kind, actor_id)
     select id, now(), status, verification_status, risk_level, 'test', 'job', 'test' from client_profile.client c
     where id = any($1) and not exists (select from client_profile.client_status_history h where h.client_id = c.id)`,
    [ids],
  );
  await bank.owner.query("update client_profile.client_status_history set at = now() - $2::interval where client_id = any($1)", [
    ids,
    years,
  ]);
  await bank.owner.query("alter table client_profile.client_status_history enable trigger all");
  if (isRestricted) await bank.owner.query("update client_profile.client set restricted_at = now() where id = any($1)", [ids]);
  return ids;
}

const erasedOf = async (ids: readonly string[]): Promise<number> =>
  Number(
    (await bank.owner.query<{ n: string }>("select count(erased_at) as n from client_profile.client where id = any($1)", [ids])).rows[0]?.n,
  );

test("takes every restricted client whose time has come, however many they are, and nobody else", async () => {
  const due = await rejectedClients(130, { years: "5 years 1 minute", isRestricted: true });
  const tomorrow = await rejectedClients(3, { years: "4 years 364 days", isRestricted: true });
  const unasked = await rejectedClients(3, { years: "9 years", isRestricted: false });
  await runJob();
  expect([await erasedOf(due), await erasedOf(tomorrow), await erasedOf(unasked)]).toEqual([130, 0, 0]);
  expect(kept).toHaveLength(130);
  const { rows } = await bank.owner.query("select distinct text::jsonb ->> 'reason' as reason from client_profile.erasure_certificate");
  expect(rows).toEqual([{ reason: "clientRequest" }]);
  await runJob();
  expect(kept).toHaveLength(130);
});

test("two at the same moment erase each client once", async () => {
  const due = await rejectedClients(20, { years: "6 years", isRestricted: true });
  await Promise.all([runJob(), runJob()]);
  expect(await erasedOf(due)).toBe(20);
  expect(kept).toHaveLength(20);
});

test("one that is broken off goes on where it stood", async () => {
  const due = await rejectedClients(10, { years: "6 years", isRestricted: true });
  const stopping = new AbortController();
  const clients = clientsThat(async (line) => {
    kept.push(line);
    if (kept.length === 4) stopping.abort(new Error("the worker stops"));
  });
  await expect(runJob(clients, stopping.signal)).rejects.toThrow("the worker stops");
  expect(await erasedOf(due)).toBe(4);
  await runJob(clients);
  expect(await erasedOf(due)).toBe(10);
});

test("a disk that is full leaves the client as it is, and the next run takes it", async () => {
  const due = await rejectedClients(3, { years: "6 years", isRestricted: true });
  await expect(runJob(clientsThat(() => Promise.reject(new Error("no space left"))))).rejects.toThrow("no space left");
  expect(await erasedOf(due)).toBe(0);
  await runJob();
  expect(await erasedOf(due)).toBe(3);
});

test("stands in the queue once, whoever starts, and adds the run of the next day before it works", async () => {
  const inQueue = async () =>
    (
      await bank.owner.query<{ hours: number }>(
        `select round(extract(epoch from j.run_at - now()) / 3600)::int as hours
       from graphile_worker.jobs j where j.task_identifier = 'erase_due_clients'`,
      )
    ).rows;
  await bank.owner.query("delete from graphile_worker._private_jobs");
  for (let n = 0; n < 3; n++) await db.write(actor, (tx) => clientsThat().schedule(tx));
  expect(await inQueue()).toEqual([{ hours: 0 }]);
  await rejectedClients(3, { years: "6 years", isRestricted: true });
  await expect(runJob(clientsThat(() => Promise.reject(new Error("no space left"))))).rejects.toThrow("no space");
  expect(await inQueue()).toEqual([{ hours: 24 }]);
});
