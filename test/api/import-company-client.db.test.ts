// Operation 100: every rule of the contract at its edge and one beyond it, through HTTP.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COMPANY_EXAMPLE } from "../../src/onboarding/contract.ts";
import { aCompany, aRelatedIndividual, unique, withField } from "../builders.ts";
import { at, COMPANY, CONTACT, RELATED, RISK } from "../client-fields.ts";
import { openTestApp, type TestAnswer, type TestApp } from "../setup/http.ts";
import { clientEndpoints } from "../setup/clients.ts";

const PATH = "/integration/clients/companies";

let bank: TestApp;
beforeAll(async () => {
  bank = await openTestApp([...clientEndpoints()]);
});
afterAll(() => bank.close());

function importCompany(body: unknown, headers?: Record<string, string>): Promise<TestAnswer> {
  return bank.callAs({ kind: "system", scopes: ["integration.import"] }).post(PATH, body, headers);
}

async function readClient(answer: TestAnswer): Promise<TestAnswer["body"]> {
  const found = await bank.callAs({ kind: "system", scopes: ["clients.read"] }).get(`/internal/Clients/${String(answer.body["clientId"])}`);
  expect(found.status).toBe(200);
  return found.body;
}

const errorsOf = (answer: TestAnswer): string[] => Object.keys((answer.body["errors"] as object | undefined) ?? {});

describe("a company", () => {
  test("is answered with its id, its externalId and its persons in their order", async () => {
    const relatedIndividuals = ["Ann", "Bob", "Cid"].map((firstName) => aRelatedIndividual({ firstName }));
    const body = aCompany({ relatedIndividuals });
    const answer = await importCompany(body);
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body)).toEqual(["clientId", "externalId", "relatedIndividuals"]);
    expect(answer.body["externalId"]).toBe(body["externalId"]);
    const persons = answer.body["relatedIndividuals"] as Record<string, string>[];
    expect(persons.map(({ firstName, lastName }) => `${firstName} ${lastName}`)).toEqual(["Ann Person", "Bob Person", "Cid Person"]);
    expect(new Set(persons.map(({ relatedIndividualId }) => relatedIndividualId)).size).toBe(3);
  });

  test("is read back as it was sent, its country codes in upper case, its persons verified as it is", async () => {
    const externalId = unique("example");
    const answer = await importCompany({ ...COMPANY_EXAMPLE, externalId });
    const upper = JSON.parse(JSON.stringify(COMPANY_EXAMPLE).replaceAll('"st"', '"ST"')) as typeof COMPANY_EXAMPLE;
    const { relatedIndividuals, riskLevel, address, phoneNumber, email, externalId: _other, ...facts } = upper;
    const { relatedIndividualId } = (answer.body["relatedIndividuals"] as { relatedIndividualId: string }[])[0] ?? {};
    expect(await readClient(answer)).toMatchObject({
      externalId,
      type: "company",
      status: "active",
      verificationStatus: "approved",
      riskLevel,
      email,
      phoneNumber,
      address,
      individual: null,
      company: {
        ...facts,
        relatedIndividuals: [{ relatedIndividualId, verificationStatus: "approved", ...relatedIndividuals[0] }],
      },
    });
  });

  test("of which nothing optional is told has nulls there", async () => {
    const optional = ["legalForm", "taxNumber", "businessActivity", "website", "operatingAddress"];
    const body = optional.reduce((told, name) => withField(told, name, undefined), aCompany());
    const { company } = await readClient(await importCompany(body));
    expect(company).toMatchObject(Object.fromEntries(optional.map((name) => [name, null])));
  });

  test("may have persons whose shares sum to more than the whole, or to nothing", async () => {
    for (const shares of [
      [80, 80],
      [null, null],
      [0, 0],
    ]) {
      const relatedIndividuals = shares.map((sharePercent) => aRelatedIndividual({ sharePercent }));
      const { company } = await readClient(await importCompany(aCompany({ relatedIndividuals })));
      const persons = (company as { relatedIndividuals: { sharePercent: number | null }[] }).relatedIndividuals;
      expect(persons.map(({ sharePercent }) => sharePercent)).toEqual(shares);
    }
  });

  test("that is prohibited is stored as rejected, with its persons", async () => {
    const client = await readClient(await importCompany(aCompany({ riskLevel: "prohibited" })));
    expect(client).toMatchObject({ status: "rejected", verificationStatus: "rejected" });
    expect(client["company"]).toMatchObject({
      relatedIndividuals: [{ verificationStatus: "rejected" }, { verificationStatus: "rejected" }],
    });
  });
});

