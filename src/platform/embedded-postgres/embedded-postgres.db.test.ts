// Starts, shoots and shares real servers, each in a folder of its own. The folders belong to us alone, so as root these tests also
// show that a server which stepped down to another user works below a folder that this user may not enter.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { afterAll, afterEach, expect, test } from "vitest";
import { StartupError } from "../startup-error.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "./index.ts";
import { processStart, workingFolder } from "./process-identity.ts";

const isRoot = process.getuid?.() === 0;
const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "finlego-embedded-test-"));
  cleanups.push(async () => {
    // A user that was shot leaves the stopping to its watchdog, which takes a moment.
    await until("no process of the server", () => serverProcesses(folder).length === 0);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

let made: Promise<string> | undefined;
afterAll(async () => made && rmSync(await made, { recursive: true }));

/** A folder whose data were made by an earlier start: copied, because making them takes a second of processor time. */
async function usedFolder(name = ""): Promise<string> {
  made ??= (async () => {
    const folder = mkdtempSync(join(tmpdir(), "finlego-embedded-made-"));
    await (await startEmbeddedPostgres({ dataDir: folder, log: () => undefined })).stop();
    return folder;
  })();
  const folder = join(newFolder(), name);
  mkdirSync(folder, { recursive: true });
  execFileSync("cp", ["-a", `${await made}/.`, folder]);
  return folder;
}

async function start(dataDir: string, lines: string[] = []): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, log: (line) => lines.push(line), settings: { shared_buffers: "16MB" } });
  cleanups.push(() => server.stop());
  return server;
}

async function ask<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

// On an idle machine each of these takes well below a second; the rest is for one that is busy with other tests.
const PATIENCE_MS = 10_000;

async function until<T>(what: string, look: () => T | Promise<T>, patienceMs = PATIENCE_MS): Promise<NonNullable<T>> {
  for (const deadline = Date.now() + patienceMs; ; await pause(20)) {
    const found = await Promise.resolve(look()).catch(() => null);
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`not within ${patienceMs} ms: ${what}`);
  }
}

function postmasterOf(dataDir: string): number {
  return Number.parseInt(readFileSync(join(dataDir, "cluster/postmaster.pid"), "utf8"), 10);
}

/** Every process that works in the cluster: the server and all its children. */
function serverProcesses(dataDir: string): number[] {
  const ids = readdirSync("/proc").map(Number).filter(Number.isInteger);
  return ids.filter((pid) => processStart(pid) !== null && workingFolder(pid) === join(dataDir, "cluster"));
}

