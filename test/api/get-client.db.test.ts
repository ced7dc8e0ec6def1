// Operations 1 and 8: who sees which client, and how much of it.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aClient, aCompany } from "../builders.ts";
import { openTestApp, type TestApp } from "../setup/http.ts";
import { clientEndpoints } from "../setup/clients.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: TestApp;
beforeAll(async () => {
  bank = await openTestApp([...clientEndpoints()]);
});
afterAll(() => bank.close());

const CLIENT = [
  "clientId",
  "externalId",
  "type",
  "status",
  "verificationStatus",
  "riskLevel",
  "email",
  "phoneNumber",
  "address",
  "individual",
  "company",
  "plan",
  "blockReason",
  "blockedAt",
  "createdAt",
  "updatedAt",
];

describe("GET /internal/Clients/{clientId}", () => {
  const system = (tenant?: string) =>
    bank.callAs({ kind: "system", scopes: ["clients.read"], ...(tenant === undefined ? {} : { tenant }) });

  test("answers every field in the documented order, null where there is nothing", async () => {
    const clientId = await aClient(bank);
    const answer = await system().get(`/internal/Clients/${clientId}`);
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body)).toEqual(CLIENT);
    expect(answer.body).toMatchObject({ clientId, type: "individual", company: null, blockReason: null, blockedAt: null });
    expect(answer.body["plan"]).toEqual({ code: "standard", name: "Standard" });
    expect(Object.keys(answer.body["address"] as object)).toEqual(["streetLine1", "streetLine2", "city", "state", "zip", "country"]);
    expect(Object.keys(answer.body["individual"] as object)).toEqual([
      "firstName",
      "lastName",
      "dateOfBirth",
      "citizenshipCountry",
      "residenceCountry",
      "identificationDocument",
    ]);
    for (const time of ["createdAt", "updatedAt"]) expect(answer.body[time]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test("takes the id in any letter case", async () => {
    const clientId = await aClient(bank);
    expect((await system().get(`/internal/clients/${clientId.toUpperCase()}`)).body).toMatchObject({ clientId });
  });

  test("of another tenant's client, of nobody and of what is no id says the same 404", async () => {
    const clientId = await aClient(bank, { tenant: "north" });
    expect((await system("north").get(`/internal/Clients/${clientId}`)).status).toBe(200);
    const answers = await Promise.all([clientId, NOBODY, "1", "null"].map((id) => system("south").get(`/internal/Clients/${id}`)));
    for (const answer of answers) {
      expect(answer.status).toBe(404);
      const { instance: _instance, traceId: _traceId, ...said } = answer.body;
      expect(said).toEqual({
        type: "https://tools.ietf.org/html/rfc9110#section-15.5.5",
        title: "Not found.",
        status: 404,
        detail: null,
        code: "notFound",
      });
    }
  });

  test("needs a system token with clients.read", async () => {
    const path = `/internal/Clients/${await aClient(bank)}`;
    expect((await bank.callAs(null).get(path)).status).toBe(401);
    expect((await bank.callAs({ kind: "client", clientId: NOBODY }).get(path)).status).toBe(403);
    expect((await bank.callAs({ kind: "system", scopes: ["clients.write", "integration.import"] }).get(path)).status).toBe(403);
  });
});

describe("a company", () => {
  const RELATED = [
    "relatedIndividualId",
    "roles",
    "sharePercent",
    "firstName",
    "lastName",
    "dateOfBirth",
    "citizenshipCountry",
    "residenceCountry",
    "identificationDocument",
    "email",
    "phoneNumber",
    "address",
    "verificationStatus",
  ];

  test("is answered with its persons, every field in the documented order, to systems and to itself", async () => {
    const imported = await bank
      .callAs({ kind: "system", scopes: ["integration.import"] })
      .post("/integration/clients/companies", aCompany());
    const clientId = String(imported.body["clientId"]);
    const answers = [
      await bank.callAs({ kind: "system", scopes: ["clients.read"] }).get(`/internal/Clients/${clientId}`),
      await bank.callAs({ kind: "client", clientId }).get("/Client"),
    ];
    for (const { body } of answers) {
      const company = body["company"] as Record<string, unknown>;
      expect(Object.keys(company)).toEqual([
        "companyName",
        "registrationNumber",
        "registrationCountry",
        "registrationDate",
        "legalForm",
        "taxNumber",
        "businessActivity",
        "website",
        "operatingAddress",
        "relatedIndividuals",
      ]);
      const persons = company["relatedIndividuals"] as object[];
      expect(persons.map((person) => Object.keys(person))).toEqual([RELATED, RELATED]);
      expect(body).toMatchObject({ type: "company", individual: null });
    }
  });
});

describe("GET /Client", () => {
  test("answers the signed-in client's own profile, without how the bank judges it", async () => {
    const clientId = await aClient(bank, { changes: { riskLevel: "high" } });
    const answer = await bank.callAs({ kind: "client", clientId }).get("/Client");
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body)).toEqual(CLIENT.filter((name) => !["riskLevel", "blockReason"].includes(name)));
    expect(answer.body).toMatchObject({ clientId, individual: { firstName: "Sample" } });
    expect(answer.text).not.toContain("high");
  });

  test("of a token whose client does not exist, or is another tenant's, is 404", async () => {
    const clientId = await aClient(bank, { tenant: "north" });
    expect((await bank.callAs({ kind: "client", clientId: NOBODY }).get("/Client")).status).toBe(404);
    expect((await bank.callAs({ kind: "client", clientId, tenant: "south" }).get("/Client")).status).toBe(404);
    expect((await bank.callAs({ kind: "client", clientId, tenant: "north" }).get("/Client")).status).toBe(200);
  });

  test("is for clients alone", async () => {
    expect((await bank.callAs(null).get("/Client")).status).toBe(401);
    expect((await bank.callAs({ kind: "system", scopes: ["clients.read"] }).get("/Client")).status).toBe(403);
  });
});