describe("persons", () => {
  test("are 1 to 50", async () => {
    const persons = (count: number) => Array.from({ length: count }, () => aRelatedIndividual());
    for (const count of [1, 2, 49, 50]) {
      const answer = await importCompany(aCompany({ relatedIndividuals: persons(count) }));
      expect(answer.status, `${count}`).toBe(200);
      expect(answer.body["relatedIndividuals"]).toHaveLength(count);
    }
    for (const value of [[], persons(51), null, undefined, {}, "a"]) {
      const answer = await importCompany(withField(aCompany(), "relatedIndividuals", value));
      expect([answer.status, errorsOf(answer)]).toEqual([400, ["relatedIndividuals"]]);
    }
  });

  test("are kept in the order of the list", async () => {
    const names = Array.from({ length: 50 }, (_, index) => `Person ${"abcdefghij"[index % 10]}${"abcde"[Math.floor(index / 10)]}`);
    const body = aCompany({ relatedIndividuals: names.map((lastName) => aRelatedIndividual({ lastName })) });
    const { company } = await readClient(await importCompany(body));
    const persons = (company as { relatedIndividuals: { lastName: string }[] }).relatedIndividuals;
    expect(persons.map(({ lastName }) => lastName)).toEqual(names);
  });
});

describe("fields", () => {
  const cases = [RISK, ...CONTACT, ...COMPANY, ...at("relatedIndividuals.1.", RELATED)];
  test.each(cases.map((each) => [each.path, each] as const))(
    "%s is taken and refused as the contract says",
    async (path, { taken, refused }) => {
      for (const value of taken) {
        const answer = await importCompany(withField(aCompany(), path, value));
        expect(answer.status, `${JSON.stringify(value)}: ${answer.text.slice(0, 300)}`).toBe(200);
      }
      for (const value of refused) {
        const answer = await importCompany(withField(aCompany(), path, value));
        const said = `${JSON.stringify(value)}: ${answer.text.slice(0, 300)}`;
        expect(answer.status, said).toBe(400);
        expect(errorsOf(answer), said).toEqual([path]);
      }
    },
  );

  test("externalId has 1 to 100 characters, and none that deceive", async () => {
    for (const value of ["x", unique("x").padStart(100, "y")])
      expect((await importCompany(aCompany({ externalId: value }))).status).toBe(200);
    for (const value of ["", "y".repeat(101), null, undefined, 1, "a\u202eb", "a\nb"]) {
      expect(errorsOf(await importCompany(withField(aCompany(), "externalId", value))), JSON.stringify(value)).toEqual(["externalId"]);
    }
  });

  test("every fault is told at once, each at its own place in the list", async () => {
    const faults = {
      "address.country": "ZZ",
      registrationDate: "9999-12-31",
      companyName: "a\u202eb",
      "operatingAddress.country": "EU",
      "relatedIndividuals.0.dateOfBirth": "9999-12-31",
      "relatedIndividuals.1.identificationDocument.expirationDate": "2000-01-01",
      "relatedIndividuals.1.sharePercent": 0.00001,
    };
    const body = Object.entries(faults).reduce((told, [path, value]) => withField(told, path, value), aCompany());
    expect(errorsOf(await importCompany(body)).sort()).toEqual(Object.keys(faults).sort());
  });
});

describe("what is no company", () => {
  const ANSWERED = ["clientId", "type", "status", "verificationStatus", "individual", "company", "plan", "blockReason", "blockedAt"];
  test.each([...ANSWERED, "createdAt", "updatedAt", "tenant", "firstName", "constructor"])("a body with %s is refused", async (name) => {
    expect(errorsOf(await importCompany({ ...aCompany(), [name]: "active" }))).toEqual([name]);
  });

  test.each(["relatedIndividualId", "verificationStatus", "clientId", "riskLevel", "position"])(
    "a person with %s is refused",
    async (name) => {
      const answer = await importCompany(withField(aCompany(), `relatedIndividuals.0.${name}`, "approved"));
      expect(errorsOf(answer)).toEqual([`relatedIndividuals.0.${name}`]);
    },
  );

  test("half a character, NUL, a member twice and __proto__ are refused", async () => {
    const text = JSON.stringify(aCompany());
    for (const broken of [
      text.replace("Sample Works", "Sample \\ud800"),
      text.replace("Sample Works", "Sample \\u0000"),
      text.replace("{", '{"companyName":"x",'),
      text.replace("{", '{"__proto__":{"status":"active"},'),
    ]) {
      const answer = await importCompany(broken);
      expect(answer.status).toBe(400);
      expect(answer.body["code"]).toBe("malformedRequest");
    }
  });

  test("callers without a token get 401, of another audience or scope 403", async () => {
    expect((await bank.callAs(null).post(PATH, aCompany())).status).toBe(401);
    const client = bank.callAs({ kind: "client", clientId: "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00" });
    expect((await client.post(PATH, aCompany())).status).toBe(403);
    expect((await bank.callAs({ kind: "system", scopes: ["clients.write"] }).post(PATH, aCompany())).status).toBe(403);
  });
});
