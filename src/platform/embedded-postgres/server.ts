// Gets to a connection on the server of a home, whatever state it is in: running, starting, stopping, shot, never made.

import { setTimeout as pause } from "node:timers/promises";
import { Client } from "pg";
import { errorCode, StartupError } from "../startup-error.ts";
import { prepareBinaries } from "./binaries.ts";
import { ensureCluster } from "./cluster.ts";
import { createRoleAndDatabase, hasAppRole } from "./database.store.ts";
import { databaseUrl, type Home, OWNER } from "./home.ts";
import { type Outcome, startPostmaster } from "./postmaster.ts";

export type ServerOptions = {
  readonly log: (line: string) => void;
  readonly settings: Readonly<Record<string, string>>;
  /** Hears the id of each process that must not outlive us. */
  readonly started: (pid: number) => void;
  /** Gives up, with the signal's reason, when nobody wants the connection any more. */
  readonly signal: AbortSignal;
};

// How often a server that is on its way is asked whether it has arrived.
const ASK_AGAIN_MS = 15;
const TRY_AGAIN_MS = 100;
// How long another server on the same data may be neither reachable nor gone.
const PATIENCE_MS = 30_000;
const LONG_WAIT_MS = 5_000;

/** Connects as the owner; starts a server, and makes its data, where there is none. @throws StartupError when none can run. */
export async function reachServer(home: Home, options: ServerOptions): Promise<Client> {
  const began = Date.now();
  let attempt: { outcome: Outcome | null } | null = null;
  for (let told = false; ; await pause(ASK_AGAIN_MS)) {
    options.signal.throwIfAborted();
    const answer = await askServer(home);
    if (typeof answer !== "string") return answer;
    if (!told && Date.now() - began > LONG_WAIT_MS) {
      told = true;
      options.log("PostgreSQL takes its time (after a crash it first repeats what its log holds)");
    }
    if (answer === "busy") continue;
    if (attempt === null) {
      attempt = await attemptStart(home, options);
    } else if (attempt.outcome !== null) {
      if (!attempt.outcome.retry || Date.now() - began > PATIENCE_MS) throw attempt.outcome.error;
      attempt = null;
      await pause(TRY_AGAIN_MS);
    }
  }
}

async function attemptStart(home: Home, options: ServerOptions): Promise<{ outcome: Outcome | null }> {
  const binaries = prepareBinaries(home.user, options.log);
  await ensureCluster(home, binaries, options);
  options.signal.throwIfAborted();
  const server = startPostmaster(home, binaries, options.settings);
  if (server.pid !== undefined) options.started(server.pid);
  const attempt: { outcome: Outcome | null } = { outcome: null };
  void server.ended.then((outcome) => {
    attempt.outcome = outcome;
  });
  return attempt;
}

/** A connection, or why there is none: nobody listens (`absent`), or it is to be asked again (`busy`). */
async function askServer(home: Home): Promise<Client | "absent" | "busy"> {
  try {
    const client = await connect(databaseUrl(home, OWNER));
    if (await hasAppRole(client)) return client;
    await client.end();
    return await completeCluster(home);
  } catch (error) {
    // invalid_catalog_name: a first start ended between making the data and making the database.
    return errorCode(error) === "3D000" ? await completeCluster(home) : judge(home, error);
  }
}

async function completeCluster(home: Home): Promise<"busy"> {
  try {
    const client = await connect(databaseUrl(home, OWNER, "postgres"));
    try {
      await createRoleAndDatabase(client);
    } finally {
      await client.end();
    }
  } catch (error) {
    judge(home, error);
  }
  return "busy";
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: "finlego supervisor", connectionTimeoutMillis: 5_000 });
  // A connection that breaks says so by `end`; its `error` would otherwise end this process.
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

// cannot_connect_now (starting, stopping), the three shutdowns, too_many_connections, and a server that dies while we speak.
const PASSING = ["57P03", "57P01", "57P02", "57P04", "53300", "ECONNRESET", "EPIPE", "EAGAIN"];

function judge(home: Home, error: unknown): "absent" | "busy" {
  const code = errorCode(error);
  if (code === "ENOENT" || code === "ECONNREFUSED") return "absent";
  // node-postgres has no code for "Connection terminated unexpectedly" and for its own time limit.
  if (code === "" || PASSING.includes(code)) return "busy";
  if (code === "EACCES" || code === "EPERM" || code === "28000") {
    throw new StartupError(
      `Another user of this machine runs the database in ${home.folder}. Start as that user, or choose another folder with FINLEGO_DATA.`,
      { cause: error },
    );
  }
  throw error;
}
