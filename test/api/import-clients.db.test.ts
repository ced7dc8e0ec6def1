// The bulk import of clients: what becomes of each row, and what is told of it.

import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anIndividual, unique, withField } from "../builders.ts";
import type { TestApp } from "../setup/http.ts";
import { importer, manyPersons, ndjson, openImportApp, type Person } from "../setup/imports.ts";

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

async function rowsOf<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
  return (await owner.query<Row>(text, values)).rows;
}

const countClients = async (externalIds: unknown[]): Promise<number> =>
  (await rowsOf<{ n: number }>("select count(*)::int as n from client_profile.client where external_id = any($1)", [externalIds]))[0]?.n ??
  -1;

const idsOf = (persons: readonly Person[]): unknown[] => persons.map(({ externalId }) => externalId);

describe("a file of clients", () => {
  test("makes a client of each row, as the single import does", async () => {
    const persons = manyPersons(250);
    const { status, body } = await north.send(persons);
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: "finished", rows: 250, created: 250, duplicates: 0, faulty: 0 });
    const [bulk] = await rowsOf<{ id: string }>("select id from client_profile.client where external_id = $1", [
      persons[7]?.["externalId"],
    ]);
    const single = await north.single(anIndividual({ ...persons[7], externalId: unique("single") }));
    const [left, right] = await Promise.all([north.client(bulk?.id), north.client(single.body["clientId"])]);
    const told = ({ body: { clientId: _id, externalId: _name, createdAt: _at, updatedAt: _then, ...rest } }: typeof left) => rest;
    expect(told(left)).toEqual(told(right));
  });

  test("leaves of each client its history, its audit row and its event, and one event of the whole", async () => {
    const persons = manyPersons(3);
    const { body } = await north.send(persons);
    const clients = await rowsOf<{ id: string }>("select id from client_profile.client where external_id = any($1) order by id", [
      idsOf(persons),
    ]);
    const subjects = clients.map(({ id }) => `client:${id}`);
    const events = await rowsOf("select type, tenant, data from platform.event where subject = any($1) order by subject", [subjects]);
    expect(events).toEqual(
      clients.map(({ id }) => ({
        type: "client.imported",
        tenant: "north",
        data: { clientId: id, type: "individual", status: "active", verificationStatus: "approved" },
      })),
    );
    expect(await rowsOf("select action from platform.audit_entry where subject = any($1)", [subjects])).toHaveLength(3);
    const importId = String(body["importId"]);
    expect(await rowsOf("select data, tenant from platform.event where subject = $1", [`import:north:${importId}`])).toEqual([
      { tenant: "north", data: { importId, rows: 3, created: 3, duplicates: 0, faulty: 0 } },
    ]);
    expect(await rowsOf("select action from platform.audit_entry where subject = $1 order by id", [`import:north:${importId}`])).toEqual([
      { action: "clients.importStarted" },
      { action: "clients.importFinished" },
    ]);
  });

  test("may hold companies between individuals", async () => {
    const { firstName, lastName, dateOfBirth, citizenshipCountry, residenceCountry, identificationDocument, ...contact } = anIndividual();
    const person = { firstName, lastName, dateOfBirth, citizenshipCountry, residenceCountry, identificationDocument };
    const { externalId: _name, riskLevel: _risk, ...reach } = contact;
    const company = {
      ...contact,
      externalId: unique("company"),
      type: "company",
      companyName: "Sample Works",
      registrationNumber: "HRB 1",
      registrationCountry: "DE",
      registrationDate: "2001-02-03",
      relatedIndividuals: [{ ...person, ...reach, roles: ["director"], sharePercent: 25.5 }],
    };
    const { body } = await north.send([anIndividual({ type: "individual" }), company, anIndividual({ type: "trust" })]);
    expect(body).toMatchObject({ rows: 3, created: 2, faulty: 1 });
    const [stored] = await rowsOf<{ id: string }>("select id from client_profile.client where external_id = $1", [company.externalId]);
    const { body: client } = await north.client(stored?.id);
    expect(client).toMatchObject({ type: "company", company: { companyName: "Sample Works" }, individual: null });
    expect((await north.faults(body["importId"])).body["items"]).toMatchObject([
      { row: 3, code: "validationFailed", errors: { type: ["The field must be one of: individual, company."] } },
    ]);
  });

  test("of no rows is an import of none", async () => {
    expect((await north.send("")).body).toMatchObject({ status: "finished", rows: 0, created: 0 });
    expect((await north.send("\n \n\t\r\n")).body).toMatchObject({ status: "finished", rows: 0 });
  });

  test("stores a prohibited client as rejected", async () => {
    const [person] = manyPersons(1, () => ({ riskLevel: "prohibited" }));
    expect((await north.send([person])).body).toMatchObject({ created: 1 });
    expect(
      await rowsOf("select status, verification_status from client_profile.client where external_id = $1", [person?.["externalId"]]),
    ).toEqual([{ status: "rejected", verification_status: "rejected" }]);
  });
});

