// A database of the release that stored clients in the clear, and the first start of this one: nobody is lost or changed, and nothing
// that stood in the clear can be read any more.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDevelopmentIssuer } from "#platform/development-issuer.ts";
import { DEVELOPMENT_ISSUER } from "#platform/settings.ts";
import { verify } from "#platform/verify.ts";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { complaintsOf, rooms } from "./damaged-books.ts";
import { Server } from "./faults/server.ts";
import { anOldRow, answerOf, type OldDatabase, type OldRow, openOldDatabase } from "./old-release.ts";

const MASTER_KEY = "2f0b8a6c4d1e97f35a60b2c8d7e41f90a3b5c6d8e9f7012438495a6b7c8d9e0f";

let old: OldDatabase;
let data: string;
let servers: Server[];

async function open(): Promise<void> {
  servers = [];
  data = await mkdtemp(join(tmpdir(), "finlego-upgrade-"));
  old = await openOldDatabase();
}

async function close(): Promise<void> {
  for (const server of servers) await server.kill();
  await old.drop();
  await rm(data, { recursive: true });
}

/** As an operator starts it. Not awaited: it may still be encrypting. */
async function spawn(): Promise<Server> {
  const { ownerUrl, appUrl, appRole } = old;
  const env = { MASTER_KEY, WRITER_LANES: "1", ...(appRole === null ? { DATABASE_MIGRATION_URL: ownerUrl } : {}) };
  const server = new Server({ data, port: 0, databaseUrl: appRole === null ? appUrl : ownerUrl, env });
  servers.push(server);
  return server;
}

const start = async (): Promise<Server> => await (await spawn()).ready();

async function get(server: Server, path: string, request: { clientId?: string; tenant?: string } = {}): Promise<unknown> {
  const issuer = await openDevelopmentIssuer({ dataDir: data, issuer: DEVELOPMENT_ISSUER, audience: "finlego", mode: "test" });
  const { clientId, tenant } = request;
  const who =
    clientId === undefined ? ({ audience: "system", scope: "clients.read" } as const) : ({ audience: "frontOffice", clientId } as const);
  const token = await issuer.mint({ ...who, ...(tenant === undefined ? {} : { tenant }) }, Date.now());
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, ...((await answer.json()) as object) };
}

async function expectAnswered(server: Server, rows: readonly OldRow[]): Promise<void> {
  for (const row of rows) {
    const answer = answerOf(row);
    expect(await get(server, `/internal/Clients/${row.id}`)).toMatchObject({ status: 200, ...answer });
    const { riskLevel: _judgement, blockReason: _why, ...own } = answer;
    expect(await get(server, "/Client", { clientId: row.id, tenant: row.tenant })).toMatchObject({ status: 200, ...own });
  }
}

const count = async (from: string): Promise<number> =>
  (await old.owner.query<{ n: number }>(`select count(*)::int as n from ${from}`)).rows[0]?.n ?? -1;

const many = (n: number): OldRow[] => Array.from({ length: n }, (_, index) => anOldRow({ email: `canary${index}@example.com` }));

/** What of the database holds one of the texts: any row of any table, and any page of any table, index or list of common values. */
async function placesWith(texts: readonly string[]): Promise<string[]> {
  const tables = await old.owner.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c
     where c.relkind = 'r' and c.relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'pg_toast')`,
  );
  const places: string[] = [];
  for (const { name } of tables.rows) {
    // Bytes show as hexadecimal digits.
    const { rows } = await old.owner.query(
      `select from ${name} t where exists (select from unnest($1::text[]) x where position(x in t::text) > 0
         or position(encode(convert_to(x, 'UTF8'), 'hex') in t::text) > 0) limit 1`,
      [texts],
    );
    if (rows.length > 0) places.push(`a row of ${name}`);
  }
  await old.owner.query("checkpoint");
  const files = await old.owner.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c
     where pg_relation_filepath(c.oid) is not null and not c.relisshared
       and exists (select from unnest($1::text[]) x
                   where position(convert_to(x, 'UTF8') in pg_read_binary_file(pg_relation_filepath(c.oid))) > 0)`,
    [texts],
  );
  return [...places, ...files.rows.map(({ name }) => `a page of ${name}`)];
}

const CLEAR = [
  "Zoecanary",
  "Examplecanary",
  "@example.com",
  "Canary Lane",
  "Canaryville",
  "Canary State",
  "CNR-4711",
  "CANARY0815",
  "Canary Office",
];

