// Operation 3: what staff may tell of a new client, what becomes of it, and one e-mail address for one client.

import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aClient, aCompany, aNewClient, anIndividual, aRelatedIndividual, unique, withField } from "../builders.ts";
import { at, COMPANY, CONTACT, PERSON, RELATED, RISK } from "../client-fields.ts";
import { openTestApp, type TestAnswer, type TestApp } from "../setup/http.ts";
import { clientEndpoints } from "../setup/clients.ts";

const PATH = "/internal/Clients";
const TYPES = ["individual", "company"] as const;

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

const staff = (tenant?: string) =>
  bank.callAs({ kind: "system", scopes: ["clients.read", "clients.write"], ...(tenant === undefined ? {} : { tenant }) });

const create = (body: unknown, tenant?: string, headers?: Record<string, string>): Promise<TestAnswer> =>
  staff(tenant).post(PATH, body, headers);

async function read(answer: TestAnswer, tenant?: string): Promise<TestAnswer["body"]> {
  expect(answer.status, answer.text).toBe(200);
  return (await staff(tenant).get(`${PATH}/${String(answer.body["clientId"])}`)).body;
}

const errorsOf = (answer: TestAnswer): string[] => Object.keys((answer.body["errors"] as object | undefined) ?? {});

async function count(text: string, values: unknown[]): Promise<number> {
  return Number((await owner.query<{ n: string }>(text, values)).rows[0]?.n);
}

describe("a new client", () => {
  test.each(TYPES)("of type %s is answered with its id and externalId, and waits for its verification", async (type) => {
    const body = aNewClient(type);
    const answer = await create(body);
    expect(Object.keys(answer.body)).toEqual(["clientId", "externalId"]);
    const { type: _type, [type]: facts, ...told } = body;
    expect(await read(answer)).toMatchObject({ ...told, type, [type]: facts, status: "pending", verificationStatus: "notStarted" });
  });

  test("may have no externalId, and a company no persons", async () => {
    for (const [path, value] of [
      ["externalId", undefined],
      ["externalId", null],
      ["company.relatedIndividuals", undefined],
      ["company.relatedIndividuals", null],
      ["company.relatedIndividuals", []],
      ["individual", null],
    ] as const) {
      const client = await read(await create(withField(aNewClient("company"), path, value)));
      if (path === "externalId") expect(client["externalId"]).toBeNull();
      if (path.startsWith("company")) expect(client["company"]).toMatchObject({ relatedIndividuals: [] });
    }
  });

  test("that is prohibited is stored as rejected", async () => {
    expect(await read(await create(aNewClient("individual", { riskLevel: "prohibited" })))).toMatchObject({
      status: "rejected",
      verificationStatus: "notStarted",
      riskLevel: "prohibited",
    });
  });

  test("belongs to the caller's tenant, else to default, and nobody else sees it", async () => {
    const north = await create(aNewClient("company"), "north");
    expect((await staff("south").get(`${PATH}/${String(north.body["clientId"])}`)).status).toBe(404);
    expect((await staff("north").get(`${PATH}/${String(north.body["clientId"])}`)).status).toBe(200);
    const ours = await create(aNewClient("individual"));
    expect((await staff("default").get(`${PATH}/${String(ours.body["clientId"])}`)).status).toBe(200);
    expect((await staff("north").get(`${PATH}/${String(ours.body["clientId"])}`)).status).toBe(404);
  });

  test("leaves a first line of history, an audit row and an event, none of which tells who it is", async () => {
    const { body } = await create(aNewClient("company"), "north");
    const clientId = String(body["clientId"]);
    const subject = [`client:${clientId}`];
    const history = await owner.query(
      "select status, verification_status, reason from client_profile.client_status_history where client_id = $1",
      [clientId],
    );
    expect(history.rows).toEqual([{ status: "pending", verification_status: "notStarted", reason: "registered" }]);
    const audit = await owner.query("select action, detail from platform.audit_entry where subject = $1", subject);
    expect(audit.rows).toEqual([
      {
        action: "client.created",
        detail: {
          tenant: "north",
          type: "company",
          status: "pending",
          verificationStatus: "notStarted",
          riskLevel: "low",
          reason: "registered",
        },
      },
    ]);
    const events = await owner.query("select type, tenant, data from platform.event where subject = $1", subject);
    expect(events.rows).toEqual([
      {
        type: "client.created",
        tenant: "north",
        data: { clientId, type: "company", status: "pending", verificationStatus: "notStarted" },
      },
    ]);
  });
});

