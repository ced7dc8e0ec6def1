// Runs the PostgreSQL server process itself, and reads from its log why it would not run.

import { type ChildProcess, spawn } from "node:child_process";
import {
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
} from "node:fs";
import { join } from "node:path";
import { errorCode, StartupError } from "../startup-error.ts";
import type { Binaries } from "./binaries.ts";
import { type Home, PORT } from "./home.ts";
import { processStart, workingFolder } from "./process-identity.ts";

// Durability (fsync, full_page_writes, synchronous_commit) stays as PostgreSQL has it: on.
const SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: "256MB",
  max_wal_size: "4GB",
  // Files of the write-ahead log that are used again cost nothing; each that is made is written twice.
  min_wal_size: "1GB",
  checkpoint_timeout: "15min",
  max_connections: "100",
  // The bundled programs know no lz4.
  wal_compression: "pglz",
  // Parameters hold names and amounts of clients; they must not reach a log.
  log_parameter_max_length: "0",
  log_parameter_max_length_on_error: "0",
  // A violated constraint would otherwise write the whole row, names and all, into the log.
  log_error_verbosity: "terse",
  // Refused statements are ordinary and reported by the caller; the server's own log is for what the server does.
  log_min_messages: "log",
  log_checkpoints: "off",
  log_line_prefix: "%m [%p] ",
  log_timezone: "UTC",
  timezone: "UTC",
  password_encryption: "scram-sha-256",
};

/** How an attempt to run a server ended: it gave up, `retry` when somebody else runs it or its predecessor is not quite gone. */
export type Outcome = { readonly retry: boolean; readonly error: unknown };

/** A server process that was started just now. `ended` resolves when it is gone, whyever. */
export type Postmaster = { readonly pid: number | undefined; readonly ended: Promise<Outcome> };

/** Starts a server on the data of `home`. PostgreSQL itself sees to it that there is never a second one on the same data. */
export function startPostmaster(home: Home, binaries: Binaries, settings: Readonly<Record<string, string>>): Postmaster {
  boundServerLog(home);
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
  const log = openSync(home.serverLog, O_APPEND | O_CREAT | O_NOFOLLOW | O_RDWR, 0o600);
  const from = fstatSync(log).size;
  const { uid, gid, drops } = home.user;
  const child = spawn(binaries.postgres, serverOptions(home, settings), {
    // Its own session: Ctrl-C in the terminal must reach us and not the server, so that open work can end in order.
    detached: true,
    cwd: home.cluster,
    env: serverEnvironment(binaries),
    stdio: ["ignore", log, log],
    ...(drops ? { uid, gid } : {}),
  });
  child.unref();
  return { pid: child.pid, ended: outcomeOf(home, child, log, from) };
}

function serverOptions(home: Home, settings: Readonly<Record<string, string>>): string[] {
  const { cluster, socket } = home.seenByServer;
  const fixed = {
    listen_addresses: "",
    port: String(PORT),
    unix_socket_directories: quoteListItem(socket),
    unix_socket_permissions: "0600",
  };
  const all = Object.entries({ ...SETTINGS, ...settings, ...fixed });
  return ["-D", cluster, ...all.flatMap(([name, value]) => ["-c", `${name}=${value}`])];
}

/** unix_socket_directories is a list: a comma or a blank in the path would end the item. */
function quoteListItem(path: string): string {
  return `"${path.replaceAll('"', '""')}"`;
}

/** Nothing of our own environment is meant for the server: PGPORT, PGOPTIONS and secrets stay out. */
export function serverEnvironment(binaries: Binaries): NodeJS.ProcessEnv {
  const libraries = process.platform === "darwin" ? "DYLD_LIBRARY_PATH" : "LD_LIBRARY_PATH";
  return { PATH: "/usr/bin:/bin", LC_ALL: "C", [libraries]: binaries.libraries };
}

