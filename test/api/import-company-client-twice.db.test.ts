// Operation 100 when it is called more than once, at once, or with anything at all; what it leaves behind; and rehearsals of both imports.

import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aCompany, anIndividual, aRelatedIndividual, unique, withField } from "../builders.ts";
import { openTestApp, type TestAnswer, type TestApp } from "../setup/http.ts";
import { clientEndpoints } from "../setup/clients.ts";

const INDIVIDUALS = "/integration/clients/individuals";
const COMPANIES = "/integration/clients/companies";

let bank: TestApp;
let owner: pg.Client;
beforeAll(async () => {
  bank = await openTestApp([...clientEndpoints()]);
  owner = new pg.Client({ connectionString: bank.database.ownerUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await bank.close();
});

const system = (tenant?: string) =>
  bank.callAs({ kind: "system", scopes: ["integration.import"], ...(tenant === undefined ? {} : { tenant }) });
const importCompany = (body: unknown, headers?: Record<string, string>, tenant?: string): Promise<TestAnswer> =>
  system(tenant).post(COMPANIES, body, headers);
const getClient = (clientId: string): Promise<TestAnswer> =>
  bank.callAs({ kind: "system", scopes: ["clients.read"] }).get(`/internal/Clients/${clientId}`);

async function count(text: string, values: unknown[] = []): Promise<number> {
  return Number((await owner.query<{ n: string }>(text, values)).rows[0]?.n);
}

/** How much stands in every table that an import writes to. */
async function totals(): Promise<object> {
  const { rows } = await owner.query<object>(`
    select (select count(*) from client_profile.client) as clients, (select count(*) from client_profile.client_key) as keys,
           (select count(*) from client_profile.related_individual) as persons, (select count(*) from platform.audit_entry) as audit,
           (select count(*) from platform.event) as events, (select count(*) from platform.idempotency_key) as idempotency,
           (select count(*) from client_profile.client_status_history) as history`);
  return rows[0] ?? {};
}

describe("one externalId", () => {
  test("of twenty imports at once makes one company, and nothing is left of the others", async () => {
    const externalId = unique("race");
    const before = await count("select count(*) n from client_profile.related_individual");
    const answers = await Promise.all(Array.from({ length: 20 }, () => importCompany(aCompany({ externalId }))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body["code"] === "duplicateExternalId")).toHaveLength(19);
    expect(await count("select count(*) n from client_profile.related_individual")).toBe(before + 2);
  });

  test("of a person is taken for a company, too", async () => {
    const externalId = unique("both");
    expect((await system().post(INDIVIDUALS, anIndividual({ externalId }))).status).toBe(200);
    expect((await importCompany(aCompany({ externalId }))).status).toBe(409);
    expect((await importCompany(aCompany({ externalId }), {}, "north")).status).toBe(200);
  });
});

describe("one Idempotency-Key", () => {
  test("gives the same bytes again, also twenty times at once, and makes one company", async () => {
    const body = aCompany();
    const headers = { "idempotency-key": unique("key") };
    const answers = await Promise.all(Array.from({ length: 20 }, () => importCompany(body, headers)));
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(20).fill(200));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    const reordered = Object.fromEntries(Object.entries(withField(body, "address.state", undefined)).reverse());
    const repeat = await importCompany(reordered, headers);
    expect([repeat.text, repeat.headers["idempotency-replayed"]]).toEqual([answers[0]?.text, "true"]);
    expect((await importCompany(withField(body, "relatedIndividuals.0.lastName", "Other"), headers)).status).toBe(422);
  });

  test("keeps an answer that names persons under the company's key, and nothing of it in the clear", async () => {
    const body = aCompany({ relatedIndividuals: [aRelatedIndividual({ firstName: "Canaryfirst", lastName: "Canarylast" })] });
    const headers = { "idempotency-key": unique("key") };
    const first = await importCompany(body, headers);
    expect(await count("select count(*) n from platform.idempotency_key k where k::text ilike '%canary%'")).toBe(0);
    expect((await importCompany(body, headers)).text).toBe(first.text);
  });
});

describe("what is left behind", () => {
  test("tells nothing of the company and its persons in the clear, and all of it to who may read", async () => {
    const canaries = [
      "Canary Works",
      "CREG77",
      "1977-07-17",
      "CTAX77",
      "canary trade",
      "https://canary.example",
      "Canaryville",
      "Canaryfirst",
      "Canarylast",
      "CDOC77",
      "canary@example.com",
      "+4915199887766",
    ];
    const [companyName, registrationNumber, registrationDate, taxNumber, businessActivity, website, city, firstName, lastName, number] =
      canaries;
    const [email, phoneNumber] = canaries.slice(-2);
    const operatingAddress = { ...(aCompany()["operatingAddress"] as object), city };
    const document = { ...(anIndividual()["identificationDocument"] as object), number };
    const person = aRelatedIndividual({ firstName, lastName, email, phoneNumber, identificationDocument: document });
    const facts = { companyName, registrationNumber, registrationDate, taxNumber, businessActivity, website, operatingAddress };
    const { body } = await importCompany(aCompany({ ...facts, relatedIndividuals: [person] }), { "idempotency-key": unique("key") });
    for (const table of [
      "client_profile.client",
      "client_profile.related_individual",
      "client_profile.client_status_history",
      "platform.audit_entry",
      "platform.event",
      "platform.idempotency_key",
      "graphile_worker._private_jobs",
    ]) {
      const found = `select count(*) n from ${table} t where t::text ilike any (select '%' || c || '%' from unnest($1::text[]) c)`;
      expect(await count(found, [canaries]), table).toBe(0);
    }
    const { text } = await getClient(String(body["clientId"]));
    for (const canary of canaries) expect(text).toContain(canary);
  });

  test("is a first line of history, an audit row and an event", async () => {
    const clientId = String((await importCompany(aCompany(), {}, "north")).body["clientId"]);
    const history = await owner.query("select status, reason from client_profile.client_status_history where client_id = $1", [clientId]);
    expect(history.rows).toEqual([{ status: "active", reason: "import" }]);
    const audit = await owner.query("select action from platform.audit_entry where subject = $1", [`client:${clientId}`]);
    expect(audit.rows).toEqual([{ action: "client.created" }]);
    const events = await owner.query("select type, tenant, data from platform.event where subject = $1", [`client:${clientId}`]);
    const data = { clientId, type: "company", status: "active", verificationStatus: "approved" };
    expect(events.rows).toEqual([{ type: "client.imported", tenant: "north", data }]);
  });

  test("opens under no other person's id and under no other company's key", async () => {
    const [one, other] = [await importCompany(aCompany()), await importCompany(aCompany())];
    const swap = `update client_profile.related_individual r set sealed_profile = o.sealed_profile from client_profile.related_individual o
      where r.client_id = $1 and o.client_id = $2 and r.position = 0 and o.position = 1`;
    await owner.query(swap, [one.body["clientId"], one.body["clientId"]]);
    expect((await getClient(String(one.body["clientId"]))).status).toBe(500);
    await owner.query(swap, [other.body["clientId"], one.body["clientId"]]);
    expect((await getClient(String(other.body["clientId"]))).status).toBe(500);
  });
});

describe("a rehearsal", () => {
  test.each([
    [INDIVIDUALS, anIndividual],
    [COMPANIES, aCompany],
  ])("of %s answers as the import would, and stores nothing", async (path, make) => {
    const body = make();
    const headers = { "idempotency-key": unique("key") };
    const before = await totals();
    const rehearsed = await system().post(`${path}?dryRun=true`, body, headers);
    const again = await system().post(`${path}?dryRun=true`, { ...body, riskLevel: "high" }, headers);
    expect([rehearsed.status, again.status]).toEqual([200, 200]);
    expect(again.body["clientId"]).not.toBe(rehearsed.body["clientId"]);
    expect((await getClient(String(rehearsed.body["clientId"]))).status).toBe(404);
    expect(await totals()).toEqual(before);
    const real = await system().post(`${path}?dryRun=false`, body, headers);
    expect(real.status).toBe(200);
    expect(Object.keys(real.body)).toEqual(Object.keys(rehearsed.body));
    expect(await totals()).not.toEqual(before);
  });

  test.each([
    [INDIVIDUALS, anIndividual],
    [COMPANIES, aCompany],
  ])("of %s refuses what the import would refuse", async (path, make) => {
    const taken = make();
    await system().post(path, taken);
    expect((await system().post(`${path}?dryRun=true`, taken)).body["code"]).toBe("duplicateExternalId");
    expect((await system().post(`${path}?dryRun=true`, withField(make(), "address.country", "ZZ"))).status).toBe(400);
    for (const word of ["yes", "1", "", "TRUE"]) {
      const answer = await system().post(`${path}?dryRun=${word}`, make());
      expect([answer.status, Object.keys(answer.body["errors"] as object)], word).toEqual([400, ["dryRun"]]);
    }
    expect((await bank.callAs({ kind: "system", scopes: ["clients.read"] }).post(`${path}?dryRun=true`, make())).status).toBe(403);
  });
});

describe("anything at all", () => {
  test("in any place of a valid company is taken or refused, and what is taken can be read", async () => {
    const places = placesOf(aCompany());
    const anyValue = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.constantFrom("DE", "low", "2020-02-29", 12.5, ["director"]),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places, "unknown"), anyValue, async (place, value) => {
        const answer = await importCompany(withField(aCompany(), place, value));
        expect([200, 400, 409], answer.text).toContain(answer.status);
        if (answer.status === 200) expect((await getClient(String(answer.body["clientId"]))).status).toBe(200);
      }),
      { numRuns: 500 },
    );
  });

  /** The dotted path of every member and element. */
  function placesOf(value: unknown, path = ""): string[] {
    if (typeof value !== "object" || value === null) return [path];
    const inner = Object.entries(value).flatMap(([name, member]) => placesOf(member, path === "" ? name : `${path}.${name}`));
    return path === "" ? inner : [path, ...inner];
  }
});
