// Bulk imports from files of every kind: CSV, rehearsals, and files that nobody honest sends. Bounded and exact, and never a 5xx.

import fc from "fast-check";
import pg from "pg";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anIndividual, unique } from "../builders.ts";
import type { TestAnswer, TestApp } from "../setup/http.ts";
import { IMPORT, importer, manyPersons, NDJSON, ndjson, openImportApp, type Person } from "../setup/imports.ts";

let bank: TestApp;
let owner: pg.Client;
let north: ReturnType<typeof importer>;
beforeAll(async () => {
  bank = await openImportApp();
  owner = new pg.Client({ connectionString: bank.database.ownerUrl });
  await owner.connect();
  north = importer(bank, "north");
});
afterAll(async () => {
  await owner.end();
  await bank.close();
});

const CSV = "text/csv";

/** The columns of a person, flat. */
function flat(person: object, prefix = ""): [string, string][] {
  return Object.entries(person).flatMap(([name, value]: [string, unknown]): [string, string][] =>
    typeof value === "object" && value !== null
      ? flat(value, `${prefix}${name}.`)
      : [[`${prefix}${name}`, value === null ? "" : String(value as string | number)]],
  );
}

const quoted = (cell: string): string => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

function csv(persons: readonly Person[], end = "\r\n"): string {
  const header = flat(persons[0] ?? {}).map(([name]) => name);
  const lines = persons.map((person) =>
    flat(person)
      .map(([, cell]) => quoted(cell))
      .join(","),
  );
  return [header.join(","), ...lines].map((line) => `${line}${end}`).join("");
}

const sendCsv = (text: string, query = "", type = CSV): Promise<TestAnswer> => north.send(text, query, type);

async function countClients(externalIds: readonly unknown[]): Promise<number> {
  const { rows } = await owner.query<{ n: number }>("select count(*)::int as n from client_profile.client where external_id = any($1)", [
    externalIds,
  ]);
  return rows[0]?.n ?? -1;
}

async function sendBytes(bytes: Buffer, type: string): Promise<{ status: number; body: Record<string, unknown> }> {
  const token = await bank.mint({ audience: "system", scope: "integration.import", tenant: "north" });
  const headers = { authorization: `Bearer ${token}`, "content-type": type };
  const reply = await bank.app.inject({ method: "POST", url: IMPORT, headers, payload: Readable.from([bytes]) });
  return { status: reply.statusCode, body: reply.json() };
}

