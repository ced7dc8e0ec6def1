// A real PostgreSQL for those who have none: started when somebody needs it, shared by every process of ours on the same folder,
// started again when it dies, stopped when its last user is gone. There is no lock of our own: PostgreSQL lets only one server run on
// a data folder, so everyone connects first, starts a server where there is none, and the loser of a race connects to the winner's.
//
// It promises: connections through a private Unix socket only; the durability settings of PostgreSQL untouched; nothing left running
// after kill -9 of this process; a StartupError with a plain sentence when it cannot be.

import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "pg";
import { APP, databaseUrl, type Home, OWNER, prepareHome } from "./home.ts";
import { boundServerLog } from "./postmaster.ts";
import { reachServer, type ServerOptions } from "./server.ts";
import { keepServer, waitForStoppers } from "./watchdog.ts";

export type EmbeddedPostgres = {
  /** Connects as the owner of everything (a superuser): for migrations. */
  readonly ownerUrl: string;
  /** Connects as the application's role, which may do only what it was granted. */
  readonly appUrl: string;
  /** This process needs the server no more. It is stopped (fast shutdown, awaited) unless another process uses it. */
  stop(): Promise<void>;
};

export type EmbeddedPostgresOptions = {
  /** Everything lies below this folder; made if missing. */
  readonly dataDir: string;
  /** Hears single lines for a person: first start, server lost and found again. */
  readonly log: (line: string) => void;
  /** Server settings beside ours (postgresql.conf names). They mean nothing when a running server is joined. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Remove dataDir when its last user is gone, even after kill -9. */
  readonly removeAfterwards?: boolean;
};

/**
 * Joins the server that runs on `dataDir`, or starts one, making the data first where there are none. Takes about 1 s the first time
 * and 0.1 s later. From then on the server is watched: if it dies it is started again; open connections are lost meanwhile.
 * @throws StartupError when it cannot run here: folder not writable, disk full, unsupported system, somebody else's data.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const home = prepareHome(options.dataDir);
  const watchdog = keepServer(home, options.removeAfterwards ?? false);
  try {
    await waitForStoppers(home);
    const stopWatching = await watchServer(home, { log: options.log, settings: options.settings ?? {}, started: watchdog.tell });
    const stop = async () => {
      await stopWatching();
      await watchdog.release();
    };
    return { ownerUrl: databaseUrl(home, OWNER), appUrl: databaseUrl(home, APP), stop };
  } catch (error) {
    await watchdog.release();
    throw error;
  }
}

const LOG_CHECK_MS = 60_000;
const SHORTEST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5_000;

/** The types of node-postgres leave these two out. */
type Sentinel = Client & { ref(): void; unref(): void };

/**
 * Reaches the server and keeps one idle connection to it, the sentinel. When that breaks, the server is gone (or has thrown everyone
 * out after the crash of one of its processes), and is reached again. Answers with the function that ends the watch.
 */
async function watchServer(home: Home, options: Omit<ServerOptions, "signal">): Promise<() => Promise<void>> {
  const end = new AbortController();
  const reach = () => reachServer(home, { ...options, signal: end.signal });
  let sentinel: Sentinel;
  let recovery = Promise.resolve();

  const keep = (client: Client) => {
    sentinel = client as Sentinel;
    // Neither the sentinel nor the timer below may keep a finished process alive.
    sentinel.unref();
    client.once("end", () => {
      if (!end.signal.aborted) recovery = recover();
    });
  };
  const recover = async () => {
    options.log("lost PostgreSQL, bringing it back");
    for (let wait = SHORTEST_WAIT_MS; !end.signal.aborted; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      try {
        keep(await reach());
        return options.log("PostgreSQL is back");
      } catch (error) {
        if (end.signal.aborted) return;
        options.log(error instanceof Error ? error.message : String(error));
        await pause(wait, undefined, { signal: end.signal }).catch(() => undefined);
      }
    }
  };

  keep(await reach());
  const logCheck = setInterval(() => boundServerLog(home), LOG_CHECK_MS).unref();
  return async () => {
    end.abort();
    clearInterval(logCheck);
    await recovery;
    sentinel.ref();
    await sentinel.end().catch(() => undefined);
  };
}