/** Not an error where it is gone already: the death of one of them ends the others. */
function shoot(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

const FACE = new URL("./index.ts", import.meta.url).href;

/** Another process of ours that uses the server until it is shot, or told to stop. Resolves when it has a connection. */
async function startUser(dataDir: string, { removeAfterwards = false, waitFor = "ready" } = {}): Promise<ChildProcess> {
  const program = `
    import { startEmbeddedPostgres } from ${JSON.stringify(FACE)};
    const log = (line) => console.log(line);
    const server = await startEmbeddedPostgres({ dataDir: process.argv[1], log, settings: { shared_buffers: "16MB" }, removeAfterwards: ${removeAfterwards} });
    console.log("ready " + server.appUrl);
    process.on("SIGTERM", () => server.stop().then(() => process.exit(0)));
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, dataDir], { stdio: ["ignore", "pipe", "inherit"] });
  cleanups.push(() => child.kill("SIGKILL"));
  let said = "";
  for await (const piece of child.stdout.setEncoding("utf8").iterator({ destroyOnReturn: false })) {
    said += piece;
    if (said.includes(waitFor)) break;
  }
  expect(said).toContain(waitFor);
  return child;
}

test("a first start makes a UTF-8 database with checksums, reachable through its socket only, with the durability settings on", async () => {
  const { ownerUrl } = await start(newFolder());
  const [row] = await ask(
    ownerUrl,
    `select current_user as "user", pg_encoding_to_char(encoding) as encoding, datlocprovider as provider, datlocale as locale,
            current_setting('data_checksums') as checksums, current_setting('listen_addresses') as tcp, current_setting('fsync') as fsync,
            current_setting('full_page_writes') as pages, current_setting('synchronous_commit') as commit, current_setting('TimeZone') as zone,
            current_setting('log_parameter_max_length') as logged
     from pg_database where datname = current_database()`,
  );
  expect(row).toEqual({
    user: "finlego_owner",
    encoding: "UTF8",
    provider: "b",
    locale: "C.UTF-8",
    checksums: "on",
    tcp: "",
    fsync: "on",
    pages: "on",
    commit: "on",
    zone: "UTC",
    logged: "0",
  });
});

test("the application logs in as a role that may nothing by itself", async () => {
  const { appUrl } = await start(await usedFolder());
  expect(
    await ask(
      appUrl,
      "select current_user as name, rolsuper, rolcreatedb, rolcreaterole, rolbypassrls from pg_roles where rolname = current_user",
    ),
  ).toEqual([{ name: "finlego_app", rolsuper: false, rolcreatedb: false, rolcreaterole: false, rolbypassrls: false }]);
});

test("what was committed is there after a stop and a start", async () => {
  const folder = await usedFolder();
  const first = await start(folder);
  await ask(first.ownerUrl, "create table kept as select 42 as n");
  await first.stop();
  expect(serverProcesses(folder)).toEqual([]);
  expect(await ask((await start(folder)).ownerUrl, "select n from kept")).toEqual([{ n: 42 }]);
});

test("a second process joins the running server, which ends with the last of them", async () => {
  const folder = await usedFolder();
  const here = await start(folder);
  const postmaster = postmasterOf(folder);
  const there = await startUser(folder);
  expect(postmasterOf(folder)).toBe(postmaster);

  await here.stop();
  expect(processStart(postmaster)).not.toBeNull();
  there.kill("SIGTERM");
  await once(there, "exit");
  expect(serverProcesses(folder)).toEqual([]);
});

test("two processes that start at once on a new folder share one server", async () => {
  const folder = newFolder();
  const [here] = await Promise.all([start(folder), startUser(folder), startUser(folder)]);
  expect(await ask(here.appUrl, "select 1 as one")).toEqual([{ one: 1 }]);
  expect(readdirSync(join(folder, "users"))).toHaveLength(3);
  expect(readdirSync(folder).filter((name) => name.startsWith("cluster"))).toEqual(["cluster"]);
});

test("a process that starts while the last user is stopping gets a server that stays", async () => {
  const folder = await usedFolder();
  for (let round = 0; round < 5; round++) {
    const before = await start(folder);
    const [, after] = await Promise.all([before.stop(), start(folder)]);
    const client = new pg.Client({ connectionString: after.appUrl });
    await client.connect();
    expect((await client.query("select pg_sleep(0.1), 1 as one")).rows).toMatchObject([{ one: 1 }]);
    await client.end();
    await after.stop();
  }
});

test("kill -9 of the server: it is back in a moment, with everything that was committed", async () => {
  const folder = await usedFolder();
  const lines: string[] = [];
  const { ownerUrl } = await start(folder, lines);
  await ask(ownerUrl, "create table kept as select 42 as n");
  for (let round = 1; round <= 3; round++) {
    const postmaster = postmasterOf(folder);
    process.kill(postmaster, "SIGKILL");
    await until("the notice", () => lines.filter((line) => line === "PostgreSQL is back").length === round);
    expect(postmasterOf(folder)).not.toBe(postmaster);
    expect(await ask(ownerUrl, "select n from kept")).toEqual([{ n: 42 }]);
  }
});

test("kill -9 of every process of the server at once: the same", async () => {
  const folder = await usedFolder();
  const { ownerUrl } = await start(folder);
  const before = serverProcesses(folder);
  for (const pid of before) shoot(pid);
  await until("another server", () => serverProcesses(folder).some((pid) => !before.includes(pid)));
  expect(await until("an answer", () => ask(ownerUrl, "select 1 as one"))).toEqual([{ one: 1 }]);
});

test("kill -9 of the process that uses it leaves no server behind", async () => {
  const folder = await usedFolder();
  const user = await startUser(folder);
  expect(serverProcesses(folder)).not.toEqual([]);
  user.kill("SIGKILL");
  await until("no process of the server", () => serverProcesses(folder).length === 0, 3_000);
  await until("no registered user", () => readdirSync(join(folder, "users")).length === 0);
});

test("kill -9 of one user leaves the server to the others", async () => {
  const folder = await usedFolder();
  const there = await startUser(folder);
  const here = await start(folder);
  const postmaster = postmasterOf(folder);
  there.kill("SIGKILL");
  await until("one registered user", () => readdirSync(join(folder, "users")).length === 1);
  expect(await ask(here.appUrl, "select 1 as one")).toEqual([{ one: 1 }]);
  expect(postmasterOf(folder)).toBe(postmaster);
});

test("kill -9 of a process that makes the data leaves nothing that the next start minds", async () => {
  const folder = newFolder();
  const maker = await startUser(folder, { waitFor: "making a new database" });
  await until("the draft", () => readdirSync(folder).some((name) => name.startsWith("cluster-draft-")));
  maker.kill("SIGKILL");
  await once(maker, "exit");
  expect(await ask((await start(folder)).appUrl, "select 1 as one")).toEqual([{ one: 1 }]);
  expect(readdirSync(folder).filter((name) => name.startsWith("cluster"))).toEqual(["cluster"]);
});

test("a temporary server takes its folder with it, even after kill -9", async () => {
  const folder = await usedFolder("temporary");
  const user = await startUser(folder, { removeAfterwards: true });
  user.kill("SIGKILL");
  await until("no folder", () => !existsSync(folder));
});

test("a pid file that names a process of somebody else's is seen through", async () => {
  const folder = await usedFolder();
  await (await start(folder)).stop();
  // As after a restart of a container: the id of the dead server now belongs to another process of the same user.
  const { uid, gid } = isRoot ? { uid: 65534, gid: 65534 } : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const stranger = spawn("sleep", ["60"], isRoot ? { uid, gid, cwd: "/" } : { cwd: "/" });
  cleanups.push(() => stranger.kill("SIGKILL"));
  const file = join(folder, "cluster/postmaster.pid");
  writeFileSync(file, `${stranger.pid}\n${join(folder, "cluster")}\n1\n5432\n../run\n\n        1         1\nready   \n`);
  if (isRoot) chownSync(file, uid, gid);
  expect(await ask((await start(folder)).appUrl, "select 1 as one")).toEqual([{ one: 1 }]);
  expect(processStart(stranger.pid ?? 0)).not.toBeNull();
});

test("a folder too deep for the address of a socket is no obstacle", async () => {
  const folder = join(newFolder(), "deep".repeat(20), "deeper".repeat(20), 'with, comma and "quotes"');
  mkdirSync(folder, { recursive: true });
  const { appUrl } = await start(folder);
  const socket = new URL(appUrl).searchParams.get("host") ?? "";
  cleanups.unshift(() => rmSync(socket, { recursive: true, force: true }));
  expect(await ask(appUrl, "select 1 as one")).toEqual([{ one: 1 }]);
});

test("a folder that cannot be made is told in a sentence", async () => {
  const file = join(newFolder(), "file");
  writeFileSync(file, "");
  await expect(start(join(file, "data"))).rejects.toThrow(StartupError);
  await expect(start(join(file, "data"))).rejects.toThrow(/^Cannot write to .*: a part of the path is a file, not a folder\./);
});

test("data of another major version of PostgreSQL are left alone", async () => {
  const folder = await usedFolder();
  await (await start(folder)).stop();
  writeFileSync(join(folder, "cluster/PG_VERSION"), "17\n");
  await expect(start(folder)).rejects.toThrow(/made by PostgreSQL 17, and the bundled one is 18/);
});

test("a server that cannot start says why, in its own words", async () => {
  const refused = startEmbeddedPostgres({ dataDir: await usedFolder(), log: () => undefined, settings: { shared_buffers: "plenty" } });
  await expect(refused).rejects.toThrow(/PostgreSQL could not start on the data in .*shared_buffers/);
});