function outcomeOf(home: Home, child: ChildProcess, log: number, from: number): Promise<Outcome> {
  return new Promise((resolve) => {
    const end = (error: unknown) => {
      const said = readFrom(log, from);
      closeSync(log);
      resolve({ retry: isPassing(home, said), error: explainFailure(home, error, said) });
    };
    child.once("error", end);
    child.once("exit", (code, signal) => end(new Error(`the server ended with ${signal ?? `exit code ${code}`}`)));
  });
}

function readFrom(log: number, from: number): string {
  const length = Math.min(fstatSync(log).size - from, 64_000);
  if (length <= 0) return "";
  const buffer = Buffer.alloc(length);
  return buffer.toString("utf8", 0, readSync(log, buffer, 0, length, from));
}

function isPassing(home: Home, said: string): boolean {
  // Children of a server that was shot: they end as soon as they notice.
  if (said.includes("pre-existing shared memory block")) return true;
  if (!/lock file "[^"]*" already exists|Is another postmaster/.test(said)) return false;
  removeStalePidFile(home);
  return true;
}

/**
 * After a crash of the machine, or in a new container on old data, the process id in postmaster.pid may belong to some other process
 * of the same user. PostgreSQL then refuses to start; we look whether that process works in our data folder.
 */
function removeStalePidFile(home: Home): void {
  const file = join(home.cluster, "postmaster.pid");
  try {
    const pid = Number.parseInt(readFileSync(file, "utf8"), 10);
    const works = workingFolder(pid);
    if (processStart(pid) === null || (works !== null && works !== realpathSync(home.cluster))) rmSync(file, { force: true });
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
  }
}

/** Says in a sentence why a program of PostgreSQL failed, from the error and from what it printed. */
export function explainFailure(home: Home, error: unknown, said: string): StartupError {
  const sentence = (text: string) => new StartupError(text, { cause: error });
  const instead = "set DATABASE_URL to a PostgreSQL server of your own (version 15 or newer)";
  if (errorCode(error) === "ENOENT") {
    // The file is there, so what is missing is the loader that it names: a system without glibc.
    return sentence(
      "The bundled PostgreSQL cannot run here: it needs glibc, and this system (Alpine, or another one with musl) has none. " +
        `Use an image with glibc (Debian, Ubuntu), or ${instead}.`,
    );
  }
  if (errorCode(error) === "EPERM" && home.user.drops) {
    return sentence(
      `PostgreSQL does not run as root, and this process may not switch to another user. Start as an ordinary user, or ${instead}.`,
    );
  }
  if (errorCode(error) === "EACCES")
    return sentence(
      `The bundled PostgreSQL may not be run from its folder (mounted noexec?). Set XDG_CACHE_HOME to a folder where programs may run, or ${instead}.`,
    );
  if (/No space left on device|Check free disk space|Disk quota exceeded/.test(said) || isFull(home.folder))
    return sentence(`PostgreSQL could not start: the disk that holds ${home.folder} is full. Make room and start again.`);
  // What comes first is the cause; that it turned callers away meanwhile is none.
  const lines = said.split("\n").filter((line) => !line.includes("the database system is"));
  const reason = lines.find((line) => /FATAL|PANIC|error:/.test(line)) ?? (error instanceof Error ? error.message : String(error));
  return sentence(`PostgreSQL could not start on the data in ${home.cluster}: ${reason} (its log: ${home.serverLog})`);
}

/** A full disk makes PostgreSQL stumble in many places, and not each of them names the cause. A folder that is gone is not full. */
function isFull(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < 1024 * 1024;
  } catch {
    return false;
  }
}

const LOG_LIMIT = 16 * 1024 * 1024;

/** Keeps the server's log and one older piece of it below 16 MB each. The server appends, so it goes on writing at the new end. */
export function boundServerLog(home: Home): void {
  const size = statSync(home.serverLog, { throwIfNoEntry: false })?.size ?? 0;
  if (size <= LOG_LIMIT) return;
  copyFileSync(home.serverLog, `${home.serverLog}.1`);
  truncateSync(home.serverLog, 0);
}