describe("a row that is at fault", () => {
  const FAULTS: readonly (readonly [what: string, change: (person: Person) => unknown, errors: Record<string, unknown>])[] = [
    [
      "a country that does not exist",
      (p) => withField(p, "address.country", "ZZ"),
      { "address.country": [expect.stringContaining("ISO 3166-1")] },
    ],
    ["a birth in the future", (p) => ({ ...p, dateOfBirth: "2999-01-01" }), { dateOfBirth: ["The field must not be in the future."] }],
    ["a missing field", (p) => withField(p, "email", undefined), { email: ["The field is required."] }],
    ["an unknown field", (p) => ({ ...p, shoeSize: "43" }), { shoeSize: ["The field is not known."] }],
    ["a name that is no field's", (p) => ({ ...p, "Ada Lovelace, 1815": "x" }), { "*": ["The field is not known."] }],
    ["a number for a text", (p) => ({ ...p, phoneNumber: 4915123456789 }), { phoneNumber: ["The field must be a string."] }],
    ["no object", () => ["not", "an", "object"], { $: ["The row must be an object."] }],
    ["null", () => null, { $: ["The row must be an object."] }],
  ];

  test.each(FAULTS)("hinders no other: %s", async (_what, change, errors) => {
    const [before, person = {}, after] = manyPersons(3);
    const { body } = await north.send([before, change(person), after]);
    expect(body).toMatchObject({ rows: 3, created: 2, duplicates: 0, faulty: 1 });
    const faulty = change(person);
    const externalId = Array.isArray(faulty) || faulty === null ? null : person["externalId"];
    const { body: faults } = await north.faults(body["importId"]);
    expect(faults).toEqual({ items: [{ row: 2, externalId, code: "validationFailed", clientId: null, errors }], nextCursor: null });
    expect(await countClients([person["externalId"]])).toBe(0);
  });

  const MALFORMED: readonly (readonly [what: string, line: string, errors: Record<string, string[]>])[] = [
    ["no JSON", "{", { $: ["The row must be a JSON document."] }],
    ["a member twice", '{"externalId":"a","externalId":"b"}', { externalId: ["The member stands twice in its object."] }],
    ["a name that hurts", '{"__proto__":{}}', { "*": ["The name __proto__ is not allowed."] }],
    ["NUL", '{"externalId":"a\\u0000"}', { externalId: ["A string must not contain the character U+0000."] }],
    ["half a character", '{"externalId":"\\ud800"}', { externalId: ["A string must not contain one half of a surrogate pair."] }],
    ["a byte order mark inside the file", '\ufeff{"a":1}', { $: ["The row must not begin with a byte order mark."] }],
  ];

  test.each(MALFORMED)("is told as malformed: %s", async (_what, line, errors) => {
    const { body } = await north.send(`${ndjson(manyPersons(1))}${line}\n${ndjson(manyPersons(1))}`);
    expect(body).toMatchObject({ rows: 3, created: 2, faulty: 1 });
    const { body: faults } = await north.faults(body["importId"]);
    expect(faults["items"]).toEqual([{ row: 2, externalId: null, code: "malformedRequest", clientId: null, errors }]);
  });

  test("never repeats what stood in a field", async () => {
    const secret = "Geheimrat";
    const row = { ...anIndividual(), firstName: `${secret}1`, email: secret, address: secret, [`${secret} ${secret}`]: 1 };
    const { body } = await north.send([row, `{"firstName": "${secret}`]);
    const stored = await rowsOf("select * from onboarding.import_fault where import_id = $1", [body["importId"]]);
    expect(stored).toHaveLength(2);
    const told = [
      JSON.stringify(stored),
      (await north.faults(body["importId"])).text,
      (await north.faults(body["importId"], "?format=csv")).text,
    ];
    for (const text of told) expect(text).not.toContain(secret);
  });
});

test("rows are judged as the single imports judge, to the letter of every complaint", async () => {
  const values = [
    undefined,
    null,
    "",
    " ",
    "x",
    "José",
    "a@b",
    "DE",
    "ZZ",
    "st",
    "2024-02-30",
    "2999-01-01",
    7,
    true,
    [],
    {},
    "x".repeat(300),
    "a\nb",
    "\u202e",
  ];
  const fields = [
    "externalId",
    "riskLevel",
    "email",
    "phoneNumber",
    "firstName",
    "dateOfBirth",
    "citizenshipCountry",
    "residenceCountry",
    "address",
    "address.streetLine1",
    "address.streetLine2",
    "address.country",
    "address.zip",
    "identificationDocument.type",
    "identificationDocument.expirationDate",
    "identificationDocument.number",
    "shoeSize",
  ];
  const bodies = fields.flatMap((field) => values.map((value) => withField(anIndividual(), field, value)));
  const { body: bulk } = await north.send(bodies, "?dryRun=true");
  const faults = new Map((bulk["faults"] as { row: number; errors: unknown }[]).map(({ row, errors }) => [row, errors]));
  const system = bank.callAs({ kind: "system", scopes: ["integration.import"], tenant: "north" });
  for (const [index, body] of bodies.entries()) {
    const single = await system.post("/integration/clients/individuals?dryRun=true", body);
    expect([single.status, single.body["errors"]], JSON.stringify(body)).toEqual(
      faults.has(index + 1) ? [400, faults.get(index + 1)] : [200, undefined],
    );
  }
  expect(bulk["faulty"]).toBe(faults.size - Number(bulk["duplicates"]));
});

