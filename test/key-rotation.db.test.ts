// The change of the master key as an operator does it: servers with both keys serve while the command runs, is killed and runs again, and
// afterwards a server with the new key alone serves every client.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clientKeys } from "#client-profile";
import { Database } from "#platform/db.ts";
import { openDevelopmentIssuer } from "#platform/development-issuer.ts";
import { readMasterKeys } from "#platform/sealing.ts";
import { DEVELOPMENT_ISSUER } from "#platform/settings.ts";
import { verify } from "#platform/verify.ts";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { anIndividual, unique } from "./builders.ts";
import { complaintsOf, rooms } from "./damaged-books.ts";
import { ROOT, Server } from "./faults/server.ts";
import { openTestDatabase } from "./setup/database.ts";
import type { TestDatabase } from "./setup/server.ts";
import { bareEnvironment, withoutAdvice } from "./setup/command.ts";

const OLD = "9c1f4be2077a53d86e10a94fb3c25d7812e8f06b5a49d3c7810fe6257bd09a34";
const NEW = "M7c0ZpQx2v1oYh8sKd5nUj4gRw9fTb3eLa6iXk0mPzE=";
/** So many that a rotation is still under way when it is killed. */
const OTHERS = 8_000;
const idOf = (key: string): string => readMasterKeys(key)?.current ?? "";

let database: TestDatabase;
let owner: pg.Client;
let data: string;
let servers: Server[];
let commands: ChildProcess[];
beforeEach(async () => {
  [servers, commands] = [[], []];
  data = await mkdtemp(join(tmpdir(), "finlego-rotation-"));
  database = await openTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
});
afterEach(async () => {
  for (const server of servers) await server.kill();
  for (const command of commands) command.kill("SIGKILL");
  await owner.end();
  await database.drop();
  await rm(data, { recursive: true });
});

/** How a process finds the database, under these master keys. */
function environment(...keys: string[]): Record<string, string> {
  const { ownerUrl, appUrl, appRole } = database;
  const urls = appRole === null ? { DATABASE_URL: appUrl, DATABASE_MIGRATION_URL: ownerUrl } : { DATABASE_URL: ownerUrl };
  return { ...urls, MASTER_KEY: keys.join(","), FINLEGO_DATA: data };
}

async function start(...keys: string[]): Promise<Server> {
  const server = new Server({ data, port: 0, env: { ...environment(...keys), WRITER_LANES: "1" } });
  servers.push(server);
  return await server.ready();
}

/** As the first start does it: the database gets its search key. */
async function openFirst(key: string): Promise<void> {
  const db = new Database({ url: database.appUrl, role: database.appRole, poolSize: 1, name: "finlego-test" });
  try {
    await clientKeys.openVault(db, readMasterKeys(key)!);
  } finally {
    await db.close();
  }
}

type End = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** Runs `cli keys …`; `onLine` hears what it says meanwhile. */
async function runKeys(command: string, env: Record<string, string>, onLine: (child: ChildProcess) => void = () => {}): Promise<End> {
  const child = spawn(process.execPath, ["src/cli.ts", "keys", command], { cwd: ROOT, env: bareEnvironment(env) });
  commands.push(child);
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (text: Buffer) => (said.stdout += text.toString()));
  child.stderr.on("data", (text: Buffer) => {
    said.stderr += text.toString();
    if (withoutAdvice(said.stderr) !== "") onLine(child);
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, stdout: said.stdout, stderr: withoutAdvice(said.stderr) };
}

