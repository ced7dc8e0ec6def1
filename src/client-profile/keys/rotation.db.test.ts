// The master key is changed while clients come, go and are read, by runs that may be killed: afterwards the new key alone opens all.

import { openTestDatabase } from "../../../test/setup/database.ts";
import type { TestDatabase } from "../../../test/setup/server.ts";
import { type Actor, Database } from "#platform/db.ts";
import { KEY_BYTES, MasterKeys } from "#platform/sealing.ts";
import { StartupError } from "#platform/startup-error.ts";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { insertClientKeys } from "./key.store.ts";
import { describeKeys, rotateKeys } from "./rotation.ts";
import { openVault } from "./vault.ts";

const ACTOR: Actor = { kind: "job", id: "test", tenant: null, traceId: "test" };
const [OLDEST, OLD, NEW] = [1, 2, 3].map((fill) => Buffer.alloc(KEY_BYTES, fill)) as [Buffer, Buffer, Buffer];
const keys = (...given: Buffer[]): MasterKeys => new MasterKeys(given);
const idOf = (key: Buffer): string => keys(key).current;

let database: TestDatabase;
let owner: pg.Client;
let db: Database;
beforeEach(async () => {
  database = await openTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  db = new Database({ url: database.appUrl, role: database.appRole, poolSize: 5, name: "finlego-test" });
});
afterEach(async () => {
  await db.close();
  await owner.end();
  await database.drop();
});

/** Clients with nothing but a key. */
async function addClients(masterKeys: MasterKeys, count: number): Promise<string[]> {
  const { rows } = await owner.query<{ id: string }>(
    `insert into client_profile.client (id, tenant, type, status, verification_status, risk_level, phone_is_e164, sealed_profile, email_mark,
       search_marks, created_at, updated_at)
     select gen_random_uuid(), 'default', 'individual', 'active', 'approved', 'low', true, '\\x00', decode(repeat('00', 16), 'hex'), '{}', now(), now()
     from generate_series(1, $1)
     returning id`,
    [count],
  );
  const made = rows.map(({ id }) => ({ clientId: id, ...masterKeys.newKey(id).wrapped }));
  await db.write(ACTOR, (tx) => insertClientKeys(tx, made));
  return rows.map(({ id }) => id);
}

/** How many clients' keys the master keys open; fails where one should and does not. */
async function countOpened(masterKeys: MasterKeys): Promise<number> {
  const { rows } = await owner.query<{ clientId: string; masterKey: string; wrappedKey: Buffer }>(
    `select client_id as "clientId", master_key as "masterKey", wrapped_key as "wrappedKey" from client_profile.client_key where wrapped_key is not null`,
  );
  return rows.filter(({ clientId, ...wrapped }) => masterKeys.unwrap(clientId, wrapped)).length;
}

const destroy = (client: pg.ClientBase, id: string) =>
  client.query("update client_profile.client_key set master_key = null, wrapped_key = null, destroyed_at = now() where client_id = $1", [
    id,
  ]);

const quietly = (): void => undefined;

test("wraps every key and the search key anew, in batches, and says so; the marks of clients stay", async () => {
  const before = await openVault(db, keys(OLD));
  await addClients(keys(OLD), 1_203);
  await addClients(keys(OLDEST), 2);
  const told: number[] = [];
  const end = await rotateKeys(db, keys(NEW, OLD, OLDEST), (rotated) => void told.push(rotated));

  expect(end).toEqual({
    rotated: 1_206,
    damaged: [],
    status: {
      current: idOf(NEW),
      searchKey: { masterKey: idOf(NEW), isGiven: true },
      clients: [{ masterKey: idOf(NEW), isGiven: true, clients: 1_205 }],
      erased: 0,
      toRotate: 0,
    },
  });
  expect(told.length).toBeGreaterThan(3);
  expect(told.toSorted((a, b) => a - b)).toEqual(told);
  expect(await countOpened(keys(NEW))).toBe(1_205);
  const after = await openVault(db, keys(NEW));
  expect(after.mark("email", "ann@example.com").equals(before.mark("email", "ann@example.com"))).toBe(true);
});

test("run again changes nothing and writes nothing", async () => {
  await openVault(db, keys(OLD));
  await addClients(keys(OLD), 10);
  await rotateKeys(db, keys(NEW, OLD), quietly);
  const stamp = () =>
    owner.query("select xmin, ctid from client_profile.client_key union all select xmin, ctid from client_profile.search_key");
  const before = await stamp();
  expect(await rotateKeys(db, keys(NEW, OLD), quietly)).toMatchObject({ rotated: 0, status: { toRotate: 0 } });
  expect((await stamp()).rows).toEqual(before.rows);
});