describe("an externalId that is in use", () => {
  test("is told with the client who has it, be the row the same or not", async () => {
    const [person = {}] = manyPersons(1);
    const { body: first } = await north.single(person);
    const { body } = await north.send([person, { ...person, lastName: "Other" }, ...manyPersons(1)]);
    expect(body).toMatchObject({ rows: 3, created: 1, duplicates: 2, faulty: 0 });
    const duplicate = {
      externalId: person["externalId"],
      code: "duplicateExternalId",
      clientId: first["clientId"],
      errors: { externalId: ["The value is in use."] },
    };
    expect((await north.faults(body["importId"])).body["items"]).toEqual([
      { row: 1, ...duplicate },
      { row: 2, ...duplicate },
    ]);
  });

  test("is so also when it stands twice in the file, near or far", async () => {
    const persons = manyPersons(205);
    const [first = {}] = persons;
    const { body } = await north.send([first, { ...first, firstName: "Again" }, ...persons.slice(1), first]);
    expect(body).toMatchObject({ rows: 207, created: 205, duplicates: 2 });
    const faults = (await north.faults(body["importId"])).body["items"] as { row: number; clientId: string }[];
    expect(faults.map(({ row }) => row)).toEqual([2, 207]);
    expect((await north.client(faults[0]?.clientId)).body["individual"]).toMatchObject({ firstName: "Sample" });
  });

  test("of another tenant is free", async () => {
    const persons = manyPersons(3);
    await north.send(persons);
    expect((await importer(bank, "south").send(persons)).body).toMatchObject({ created: 3, duplicates: 0 });
  });
});

describe("who may see an import", () => {
  test("its tenant and the bank itself, and nobody else", async () => {
    const { body } = await north.send([anIndividual({ riskLevel: "none" })]);
    const importId = body["importId"];
    expect((await north.get(importId)).body).toEqual({ ...body });
    expect((await importer(bank).get(importId)).body).toEqual({ ...body });
    expect((await importer(bank).faults(importId)).body["items"]).toHaveLength(1);
    const south = importer(bank, "south");
    expect((await south.get(importId)).status).toBe(404);
    expect((await south.faults(importId)).status).toBe(404);
    expect((await south.faults(importId, "?format=csv")).status).toBe(404);
  });

  test("an importId of another tenant is free", async () => {
    const importId = crypto.randomUUID();
    expect((await north.send(manyPersons(2), `?importId=${importId}`)).body).toMatchObject({ importId, created: 2 });
    expect((await importer(bank, "south").send(manyPersons(1), `?importId=${importId}`)).body).toMatchObject({ importId, created: 1 });
    expect((await north.get(importId)).body).toMatchObject({ rows: 2 });
  });
});

describe("faults", () => {
  test("come page by page, each once, in the order of the rows", async () => {
    const { body } = await north.send(manyPersons(25, (index) => (index % 2 === 0 ? { riskLevel: "none" } : {})));
    const rows: number[] = [];
    let query = "?pageSize=5";
    for (let page = 1; query !== ""; page++) {
      const { body: faults } = await north.faults(body["importId"], query);
      rows.push(...(faults["items"] as { row: number }[]).map(({ row }) => row));
      const cursor = faults["nextCursor"] as string | null;
      query = cursor === null ? "" : `?pageSize=5&cursor=${cursor}`;
      expect(page).toBeLessThanOrEqual(3);
    }
    expect(rows).toEqual([1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25]);
  });

  test.each(["x", "aW1wb3J0LWZhdWx0cyA5", Buffer.from("import-faults x 12").toString("base64url")])(
    "refuse a cursor that is none of theirs: %s",
    async (cursor) => {
      const { body } = await north.send([]);
      expect((await north.faults(body["importId"], `?cursor=${cursor}`)).body).toMatchObject({ code: "validationFailed" });
    },
  );

  test("as a file begin no cell with a formula", async () => {
    const names = ["=1+1", "+1", "-1", "@x", "\t=1", "＝1", `"=1"`, "a,b", 'say "x"', "plain"];
    const { body } = await north.send(names.map((externalId) => anIndividual({ externalId, riskLevel: "none" })));
    const { text, headers } = await north.faults(body["importId"], "?format=csv");
    expect(headers["content-type"]).toContain("text/csv");
    const lines = text.split("\r\n");
    expect(lines[0]).toBe("row,externalId,code,clientId,errors");
    expect(lines).toHaveLength(names.length + 2);
    const cells = lines.slice(1, -1).map((line) => /^\d+,(.*),validationFailed,,/.exec(line)?.[1]);
    expect(cells.slice(0, 6).map((cell) => cell?.replace(/^"/, "").at(0))).toEqual(["'", "'", "'", "'", "'", "'"]);
    expect(cells.slice(7)).toEqual(['"a,b"', '"say ""x"""', "plain"]);
  });
});
