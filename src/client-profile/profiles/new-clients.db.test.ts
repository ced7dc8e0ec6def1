// Many clients at once over a real database: one list hinders nobody, and two lists do not hinder each other.

import { type Actor, Database, type Tx } from "#platform/db.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aCompany, anIndividual, unique } from "../../../test/builders.ts";
import { aVault } from "../../../test/setup/clients.ts";
import { openTestDatabase } from "../../../test/setup/database.ts";
import type { TestDatabase } from "../../../test/setup/server.ts";
import { findClient } from "./clients.ts";
import type { NewCompany, NewIndividual } from "./contract.ts";
import { readNewClient } from "./new-client.ts";
import { createClients, type NewClient } from "./new-clients.ts";

const actor: Actor = { kind: "system", id: "test", tenant: null, traceId: "00-11111111111111111111111111111111-2222222222222222-01" };
const vault = aVault();

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

function aNew(told: Record<string, unknown>, changes: Partial<NewClient> = {}): NewClient {
  const read = readNewClient(told as NewIndividual | NewCompany, "2026-11-23");
  if ("errors" in read) throw new Error(JSON.stringify(read.errors));
  return { ...read.client, tenant: "north", status: "active", verificationStatus: "approved", reason: "test", ...changes };
}

const create = (clients: readonly NewClient[]) => db.write(actor, (tx) => createClients(tx, vault, clients));
const countOf = async (tx: Tx, table: string): Promise<bigint | undefined> =>
  (await tx.query<{ n: bigint }>(`select count(*) n from ${table}`, []))[0]?.n;

test("each client of a list stands in its place, whole", async () => {
  const told = Array.from({ length: 300 }, (_, index) => (index % 3 === 0 ? aCompany({ companyName: `Works ${index}` }) : anIndividual()));
  const creations = await create(told.map((each) => aNew(each)));
  expect(creations.every(({ outcome }) => outcome === "created")).toBe(true);
  for (const [index, creation] of creations.entries()) {
    if (creation.outcome !== "created" || index % 37 !== 0) continue;
    const client = await db.read(actor, (tx) => findClient(tx, vault, creation.clientId, "north"));
    expect(client?.externalId).toBe(told[index]?.["externalId"]);
    expect(client?.company?.companyName).toBe(told[index]?.["companyName"]);
    expect(client?.company?.relatedIndividuals.map((each) => each.relatedIndividualId) ?? []).toEqual(
      creation.relatedIndividuals.map((each) => each.relatedIndividualId),
    );
  }
});

test("whoever's externalId is in use is left out, and of two in the list the first gets it", async () => {
  const [taken, wanted] = [unique("taken"), unique("wanted")];
  await create([aNew(anIndividual({ externalId: taken }))]);
  const creations = await create([
    aNew(anIndividual({ externalId: wanted, firstName: "First" })),
    aNew(aCompany({ externalId: taken })),
    aNew(aCompany({ externalId: wanted })),
    aNew(anIndividual(), { externalId: null }),
    aNew(anIndividual(), { externalId: null }),
    aNew(anIndividual({ externalId: taken }), { tenant: "south" }),
  ]);
  expect(creations.map(({ outcome }) => outcome)).toEqual([
    "created",
    "duplicateExternalId",
    "duplicateExternalId",
    "created",
    "created",
    "created",
  ]);
  const [first] = creations;
  const client = first?.outcome === "created" ? await db.read(actor, (tx) => findClient(tx, vault, first.clientId, null)) : null;
  expect(client?.individual?.firstName).toBe("First");
});

test("a list of nobody, and one of nobody new, store nothing", async () => {
  const known = aNew(aCompany());
  await create([known]);
  const tables = ["client_profile.client", "client_profile.client_key", "client_profile.related_individual", "platform.audit_entry"];
  const totals = () =>
    db.read(actor, async (tx) => {
      const found: unknown[] = [];
      for (const table of [...tables, "client_profile.client_status_history"]) found.push(await countOf(tx, table));
      return found;
    });
  const before = await totals();
  expect(await create([])).toEqual([]);
  expect(await create([known, known])).toEqual([{ outcome: "duplicateExternalId" }, { outcome: "duplicateExternalId" }]);
  expect(await totals()).toEqual(before);
});

test("two lists that share their clients in opposite orders never wait for each other in a circle", async () => {
  const told = Array.from({ length: 50 }, () => anIndividual({ externalId: unique("shared") }));
  const tries: string[] = [];
  const createOnce = (name: string, list: readonly Record<string, unknown>[]) =>
    db.write(actor, (tx) => {
      tries.push(name);
      return createClients(
        tx,
        vault,
        list.map((each) => aNew(each)),
      );
    });
  const lists: ReturnType<typeof createOnce>[] = [];
  // Both lists are on their way when an externalId in the middle of both, which somebody held, becomes free.
  await db.rehearse(actor, async (tx) => {
    await createClients(tx, vault, [aNew(told[25] ?? {})]);
    lists.push(createOnce("there", told), createOnce("back", told.toReversed()));
    await untilWaiting(tx, 2n);
    return "nothing of it stays";
  });
  const creations = await Promise.all(lists);
  expect(creations.flat().filter(({ outcome }) => outcome === "created")).toHaveLength(50);
  expect(tries.toSorted()).toEqual(["back", "there"]);
});

/** Until that many connections to this database wait for another transaction. */
async function untilWaiting(tx: Tx, count: bigint): Promise<void> {
  const waiting =
    "select count(distinct l.pid) n from pg_locks l join pg_stat_activity a using (pid) where not l.granted and a.datname = current_database()";
  for (;;) {
    // Inside a transaction what was once seen of other connections stands still.
    await tx.query("select pg_stat_clear_snapshot()", []);
    const rows = await tx.query<{ n: bigint }>(waiting, []);
    if ((rows[0]?.n ?? 0n) >= count) return;
  }
}
