// What few accounts have in common is found by an index, whatever the planner thinks of it: counted in rows that were read.

import { Database, type Tx } from "#platform/db.ts";
import { newId } from "#platform/new-id.ts";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestDatabase } from "../../../test/setup/database.ts";
import type { TestDatabase } from "../../../test/setup/server.ts";
import { type AccountFilter, ANY_ACCOUNT, type Driver } from "./account-filter.store.ts";
import { gather } from "./account-search.store.ts";

const COUNT = 24_000;
const CLIENT = newId();

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await openTestDatabase();
  db = new Database({ url: database.appUrl, role: database.appRole, poolSize: 1, name: "finlego-test" });
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query("set session_replication_role = replica");
  await owner.query(ACCOUNTS, [COUNT, CLIENT]);
  await owner.query("set session_replication_role = origin");
  await owner.query(PROFILES);
  await owner.query("analyze general_ledger.account_profile, general_ledger.account_kind");
  await owner.end();
}, 120_000);
afterAll(async () => {
  await db.close();
  await database.drop();
});

// Two kinds of accounts, of which the planner therefore expects each to be half of all; two clients, likewise.
const ACCOUNTS = `
  insert into general_ledger.account (id, client_id, tenant, currency, credit_normal, status, floor_minor, balance_minor)
  select gen_random_uuid(), case when n = 2 then $2::uuid when n > 2 then '0197b0a4-4b1c-7cc0-8000-00000000c000' end, 'default', 'EUR', true, 'active', case when n > 1 then 0 end, n
  from generate_series(1, $1::int) n`;
const PROFILES = `
  insert into general_ledger.account_profile (account_id, owner_tenant, number, name, type, category, created_at)
  select a.id, a.tenant, 'MANY' || a.balance_minor, 'account',
         case when a.client_id is null then 'settlement' else 'client' end::general_ledger.account_type, 'liability',
         timestamptz '2025-01-01T00:00:00Z' + a.balance_minor * interval '1 minute'
  from general_ledger.account a order by a.id`;

test.each<[string, Driver, Partial<AccountFilter>]>([
  ["kind", "kinds", { types: ["settlement"] }],
  ["kind of a tenant", "kinds", { types: ["settlement"], tenant: "default" }],
  ["client", "clientIds", { clientIds: [CLIENT] }],
])("the one account of its %s is found without reading the others", async (_, driver, filter) => {
  const slice = { after: null, skip: 0, limit: 100 };
  const { total, read } = await db.read({ kind: "system", id: "test", tenant: null, traceId: "test" }, async (tx) => {
    const before = await countRead(tx);
    const found = await gather(tx, driver, { ...ANY_ACCOUNT, ...filter }, { by: "createdAt", descending: true }, slice);
    return { total: found?.total, read: (await countRead(tx)) - before };
  });
  expect(total).toBe(1);
  expect(read).toBeGreaterThan(0);
  expect(read).toBeLessThan(10);
});

/** Profiles that this connection has read, in whatever way. */
async function countRead(tx: Tx): Promise<number> {
  const [row] = await tx.sql<{ read: bigint }>`
    select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) as read
    from pg_stat_xact_user_tables where relid = 'general_ledger.account_profile'::regclass`;
  return Number(row?.read);
}
