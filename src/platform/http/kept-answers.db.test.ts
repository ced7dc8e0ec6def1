// What is kept of an answer under its key: sealed where it tells of a client, and gone with that client; and streams, whose key is that of
// their content.

import { createHash, randomUUID } from "node:crypto";
import { buffer } from "node:stream/consumers";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openTestDatabase } from "../../../test/setup/database.ts";
import { as, type Edge, openEdge } from "../../../test/setup/edge.ts";
import type { TestDatabase } from "../../../test/setup/server.ts";
import { Database } from "../db.ts";
import { Problem } from "../problem.ts";
import { Nullable, strictObject, Type, Uuid } from "../schema.ts";
import { type Endpoint, endpoint } from "./endpoint.ts";
import { type AnswerSealer, idempotencyKey, keyWithContent } from "./idempotency.ts";

const Person = strictObject({ clientId: Nullable(Uuid), name: Type.String() });

/** A seal as simple as can be: the text under the names of client and key, in Base64. Clients in `erased` have lost their key. */
const erased = new Set<string>();
const opened: string[] = [];
const sealer: AnswerSealer = {
  async seal(_tx, clientId, keyId, text) {
    return Buffer.from(`${clientId} ${keyId} ${text}`).toString("base64");
  },
  async unseal(_tx, clientId, keyId, sealed) {
    opened.push(keyId);
    if (erased.has(clientId)) return null;
    const text = Buffer.from(sealed, "base64").toString();
    const place = `${clientId} ${keyId} `;
    if (!text.startsWith(place)) throw new TypeError("sealed for something else");
    return text.slice(place.length);
  },
};

/** What happens to the next work, after it has written its row. */
let next: (() => Promise<void>) | null = null;

const common = { tags: ["Persons"], summary: "A person", audience: "frontOffice", scope: null } as const;
const addPerson = (told: Pick<Endpoint, "answerTellsOf"> | Record<string, never>): Endpoint => ({
  ...endpoint({
    ...common,
    id: "addPerson",
    method: "POST",
    path: "/persons",
    body: Person,
    reply: Person,
    work: "write",
    async handle(tx, { body }) {
      await tx.sql`insert into public.effect (what) values (${body.name})`;
      const after = next;
      next = null;
      await after?.();
      return body;
    },
  }),
  ...told,
});
const tellsOf = { answerTellsOf: (_call: unknown, reply: unknown) => (reply as { clientId: string | null }).clientId };

const upload = endpoint({
  ...common,
  id: "upload",
  method: "POST",
  path: "/persons/{clientId}/files",
  requestBody: { kind: "stream", mediaTypes: ["text/plain"], limit: 1_000, schema: Type.String() },
  reply: strictObject({ clientId: Uuid, text: Type.String() }),
  answerTellsOf: (_call, { clientId }) => clientId,
  params: strictObject({ clientId: Uuid }),
  work: "own",
  async handle({ params: { clientId }, stream, settle }) {
    const content = await buffer(stream.body);
    return await settle(createHash("sha256").update(content).digest(), async (tx) => {
      const text = content.toString();
      await tx.sql`insert into public.effect (what) values (${text})`;
      if (text === "refused") throw new Problem("fileRefused", { status: 409, title: "No.", retry: "no" });
      return { clientId, text };
    });
  },
});

let database: TestDatabase;
let owner: pg.Client;
let dbs: Database[];
let here: Edge;
let there: Edge;
/** As a release that sealed nothing. */
let earlier: Edge;
/** Whose composition forgot the seal. */
let unsealed: Edge;
beforeAll(async () => {
  database = await openTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  await owner.query("create table public.effect (what text not null); grant select, insert on public.effect to finlego_app");
  dbs = [1, 2, 3, 4].map(() => new Database({ url: database.appUrl, role: database.appRole, poolSize: 4, name: "finlego-test" }));
  const open = (db: Database, told: Parameters<typeof addPerson>[0], more: object) =>
    openEdge({ db, endpoints: [addPerson(told), upload], ...more });
  [here, there, earlier, unsealed] = await Promise.all([
    open(dbs[0]!, tellsOf, { sealer }),
    open(dbs[1]!, tellsOf, { sealer }),
    open(dbs[2]!, {}, {}),
    open(dbs[3]!, tellsOf, {}),
  ]);
});
beforeEach(async () => {
  next = null;
  opened.length = 0;
  await owner.query("truncate public.effect");
});
afterAll(async () => {
  await Promise.all([here, there, earlier, unsealed].map((edge) => edge.close()));
  for (const db of dbs) await db.close();
  await owner.end();
  await database.drop();
});

