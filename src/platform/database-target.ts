// Decides which database this process works on, and lets nobody start on one that cannot hold the ledger: DATABASE_URL where it is
// given, else the embedded PostgreSQL. Every way in which a server can be wrong ends in one sentence, and none of them names a password.

import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Client } from "pg";
import type { Config } from "./config.ts";
import { startEmbeddedPostgres } from "./embedded-postgres/index.ts";
import { readServerFacts } from "./server-facts.store.ts";
import { judgeServer } from "./server-fitness.ts";
import { errorCode, explainFolderError, StartupError } from "./startup-error.ts";

export type DatabaseTarget = {
  /** For migrations. */
  readonly ownerUrl: string;
  /** For everything else. */
  readonly appUrl: string;
  /** The role that connections of appUrl must step down to (SET ROLE), or null when they log in as it. */
  readonly appRole: string | null;
  /** For the log: where the database is, without user and password. */
  readonly describe: string;
  /** Ends the embedded server, if it was one and nobody else uses it. */
  stop(): Promise<void>;
};

export type DatabaseTargetOptions = {
  /** A fresh database in a temporary folder that goes with its last user; DATABASE_URL is not touched. */
  readonly ephemeral: boolean;
  /** How long to wait for a server that is not there yet. */
  readonly patienceMs?: number;
};

type DatabaseConfig = Pick<Config, "mode" | "dataDir" | "databaseUrl" | "databaseMigrationUrl">;

const PATIENCE_MS = 15_000;
const APP_ROLE = "finlego_app";

/** @throws StartupError when there is no database to work on. */
export async function openDatabaseTarget(
  config: DatabaseConfig,
  log: (line: string) => void,
  { ephemeral, patienceMs = PATIENCE_MS }: DatabaseTargetOptions,
): Promise<DatabaseTarget> {
  if (config.databaseUrl === null || ephemeral) return openEmbedded(config, log, ephemeral);
  const ownerUrl = config.databaseMigrationUrl ?? config.databaseUrl;
  await checkServer("DATABASE_URL", config.databaseUrl, config.mode, log, patienceMs);
  if (ownerUrl !== config.databaseUrl) await checkServer("DATABASE_MIGRATION_URL", ownerUrl, config.mode, log, patienceMs);
  return {
    ownerUrl,
    appUrl: config.databaseUrl,
    appRole: config.databaseMigrationUrl === null ? APP_ROLE : null,
    describe: placeOf(new Client({ connectionString: config.databaseUrl })),
    stop: async () => undefined,
  };
}

async function openEmbedded(config: DatabaseConfig, log: (line: string) => void, ephemeral: boolean): Promise<DatabaseTarget> {
  const dataDir = ephemeral ? makeTemporaryFolder() : join(config.dataDir, "postgres");
  const server = await startEmbeddedPostgres({ dataDir, log, removeAfterwards: ephemeral });
  return { ...server, appRole: null, describe: `embedded PostgreSQL in ${dataDir}${ephemeral ? " (removed afterwards)" : ""}` };
}

function makeTemporaryFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), "finlego-"));
  } catch (error) {
    throw explainFolderError(error, tmpdir(), "Set TMPDIR to a folder that takes files.");
  }
}

async function checkServer(
  name: string,
  url: string,
  mode: Config["mode"],
  log: (line: string) => void,
  patienceMs: number,
): Promise<void> {
  const client = await reach(name, url, log, patienceMs);
  try {
    const { refusals, warnings } = judgeServer(await readServerFacts(client), mode, isRemote(client));
    if (refusals.length > 0) throw new StartupError(`The database of ${name} (${placeOf(client)}) cannot be used. ${refusals.join(" ")}`);
    for (const warning of warnings) log(`${placeOf(client)}: ${warning}`);
  } finally {
    await client.end();
  }
}

async function reach(name: string, url: string, log: (line: string) => void, patienceMs: number): Promise<Client> {
  const began = Date.now();
  for (let wait = 200, told = false; ; wait = Math.min(wait * 2, 2_000)) {
    const client = new Client({ connectionString: url, application_name: "finlego start", connectionTimeoutMillis: 5_000 });
    client.on("error", () => undefined);
    try {
      await client.connect();
      return client;
    } catch (error) {
      const reason = explainConnectError(error, client.user ?? "");
      const sentence = `The database of ${name} (${placeOf(client)}) ${reason.sentence}`;
      if (!reason.passing || Date.now() - began + wait > patienceMs) throw new StartupError(sentence, { cause: error });
      if (!told) log(`${sentence} Trying again for ${patienceMs / 1_000} s.`);
      told = true;
      await pause(wait);
    }
  }
}

/** `passing`: it may come right by itself, when the server is only just starting. */
type Reason = { readonly sentence: string; readonly passing: boolean };

const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: "is not there: nothing listens at that address.",
  ENOENT: "is not there: no server has its socket in that folder.",
  ENOTFOUND: "is not there: the name of its host is unknown.",
  EAI_AGAIN: "is not there: the name of its host cannot be looked up just now.",
  EHOSTUNREACH: "is not there: no route leads to its host.",
  ENETUNREACH: "is not there: no route leads to its host.",
  ETIMEDOUT: "does not answer.",
  ECONNRESET: "hung up.",
  "57P03": "is starting or stopping.",
  "53300": "has no free connection left.",
};

/** Says why a connection failed. Nothing of the address but the user's name is repeated. */
export function explainConnectError(error: unknown, user: string): Reason {
  const code = errorCode(error);
  const unreachable = UNREACHABLE[code];
  if (unreachable !== undefined) return { sentence: unreachable, passing: true };
  const message = error instanceof Error ? error.message : String(error);
  const lasting = (sentence: string): Reason => ({ sentence, passing: false });
  if (code === "28P01") return lasting(`refuses the password of user ${user}.`);
  if (code === "28000") return lasting(`does not let user ${user} in: ${message}.`);
  if (code === "3D000") return lasting("does not exist on that server: create it first.");
  if (code === "42501") return lasting(`may not be entered by user ${user}: grant the role CONNECT on it.`);
  if (message.startsWith("SASL")) return lasting(`wants a password for user ${user}, and the address holds none.`);
  if (message.includes("does not support SSL")) return lasting("speaks no TLS, and the address asks for it (sslmode).");
  if (/CERT|SELF_SIGNED|ERR_TLS/.test(code))
    return lasting(`shows a certificate that cannot be trusted (${message}): give its authority with sslrootcert.`);
  // node-postgres has no code for its own time limit and for a connection that ended while it was made.
  if (code === "" && /timeout|terminated/i.test(message)) return { sentence: "does not answer.", passing: true };
  return lasting(`cannot be entered: ${message}.`);
}

function placeOf(client: Client): string {
  return client.host.startsWith("/") ? `${client.host}, ${client.database}` : `${client.host}:${client.port}/${client.database}`;
}

export function isRemote({ host }: Client): boolean {
  return !(host.startsWith("/") || host === "localhost" || host === "::1" || host.startsWith("127."));
}