describe("a CSV file", () => {
  test.each([
    ["CRLF", "\r\n", CSV],
    ["LF", "\n", "text/csv; charset=utf-8; header=present"],
    ["a charset in quotes", "\n", 'Text/CSV;charset="UTF-8"'],
  ])("makes the same clients as lines of JSON: %s", async (_what, end, type) => {
    const persons = manyPersons(120, (index) => ({
      lastName: "O'Person",
      address: { ...(anIndividual()["address"] as object), zip: `"${index}", \n2` },
    }));
    const { body } = await sendCsv(csv(persons, end), "", type);
    expect(body).toMatchObject({ status: "finished", rows: 120, created: 120, faulty: 0 });
    const { rows } = await owner.query<{ id: string }>("select id from client_profile.client where external_id = $1", [
      persons[8]?.["externalId"],
    ]);
    const { body: client } = await north.client(rows[0]?.id);
    expect(client).toMatchObject({ address: { zip: '"8", \n2', streetLine2: null, state: null }, individual: { lastName: "O'Person" } });
  });

  test("may begin with a byte order mark, end without a line end and leave blank lines", async () => {
    const persons = manyPersons(3);
    const text = `\ufeff${csv(persons).replaceAll("\r\n", "\r\n\r\n").trimEnd()}`;
    expect((await sendCsv(text)).body).toMatchObject({ rows: 3, created: 3 });
  });

  test("may have its columns in any order, and leave out those that need not be", async () => {
    const [person = {}] = manyPersons(1);
    const cells = flat(person)
      .filter(([name]) => name !== "address.state" && name !== "address.streetLine2")
      .toReversed();
    const text = `${cells.map(([name]) => name).join(",")}\n${cells.map(([, cell]) => cell).join(",")}`;
    expect((await sendCsv(text)).body).toMatchObject({ rows: 1, created: 1 });
  });

  test.each<[what: string, change: (text: string) => string, told: Record<string, unknown>]>([
    ["no header", (text) => text.slice(text.indexOf("\n") + 1), { errors: { $: [expect.stringContaining("must name the columns")] } }],
    ["nothing at all", () => "", { code: "malformedRequest" }],
    [
      "an unknown column",
      (text) => text.replace("email", "eMail"),
      { errors: { eMail: ["The column is not known."], email: ["The column is required."] } },
    ],
    [
      "a column twice",
      (text) => text.replace("lastName", "firstName"),
      { errors: { firstName: ["The column stands twice."], lastName: ["The column is required."] } },
    ],
    [
      "a column that JavaScript has a meaning for",
      (text) => text.replace(",", ",__proto__,"),
      { errors: { "*": ["The column is not known."] } },
    ],
    ["companies", (text) => text.replace("email", "companyName"), { code: "validationFailed" }],
    ["semicolons", (text) => text.replaceAll(",", ";"), { code: "validationFailed" }],
    ["UTF-16", (text) => `\ufeff${text.split("").join("\0")}`, { code: "malformedRequest" }],
    ["a header that is no CSV", (text) => text.replace("email", 'e"mail'), { code: "malformedRequest" }],
  ])("that begins wrong begins no import: %s", async (_what, change, told) => {
    const persons = manyPersons(2);
    const importId = crypto.randomUUID();
    const { status, body } = await sendCsv(change(csv(persons)), `?importId=${importId}`);
    expect(status).toBe(400);
    expect(body).toMatchObject(told);
    expect((await north.get(importId)).status).toBe(404);
    expect(await countClients(persons.map(({ externalId }) => externalId))).toBe(0);
  });

  test("has no header that could be absent", async () => {
    expect((await sendCsv(csv(manyPersons(1)), "", "text/csv; header=absent")).status).toBe(415);
  });

  test("with a row that is at fault hinders no other", async () => {
    const lines = csv(manyPersons(8), "\n").trimEnd().split("\n");
    const [, , second = "", third = "", fourth = "", fifth = ""] = lines;
    lines[2] = `${second},more`;
    lines[3] = third.replace("Sample Street", 'Sample "Street"');
    lines[4] = `${fourth.slice(0, -1)}\0`;
    lines[5] = fifth.replace(/^[^,]*/, "");
    const { body } = await sendCsv(lines.join("\n"));
    expect(body).toMatchObject({ rows: 8, created: 4, faulty: 4 });
    expect((await north.faults(body["importId"])).body["items"]).toMatchObject([
      { row: 2, code: "malformedRequest", errors: { $: ["The row must have 21 cells, as the first line has."] } },
      { row: 3, code: "malformedRequest", errors: { $: [expect.stringContaining("RFC 4180")] } },
      { row: 4, code: "malformedRequest", errors: { $: ["The row must not contain the character U+0000."] } },
      { row: 5, code: "validationFailed", errors: { externalId: ["The field is required."] } },
    ]);
  });

  test("whose quotes never close keeps the rows before, and goes on once it is mended", async () => {
    const persons = manyPersons(150);
    const lines = csv(persons, "\n").trimEnd().split("\n");
    const broken = lines.with(131, `"${lines[131]}`).join("\n");
    const importId = crypto.randomUUID();
    const refused = await sendCsv(broken, `?importId=${importId}`);
    expect(refused.status).toBe(400);
    expect(refused.body).toMatchObject({ code: "malformedRequest", row: 131 });
    expect((await north.get(importId)).body).toMatchObject({ status: "interrupted", rows: 130 });
    expect((await sendCsv(lines.join("\n"), `?importId=${importId}`)).body).toMatchObject({ status: "finished", created: 150 });
  });

  test("is another content than the same clients in lines of JSON, or under other columns", async () => {
    const [person = {}] = manyPersons(1);
    const importId = crypto.randomUUID();
    await sendCsv(csv([person]), `?importId=${importId}`);
    expect((await north.send([person], `?importId=${importId}`)).body).toMatchObject({ code: "importContentDiffers", row: 1 });
    const swapped = csv([person])
      .replace("citizenshipCountry", "X")
      .replace("residenceCountry", "citizenshipCountry")
      .replace("X", "residenceCountry");
    expect((await sendCsv(swapped, `?importId=${importId}`)).body).toMatchObject({ code: "importContentDiffers", row: 1 });
  });
});

describe("a rehearsal", () => {
  test("says what an import would, and stores nothing", async () => {
    const persons = manyPersons(1_100);
    const [taken = {}, first = {}] = persons;
    const { body: single } = await north.single(taken);
    const rows = [...persons, { ...first, lastName: "Again" }, anIndividual({ riskLevel: "none" }), "no object"];
    const before = await owner.query("select count(*) from onboarding.import_run");
    const { status, body } = await north.send(rows, "?dryRun=true");
    expect(status).toBe(200);
    expect(body).toMatchObject({ importId: null, status: "finished", rows: 1_103, created: 1_099, duplicates: 2, faulty: 2 });
    expect(body["faults"]).toMatchObject([
      { row: 1, code: "duplicateExternalId", clientId: single["clientId"] },
      { row: 1_101, code: "duplicateExternalId", clientId: null },
      { row: 1_102, code: "validationFailed" },
      { row: 1_103, code: "validationFailed" },
    ]);
    expect(await countClients(persons.map(({ externalId }) => externalId))).toBe(1);
    expect((await owner.query("select count(*) from onboarding.import_run")).rows).toEqual(before.rows);
    expect((await north.send(rows)).body).toMatchObject({ rows: 1_103, created: 1_099, duplicates: 2, faulty: 2 });
  });

  test("brings the first thousand faults along", async () => {
    const { body } = await north.send(ndjson(Array<number>(1_500).fill(1)), "?dryRun=true");
    expect(body).toMatchObject({ rows: 1_500, faulty: 1_500 });
    expect((body["faults"] as { row: number }[]).map(({ row }) => row)).toEqual(Array.from({ length: 1_000 }, (_, index) => index + 1));
  });

  test("takes no key", async () => {
    const headers = { "idempotency-key": unique("key") };
    const persons = manyPersons(1);
    await north.send(persons, "?dryRun=true", NDJSON, headers);
    expect((await north.send(persons, "?dryRun=true", NDJSON, headers)).headers["idempotency-replayed"]).toBeUndefined();
    expect((await north.send(persons, "", NDJSON, headers)).body).toMatchObject({ created: 1 });
  });
});