const aPerson = () => ({ clientId: randomUUID(), name: `Ann ${randomUUID()}` });
const add = (key: string | null, person: object, edge = here) =>
  edge.app.inject({
    method: "POST",
    url: "/persons",
    headers: { ...as("client"), ...(key === null ? {} : { "idempotency-key": key }) },
    payload: person,
  });
const send = (key: string | null, clientId: string, text: string, edge = here) =>
  edge.app.inject({
    method: "POST",
    url: `/persons/${clientId}/files`,
    headers: { ...as("client"), "content-type": "text/plain", ...(key === null ? {} : { "idempotency-key": key }) },
    payload: text,
  });

async function effects(): Promise<string[]> {
  const { rows } = await owner.query<{ what: string }>("select what from public.effect");
  return rows.map(({ what }) => what).sort();
}

/** The answer that was kept last. */
async function kept(): Promise<string> {
  const { rows } = await owner.query<{ answer: string }>(
    "select answer from platform.idempotency_key order by xmin::text::bigint desc limit 1",
  );
  return rows[0]?.answer ?? "";
}

describe("an answer that tells of a client", () => {
  test("is kept sealed under that client, and answered again in the same bytes, here and in another process", async () => {
    const [key, person] = [randomUUID(), aPerson()];
    const first = await add(key, person);
    expect([first.statusCode, first.json()]).toEqual([200, person]);
    const text = await kept();
    expect(text).toMatch(new RegExp(`^sealed:${person.clientId}:[A-Za-z0-9+/]+=*$`));
    expect(text).not.toContain(person.name);
    for (const edge of [here, there]) {
      const repeat = await add(key, person, edge);
      expect([repeat.statusCode, repeat.body, repeat.headers["idempotency-replayed"]]).toEqual([200, first.body, "true"]);
    }
    expect(await effects()).toEqual([person.name]);
  });

  test("is gone with the client: 404, and nothing is done again", async () => {
    const [key, person] = [randomUUID(), aPerson()];
    await add(key, person);
    erased.add(person.clientId);
    const repeat = await add(key, person, there);
    expect([repeat.statusCode, repeat.json()]).toMatchObject([404, { code: "notFound" }]);
    expect(repeat.body).not.toContain(person.name);
    expect(await effects()).toEqual([person.name]);
  });

  test("is not opened for another request under its key", async () => {
    const [key, person] = [randomUUID(), aPerson()];
    await add(key, person);
    expect((await add(key, { ...person, name: "Bob" })).json()).toMatchObject({ code: "idempotencyKeyReused" });
    expect(opened).toEqual([]);
  });

  test("cannot stand in for the answer of another key", async () => {
    const [mine, yours] = [aPerson(), aPerson()];
    await add(randomUUID(), yours);
    const stolen = await kept();
    const key = randomUUID();
    await add(key, mine);
    // Only the owner could, and only past its own lock.
    await owner.query("begin; set local session_replication_role = replica");
    await owner.query("update platform.idempotency_key set answer = $1 where answer = $2", [stolen, await kept()]);
    await owner.query("commit");
    const answer = await add(key, mine);
    expect([answer.statusCode, answer.body.includes(yours.name)]).toEqual([500, false]);
  });

  test("reaches twins of the same process as it is", async () => {
    const [key, person] = [randomUUID(), aPerson()];
    const answers = await Promise.all(Array.from({ length: 20 }, () => add(key, person)));
    expect(new Set(answers.map(({ body }) => body))).toEqual(new Set([JSON.stringify(person)]));
    expect([opened, await effects()]).toEqual([[], [person.name]]);
  });

  test("is not kept at all without something to seal it with: 500, and nothing is done", async () => {
    expect((await add(randomUUID(), aPerson(), unsealed)).statusCode).toBe(500);
    expect(await effects()).toEqual([]);
    expect((await add(null, aPerson(), unsealed)).statusCode).toBe(200);
  });
});

