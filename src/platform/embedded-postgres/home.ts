// The folders of one embedded server, and who may enter them.
//
//   <dataDir>/cluster     the data folder of PostgreSQL
//   <dataDir>/run         its socket (or a short path below the temporary folder, see socketFolder)
//   <dataDir>/users       one file per process that uses the server; the last one to go stops it
//   <dataDir>/server.log  what the server has to say, bounded
//   <dataDir>/hba.conf, ident.conf   who may connect, written anew at each start; `cluster` holds links to them
//
// As an ordinary user everything is ours and closed to others. As root, `cluster` and `run` belong to the server's user and the rest
// to root, so that a server that was broken into cannot make root write where it likes.

import { createHash } from "node:crypto";
import { chmodSync, chownSync, lstatSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { makeFolder } from "../folder.ts";
import { explainFolderError, StartupError } from "../startup-error.ts";
import { chooseServerUser, currentUserName, namesOf, type ServerUser } from "./server-user.ts";

export type Home = {
  readonly folder: string;
  readonly cluster: string;
  readonly users: string;
  readonly serverLog: string;
  /** Where clients find the socket. */
  readonly socket: string;
  /** The same folders as the server itself names them, see serverCluster. */
  readonly seenByServer: { readonly cluster: string; readonly socket: string };
  readonly user: ServerUser;
};

export const OWNER = "finlego_owner";
export const APP = "finlego_app";
export const DATABASE = "finlego";
export const PORT = 5432;

/** Makes the folders of the server whose data lie in `dataDir`, or explains why it cannot. */
export function prepareHome(dataDir: string): Home {
  let folder = resolve(dataDir);
  try {
    makeFolder(folder, 0o700);
    folder = realpathSync(folder);
    const user = chooseServerUser(join(folder, "cluster"));
    // The server enters through its working folder and needs to pass here, see serverCluster; it can neither list nor write.
    if (isOurs(folder)) chmodSync(folder, user.drops ? 0o711 : 0o700);
    const socket = socketFolder(folder);
    makePrivate(socket, user, true);
    makePrivate(join(folder, "users"), user, false);
    const home = describeHome(folder, socket, user);
    writeAccessFiles(home);
    return home;
  } catch (error) {
    throw explainFolderError(
      error,
      folder,
      "Choose another folder with FINLEGO_DATA, or set DATABASE_URL to a PostgreSQL server of your own.",
    );
  }
}

function describeHome(folder: string, socket: string, user: ServerUser): Home {
  const cluster = join(folder, "cluster");
  return {
    folder,
    cluster,
    users: join(folder, "users"),
    serverLog: join(folder, "server.log"),
    socket,
    // The server works in its data folder, and a relative path is as good as any there.
    seenByServer: { cluster: serverCluster(user, cluster), socket: socket === join(folder, "run") ? "../run" : socket },
    user,
  };
}

/**
 * The name under which a server that was started in the data folder `cluster` reaches it. When we are root and step down to another
 * user, that user may not walk from / to a folder below, say, /root; but it may use the folder it was started in, whatever lies above.
 */
export function serverCluster(user: ServerUser, cluster: string): string {
  return user.drops && process.platform === "linux" ? "/proc/self/cwd" : cluster;
}

// The address of a Unix socket holds 107 bytes on Linux and 103 on macOS, its name included.
const LONGEST_SOCKET = 103 - `/.s.PGSQL.${PORT}`.length;

function socketFolder(folder: string): string {
  const near = join(folder, "run");
  if (Buffer.byteLength(near) <= LONGEST_SOCKET) return near;
  const name = `finlego-${createHash("sha256").update(folder).digest("hex").slice(0, 20)}`;
  const temporary = join(tmpdir(), name);
  return Buffer.byteLength(temporary) <= LONGEST_SOCKET ? temporary : join("/tmp", name);
}

/** Makes a folder closed to everyone but its owner: the server's user where `forServer`, else ourselves. */
function makePrivate(folder: string, user: ServerUser, forServer: boolean): void {
  makeFolder(folder, 0o700);
  const found = lstatSync(folder);
  // Never take over what another user has put there: below a shared folder it may be a trap.
  if (!found.isDirectory() || ![process.getuid?.(), user.uid].includes(found.uid)) {
    throw new StartupError(
      `The folder ${folder} belongs to somebody else (uid ${found.uid}). Remove it, or choose another folder with FINLEGO_DATA.`,
    );
  }
  if (!isOurs(folder)) return;
  chmodSync(folder, 0o700);
  if (forServer && user.drops) chownSync(folder, user.uid, user.gid);
}

function isOurs(folder: string): boolean {
  return lstatSync(folder).uid === process.getuid?.();
}

/** By the name that PostgreSQL expects in its data folder: ours, in the home folder. */
export const ACCESS_FILES = { "pg_hba.conf": "hba.conf", "pg_ident.conf": "ident.conf" } as const;

/** Connections come through the socket only, and the kernel tells the server which user is behind each: ours, and root, may be anybody in it. */
function writeAccessFiles(home: Home): void {
  const names = new Set(["root", currentUserName(), ...namesOf(home.user)]);
  writeWhole(join(home.folder, ACCESS_FILES["pg_hba.conf"]), "local all all peer map=finlego\n");
  writeWhole(join(home.folder, ACCESS_FILES["pg_ident.conf"]), [...names].map((name) => `finlego "${name}" all\n`).join(""));
}

function writeWhole(path: string, text: string): void {
  const draft = `${path}.${process.pid}.draft`;
  rmSync(draft, { force: true });
  writeFileSync(draft, text, { flag: "wx" });
  chmodSync(draft, 0o644);
  renameSync(draft, path);
}

/** The address of the database for node-postgres. Port and sslmode stand there so that PGPORT and PGSSLMODE of the shell mean nothing here. */
export function databaseUrl(home: Home, role: string, database: string = DATABASE): string {
  return `postgresql://${role}@localhost:${PORT}/${database}?host=${encodeURIComponent(home.socket)}&sslmode=disable`;
}
