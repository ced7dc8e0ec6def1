// PostgreSQL refuses to run as root. As root it therefore runs as the person to whom the data or their folder belong, else as `nobody`;
// otherwise as ourselves.

import { readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname } from "node:path";
import { StartupError } from "../startup-error.ts";

/** The operating system user the server runs as. `drops` says that it is not the user of this process: we are root and step down. */
export type ServerUser = { readonly uid: number; readonly gid: number; readonly drops: boolean };

/** Decides who runs the server for the data in `clusterFolder`, which need not exist yet; the folder around it does. */
export function chooseServerUser(clusterFolder: string): ServerUser {
  if (process.getuid === undefined || process.getgid === undefined) {
    throw new StartupError(
      "The bundled PostgreSQL runs on Linux and macOS only. Set DATABASE_URL to a PostgreSQL server of your own (version 15 or newer).",
    );
  }
  const uid = process.getuid();
  if (uid !== 0) return ordinaryUser(uid, process.getgid(), clusterFolder);
  const owner = ownerOf(clusterFolder) ?? ownerOf(dirname(clusterFolder));
  const person = readUsers().find((user) => user.uid === owner && user.uid !== 0);
  return person === undefined ? { ...nobody(), drops: true } : { uid: person.uid, gid: person.gid, drops: true };
}

function ordinaryUser(uid: number, gid: number, clusterFolder: string): ServerUser {
  const owner = ownerOf(clusterFolder);
  if (owner !== null && owner !== uid) {
    throw new StartupError(
      `The database in ${clusterFolder} belongs to another user of this machine (uid ${owner}). ` +
        "Start as that user, or choose another folder with FINLEGO_DATA.",
    );
  }
  return { uid, gid, drops: false };
}

function ownerOf(folder: string): number | null {
  try {
    return statSync(folder).uid;
  } catch {
    return null;
  }
}

function nobody(): { uid: number; gid: number } {
  const found = readUsers().find((user) => user.name === NOBODY && user.uid > 0);
  if (found !== undefined) return { uid: found.uid, gid: found.gid };
  throw new StartupError(
    "PostgreSQL does not run as root, and this machine has no user named nobody to run it as. " +
      "Start as an ordinary user, or set DATABASE_URL to a PostgreSQL server of your own.",
  );
}

const NOBODY = "nobody";

function readUsers(): { name: string; uid: number; gid: number }[] {
  const lines = readFileSync("/etc/passwd", "utf8").split("\n");
  return lines.map((line) => line.split(":")).map(([name = "", , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
}

/** The names of the person whose data root is looking after. `nobody` is no person: many programs run under that name. */
export function namesOf(user: ServerUser): string[] {
  if (!user.drops) return [];
  return readUsers().flatMap(({ name, uid }) => (uid === user.uid && name !== NOBODY ? [name] : []));
}

/** The name of the user of this process. PostgreSQL looks users up by name, so one without a name (some containers) cannot run it. */
export function currentUserName(): string {
  try {
    return userInfo().username;
  } catch {
    throw new StartupError(
      `The user of this process (uid ${process.getuid?.()}) has no entry in /etc/passwd, and PostgreSQL needs one. ` +
        "Start as a user with a name, or set DATABASE_URL to a PostgreSQL server of your own.",
    );
  }
}