describe("what nobody honest sends", () => {
  test.each(["application/json", "text/plain", "application/x-ndjson; charset=utf-16", "multipart/form-data; boundary=x"])(
    "another media type is 415: %s",
    async (type) => {
      expect((await north.send("x", "", type)).status).toBe(415);
    },
  );

  test("a row longer than a mebibyte is at fault alone", async () => {
    const long = { ...anIndividual(), address: { ...(anIndividual()["address"] as object), streetLine2: "x".repeat(1024 * 1024) } };
    const { body } = await north.send([...manyPersons(1), long, ...manyPersons(1)]);
    expect(body).toMatchObject({ rows: 3, created: 2, faulty: 1 });
    expect((await north.faults(body["importId"])).body["items"]).toMatchObject([{ row: 2, code: "payloadTooLarge" }]);
  });

  test("a row as long as that is judged like the single import's body", async () => {
    const streetLine2 = "x".repeat(1024 * 1024 - 1_000);
    const long = anIndividual({ address: { ...(anIndividual()["address"] as object), streetLine2 } });
    expect((await north.send([long])).body).toMatchObject({ created: 1 });
  });

  test("a million columns are one faulty row, and as a header none of an import", async () => {
    const [person = {}] = manyPersons(1);
    const text = `${csv([person], "\n")}${",".repeat(1_000_000)}\n`;
    expect((await sendCsv(text)).body).toMatchObject({ rows: 2, created: 1, faulty: 1 });
    const { status, body } = await sendCsv(`${",".repeat(1_000_000)}\n`);
    expect(status).toBe(400);
    expect(JSON.stringify(body).length).toBeLessThan(5_000);
  });

  test("a row of a hundred thousand members is at fault, and told of briefly", async () => {
    const wide = Object.fromEntries(Array.from({ length: 9_000 }, (_, index) => [`m${index}`, 1]));
    const wider = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`m${index}`, 1]));
    const { body } = await north.send([wide, wider, [[[[[[]]]]]], `[${"[".repeat(100)}`]);
    expect(body).toMatchObject({ rows: 4, faulty: 4 });
    const { text } = await north.faults(body["importId"]);
    expect(text.length).toBeLessThan(5_000);
  });

  test("bytes that are not UTF-8 are at fault alone", async () => {
    const [first, second] = manyPersons(2).map((person) => Buffer.from(`${JSON.stringify(person)}\n`));
    const bad = Buffer.from(`${JSON.stringify(anIndividual({ firstName: "X" }))}\n`);
    bad[bad.indexOf('"X"') + 1] = 0xff;
    const { status, body } = await sendBytes(Buffer.concat([first ?? bad, bad, second ?? bad]), NDJSON);
    expect([status, body]).toMatchObject([200, { rows: 3, created: 2, faulty: 1 }]);
  });

  test("more rows than an import may have: the rows before are settled, and the answer says so", async () => {
    const small = await openImportApp({ rowsMax: 250 });
    const south = importer(small, "south");
    const importId = crypto.randomUUID();
    const persons = manyPersons(251);
    const { status, body } = await south.send(persons, `?importId=${importId}`);
    expect(status).toBe(413);
    expect(body).toMatchObject({ code: "payloadTooLarge", row: 251 });
    expect((await south.get(importId)).body).toMatchObject({ status: "interrupted", rows: 250 });
    expect((await south.send(persons.slice(0, 250), `?importId=${importId}`)).body).toMatchObject({ status: "finished", created: 250 });
    expect((await south.send(persons, "?dryRun=true")).status).toBe(413);
    await small.close();
  });

  test("anything at all: never a 5xx, and every row is accounted for", async () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
      fc.constantFrom(...['"', ",", "\n", "\r\n", "\ufeff", "{", "}", "externalId", "null"].map((text) => Buffer.from(text))),
      fc.constant(0).map(() => Buffer.from(`${JSON.stringify(anIndividual())}\n`)),
      fc.constant(0).map(() => Buffer.from(csv([anIndividual()]))),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), fc.constantFrom(NDJSON, CSV), async (pieces, type) => {
        const { status, body } = await sendBytes(Buffer.concat(pieces), type);
        expect([200, 400]).toContain(status);
        if (status === 200) expect(body["rows"]).toBe(Number(body["created"]) + Number(body["duplicates"]) + Number(body["faulty"]));
      }),
      { numRuns: 200 },
    );
  });
});
