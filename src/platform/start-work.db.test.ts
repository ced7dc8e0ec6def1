// What a start does once is done by one process, and what a table held before it was rewritten is in none of its pages.

import { openTestDatabase } from "../../test/setup/database.ts";
import type { TestDatabase } from "../../test/setup/server.ts";
import pg from "pg";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { runAlone } from "./start-work.ts";

let database: TestDatabase;
let owner: pg.Client;
beforeEach(async () => {
  database = await openTestDatabase();
  owner = await connect();
});
afterEach(async () => {
  await owner.end();
  await database.drop();
});

async function connect(url = database.ownerUrl): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

const alone = <T>(work: Parameters<typeof runAlone<T>>[1], onWait = (): void => undefined) => runAlone(database.ownerUrl, work, onWait);

test("of processes that come at once one works while the others wait, each told once", async () => {
  const seen = { running: 0, most: 0, waits: 0 };
  const work = async (): Promise<void> => {
    seen.most = Math.max(seen.most, ++seen.running);
    await owner.query("select 1");
    seen.running--;
  };
  const onWait = (): void => void seen.waits++;
  await Promise.all([1, 2, 3].map(() => alone(work, onWait)));
  expect(seen.most).toBe(1);
  expect(seen.waits).toBeLessThanOrEqual(2);
});

test("a process that is cut off lets the next one work", async () => {
  const begun = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const cut = alone(async () => {
    begun.resolve();
    await held.promise;
  });
  await begun.promise;
  await owner.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'finlego-start' and datname = current_database()",
  );
  await expect(alone(async () => "done")).resolves.toBe("done");
  held.resolve();
  await cut.catch(() => undefined);
});

test("work that fails gives the lock back and its error on", async () => {
  await expect(alone(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
  await expect(alone(async () => "done")).resolves.toBe("done");
});

test.each([
  ["looks at it", () => database.ownerUrl, "begin isolation level repeatable read", "select 1"],
  ["writes into another database", () => inject("testServer").ownerUrl, "begin", "select pg_current_xact_id()"],
])("a rewritten table holds nothing of before in any page, nor do the statistics, though somebody %s", async (_, url, begin, hold) => {
  const SECRET = "canary in the clear";
  await owner.query("create table public.t (x text)");
  await owner.query(`insert into public.t select '${SECRET} ' || n % 20 from generate_series(1, 1000) n`);
  await owner.query("analyze public.t");
  const places = async (): Promise<string[]> => {
    await owner.query("checkpoint");
    const { rows } = await owner.query<{ name: string }>(
      `select c.oid::regclass::text as name from pg_class c
       where pg_relation_filepath(c.oid) is not null and not c.relisshared
         and position(convert_to($1, 'UTF8') in pg_read_binary_file(pg_relation_filepath(c.oid))) > 0 order by name`,
      [SECRET],
    );
    return rows.map(({ name }) => name);
  };
  expect(await places()).toEqual(["pg_statistic", "t"]);

  const onlooker = await connect(url());
  await onlooker.query(begin);
  await onlooker.query(hold);
  await owner.query("update public.t set x = null");
  const rewritten = alone(({ rewrite }) => rewrite("public.t"));
  // It asks again and again: three times are no chance.
  const asked = new Set<string>();
  while (asked.size < 3) {
    const { rows } = await owner.query<{ at: string }>(
      `select query_start::text as at from pg_stat_activity
       where application_name = 'finlego-start' and datname = current_database() and query like '%backend_xmin%'`,
    );
    for (const { at } of rows) asked.add(at);
    expect(await places()).toContain("t");
  }
  await onlooker.end();
  await rewritten;
  expect(await places()).toEqual([]);
});
