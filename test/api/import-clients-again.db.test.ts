// A bulk import that is sent more than once: it goes on behind the last settled row, is answered again, is refused when it is another one,
// and belongs to one sender at a time.

import { setTimeout as pause } from "node:timers/promises";
import { PassThrough, Readable } from "node:stream";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unique } from "../builders.ts";
import type { TestApp } from "../setup/http.ts";
import { IMPORT, importer, manyPersons, NDJSON, ndjson, openImportApp, type Person } from "../setup/imports.ts";

let bank: TestApp;
let owner: pg.Client;
let north: ReturnType<typeof importer>;
let token: string;
beforeAll(async () => {
  bank = await openImportApp();
  owner = new pg.Client({ connectionString: bank.database.ownerUrl });
  await owner.connect();
  north = importer(bank, "north");
  token = await bank.mint({ audience: "system", scope: "integration.import", tenant: "north" });
});
afterAll(async () => {
  await owner.end();
  await bank.close();
});

const named = () => {
  const importId = crypto.randomUUID();
  return { importId, query: `?importId=${importId}` };
};

async function countClients(persons: readonly Person[]): Promise<number> {
  const ids = persons.map(({ externalId }) => externalId);
  const { rows } = await owner.query<{ n: number }>("select count(*)::int as n from client_profile.client where external_id = any($1)", [
    ids,
  ]);
  return rows[0]?.n ?? -1;
}

/** Sends a body piece by piece; gives the answer's promise and the way to go on. */
function sendSlowly(query: string): {
  readonly body: PassThrough;
  readonly answer: Promise<{ status: number; body: Record<string, unknown> }>;
} {
  const body = new PassThrough();
  const headers = { authorization: `Bearer ${token}`, "content-type": NDJSON };
  const answer = bank.app
    .inject({ method: "POST", url: `${IMPORT}${query}`, headers, payload: body })
    .then((reply) => ({ status: reply.statusCode, body: reply.json<Record<string, unknown>>() }));
  // One that fails must fail the test that awaits it.
  answer.catch(() => undefined);
  return { body, answer };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error("it did not come to pass");
    await pause(5);
  }
}

const rowsOf = async (importId: string): Promise<unknown> => (await north.get(importId)).body["rows"];

/** An import of which so many rows came whole before its sender went away: they are settled. */
async function cutAfter(persons: readonly Person[], rows: number): Promise<{ importId: string; query: string }> {
  const name = named();
  const { body, answer } = sendSlowly(name.query);
  body.write(ndjson(persons.slice(0, rows)));
  await until(async () => (await rowsOf(name.importId)) === Math.floor(rows / 100) * 100);
  expect((await north.get(name.importId)).body).toMatchObject({ status: "running" });
  body.destroy(new Error("gone"));
  await answer.catch(() => undefined);
  await until(async () => (await north.get(name.importId)).body["status"] === "interrupted");
  return name;
}