describe("fields", () => {
  const cases = [RISK, ...CONTACT].map((each) => ["individual", each] as const);
  const ofPerson = at("individual.", PERSON).map((each) => ["individual", each] as const);
  const ofCompany = at("company.", [...COMPANY, ...at("relatedIndividuals.1.", RELATED)]).map((each) => ["company", each] as const);
  const all = [...cases, ...ofPerson, ...ofCompany].map(([type, each]) => [each.path, type, each] as const);
  test.each(all)("%s of type %s is taken and refused as the contract says", async (path, type, { taken, refused }) => {
    // An address of five characters is soon another client's.
    const tenant = unique("t");
    for (const value of taken) {
      const answer = await create(withField(aNewClient(type), path, value), tenant);
      expect(answer.status, `${JSON.stringify(value)}: ${answer.text.slice(0, 300)}`).toBe(200);
    }
    for (const value of refused) {
      const answer = await create(withField(aNewClient(type), path, value), tenant);
      const said = `${JSON.stringify(value)}: ${answer.text.slice(0, 300)}`;
      expect(answer.status, said).toBe(400);
      expect(errorsOf(answer), said).toEqual([path]);
    }
  });

  test("a company has at most 50 persons", async () => {
    const persons = (length: number) => Array.from({ length }, () => aRelatedIndividual());
    expect((await create(withField(aNewClient("company"), "company.relatedIndividuals", persons(50)))).status).toBe(200);
    expect(errorsOf(await create(withField(aNewClient("company"), "company.relatedIndividuals", persons(51))))).toEqual([
      "company.relatedIndividuals",
    ]);
  });

  test("type is one of two, and the other type's part is refused", async () => {
    for (const type of ["", "Individual", "trust", null, undefined, 1]) {
      expect(errorsOf(await create(withField(aNewClient("individual"), "type", type))), String(type)).toEqual(["type"]);
    }
    const { company } = aNewClient("company");
    expect(errorsOf(await create({ ...aNewClient("individual"), company }))).toEqual(["company"]);
    const { individual } = aNewClient("individual");
    expect(errorsOf(await create({ ...aNewClient("company"), individual }))).toEqual(["individual"]);
    for (const type of TYPES) {
      for (const value of [null, undefined]) {
        const answer = await create(withField(aNewClient(type), type, value));
        expect(answer.body["errors"]).toEqual({ [type]: [`The field is required for a client of type ${type}.`] });
      }
    }
    const swapped = await create({ ...withField(aNewClient("individual"), "type", "company") });
    expect(errorsOf(swapped).sort()).toEqual(["company", "individual"]);
  });

  test("every fault is told at once", async () => {
    const faults = {
      "address.country": "ZZ",
      "address.zip": "\u2066x",
      externalId: "a\u202eb",
      "company.registrationDate": "9999-12-31",
      "company.relatedIndividuals.1.identificationDocument.expirationDate": "2000-01-01",
    };
    const body = Object.entries(faults).reduce((told, [path, value]) => withField(told, path, value), aNewClient("company"));
    expect(errorsOf(await create(body)).sort()).toEqual(Object.keys(faults).sort());
  });

  const ANSWERED = ["clientId", "status", "verificationStatus", "plan", "blockReason", "blockedAt", "createdAt", "updatedAt"];
  test.each([...ANSWERED, "tenant", "scope", "version", "isSystem", "statusHistory", "approvedBy"])("%s cannot be given", async (name) => {
    for (const place of ["", "individual.", "individual.identificationDocument.", "address."]) {
      expect(errorsOf(await create(withField(aNewClient("individual"), `${place}${name}`, "active")))).toEqual([`${place}${name}`]);
    }
  });

  test.each(["relatedIndividualId", "verificationStatus", "clientId", "status"])(
    "a person of a company cannot be given a %s",
    async (name) => {
      const path = `company.relatedIndividuals.0.${name}`;
      expect(errorsOf(await create(withField(aNewClient("company"), path, "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00")))).toEqual([path]);
    },
  );
});

