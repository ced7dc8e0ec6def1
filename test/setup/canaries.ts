// Words that stand nowhere else in the world, and the search for them in everything that a running bank leaves behind. A word is found in
// any letter case, as UTF-16, as hex and as base64.

import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import type pg from "pg";

export type Canaries = {
  /** Letters only: fits into every field of text, in any letter case. */
  readonly word: string;
  /** Nine digits of a phone number. */
  readonly digits: string;
  /** A date of birth. */
  readonly date: string;
};

export function makeCanaries(): Canaries {
  const letters = [...randomBytes(12)].map((byte) => String.fromCharCode(97 + (byte % 26))).join("");
  const digits = String(100_000_000 + (randomBytes(4).readUInt32BE() % 900_000_000));
  const day = randomBytes(3);
  const two = (value: number): string => String(value + 1).padStart(2, "0");
  return { word: `canary${letters}`, digits, date: `19${20 + ((day[0] ?? 0) % 20)}-${two((day[1] ?? 0) % 12)}-${two((day[2] ?? 0) % 28)}` };
}

/** The bytes to look for, each with a name that tells which canary it is and how it was written. */
function patternsOf({ word, digits, date }: Canaries): [name: string, pattern: Buffer][] {
  const core = word.slice(1, -1);
  // Base64 of a text depends on where in a group of three bytes it begins; what its neighbours reach is cut off.
  const base64 = [0, 1, 2].map((shift): [string, Buffer] => {
    const whole = Buffer.from("-".repeat(shift) + core)
      .toString("base64")
      .replace(/=+$/, "");
    return [`base64 ${shift}`, Buffer.from(whole.slice(Math.ceil((shift * 4) / 3), -2))];
  });
  return [
    ["word", Buffer.from(core)],
    ["word in capitals", Buffer.from(core.toUpperCase())],
    ["word as UTF-16", Buffer.from(core, "utf16le")],
    ["word as hex", Buffer.from(Buffer.from(core).toString("hex"))],
    ["digits", Buffer.from(digits)],
    ["date", Buffer.from(date)],
    ...base64,
  ];
}

/** Names of the canaries that stand in these bytes. */
export function findCanaries(canaries: Canaries, bytes: Buffer | string): string[] {
  const buffer = typeof bytes === "string" ? Buffer.from(bytes) : bytes;
  return patternsOf(canaries).flatMap(([name, pattern]) => (buffer.includes(pattern) ? [name] : []));
}

/** Rows of any table that hold a canary, as `schema.table: name of the canary: the row's beginning`; bytes are looked into as they are. */
export async function searchDatabase(owner: pg.Client, canaries: Canaries): Promise<string[]> {
  const tables = await owner.query<{ table: string }>(
    `select format('%I.%I', n.nspname, c.relname) as table from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'm') and n.nspname <> 'information_schema' and (n.nspname <> 'pg_catalog' or c.relname like 'pg_statistic%')
       and has_table_privilege(c.oid, 'select')`,
  );
  const found: string[] = [];
  for (const { table } of tables.rows) {
    const { rows } = await owner.query<{ row: string }>(`select t::text as row from ${table} t`);
    for (const { row } of rows) {
      const bytes = Buffer.concat([...row.matchAll(/\\x((?:[0-9a-f]{2})+)/g)].map(([, hex = ""]) => Buffer.from(hex, "hex")));
      for (const name of findCanaries(canaries, Buffer.concat([Buffer.from(row), bytes])))
        found.push(`${table}: ${name}: ${row.slice(0, 300)}`);
    }
  }
  return found;
}

const CHUNK = 8 * 1024 * 1024;
/** Longer than any pattern. */
const OVERLAP = 256;

/** The file, or the files below the folder, that hold a canary, also one that lies across two pieces of reading. Nothing where there is no such path. */
export async function searchFiles(path: string, canaries: Canaries, isWanted: (path: string) => boolean = () => true): Promise<string[]> {
  const found: string[] = [];
  for (const file of await filesBelow(path)) {
    if (isWanted(file)) for (const name of await searchFile(file, canaries)) found.push(`${file}: ${name}`);
  }
  return found;
}

async function filesBelow(path: string): Promise<string[]> {
  if (!(await isReadable(path))) return [];
  if ((await stat(path)).isFile()) return [path];
  const entries = await readdir(path, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

async function searchFile(path: string, canaries: Canaries): Promise<Set<string>> {
  const names = new Set<string>();
  let tail = Buffer.alloc(0);
  try {
    if ((await stat(path)).size <= CHUNK) return new Set(findCanaries(canaries, await readFile(path)));
    for await (const chunk of createReadStream(path, { highWaterMark: CHUNK })) {
      const bytes = Buffer.concat([tail, chunk as Buffer]);
      for (const name of findCanaries(canaries, bytes)) names.add(name);
      tail = bytes.subarray(-OVERLAP);
    }
  } catch (error) {
    // The server removes files of its own while they are read.
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return names;
}

/** What the database's server keeps on this machine of one database: its files, the write-ahead log since it began, and the server's log. */
export type ServerFiles = { readonly base: string; readonly wal: string; readonly temporary: string; readonly logs: readonly string[] };

/** Null where the server's files are on another machine, or somebody else's. */
export async function findServerFiles(owner: pg.Client): Promise<ServerFiles | null> {
  const { rows } = await owner.query<{ data: string; oid: string; pid: number }>(
    `select current_setting('data_directory') as data, pg_backend_pid() as pid,
            (select oid::text from pg_database where datname = current_database()) as oid`,
  );
  const { data = "", oid = "", pid = 0 } = rows[0] ?? {};
  // The embedded server knows its folder by where it stands, whatever the folder is called.
  const folder = await realpath(data.replace("/proc/self/", `/proc/${pid}/`)).catch(() => null);
  if (folder === null || !(await isReadable(join(folder, "base", oid)))) return null;
  return {
    base: join(folder, "base", oid),
    wal: join(folder, "pg_wal"),
    temporary: join(folder, "base", "pgsql_tmp"),
    logs: [join(folder, "..", "server.log"), join(folder, "log")],
  };
}

async function isReadable(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