test("leaves what is wrapped under a key that is not given, and counts it", async () => {
  await openVault(db, keys(OLD));
  await addClients(keys(OLD), 3);
  await addClients(keys(OLDEST), 4);
  const end = await rotateKeys(db, keys(NEW, OLD), quietly);
  expect(end).toMatchObject({ rotated: 4, status: { toRotate: 4 } });
  expect(end.status.clients).toContainEqual({ masterKey: idOf(OLDEST), isGiven: false, clients: 4 });
});

test("leaves a key that was damaged as it is, names its client, and wraps all others", async () => {
  await openVault(db, keys(OLD));
  const ids = await addClients(keys(OLD), 600);
  const [ann, bob] = ids as [string, string];
  await owner.query(
    "update client_profile.client_key set wrapped_key = set_byte(wrapped_key, 30, get_byte(wrapped_key, 30) # 1) where client_id = any($1)",
    [[ann, bob]],
  );
  const end = await rotateKeys(db, keys(NEW, OLD), quietly);
  expect(end).toMatchObject({ rotated: 599, status: { toRotate: 2 } });
  expect(end.damaged.toSorted()).toEqual([ann, bob].toSorted());
});

test("waits for an erasure that is under way, and a destroyed key stays destroyed", async () => {
  await openVault(db, keys(OLD));
  const [ann, bob] = (await addClients(keys(OLD), 50)) as [string, string];
  const eraser = new pg.Client({ connectionString: database.ownerUrl });
  await eraser.connect();
  try {
    await eraser.query("begin");
    await destroy(eraser, ann);
    await eraser.query("select from client_profile.client_key where client_id = $1 for update", [bob]);
    const ended = { at: 0 };
    // The first batch has passed the two by: from now on only they are left.
    const rotating = rotateKeys(db, keys(NEW, OLD), (rotated) => {
      if (rotated === 49) void eraser.query("commit").then(() => (ended.at = rotated));
    });
    expect(await rotating).toMatchObject({ rotated: 50, status: { erased: 1, toRotate: 0 } });
    expect(ended.at).toBe(49);
  } finally {
    await eraser.end();
  }
  const { rows } = await owner.query(
    "select num_nonnulls(master_key, wrapped_key) as left from client_profile.client_key where client_id = $1",
    [ann],
  );
  expect(rows).toEqual([{ left: 0 }]);
});

test("two runs at once wrap every key once", async () => {
  await openVault(db, keys(OLD));
  await addClients(keys(OLD), 5_000);
  const ends = await Promise.all([1, 2, 3].map(() => rotateKeys(db, keys(NEW, OLD), quietly)));
  expect(ends.reduce((sum, { rotated }) => sum + rotated, 0)).toBe(5_001);
  expect(ends.map(({ status }) => status.toRotate)).toEqual([0, 0, 0]);
  expect(await countOpened(keys(NEW))).toBe(5_000);
});

test("what is wrapped anew is told to the audit in the same transaction", async () => {
  await openVault(db, keys(OLD));
  await addClients(keys(OLD), 700);
  await rotateKeys(db, keys(NEW, OLD), quietly);
  const { rows } = await owner.query("select subject, detail from platform.audit_entry where action = 'keys.rotated' order by id");
  const change = { from: idOf(OLD), to: idOf(NEW) };
  expect(rows).toEqual([
    { subject: "search_key", detail: change },
    { subject: "client_key", detail: { keys: 500, ...change } },
    { subject: "client_key", detail: { keys: 200, ...change } },
  ]);
});

test("the state of a database without keys is a sentence", async () => {
  await owner.query("drop table client_profile.client_key cascade");
  for (const work of [() => describeKeys(db, keys(NEW)), () => rotateKeys(db, keys(NEW), quietly)]) {
    await expect(work()).rejects.toThrow(
      new StartupError("There are no keys in that database: it is empty or of an older release. Start the server on it first."),
    );
  }
});

test("a database that nobody has started on has no search key yet, and that is no fault", async () => {
  expect(await describeKeys(db, keys(NEW))).toEqual({ current: idOf(NEW), searchKey: null, clients: [], erased: 0, toRotate: 0 });
  expect(await rotateKeys(db, keys(NEW, OLD), quietly)).toMatchObject({ rotated: 0, status: { toRotate: 0 } });
});