describe("one externalId", () => {
  test("is taken once in a tenant, by an import or by staff", async () => {
    const externalId = unique("shared");
    expect((await create(aNewClient("individual", { externalId }))).status).toBe(200);
    const refused = await create(aNewClient("company", { externalId }));
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({ code: "duplicateExternalId", errors: { externalId: ["The value is in use."] } });
    const system = bank.callAs({ kind: "system", scopes: ["integration.import"] });
    expect((await system.post("/integration/clients/individuals", anIndividual({ externalId }))).status).toBe(409);
    expect((await system.post("/integration/clients/companies", aCompany({ externalId }))).status).toBe(409);
    expect((await create(aNewClient("company", { externalId }), "north")).status).toBe(200);
  });
});

describe("one e-mail address", () => {
  const anEmail = (): string => `${unique("mail")}@example.com`;

  test("leads to one client of a tenant, whatever the letter case", async () => {
    const email = anEmail();
    expect((await create(aNewClient("individual", { email }))).status).toBe(200);
    for (const spelling of [email, email.toUpperCase()]) {
      const refused = await create(aNewClient("company", { email: spelling }));
      expect(refused.status).toBe(409);
      expect(refused.body).toMatchObject({ code: "duplicateEmail", errors: { email: ["The value is in use."] } });
    }
    expect((await create(aNewClient("individual", { email }), "north")).status).toBe(200);
  });

  test("of an imported client is taken, too", async () => {
    const email = anEmail();
    await aClient(bank, { changes: { email } });
    await aClient(bank, { changes: { email } });
    expect((await create(aNewClient("individual", { email }))).body["code"]).toBe("duplicateEmail");
  });

  test("of a person of a company is nobody's", async () => {
    const email = anEmail();
    await read(await create(withField(aNewClient("company"), "company.relatedIndividuals.0.email", email)));
    expect((await create(aNewClient("individual", { email }))).status).toBe(200);
  });

  test("sent in two hundred bodies at once makes one client, and nothing is left of the others", async () => {
    const email = anEmail();
    const before = await count("select count(*) n from client_profile.client", []);
    const answers = await Promise.all(Array.from({ length: 200 }, () => create(aNewClient("individual", { email }), "race")));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body["code"] === "duplicateEmail")).toHaveLength(199);
    expect(await count("select count(*) n from client_profile.client", [])).toBe(before + 1);
    expect(await count("select count(*) n from client_profile.client_key", [])).toBe(before + 1);
  });

  test("of a refused body stays free", async () => {
    const email = anEmail();
    expect((await create(aNewClient("individual", { email, riskLevel: "none" }))).status).toBe(400);
    const taken = unique("taken");
    await create(aNewClient("individual", { externalId: taken }));
    expect((await create(aNewClient("individual", { email, externalId: taken }))).body["code"]).toBe("duplicateExternalId");
    expect((await create(aNewClient("individual", { email }))).status).toBe(200);
  });
});

describe("one Idempotency-Key", () => {
  test("gives the same bytes again, also twenty times at once, and makes one client", async () => {
    const body = aNewClient("company");
    const headers = { "idempotency-key": unique("key") };
    const answers = await Promise.all(Array.from({ length: 20 }, () => create(body, "north", headers)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(await count("select count(*) n from client_profile.client where external_id = $1", [body["externalId"]])).toBe(1);
    const reordered = Object.fromEntries(Object.entries({ ...body, individual: null }).reverse());
    const repeat = await create(reordered, "north", headers);
    expect(repeat.text).toBe(answers[0]?.text);
    expect(repeat.headers["idempotency-replayed"]).toBe("true");
    expect((await create(aNewClient("company"), "north", headers)).status).toBe(422);
  });
});

describe("callers", () => {
  test("without a token get 401, without clients.write 403", async () => {
    const body = aNewClient("individual");
    expect((await bank.callAs(null).post(PATH, body)).status).toBe(401);
    const client = bank.callAs({ kind: "client", clientId: "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00" });
    expect((await client.post(PATH, body)).status).toBe(403);
    expect((await bank.callAs({ kind: "system", scopes: ["clients.read", "integration.import"] }).post(PATH, body)).status).toBe(403);
  });
});