describe("an import that was cut", () => {
  test("keeps what is settled, and goes on behind it", async () => {
    const persons = manyPersons(450);
    const { importId, query } = await cutAfter(persons, 250);
    expect(await countClients(persons)).toBe(250);
    expect((await north.get(importId)).body).toMatchObject({ rows: 250, finishedAt: null });
    const { status, body } = await north.send(persons, query);
    expect(status).toBe(200);
    expect(body).toMatchObject({ importId, status: "finished", rows: 450, created: 450, duplicates: 0, faulty: 0 });
    expect(await countClients(persons)).toBe(450);
  });

  test("may go on with a file whose rows behind were mended", async () => {
    const persons = manyPersons(220, (index) => (index === 210 ? { riskLevel: "none" } : {}));
    const { query } = await cutAfter(persons, 200);
    persons[210] = { ...persons[210], riskLevel: "low" };
    expect((await north.send(persons, query)).body).toMatchObject({ created: 220, faulty: 0 });
  });

  test.each([0, 57, 199])("is refused with other content, naming the row: %i", async (index) => {
    const persons = manyPersons(300);
    const { importId, query } = await cutAfter(persons, 200);
    const other = persons.with(index, { ...persons[index], lastName: "Other" });
    const { status, body } = await north.send(other, query);
    expect(status).toBe(409);
    expect(body).toMatchObject({ code: "importContentDiffers", row: index + 1 });
    expect((await north.get(importId)).body).toMatchObject({ status: "interrupted", rows: 200 });
    expect((await north.send(persons, query)).body).toMatchObject({ created: 300 });
  });

  test("is refused when the file ends before the last settled row", async () => {
    const persons = manyPersons(300);
    const { query } = await cutAfter(persons, 200);
    expect((await north.send(persons.slice(0, 150), query)).body).toMatchObject({ code: "importContentDiffers", row: 151 });
  });

  test("ends with the last settled row when the file ends there", async () => {
    const persons = manyPersons(200);
    const { query } = await cutAfter(persons, 200);
    expect((await north.send(persons, query)).body).toMatchObject({ status: "finished", rows: 200, created: 200 });
  });

  test("stores no row that came only in part, though it looks whole", async () => {
    const persons = manyPersons(101);
    const { importId, query } = named();
    const { body, answer } = sendSlowly(query);
    // Without its line end the last row may be only the beginning of one.
    body.write(ndjson(persons).trimEnd());
    await until(async () => (await countClients(persons)) === 100);
    body.destroy(new Error("gone"));
    await answer.catch(() => undefined);
    await until(async () => (await north.get(importId)).body["status"] === "interrupted");
    expect(await countClients(persons)).toBe(100);
  });
});

describe("a finished import", () => {
  test("gives its report again, and does nothing", async () => {
    const persons = manyPersons(130, (index) => (index === 3 ? { riskLevel: "none" } : {}));
    const { query } = named();
    const first = await north.send(persons, query);
    const again = await north.send(persons, query);
    expect(again.text).toBe(first.text);
    expect(first.headers["idempotency-replayed"]).toBeUndefined();
    expect(again.headers["idempotency-replayed"]).toBe("true");
  });

  test("is the same with other line ends and blank lines, and another one with one row more, less or changed", async () => {
    const persons = manyPersons(5);
    const { query } = named();
    const first = await north.send(persons, query);
    const text = `\ufeff\r\n${ndjson(persons).replaceAll("\n", "\r\n\r\n").trimEnd()}`;
    expect((await north.send(text, query)).text).toBe(first.text);
    expect((await north.send([...persons, ...manyPersons(1)], query)).body).toMatchObject({ code: "importContentDiffers", row: 6 });
    expect((await north.send(persons.slice(0, 4), query)).body).toMatchObject({ code: "importContentDiffers", row: 5 });
    expect((await north.send("", query)).body).toMatchObject({ code: "importContentDiffers", row: 1 });
    expect((await north.send(persons.toReversed(), query)).body).toMatchObject({ code: "importContentDiffers", row: 1 });
  });
});

describe("an Idempotency-Key", () => {
  test("names the import where no importId does", async () => {
    const persons = manyPersons(3);
    const headers = { "idempotency-key": unique("key") };
    const first = await north.send(persons, "", NDJSON, headers);
    const again = await north.send(persons, "", NDJSON, headers);
    expect(again.text).toBe(first.text);
    expect(await countClients(persons)).toBe(3);
    expect((await north.send(manyPersons(3), "", NDJSON, headers)).body).toMatchObject({ status: 422, code: "idempotencyKeyReused" });
  });

  test("is good for one import", async () => {
    const headers = { "idempotency-key": unique("key") };
    await north.send(manyPersons(1), named().query, NDJSON, headers);
    expect((await north.send(manyPersons(1), named().query, NDJSON, headers)).status).toBe(422);
  });
});

