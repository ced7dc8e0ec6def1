// The vault over a real database: one search key whoever comes first, no client opened by the wrong key, nothing destroyed that comes back.

import { openTestDatabase } from "../../../test/setup/database.ts";
import type { TestDatabase } from "../../../test/setup/server.ts";
import { type Actor, Database } from "#platform/db.ts";
import { KEY_BYTES, MasterKeys } from "#platform/sealing.ts";
import { StartupError } from "#platform/startup-error.ts";
import pg from "pg";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openAnswerSealer } from "./answer-sealer.ts";
import { findClientKey, insertClientKeys } from "./key.store.ts";
import { openVault, type Vault } from "./vault.ts";

const ACTOR: Actor = { kind: "job", id: "test", tenant: null, traceId: "test" };
const ANN = "0197b0a4-4b1c-7cc0-8000-000000000001";
const BOB = "0197b0a4-4b1c-7cc0-8000-000000000002";

const masterKeysOf = (...fills: number[]): MasterKeys => new MasterKeys(fills.map((fill) => Buffer.alloc(KEY_BYTES, fill)));

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

/** Rows that keys may belong to: what they tell does not matter here. */
async function addClient(vault: Vault, id: string): Promise<void> {
  await owner.query(
    `insert into client_profile.client (id, tenant, type, status, verification_status, risk_level, phone_is_e164, sealed_profile, email_mark,
       search_marks, created_at, updated_at)
     values ($1, 'default', 'individual', 'active', 'approved', 'low', true, '\\x00', decode(repeat('00', 16), 'hex'), '{}', now(), now())`,
    [id],
  );
  await db.write(ACTOR, (tx) => insertClientKeys(tx, [{ clientId: id, ...vault.newClientKey(id).wrapped }]));
}

const keyOf = (vault: Vault, id: string) =>
  db.read(ACTOR, async (tx) => {
    const row = await findClientKey(tx, id);
    if (row === null) throw new Error("there is no key");
    return vault.openClientKey(row);
  });

const destroy = (id: string) =>
  owner.query("update client_profile.client_key set master_key = null, wrapped_key = null, destroyed_at = now() where client_id = $1", [
    id,
  ]);

describe("the search key", () => {
  test("is one for all processes, also when they are the first and come at once", async () => {
    const vaults = await Promise.all(Array.from({ length: 8 }, () => openVault(db, masterKeysOf(1))));
    expect(new Set(vaults.map((vault) => vault.mark("email", "ann@example.com").toString("hex"))).size).toBe(1);
    const { rows } = await owner.query("select count(*)::int as n from client_profile.search_key");
    expect(rows).toEqual([{ n: 1 }]);
  });

  test("is another one in another database", async () => {
    const here = await openVault(db, masterKeysOf(1));
    const other = await openTestDatabase();
    const there = new Database({ url: other.appUrl, role: other.appRole, poolSize: 1, name: "finlego-test" });
    try {
      const elsewhere = await openVault(there, masterKeysOf(1));
      expect(elsewhere.shortMark("search", "ann")).not.toBe(here.shortMark("search", "ann"));
    } finally {
      await there.close();
      await other.drop();
    }
  });

  test("does not open under another master key: the start says so in a sentence", async () => {
    await openVault(db, masterKeysOf(1));
    const refused = openVault(db, masterKeysOf(2));
    await expect(refused).rejects.toThrow(StartupError);
    await expect(refused).rejects.toThrow(`encrypted under the master key ${masterKeysOf(1).current}, which is not given`);
    expect((await openVault(db, masterKeysOf(2, 1))).masterKeys.current).toBe(masterKeysOf(2).current);
  });

  test("that somebody changed does not open, and no other takes its place", async () => {
    await openVault(db, masterKeysOf(1));
    await owner.query("update client_profile.search_key set wrapped_key = set_byte(wrapped_key, 30, get_byte(wrapped_key, 30) # 1)");
    await expect(openVault(db, masterKeysOf(1))).rejects.toThrow("The search key of this database was changed");
  });
});

test("a search key that was lost is not replaced where there are clients", async () => {
  await addClient(await openVault(db, masterKeysOf(1)), ANN);
  await owner.query("set session_replication_role = replica");
  await owner.query("delete from client_profile.search_key");
  await expect(openVault(db, masterKeysOf(1))).rejects.toThrow("There are clients in this database and no search key");
  const { rows } = await owner.query("select count(*)::int as n from client_profile.search_key");
  expect(rows).toEqual([{ n: 0 }]);
});

