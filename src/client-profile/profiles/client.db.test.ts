// Client profiles over a real database: the locks that hold a standing still, and the second lock of the tables themselves.

import { type Actor, Database, type Tx } from "#platform/db.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestDatabase } from "../../../test/setup/database.ts";
import { aVault } from "../../../test/setup/clients.ts";
import type { TestDatabase } from "../../../test/setup/server.ts";
import { findClient, lockClientForShare } from "./clients.ts";
import type { NewIndividual } from "./contract.ts";
import { readNewClient } from "./new-client.ts";
import { createClient, type NewClient } from "./new-clients.ts";

const actor: Actor = { kind: "system", id: "test", tenant: null, traceId: "00-11111111111111111111111111111111-2222222222222222-01" };

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await openTestDatabase();
  db = new Database({ url: database.appUrl, role: database.appRole, poolSize: 5, name: "finlego-test" });
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

const individual: NewIndividual = {
  externalId: "not used",
  riskLevel: "medium",
  address: { streetLine1: "1 Sample Street", city: "Sampleton", zip: "12345", country: "de" },
  phoneNumber: "+4915123456789",
  email: "sample.person@example.com",
  firstName: "Sample",
  lastName: "Person",
  citizenshipCountry: "de",
  identificationDocument: {
    issuedBy: "Sample Office",
    expirationDate: "2031-05-01",
    type: "passport",
    number: "S0000001",
    issuedCountryCode: "xk",
    issuedDate: "2021-05-01",
  },
  residenceCountry: "fr",
  dateOfBirth: "1990-01-31",
};
const vault = aVault();

const read = readNewClient(individual, "2026-11-23");
if ("errors" in read) throw new Error(JSON.stringify(read.errors));

const newClient: NewClient = {
  ...read.client,
  tenant: "north",
  externalId: null,
  status: "active",
  verificationStatus: "approved",
  reason: "test",
};

const create = async (changes: Partial<NewClient> = {}): Promise<string> =>
  (await db.write(actor, (tx) => createClient(tx, vault, { ...newClient, ...changes }))).clientId;

test("a client is read back by its tenant and by the bank, not by another tenant", async () => {
  const clientId = await create();
  const seenBy = (tenant: string | null) => db.read(actor, (tx) => findClient(tx, vault, clientId, tenant));
  expect(await seenBy("north")).toEqual(await seenBy(null));
  expect(await seenBy("south")).toBeNull();
  const client = await seenBy("north");
  expect(client).toMatchObject({ clientId, externalId: null, address: { country: "DE", streetLine2: null, state: null } });
  expect(client?.individual).toMatchObject({
    citizenshipCountry: "DE",
    residenceCountry: "FR",
    identificationDocument: { issuedCountryCode: "XK" },
  });
});

test("any number of clients of a tenant may have no externalId", async () => {
  expect(await create()).not.toBe(await create());
});

describe("a locked standing", () => {
  const setStatus = (clientId: string) => (tx: Tx) =>
    tx.sql`update client_profile.client set status = 'closed', closed_at = ${tx.now}, updated_at = ${tx.now} where id = ${clientId}`;

  test("says whose client it is and how it stands; null where there is none", async () => {
    const clientId = await create({ tenant: "south" });
    const standing = await db.write(actor, (tx) => lockClientForShare(tx, clientId));
    expect(standing).toEqual({ clientId, tenant: "south", status: "active", riskLevel: "medium" });
    expect(await db.write(actor, (tx) => lockClientForShare(tx, "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00"))).toBeNull();
  });

  test("may be held by several at once", async () => {
    const clientId = await create();
    await db.write(actor, async (tx) => {
      await lockClientForShare(tx, clientId);
      const other = await db.write(actor, (second) => lockClientForShare(second, clientId));
      expect(other?.status).toBe("active");
    });
  });

  test("does not change until the holder's transaction ends", async () => {
    const clientId = await create();
    const order: string[] = [];
    let change: Promise<unknown> = Promise.resolve();
    await db.write(actor, async (tx) => {
      await lockClientForShare(tx, clientId);
      change = db.write(actor, setStatus(clientId)).then(() => order.push("changed"));
      await untilWaiting(tx);
      order.push("held");
    });
    await change;
    expect(order).toEqual(["held", "changed"]);
    expect((await db.write(actor, (tx) => lockClientForShare(tx, clientId)))?.status).toBe("closed");
  });

  /** Until some other connection to this database waits for a lock. */
  async function untilWaiting(tx: Tx): Promise<void> {
    for (;;) {
      const rows = await tx.sql`select 1 from pg_locks where not granted`;
      if (rows.length > 0) return;
    }
  }
});

