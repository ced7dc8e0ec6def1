// The one PostgreSQL that all subjects of a call share. Without DATABASE_URL it is the bundled one in a temporary folder, durable as
// PostgreSQL has it, with room enough that no checkpoint falls into a run, and with a log whose files are there already. With DATABASE_URL
// it is that server, in a database of its own. Books that took long to fill can be kept in a folder and measured again.

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startEmbeddedPostgres } from "#platform/embedded-postgres/index.ts";
import { migrate } from "#platform/migrations.ts";
import { withDatabase } from "../test/setup/database-url.ts";
import { processTime } from "./meter.ts";
import { createDatabase, databaseExists, dropDatabase, readBackendPid, readServerSettings, useWalFiles } from "./server.store.ts";

const SETTINGS = { shared_buffers: "2GB", max_wal_size: "8GB", min_wal_size: "4GB", checkpoint_timeout: "15min", max_connections: "200" };
/** Of 16 MiB each: min_wal_size. */
const WAL_FILES = 256;

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

/** A folder whose server outlives the run, and the database in it that holds its first books. */
export type KeptBooks = { readonly folder: string; readonly database: string };

/** Starts or joins the server and migrates a database for the run; or the one that was kept, by what is new since then. */
export async function openBenchServer(kept: KeptBooks | null = null): Promise<BenchServer> {
  const databaseUrl = process.env["DATABASE_URL"];
  const host = kept === null && databaseUrl ? givenServer(databaseUrl) : await embeddedServer(kept);
  const made: string[] = [];
  const create = async (name: string): Promise<string> => {
    const unique = `finlego_bench_${name}_${randomBytes(4).toString("hex")}`;
    await withClient(host.ownerUrl, (owner) => createDatabase(owner, unique));
    made.push(unique);
    return unique;
  };
  const stop = async (): Promise<void> => {
    try {
      if (!host.isTemporary)
        await withClient(host.ownerUrl, async (owner) => {
          for (const name of made) await dropDatabase(owner, name);
        });
    } finally {
      await host.stop();
    }
  };
  const migrated = async (database: string): Promise<Books> => {
    const ownerUrl = withDatabase(host.ownerUrl, database);
    await migrate(ownerUrl);
    return { ownerUrl, appUrl: withDatabase(host.appUrl, database), appRole: host.appRole };
  };
  const createBooks = async (name: string): Promise<Books> => await migrated(await create(name));
  try {
    const books = kept === null ? await createBooks("books") : await migrated(await keep(host.ownerUrl, kept.database));
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

type Host = { ownerUrl: string; appUrl: string; appRole: string | null; isTemporary: boolean; stop(): Promise<void> };

function givenServer(databaseUrl: string): Host {
  return { ownerUrl: databaseUrl, appUrl: databaseUrl, appRole: "finlego_app", isTemporary: false, stop: async () => {} };
}

/** Makes the database unless it is there. */
async function keep(ownerUrl: string, database: string): Promise<string> {
  await withClient(ownerUrl, async (owner) => {
    if (!(await databaseExists(owner, database))) await createDatabase(owner, database);
  });
  return database;
}

async function embeddedServer(kept: KeptBooks | null): Promise<Host> {
  const folder = kept?.folder ?? (await mkdtemp(join(tmpdir(), "finlego-bench-")));
  const started = await startEmbeddedPostgres({
    dataDir: join(folder, "postgres"),
    log: () => {},
    settings: SETTINGS,
    removeAfterwards: kept === null,
  });
  const stop = async (): Promise<void> => {
    await started.stop();
    if (kept === null) await rm(folder, { recursive: true, force: true });
  };
  // Making a file costs whoever writes the most the most: it would be measured with each payment.
  await withClient(started.ownerUrl, async (owner) => await useWalFiles(owner, WAL_FILES));
  return { ownerUrl: started.ownerUrl, appUrl: started.appUrl, appRole: null, isTemporary: kept === null, stop };
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
