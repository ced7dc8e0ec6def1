// One PostgreSQL server and one migrated template database for a whole run of tests; each test file clones the template.
// With DATABASE_URL the server is the given one, and every database made there has a name that starts with the run's
// own prefix: two runs may share a server. Without it an embedded server starts in a temporary folder and goes with it.

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { startEmbeddedPostgres } from "#platform/embedded-postgres/index.ts";
import { migrate } from "#platform/migrations.ts";
import pg from "pg";
import { databaseOf, withDatabase } from "./database-url.ts";
import { findRoomyFolder } from "./roomy-folder.ts";

/** What a test file needs to make its own database. Plain strings: it travels to the workers. */
export type TestServer = {
  /** The server's own database, as the user who may create databases. */
  readonly ownerUrl: string;
  /** The same, as the user the application runs as. */
  readonly appUrl: string;
  /** The role to SET after connecting; null where `appUrl` already logs in as it. */
  readonly appRole: string | null;
  /** Migrated once, never connected to again, cloned by each test file. */
  readonly template: string;
  /** Starts the name of every database of this run. */
  readonly prefix: string;
};

/** A migrated database of one's own. */
export type TestDatabase = {
  readonly ownerUrl: string;
  readonly appUrl: string;
  /** The role the application's pool must SET; null where `appUrl` logs in as it. */
  readonly appRole: string | null;
  drop(): Promise<void>;
};

export type StartedTestServer = { readonly server: TestServer; readonly stop: () => Promise<void> };

/** Finds or starts the server and migrates the template. `stop` drops all databases of this run. */
export async function startTestServer(databaseUrl = process.env["DATABASE_URL"]): Promise<StartedTestServer> {
  const host = databaseUrl ? givenServer(databaseUrl) : await embeddedServer();
  const prefix = `finlego_test_${randomBytes(4).toString("hex")}_`;
  const server = { ...host.urls, prefix, template: `${prefix}template` };
  const stop = async () => {
    try {
      if (!host.temporary) await dropAll(server);
    } finally {
      await host.stop();
    }
  };
  try {
    await createTemplate(server);
  } catch (failure) {
    await stop();
    throw failure;
  }
  return { server, stop };
}

type Host = { urls: Pick<TestServer, "ownerUrl" | "appUrl" | "appRole">; temporary: boolean; stop(): Promise<void> };

function givenServer(databaseUrl: string): Host {
  return { urls: { ownerUrl: databaseUrl, appUrl: databaseUrl, appRole: "finlego_app" }, temporary: false, stop: async () => {} };
}

async function embeddedServer(): Promise<Host> {
  const folder = await mkdtemp(join(await findRoomyFolder(), "finlego-test-"));
  const started = await startEmbeddedPostgres({
    dataDir: join(folder, "postgres"),
    log: () => {},
    settings: { max_connections: "300" },
    removeAfterwards: true,
  });
  const stop = async () => {
    await started.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { urls: { ownerUrl: started.ownerUrl, appUrl: started.appUrl, appRole: null }, temporary: true, stop };
}

async function createTemplate({ ownerUrl, template }: TestServer): Promise<void> {
  await withOwner(ownerUrl, (owner) => owner.query(`create database ${template} template template0`));
  await migrate(withDatabase(ownerUrl, template));
  // From here on nobody can connect to it by mistake: a connected template cannot be cloned.
  await withOwner(ownerUrl, (owner) => owner.query(`alter database ${template} with allow_connections false`));
}

async function dropAll({ ownerUrl, prefix }: TestServer): Promise<void> {
  await withOwner(ownerUrl, async (owner) => {
    const left = await owner.query<{ datname: string }>("select datname from pg_database where starts_with(datname, $1)", [prefix]);
    for (const { datname } of left.rows) await owner.query(`drop database if exists ${datname} with (force)`);
  });
}

/** One more migrated database. Copied as files, which costs a tenth of writing every page of it to the log. */
export async function cloneTemplate({ ownerUrl, appUrl, appRole, prefix, template }: TestServer): Promise<TestDatabase> {
  const name = `${prefix}${randomBytes(6).toString("hex")}`;
  await withOwner(ownerUrl, async (owner) => {
    // One at a time: PostgreSQL refuses to copy a database that another copy is reading. The lock goes with the connection.
    await owner.query("select pg_advisory_lock(hashtext($1))", [template]);
    await owner.query(`create database ${name} template ${template} strategy file_copy`);
  });
  return {
    ownerUrl: withDatabase(ownerUrl, name),
    appUrl: withDatabase(appUrl, name),
    appRole,
    drop: () => withOwner(ownerUrl, async (owner) => void (await owner.query(`drop database if exists ${name} with (force)`))),
  };
}

/** The database as it stands, in another one: what a restored backup of this moment would be. Ends the connections that others have to it. */
export async function copyDatabase({ ownerUrl, appUrl, appRole }: TestDatabase): Promise<TestDatabase> {
  const source = databaseOf(ownerUrl);
  const name = `${source}_${randomBytes(3).toString("hex")}`;
  const server = withDatabase(ownerUrl, "postgres");
  await withOwner(server, async (owner) => {
    await owner.query(`alter database ${source} with allow_connections false`);
    await owner.query("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1", [source]);
    await owner.query(`create database ${name} template ${source} strategy file_copy`);
    await owner.query(`alter database ${source} with allow_connections true`);
  });
  return {
    ownerUrl: withDatabase(ownerUrl, name),
    appUrl: withDatabase(appUrl, name),
    appRole,
    drop: () => withOwner(server, async (owner) => void (await owner.query(`drop database if exists ${name} with (force)`))),
  };
}

/** One connection to the server's own database, closed in any case. */
async function withOwner<T>(ownerUrl: string, work: (owner: pg.Client) => Promise<T>): Promise<T> {
  const owner = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 10_000 });
  await owner.connect();
  try {
    return await work(owner);
  } finally {
    await owner.end();
  }
}