describe("two senders of one import", () => {
  test("are never at work together: the second is told to come again", async () => {
    const persons = manyPersons(220);
    const { importId, query } = named();
    const first = sendSlowly(query);
    first.body.write(ndjson(persons.slice(0, 150)));
    await until(async () => (await rowsOf(importId)) === 100);
    const second = await north.send(persons, query);
    expect(second.status).toBe(409);
    expect(second.body).toMatchObject({ code: "importInProgress" });
    expect(second.headers["retry-after"]).toBeDefined();
    first.body.end(ndjson(persons.slice(150)));
    expect(await first.answer).toMatchObject({ status: 200, body: { created: 220 } });
  });

  test("of ten at once one works, and in the end every row is settled once", async () => {
    const persons = manyPersons(300);
    const { query } = named();
    const answers = await Promise.all(Array.from({ length: 10 }, () => north.send(persons, query)));
    for (const { status, body } of answers) {
      if (status === 200) expect(body).toMatchObject({ rows: 300, created: 300 });
      else expect(body).toMatchObject({ code: "importInProgress" });
    }
    expect(answers.some(({ status }) => status === 200)).toBe(true);
    expect(await countClients(persons)).toBe(300);
  });

  test("that was thought dead stops when another has taken over", async () => {
    const persons = manyPersons(350);
    const { importId, query } = named();
    const first = sendSlowly(query);
    first.body.write(ndjson(persons.slice(0, 150)));
    await until(async () => (await rowsOf(importId)) === 100);
    // As after a process that was killed: nobody says any more that it holds the run.
    await owner.query("update onboarding.import_run set held_until = now() - interval '1 second' where id = $1", [importId]);
    const second = sendSlowly(query);
    second.body.write(ndjson(persons.slice(0, 250)));
    await until(async () => (await rowsOf(importId)) === 200);
    first.body.end(ndjson(persons.slice(150)));
    expect(await first.answer).toMatchObject({ status: 409, body: { code: "importInProgress" } });
    second.body.end(ndjson(persons.slice(250)));
    expect(await second.answer).toMatchObject({ status: 200, body: { rows: 350, created: 350, duplicates: 0 } });
  });
});

test("imports of the same clients at once: each client once, and every row of every import settled", async () => {
  const persons = manyPersons(240);
  const orders = [persons, persons.toReversed(), persons.toSorted(() => 0), [...persons.slice(120), ...persons.slice(0, 120)]];
  const answers = await Promise.all(orders.map((order) => north.send(order)));
  for (const { status, body } of answers) {
    expect(status).toBe(200);
    expect(body).toMatchObject({ rows: 240, faulty: 0 });
  }
  const created = answers.reduce((sum, { body }) => sum + Number(body["created"]), 0);
  expect(created).toBe(240);
  expect(await countClients(persons)).toBe(240);
});

test("an import and single imports of its clients at once: each client once", async () => {
  const persons = manyPersons(150);
  const [bulk, ...singles] = await Promise.all([north.send(persons), ...persons.slice(0, 40).map((person) => north.single(person))]);
  expect(bulk?.status).toBe(200);
  const taken = singles.filter(({ status }) => status === 200).length;
  expect(bulk?.body).toMatchObject({ rows: 150, created: 150 - taken, duplicates: taken });
  expect(await countClients(persons)).toBe(150);
});

test("a process that stops ends its imports between two rows, and they go on elsewhere", async () => {
  let rowsLeft = 120;
  const other = await openImportApp({ isStopping: () => rowsLeft-- <= 0 });
  const south = importer(other, "south");
  const persons = manyPersons(150);
  const { importId, query } = named();
  const refused = await south.send(persons, query);
  expect([refused.status, refused.body]).toMatchObject([503, { code: "busy" }]);
  expect(refused.headers["retry-after"]).toBeDefined();
  expect((await south.get(importId)).body).toMatchObject({ status: "interrupted", rows: 120 });
  expect((await south.send(persons, "?dryRun=true")).status).toBe(503);
  rowsLeft = 1_000;
  expect((await south.send(persons, query)).body).toMatchObject({ created: 150 });
  await other.close();
});

test("a body that never comes begins no import", async () => {
  const { importId, query } = named();
  const body = new Readable({ read() {} });
  const headers = { authorization: `Bearer ${token}`, "content-type": NDJSON };
  const answer = bank.app.inject({ method: "POST", url: `${IMPORT}${query}`, headers, payload: body });
  answer.catch(() => undefined);
  await pause(20);
  body.destroy(new Error("gone"));
  await answer.catch(() => undefined);
  expect((await north.get(importId)).status).toBe(404);
});