test("an answer that tells of nobody is kept as it is, and so is a refusal", async () => {
  const nobody = { clientId: null, name: "x" };
  await add(randomUUID(), nobody);
  expect(await kept()).toBe(JSON.stringify(nobody));

  const [key, person] = [randomUUID(), aPerson()];
  next = async () => {
    throw new Problem("personRefused", { status: 409, title: "No.", retry: "no" });
  };
  expect((await add(key, person)).statusCode).toBe(409);
  expect(JSON.parse(await kept())).toMatchObject({ code: "personRefused" });
  expect((await add(key, person, there)).json()).toMatchObject({ code: "personRefused" });
});

test("answers that were kept before they were sealed stay readable", async () => {
  const [key, person] = [randomUUID(), aPerson()];
  const first = await add(key, person, earlier);
  expect(await kept()).toBe(first.body);
  const repeat = await add(key, person);
  expect([repeat.statusCode, repeat.body, repeat.headers["idempotency-replayed"]]).toEqual([200, first.body, "true"]);
});

describe("a stream under a key", () => {
  test("is one effect for its content: the same again is answered again, another is refused", async () => {
    const [key, clientId] = [randomUUID(), randomUUID()];
    const first = await send(key, clientId, "a");
    expect([first.statusCode, first.json()]).toEqual([200, { clientId, text: "a" }]);
    expect(await kept()).toMatch(new RegExp(`^sealed:${clientId}:`));
    for (const edge of [here, there]) {
      const repeat = await send(key, clientId, "a", edge);
      expect([repeat.statusCode, repeat.body, repeat.headers["idempotency-replayed"]]).toEqual([200, first.body, "true"]);
      const other = await send(key, clientId, "b", edge);
      expect([other.statusCode, other.json()]).toMatchObject([422, { code: "idempotencyKeyReused" }]);
    }
    expect((await send(key, randomUUID(), "a")).statusCode).toBe(422);
    expect(await effects()).toEqual(["a"]);
  });

  test("is one effect also for many at the same time, and never the answer of another content", async () => {
    const [key, clientId] = [randomUUID(), randomUUID()];
    const texts = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? "a" : "b"));
    const answers = await Promise.all(texts.map((text, index) => send(key, clientId, text, index % 3 === 0 ? there : here)));
    const [done] = await effects();
    expect(await effects()).toHaveLength(1);
    expect(answers.map(({ statusCode }) => statusCode)).toEqual(texts.map((text) => (text === done ? 200 : 422)));
  });

  test("keeps a refusal, and takes back what was done before it", async () => {
    const [key, clientId] = [randomUUID(), randomUUID()];
    for (const edge of [here, there]) expect((await send(key, clientId, "refused", edge)).json()).toMatchObject({ code: "fileRefused" });
    expect((await send(key, clientId, "a")).statusCode).toBe(422);
    expect(await effects()).toEqual([]);
  });

  test("without one is done each time", async () => {
    const clientId = randomUUID();
    for (const edge of [here, there]) expect((await send(null, clientId, "a", edge)).statusCode).toBe(200);
    expect(await effects()).toEqual(["a", "a"]);
  });
});

test("the key of a content is the same key, with a fingerprint of request and content", () => {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  const key = idempotencyKey("owner", "key", ["POST", "/a"]);
  const other = idempotencyKey("owner", "key", ["POST", "/b"]);
  const all = [keyWithContent(key, hash("a")), keyWithContent(key, hash("b")), keyWithContent(other, hash("a")), key];
  expect(new Set(all.map(({ id }) => id)).size).toBe(1);
  expect(new Set(all.map(({ fingerprint }) => fingerprint)).size).toBe(4);
  expect(all.every(({ fingerprint }) => fingerprint.length === 64)).toBe(true);
  expect(keyWithContent(key, hash("a"))).toEqual(all[0]);
});
