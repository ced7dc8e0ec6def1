// The one PostgreSQL that all subjects of a call share. Without DATABASE_URL it is the bundled one in a temporary folder, durable as
// PostgreSQL has it and with room enough that no checkpoint falls into a run. With DATABASE_URL it is that server, in a database of its own.

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startEmbeddedPostgres } from "#platform/embedded-postgres/index.ts";
import { migrate } from "#platform/migrations.ts";
import { withDatabase } from "../test/setup/database-url.ts";
import { processTime } from "./meter.ts";
import { createDatabase, dropDatabase, readBackendPid, readServerSettings } from "./server.store.ts";

const SETTINGS = { shared_buffers: "2GB", max_wal_size: "8GB", checkpoint_timeout: "15min", max_connections: "200" };

/** A migrated database of the product. */
export type Books = {
  readonly ownerUrl: string;
  readonly appUrl: string;
  /** The role that connections of appUrl step down to; null where they log in as it. */
  readonly appRole: string | null;
};

/** The server, with the first of its books. */
export type BenchServer = Books & {
  /** Process id of the server; null when it is not on this machine. */
  readonly postmaster: number | null;
  readonly settings: Readonly<Record<string, string>>;
  /** The same server, another database. */
  createDatabase(name: string): Promise<string>;
  createBooks(name: string): Promise<Books>;
  stop(): Promise<void>;
};

/** Starts or joins the server and migrates a database for the run. */
export async function openBenchServer(databaseUrl = process.env["DATABASE_URL"]): Promise<BenchServer> {
  const host = databaseUrl ? givenServer(databaseUrl) : await embeddedServer();
  const made: string[] = [];
  const create = async (name: string): Promise<string> => {
    const unique = `finlego_bench_${name}_${randomBytes(4).toString("hex")}`;
    await withClient(host.ownerUrl, (owner) => createDatabase(owner, unique));
    made.push(unique);
    return unique;
  };
  const stop = async (): Promise<void> => {
    try {
      if (!host.temporary)
        await withClient(host.ownerUrl, async (owner) => {
          for (const name of made) await dropDatabase(owner, name);
        });
    } finally {
      await host.stop();
    }
  };
  const createBooks = async (name: string): Promise<Books> => {
    const database = await create(name);
    const ownerUrl = withDatabase(host.ownerUrl, database);
    await migrate(ownerUrl);
    return { ownerUrl, appUrl: withDatabase(host.appUrl, database), appRole: host.appRole };
  };
  try {
    const books = await createBooks("books");
    const { settings, postmaster } = await withClient(books.ownerUrl, async (owner) => ({
      settings: await readServerSettings(owner),
      postmaster: findPostmaster(await readBackendPid(owner)),
    }));
    return {
      ...books,
      postmaster,
      settings,
      createDatabase: async (name) => withDatabase(host.ownerUrl, await create(name)),
      createBooks,
      stop,
    };
  } catch (failure) {
    await stop();
    throw failure;
  }
}

type Host = { ownerUrl: string; appUrl: string; appRole: string | null; temporary: boolean; stop(): Promise<void> };

function givenServer(databaseUrl: string): Host {
  return { ownerUrl: databaseUrl, appUrl: databaseUrl, appRole: "finlego_app", temporary: false, stop: async () => {} };
}

async function embeddedServer(): Promise<Host> {
  const folder = await mkdtemp(join(tmpdir(), "finlego-bench-"));
  const started = await startEmbeddedPostgres({
    dataDir: join(folder, "postgres"),
    log: () => {},
    settings: SETTINGS,
    removeAfterwards: true,
  });
  const stop = async (): Promise<void> => {
    await started.stop();
    await rm(folder, { recursive: true, force: true });
  };
  return { ownerUrl: started.ownerUrl, appUrl: started.appUrl, appRole: null, temporary: true, stop };
}

/** The parent of a connection's server process. */
function findPostmaster(backend: number): number | null {
  const parent = processTime(backend)?.parent ?? null;
  return parent !== null && parent > 1 ? parent : null;
}

/** One connection, closed in any case. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