async function callsTo(server: Server): Promise<{ create(): Promise<string>; isRead(id: string): Promise<boolean> }> {
  const issuer = await openDevelopmentIssuer({ dataDir: data, issuer: DEVELOPMENT_ISSUER, audience: "finlego", mode: "test" });
  const token = await issuer.mint({ audience: "system", scope: "integration.import clients.read" }, Date.now());
  const call = async (path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }> => {
    const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  return {
    async create() {
      const externalId = unique("client");
      const { status, body } = await call(
        "/integration/clients/individuals",
        anIndividual({ externalId, email: `${externalId}@example.com` }),
      );
      expect(status).toBe(200);
      return String(body["clientId"]);
    },
    async isRead(id) {
      const { status, body } = await call(`/internal/Clients/${id}`);
      return status === 200 && body["clientId"] === id && body["email"] === `${String(body["externalId"])}@example.com`;
    },
  };
}

/** Many more clients, whom nobody reads: so that a rotation takes its time. */
async function addOthers(count: number): Promise<void> {
  const { rows } = await owner.query<{ id: string }>(
    `with others as (
       insert into client_profile.client (id, tenant, type, status, verification_status, risk_level, phone_is_e164, sealed_profile, email_mark,
         search_marks, created_at, updated_at)
       select gen_random_uuid(), 'others', 'individual', 'active', 'approved', 'low', true, '\\x00', decode(repeat('00', 16), 'hex'), '{}', now(), now()
       from generate_series(1, $1)
       returning id
     ), history as (
       insert into client_profile.client_status_history (client_id, at, status, verification_status, risk_level, reason, actor_kind, actor_id)
       select id, now(), 'active', 'approved', 'low', 'import', 'system', 'test' from others
     ), audit as (
       insert into platform.audit_entry (at, actor_kind, actor_id, action, subject, trace_id, detail)
       select now(), 'system', 'test', 'client.created', 'client:' || id, 'test', '{}' from others
     )
     select id from others`,
    [count],
  );
  const masterKeys = readMasterKeys(OLD)!;
  const wrapped = rows.map(({ id }) => masterKeys.newKey(id).wrapped);
  await owner.query(
    `insert into client_profile.client_key (client_id, master_key, wrapped_key, created_at)
     select i, m, w, now() from unnest($1::uuid[], $2::text[], $3::bytea[]) as k (i, m, w)`,
    [rows.map(({ id }) => id), wrapped.map(({ masterKey }) => masterKey), wrapped.map(({ wrappedKey }) => wrappedKey)],
  );
}

test("the key is changed under load: nobody is refused, a killed run is continued, and the new key alone opens every client", {
  timeout: 120_000,
}, async () => {
  const before = await start(OLD);
  const first = await callsTo(before);
  const clients: string[] = [];
  for (let n = 0; n < 20; n++) clients.push(await first.create());
  await before.stop();
  await addOthers(OTHERS);

  const calls = await callsTo(await start(NEW, OLD));
  const [work, odd]: [{ isOver: boolean }, unknown[]] = [{ isOver: false }, []];
  const load = [1, 2, 3].map(async () => {
    while (!work.isOver && odd.length === 0) {
      try {
        clients.push(await calls.create());
        const id = clients[Math.floor(Math.random() * clients.length)] ?? "";
        if (!(await calls.isRead(id))) odd.push(id);
      } catch (error) {
        odd.push(error);
      }
    }
  });

  const killed = await runKeys("rotate", environment(NEW, OLD), (child) => child.kill("SIGKILL"));
  const halfway = JSON.parse((await runKeys("status", environment(NEW, OLD))).stdout) as { toRotate: number };
  const end = await runKeys("rotate", environment(NEW, OLD));
  work.isOver = true;
  await Promise.all(load);
  expect(odd).toEqual([]);
  expect(clients.length).toBeGreaterThan(30);
  expect(killed.code).toBeNull();
  expect(halfway.toRotate).toBeGreaterThan(0);
  expect(halfway.toRotate).toBeLessThan(OTHERS);
  expect(end).toMatchObject({ code: 0, stderr: expect.stringMatching(/^(\d+ keys are wrapped anew\.\n)+$/) as unknown });
  expect(JSON.parse(end.stdout)).toMatchObject({ rotated: halfway.toRotate, damaged: [], status: { current: idOf(NEW), toRotate: 0 } });

  const after = await callsTo(await start(NEW));
  for (const id of clients) expect(await after.isRead(id), id).toBe(true);
  const report = await verify({ url: database.ownerUrl, mode: "development", rooms });
  expect(complaintsOf(report).map(({ name }) => name)).toEqual([]);
});

test("verify names a client whose key stands unwrapped or under no name of a master key, and says how many master keys are in use", async () => {
  await openFirst(NEW);
  await addOthers(3);
  const [unwrapped, unnamed] = (await owner.query<{ id: string }>("select client_id as id from client_profile.client_key order by 1")).rows;
  await owner.query("update client_profile.client_key set wrapped_key = substring(wrapped_key for 32) where client_id = $1", [
    unwrapped?.id,
  ]);
  await owner.query("update client_profile.client_key set master_key = $2 where client_id = $1", [unnamed?.id, OLD]);
  const report = await verify({ url: database.ownerUrl, mode: "development", rooms });
  const found = complaintsOf(report).find(({ id }) => id === "DP-2");
  expect(found?.findings).toHaveLength(2);
  expect(found?.findings).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ place: { clientId: unwrapped?.id }, actual: "32 bytes under 16 characters" }),
      expect.objectContaining({ place: { clientId: unnamed?.id }, actual: "60 bytes under 64 characters" }),
    ]),
  );
  expect(report["masterKeysInUse"]).toBe(3);
});

