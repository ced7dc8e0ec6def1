// What a starting release may do to a database that it does not know.

import { randomBytes } from "node:crypto";
import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { withDatabase } from "../../test/setup/database-url.ts";
import { openTestDatabase } from "../../test/setup/database.ts";
import type { TestDatabase } from "../../test/setup/server.ts";
import { migrate, MIGRATIONS_DIR } from "./migrations.ts";
import { StartupError } from "./startup-error.ts";

let server: TestDatabase;
let owner: pg.Client;
let release: string;
let url: string;

beforeAll(async () => {
  server = await openTestDatabase();
  owner = new pg.Client({ connectionString: server.ownerUrl });
  await owner.connect();
});
beforeEach(async () => {
  // The folder of a release, and an empty database.
  release = await mkdtemp(join(tmpdir(), "finlego-migrations-"));
  await cp(MIGRATIONS_DIR, release, { recursive: true });
  const name = `finlego_test_migrations_${randomBytes(6).toString("hex")}`;
  await owner.query(`create database ${name} template template0`);
  url = withDatabase(server.ownerUrl, name);
  return async () => {
    // The queue's own connections end a moment after its migrations: cut off, they would complain to nobody.
    await owner.query(`do $$ begin
      for i in 1..200 loop
        exit when not exists (select from pg_stat_activity where datname = '${name}');
        perform pg_sleep(0.01);
        perform pg_stat_clear_snapshot();
      end loop;
    end $$`);
    await owner.query(`drop database ${name} with (force)`);
    await rm(release, { recursive: true });
  };
});
afterAll(async () => {
  await owner.end();
  await server.drop();
});

const start = () => migrate(url, pathToFileURL(`${release}/`));
const addFile = (name: string, text: string) => writeFile(join(release, name), text);

async function ask<Row extends object>(text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

const applied = () => ask<{ name: string; at: Date }>("select name, applied_at as at from platform.migration order by name");
const namesOf = async () => (await applied()).map(({ name }) => name);

async function refusalOf(work: Promise<void>): Promise<string> {
  const error: unknown = await work.catch((failure: unknown) => failure);
  if (!(error instanceof StartupError)) throw new Error(`not a refusal: ${String(error)}`);
  return error.message;
}

test("a second start finds everything and changes nothing", async () => {
  await start();
  const before = await applied();
  expect(before.map(({ name }) => name)).toEqual((await readdir(release)).sort());
  await start();
  expect(await applied()).toEqual(before);
});

test("instances that start at once migrate one after another, each file once", async () => {
  await addFile("9001_slow.sql", "create table public.once (n int); insert into public.once select 1 from pg_sleep(0.3);");
  await Promise.all([start(), start(), start()]);
  expect(await ask("select n from public.once")).toEqual([{ n: 1 }]);
});

test("a release that knows less than the database refuses it and touches nothing", async () => {
  await addFile("9001_newer.sql", "create table public.newer (n int);");
  await start();
  await rm(join(release, "9001_newer.sql"));
  await addFile("9000_older.sql", "create table public.older (n int);");
  expect(await refusalOf(start())).toContain("newer release (9001_newer.sql)");
  expect(await namesOf()).not.toContain("9000_older.sql");
});

test("a file that was changed after it had been applied is refused before anything else is applied", async () => {
  await addFile("9002_first.sql", "create table public.first (n int);");
  await start();
  await addFile("9002_first.sql", "create table public.first (n bigint);");
  await addFile("9001_more.sql", "create table public.more (n int);");
  expect(await refusalOf(start())).toContain("9002_first.sql was changed");
  expect(await namesOf()).not.toContain("9001_more.sql");
});

test("a file that fails leaves nothing of itself, what came before stays, and the next start goes on from there", async () => {
  await addFile("9001_sound.sql", "create table public.sound (n int);");
  await addFile("9002_broken.sql", "create table public.half (n int); insert into public.sound values (1); select 1 / 0;");
  await expect(start()).rejects.toThrow("migration 9002_broken.sql failed");
  expect((await namesOf()).slice(-1)).toEqual(["9001_sound.sql"]);
  expect(await ask("select to_regclass('public.half') as half, (select count(*)::int from public.sound) as rows")).toEqual([
    { half: null, rows: 0 },
  ]);

  await addFile("9002_broken.sql", "create table public.half (n int);");
  await start();
  expect((await namesOf()).slice(-1)).toEqual(["9002_broken.sql"]);
});

test("a file and the record of it are stored together or not at all", async () => {
  await addFile(
    "9001_own.sql",
    "create table public.half (n int); insert into platform.migration (name, hash) values ('9001_own.sql', 'x');",
  );
  await expect(start()).rejects.toThrow("migration 9001_own.sql failed");
  expect(await ask("select to_regclass('public.half') as half")).toEqual([{ half: null }]);
  expect(await namesOf()).not.toContain("9001_own.sql");
});

test("a connection that breaks in the middle is an error of the start, not the end of the process", async () => {
  await addFile("9001_cut.sql", "create table public.half (n int); select pg_terminate_backend(pg_backend_pid());");
  await expect(start()).rejects.toThrow("migration 9001_cut.sql failed");
  expect(await ask("select to_regclass('public.half') as half")).toEqual([{ half: null }]);
});

test("files that are no migrations are left alone", async () => {
  await addFile("README.md", "not sql");
  await addFile("9001_draft.sql.bak", "not sql");
  await start();
  expect(await namesOf()).not.toContain("9001_draft.sql.bak");
});