describe("the second lock", () => {
  const as = (work: (tx: Tx) => Promise<unknown>) => db.write(actor, work);

  test.each([
    ["tenant", "update client_profile.client set tenant = 'other'"],
    ["id", "update client_profile.client set id = gen_random_uuid()"],
    ["row", "delete from client_profile.client"],
    ["table", "truncate client_profile.client cascade"],
    ["history", "update client_profile.client_status_history set reason = 'x'"],
    ["history's row", "delete from client_profile.client_status_history"],
  ])("the running product cannot change a client's %s", async (_what, statement) => {
    await create();
    await expect(as((tx) => tx.query(statement, []))).rejects.toThrow("permission denied");
  });

  test("an externalId is changed at no time, and taken away by an erasure alone", async () => {
    await create({ externalId: "theirs" });
    for (const value of ["'x'", "null"]) {
      const change = as((tx) => tx.query(`update client_profile.client set external_id = ${value} where external_id = 'theirs'`, []));
      await expect(change).rejects.toThrow("is not changed");
    }
  });

  // Approved, so that nothing else stands against becoming active.
  test.each([
    ["pending", "blocked", "blocked_at = now()"],
    ["pending", "closed", "closed_at = now()"],
    ["active", "pending", ""],
    ["active", "rejected", ""],
    ["rejected", "active", ""],
    ["rejected", "pending", ""],
    ["rejected", "closed", "closed_at = now()"],
    ["closed", "active", "closed_at = null"],
  ] as const)("a client that is %s never becomes %s", async (from, to, also) => {
    const clientId = await create({ status: from === "closed" ? "active" : from, verificationStatus: "approved" });
    const set = (assignments: string) => as((tx) => tx.query(`update client_profile.client set ${assignments} where id = $1`, [clientId]));
    if (from === "closed") await set("status = 'closed', closed_at = now()");
    await expect(set(`status = '${to}'${also === "" ? "" : `, ${also}`}`)).rejects.toThrow(`is ${from}: it cannot become ${to}`);
  });

  test("a pending client becomes active once its verification is approved", async () => {
    const clientId = await create({ status: "pending", verificationStatus: "pending" });
    const activate = (also: string) =>
      as((tx) => tx.query(`update client_profile.client set status = 'active'${also} where id = $1`, [clientId]));
    await expect(activate("")).rejects.toThrow("is pending: it cannot become active");
    await activate(", verification_status = 'approved'");
  });

  test.each([
    ["client_prohibited_is_never_active", "update client_profile.client set risk_level = 'prohibited' where id = $1"],
    ["client_block_has_its_time", "update client_profile.client set status = 'blocked' where id = $1"],
    ["client_status_is_known", "update client_profile.client set status = 'asleep' where id = $1"],
    ["client_verification_status_is_known", "update client_profile.client set verification_status = 'maybe' where id = $1"],
    ["client_risk_level_is_known", "update client_profile.client set risk_level = 'none' where id = $1"],
    ["client_has_no_plain_data", "update client_profile.client set first_name = 'Ada' where id = $1"],
    ["client_is_sealed_until_erased", "update client_profile.client set sealed_profile = null where id = $1"],
    ["client_closed_has_its_time", "update client_profile.client set status = 'closed' where id = $1"],
    [
      "client_erased_was_closed",
      "update client_profile.client set erased_at = now(), sealed_profile = null, email_mark = null, search_marks = null where id = $1",
    ],
    ["client_email_mark_is_128_bits", "update client_profile.client set email_mark = 'short' where id = $1"],
  ])("%s holds", async (constraint, statement) => {
    const clientId = await create();
    await expect(as((tx) => tx.query(statement, [clientId]))).rejects.toMatchObject({ constraint });
  });

  test.each([
    ["client_type_is_known", "type", "trust"],
    ["client_tenant_is_a_name", "tenant", "a b"],
    ["client_external_id_has_1_to_100_characters", "external_id", ""],
    ["client_has_no_plain_data", "email", "ada@example.com"],
  ])("%s holds for new clients: %s = %s", async (constraint, column, value) => {
    const clientId = await create();
    // A copy of a sound row with one column changed.
    const copy = `insert into client_profile.client
      select (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), $2::text, $3::text))).*
      from client_profile.client c where id = $1`;
    await expect(as((tx) => tx.query(copy, [clientId, column, value]))).rejects.toMatchObject({ constraint });
  });
});