describe("the command", () => {
  test("new prints a key and nothing else, another one each time", async () => {
    const [one, other] = [await runKeys("new", {}), await runKeys("new", {})];
    expect(one).toMatchObject({ code: 0, stderr: "" });
    expect(one.stdout).toMatch(/^[A-Za-z0-9+/]{43}=\n$/);
    expect(readMasterKeys(one.stdout)).not.toBeNull();
    expect(other.stdout).not.toBe(one.stdout);
  });

  test("status tells which keys are in use, with exit code 1 where one of them is not given", async () => {
    await openFirst(OLD);
    await addOthers(3);
    const known = await runKeys("status", environment(NEW, OLD));
    expect(known).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(known.stdout)).toEqual({
      current: idOf(NEW),
      searchKey: { masterKey: idOf(OLD), isGiven: true },
      clients: [{ masterKey: idOf(OLD), isGiven: true, clients: 3 }],
      erased: 0,
      toRotate: 4,
    });
    const unknown = await runKeys("status", environment(NEW));
    expect(unknown.code).toBe(1);
    expect(JSON.parse(unknown.stdout)).toMatchObject({ clients: [{ masterKey: idOf(OLD), isGiven: false, clients: 3 }], toRotate: 4 });
    for (const text of [known.stdout, unknown.stdout]) expect(text).not.toMatch(new RegExp(`${OLD}|${NEW.slice(0, 20)}`, "i"));
  });

  test("rotate has exit code 1 while keys are left that it cannot open, and changes none of them", async () => {
    await openFirst(OLD);
    await addOthers(3);
    const end = await runKeys("rotate", environment(NEW));
    expect(end).toMatchObject({ code: 1, stderr: "" });
    expect(JSON.parse(end.stdout)).toMatchObject({ rotated: 0, status: { toRotate: 4 } });
  });

  test("that cannot run says so in a sentence, with exit code 2", async () => {
    for (const env of [{ FINLEGO_DATA: join(data, "nothing-here") }, { ...environment(OLD), MASTER_KEY: "too-short" }]) {
      const end = await runKeys("status", env);
      expect(end).toMatchObject({ code: 2, stdout: "" });
      expect(end.stderr).toMatch(/^(There is no database in|The settings are not right:\n)/);
      expect(end.stderr).not.toContain("    at ");
    }
    expect((await runKeys("turn", environment(OLD))).code).not.toBe(0);
  });
});