describe("a client's key", () => {
  test("opens what was sealed with it, in another process too", async () => {
    const vault = await openVault(db, masterKeysOf(1));
    await addClient(vault, ANN);
    const sealed = (await keyOf(vault, ANN))?.seal({ table: "t", column: "c", row: ANN }, "Ann");
    const again = await keyOf(await openVault(db, masterKeysOf(1)), ANN);
    expect(again?.unsealText({ table: "t", column: "c", row: ANN }, sealed!)).toBe("Ann");
  });

  test("under a master key that the process lacks keeps it from starting, also when the search key opens", async () => {
    const vault = await openVault(db, masterKeysOf(1));
    await addClient(vault, ANN);
    await addClient(await openVault(db, masterKeysOf(2, 1)), BOB);
    await expect(openVault(db, masterKeysOf(1))).rejects.toThrow(
      `encrypted under the master key ${masterKeysOf(2).current}, which is not given`,
    );
    expect(await keyOf(await openVault(db, masterKeysOf(1, 2)), BOB)).not.toBeNull();
  });

  test("that came while a process without its master key runs is answered 503: later it may be known", async () => {
    const vault = await openVault(db, masterKeysOf(1));
    await addClient(await openVault(db, masterKeysOf(2, 1)), BOB);
    await expect(keyOf(vault, BOB)).rejects.toMatchObject({ code: "busy", status: 503 });
  });

  test("that was moved to another client does not open", async () => {
    const vault = await openVault(db, masterKeysOf(1));
    await addClient(vault, ANN);
    await addClient(vault, BOB);
    await owner.query(
      "update client_profile.client_key set wrapped_key = (select wrapped_key from client_profile.client_key where client_id = $1) where client_id = $2",
      [ANN, BOB],
    );
    await expect(keyOf(vault, BOB)).rejects.toThrow(/unable to authenticate/);
    expect(await keyOf(vault, ANN)).not.toBeNull();
  });

  test("that is destroyed is gone from every process at once, and never comes back", async () => {
    const vault = await openVault(db, masterKeysOf(1));
    await addClient(vault, ANN);
    await destroy(ANN);
    expect(await keyOf(vault, ANN)).toBeNull();
    const { wrapped } = vault.newClientKey(ANN);
    for (const [statement, values] of [
      [
        "update client_profile.client_key set master_key = $2, wrapped_key = $3, destroyed_at = null where client_id = $1",
        [ANN, wrapped.masterKey, wrapped.wrappedKey],
      ],
      ["update client_profile.client_key set destroyed_at = now() where client_id = $1", [ANN]],
      ["delete from client_profile.client_key where client_id = $1", [ANN]],
    ] as const) {
      await expect(owner.query(statement, [...values])).rejects.toMatchObject({ code: "23001" });
    }
  });

  test("is either whole or destroyed, for the database too", async () => {
    const vault = await openVault(db, masterKeysOf(1));
    await addClient(vault, ANN);
    for (const change of ["wrapped_key = null", "master_key = null", "destroyed_at = now()"]) {
      await expect(owner.query(`update client_profile.client_key set ${change}`)).rejects.toThrow(
        "client_key_is_there_until_it_is_destroyed",
      );
    }
  });
});

describe("a sealed answer", () => {
  const KEY = "11111111-1111-4111-8111-111111111111";
  const OTHER = "22222222-2222-4222-8222-222222222222";

  test("opens for its client and its idempotency key, and for no other", async () => {
    const vault = await openVault(db, masterKeysOf(1));
    await addClient(vault, ANN);
    await addClient(vault, BOB);
    const sealer = openAnswerSealer(vault);
    const sealed = await db.write(ACTOR, (tx) => sealer.seal(tx, ANN, KEY, '{"firstName":"Ann \u{1f984}"}'));
    expect(sealed).toMatch(/^[A-Za-z0-9+/]+=*$/);
    expect(Buffer.from(sealed, "base64").includes("Ann")).toBe(false);
    expect(await db.read(ACTOR, (tx) => sealer.unseal(tx, ANN, KEY, sealed))).toBe('{"firstName":"Ann \u{1f984}"}');
    await expect(db.read(ACTOR, (tx) => sealer.unseal(tx, ANN, OTHER, sealed))).rejects.toThrow(/unable to authenticate/);
    await expect(db.read(ACTOR, (tx) => sealer.unseal(tx, BOB, KEY, sealed))).rejects.toThrow(/unable to authenticate/);
  });

  test("is gone with the client's key", async () => {
    const vault = await openVault(db, masterKeysOf(1));
    await addClient(vault, ANN);
    const sealer = openAnswerSealer(vault);
    const sealed = await db.write(ACTOR, (tx) => sealer.seal(tx, ANN, KEY, "{}"));
    await destroy(ANN);
    expect(await db.read(ACTOR, (tx) => sealer.unseal(tx, ANN, KEY, sealed))).toBeNull();
    expect(await db.read(ACTOR, (tx) => sealer.unseal(tx, BOB, KEY, sealed))).toBeNull();
    await expect(db.write(ACTOR, (tx) => sealer.seal(tx, ANN, KEY, "{}"))).rejects.toThrow("a client without a key");
  });
});
