// What a person reads when the database is not as it should be, tried on real servers of our own.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDatabaseTarget } from "./database-target.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "./embedded-postgres/index.ts";
import { StartupError } from "./startup-error.ts";

const folder = mkdtempSync(join(tmpdir(), "finlego-target-test-"));
let server: EmbeddedPostgres;

async function run(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

function start(settings: Record<string, string> = {}): Promise<EmbeddedPostgres> {
  return startEmbeddedPostgres({
    dataDir: join(folder, "server"),
    log: () => undefined,
    settings: { shared_buffers: "16MB", ...settings },
  });
}

beforeAll(async () => {
  server = await start();
  await run(server.ownerUrl, "create role tester login password 'right-one'");
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

type Answer = { readonly sentence: string; readonly log: readonly string[] };

/** The sentence with which a start on `databaseUrl` ends, "" when it goes well. */
async function startOn(databaseUrl: string, given: { mode?: "production"; databaseMigrationUrl?: string } = {}): Promise<Answer> {
  const log: string[] = [];
  const config = { mode: "development", dataDir: folder, databaseUrl, databaseMigrationUrl: null, ...given } as const;
  try {
    const target = await openDatabaseTarget(config, (line) => log.push(line), { ephemeral: false, patienceMs: 500 });
    await target.stop();
    return { sentence: "", log };
  } catch (error) {
    if (error instanceof StartupError) return { sentence: error.message, log };
    throw error;
  }
}

const withUser = (user: string) => server.ownerUrl.replace("finlego_owner", user);

test("DATABASE_URL alone serves migrations and application, which steps down to its role", async () => {
  const config = { mode: "production", dataDir: folder, databaseUrl: server.ownerUrl, databaseMigrationUrl: null } as const;
  const target = await openDatabaseTarget(config, () => undefined, { ephemeral: false });
  expect(target).toMatchObject({ ownerUrl: server.ownerUrl, appUrl: server.ownerUrl, appRole: "finlego_app" });
});

test("with DATABASE_MIGRATION_URL the application logs in as its role", async () => {
  const config = { mode: "production", dataDir: folder, databaseUrl: server.appUrl, databaseMigrationUrl: server.ownerUrl } as const;
  const target = await openDatabaseTarget(config, () => undefined, { ephemeral: false });
  expect(target).toMatchObject({ ownerUrl: server.ownerUrl, appUrl: server.appUrl, appRole: null });
});

test("without DATABASE_URL the embedded server is used, and an ephemeral one leaves nothing behind", async () => {
  const config = { mode: "development", dataDir: folder, databaseUrl: null, databaseMigrationUrl: null } as const;
  const target = await openDatabaseTarget(config, () => undefined, { ephemeral: true });
  const place = /embedded PostgreSQL in (.*) \(removed afterwards\)/.exec(target.describe)?.[1] ?? "";
  expect(existsSync(place)).toBe(true);
  await run(target.appUrl, "select 1");
  await target.stop();
  expect(existsSync(place)).toBe(false);
  expect(existsSync(join(folder, "postgres"))).toBe(false);
});

describe("the start ends with a sentence when the database", () => {
  test("is not there, after trying for a while", async () => {
    const { sentence, log } = await startOn("postgresql://bank:hunter2@127.0.0.1:1/finlego");
    expect(sentence).toBe("The database of DATABASE_URL (127.0.0.1:1/finlego) is not there: nothing listens at that address.");
    expect(log).toEqual([`${sentence} Trying again for 0.5 s.`]);
  });

  test("has a host that nobody knows", async () => {
    const { sentence } = await startOn("postgresql://bank:hunter2@db.invalid/finlego");
    expect(sentence).toMatch(/^The database of DATABASE_URL \(db\.invalid:5432\/finlego\) is not there: the name of its host/);
  });

  test("hangs up on whoever calls", async () => {
    const listener = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    await new Promise((resolve) => listener.once("listening", resolve));
    const address = listener.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const { sentence } = await startOn(`postgresql://bank:hunter2@127.0.0.1:${port}/finlego`);
    listener.close();
    expect(sentence).toMatch(/(does not answer|hung up)\.$/);
  });

  test("refuses the password, which is not repeated", async () => {
    const hba = join(folder, "server/hba.conf");
    writeFileSync(hba, `local all tester scram-sha-256\n${readFileSync(hba, "utf8")}`);
    await run(server.ownerUrl, "select pg_reload_conf()");
    // The server reads its files again a moment after it was asked to: until then it compares names, and says so.
    const wrong = () => startOn(withUser("tester:wrong-one"));
    await expect.poll(async () => (await wrong()).sentence, { timeout: 3_000 }).toMatch(/refuses the password of user tester\.$/);
    expect((await wrong()).sentence).not.toContain("wrong-one");
    expect((await startOn(withUser("tester"))).sentence).toMatch(/wants a password for user tester, and the address holds none\.$/);
    expect((await startOn(withUser("tester:right-one"))).sentence).toBe("");
  });

  test("knows no such user", async () => {
    expect((await startOn(withUser("stranger"))).sentence).toMatch(/does not let user stranger in/);
  });

  test("does not exist", async () => {
    const url = server.ownerUrl.replace("/finlego?", "/nowhere?");
    expect((await startOn(url)).sentence).toMatch(/nowhere\) does not exist on that server: create it first\.$/);
  });

  test("is wrong in DATABASE_MIGRATION_URL only", async () => {
    const { sentence } = await startOn(server.appUrl, { databaseMigrationUrl: withUser("stranger") });
    expect(sentence).toMatch(/^The database of DATABASE_MIGRATION_URL/);
  });

  test("does not keep what it confirmed, in production", async () => {
    await run(server.ownerUrl, "create role careless superuser login", "alter role careless set synchronous_commit = off");
    expect((await startOn(withUser("careless"), { mode: "production" })).sentence).toContain("synchronous_commit is off there");
    const development = await startOn(withUser("careless"));
    expect(development.sentence).toBe("");
    expect(development.log.join()).toContain("synchronous_commit is off there");
  });

  test("is a standby", async () => {
    await server.stop();
    writeFileSync(join(folder, "server/cluster/standby.signal"), "", { mode: 0o644 });
    server = await start();
    const { sentence } = await startOn(server.ownerUrl);
    expect(sentence).toMatch(
      /cannot be used\. It is read-only \(a standby, perhaps after a failover\): give the address of the primary\.$/,
    );
  });
});