describe("the first start", () => {
  beforeEach(open);
  afterEach(close);

  test("every client of the release before answers as it did, and nothing of it stands in the clear", { timeout: 120_000 }, async () => {
    const people = [
      anOldRow(),
      anOldRow({ external_id: null, street_line2: null, state: null, tenant: "nordlicht" }),
      anOldRow({ tenant: "nordlicht", external_id: "the-same" }),
      anOldRow({ tenant: "südwind".replace("ü", "ue"), external_id: "the-same" }),
      anOldRow({ status: "blocked", blocked_at: "2026-02-02T02:02:02.002Z", risk_level: "high" }),
      anOldRow({ status: "rejected", risk_level: "prohibited", verification_status: "rejected" }),
      anOldRow({ status: "pending", verification_status: "notStarted", phone_number: "00 (1) call", phone_is_e164: false }),
      anOldRow({ status: "closed" }),
      anOldRow({
        first_name: "D'Arcy-Jones Jr.",
        state: 'quote " backslash \\ line\nbreak \u{1f984} {null,"x"} \u0000'.replace("\u0000", "\u0001"),
        zip: "Zürich 8001 ÀÉ",
        document_issued_by: "Ministry, of {braces}",
        document_number: "№ 12/34",
        email: "A.B+c@Example.COM",
        date_of_birth: "0004-02-29",
        document_type: "other",
        document_expiration_date: "9999-12-31",
      }),
    ];
    await old.addClients([...people, ...many(500)]);
    // The release before had looked at the table and kept its most common values.
    await old.owner.query("analyze client_profile.client");
    expect(await placesWith(CLEAR)).toEqual(
      expect.arrayContaining(["a row of client_profile.client", "a page of client_profile.client", "a page of pg_statistic"]),
    );

    const server = await start();
    await expectAnswered(server, people);
    expect(await placesWith(CLEAR)).toEqual([]);
    const report = await verify({ url: old.ownerUrl, mode: "development", rooms });
    expect(complaintsOf(report).map(({ name }) => name)).toEqual([]);
    expect(await get(server, `/internal/Clients/${people[1]?.id}`, { tenant: "default" })).toMatchObject({ status: 404 });
  });

  test("a start that is killed in the middle goes on at the next one, and every client has one key", { timeout: 120_000 }, async () => {
    const people = many(3_000);
    await old.addClients(people);
    const killed = await spawn();
    // A batch is stored in one piece: so there are some, and not yet all.
    const SEALED = "client_profile.client where to_jsonb(client) ->> 'sealed_profile' is not null";
    while ((await count(SEALED)) === 0) expect(killed.exit).toBeNull();
    await killed.kill();
    const sealed = await count(SEALED);
    expect(sealed).toBeGreaterThan(0);
    expect(sealed).toBeLessThan(people.length);
    expect(await count("client_profile.client_key")).toBe(sealed);
    expect(await count("client_profile.client where num_nonnulls(email, sealed_profile) <> 1")).toBe(0);

    const server = await start();
    expect(await count("client_profile.client_key where wrapped_key is not null")).toBe(people.length);
    expect(await count("client_profile.client where sealed_profile is null or email is not null")).toBe(0);
    await expectAnswered(
      server,
      [0, 1, 1_499, 2_999].map((index) => people[index]!),
    );
    expect(complaintsOf(await verify({ url: old.ownerUrl, mode: "development", rooms }))).toEqual([]);
  });

  test("of servers that start at once one encrypts, and all serve afterwards", { timeout: 120_000 }, async () => {
    const people = many(2_000);
    await old.addClients(people);
    const both = [await spawn(), await spawn()];
    for (const server of both) await expectAnswered(await server.ready(), [people[0]!, people[1_999]!]);
    expect(both.filter(({ said }) => said.includes("are being encrypted"))).toHaveLength(1);
    const { rows } = await old.owner.query(
      "select sum((detail ->> 'clients')::int)::int as n from platform.audit_entry where action = 'clients.sealed'",
    );
    expect(rows).toEqual([{ n: people.length }]);
    expect(await count("client_profile.search_key")).toBe(1);
  });
});

describe("after the first start", () => {
  const people = many(3);
  beforeAll(async () => {
    await open();
    await old.addClients(people);
    await (await start()).stop();
  });
  afterAll(close);

  test("a start that finds all clients encrypted does nothing", async () => {
    const stamp = () =>
      old.owner.query(
        "select xmin, ctid, id, updated_at, pg_relation_filenode('client_profile.client') from client_profile.client order by id",
      );
    const before = await stamp();
    const audited = await count("platform.audit_entry");
    const server = await start();
    expect((await stamp()).rows).toEqual(before.rows);
    expect(await count("platform.audit_entry")).toBe(audited);
    expect(server.said).not.toContain("encrypt");
    await expectAnswered(server, people);
    await server.stop();
  });

  test("another master key at the next start is a sentence and exit code 1", async () => {
    const { ownerUrl, appUrl, appRole } = old;
    const env = { MASTER_KEY: MASTER_KEY.split("").reverse().join(""), ...(appRole === null ? { DATABASE_MIGRATION_URL: ownerUrl } : {}) };
    const wrong = new Server({ data, port: 0, databaseUrl: appRole === null ? appUrl : ownerUrl, env });
    servers.push(wrong);
    expect(await wrong.exited).toEqual({ code: 1, signal: null });
    expect(wrong.said).toMatch(
      /^FinLego cannot start\.\nClients of this database are encrypted under the master key [0-9a-f]{16}, which is not given\./m,
    );
    expect(wrong.said).not.toContain("    at ");
  });

  test("a client that comes back in the clear is refused by the database from then on", async () => {
    await expect(old.owner.query("update client_profile.client set first_name = 'Zoe'")).rejects.toThrow("client_has_no_plain_data");
    await expect(old.owner.query("update client_profile.client set sealed_profile = null")).rejects.toThrow(
      "client_is_sealed_until_erased",
    );
  });
});
