// Operation 7: the whole profile told anew, by staff who see the client, and what is left behind.

import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aClient, anIndividual, aNewClient, aRelatedIndividual, unique, withField } from "../builders.ts";
import { at, COMPANY, CONTACT, PERSON, RELATED, RISK } from "../client-fields.ts";
import { openTestApp, type TestAnswer, type TestApp } from "../setup/http.ts";
import { clientEndpoints } from "../setup/clients.ts";

const PATH = "/internal/Clients";
const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

type Body = Record<string, unknown>;
type Type = "individual" | "company";
type Person = Body & { relatedIndividualId: string };

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

/** A new client, and the body that would leave it as it is. */
async function aKnownClient(type: Type, tenant?: string): Promise<{ readonly clientId: string; readonly same: Body }> {
  const { type: _type, externalId, ...same } = aNewClient(type);
  const answer = await staff(tenant).post(PATH, { type, externalId, ...same });
  expect(answer.status, answer.text).toBe(200);
  return { clientId: String(answer.body["clientId"]), same };
}

const update = (clientId: string, body: unknown, tenant?: string, headers?: Record<string, string>): Promise<TestAnswer> =>
  staff(tenant).put(`${PATH}/${clientId}`, body, headers);
const read = async (clientId: string): Promise<TestAnswer["body"]> => (await staff().get(`${PATH}/${clientId}`)).body;
const errorsOf = (answer: TestAnswer): string[] => Object.keys((answer.body["errors"] as object | undefined) ?? {});
const personsOf = (client: TestAnswer["body"]): Person[] => (client["company"] as { relatedIndividuals: Person[] }).relatedIndividuals;

/** The persons as an update would tell them again. */
const again = (persons: readonly Person[]): Body[] => persons.map(({ verificationStatus: _answered, ...person }) => person);

async function traces(clientId: string): Promise<{ audit: unknown[]; events: unknown[] }> {
  const subject = [`client:${clientId}`];
  const audit = await owner.query<{ detail: object }>(
    "select detail from platform.audit_entry where subject = $1 and action = 'client.updated' order by id",
    subject,
  );
  const events = await owner.query<{ data: object }>(
    "select data from platform.event where subject = $1 and type = 'client.updated'",
    subject,
  );
  return { audit: audit.rows.map(({ detail }) => detail), events: events.rows.map(({ data }) => data) };
}

describe("an update", () => {
  test.each(["individual", "company"] as const)("makes the profile of type %s what it says, and answers it", async (type) => {
    const { clientId } = await aKnownClient(type);
    const { type: _type, externalId: _name, ...other } = aNewClient(type, { phoneNumber: "+442071838750" });
    const body = withField(
      withField(other, "address.streetLine2", "Flat 7"),
      type === "individual" ? "individual.lastName" : "company.companyName",
      "Renamed",
    );
    const answer = await update(clientId, body);
    expect(answer.status, answer.text).toBe(200);
    expect(answer.body).toMatchObject({ ...body, status: "pending" });
    expect(answer.body).toEqual(await read(clientId));
  });

  test("empties what is optional and left out", async () => {
    const { clientId, same } = await aKnownClient("company");
    const optional = ["legalForm", "taxNumber", "businessActivity", "website", "operatingAddress"];
    const body = optional.reduce((told, name) => withField(told, `company.${name}`, undefined), same);
    expect((await update(clientId, body)).body["company"]).toMatchObject(Object.fromEntries(optional.map((name) => [name, null])));
  });

  test("that changes nothing leaves no trace", async () => {
    for (const type of ["individual", "company"] as const) {
      const { clientId, same } = await aKnownClient(type);
      const before = await read(clientId);
      const body = type === "individual" ? same : withField(same, "company.relatedIndividuals", again(personsOf(before)));
      expect((await update(clientId, body)).body).toEqual(before);
      expect(await traces(clientId)).toEqual({ audit: [], events: [] });
    }
  });

  test("is told by the names of what it changes, and nothing of what stands there", async () => {
    const { clientId, same } = await aKnownClient("individual");
    const body = {
      ...same,
      email: "canary@example.com",
      riskLevel: "high",
      individual: { ...(same["individual"] as Body), lastName: "Canary" },
    };
    expect((await update(clientId, withField(body, "address.city", "Canaryville"))).status).toBe(200);
    const fields = "email address individual.lastName riskLevel";
    expect(await traces(clientId)).toEqual({ audit: [{ fields }], events: [{ clientId, fields }] });
    for (const table of ["platform.audit_entry", "platform.event", "client_profile.client", "client_profile.client_status_history"]) {
      const { rows } = await owner.query<{ n: string }>(`select count(*) n from ${table} t where t::text ilike '%canary%'`);
      expect(Number(rows[0]?.n), table).toBe(0);
    }
  });

  test("takes what the client is called, where it lives and how it is reached along to searches and codes", async () => {
    const { clientId, same } = await aKnownClient("individual");
    const row = async () =>
      (await owner.query<Body>("select email_mark, search_marks, phone_is_e164 from client_profile.client where id = $1", [clientId]))
        .rows[0];
    const before = await row();
    await update(clientId, { ...same, email: `${unique("new")}@example.com`, phoneNumber: "none at all" });
    const after = await row();
    expect(after?.["email_mark"]).not.toEqual(before?.["email_mark"]);
    expect(after?.["search_marks"]).not.toEqual(before?.["search_marks"]);
    expect([before?.["phone_is_e164"], after?.["phone_is_e164"]]).toEqual([true, false]);
  });

  test("of another tenant's client, of nobody and of what is no id is the same 404", async () => {
    const { clientId, same } = await aKnownClient("individual", "north");
    for (const [id, tenant] of [
      [clientId, "south"],
      [clientId, "default"],
      [NOBODY, "north"],
      ["1", "north"],
    ] as const) {
      expect((await update(id, same, tenant)).status).toBe(404);
    }
    expect((await update(clientId, { ...same, phoneNumber: "12345" }, "north")).status).toBe(200);
    expect((await update(clientId, { ...same, phoneNumber: "54321" })).status).toBe(200);
  });

  test("waits for nobody's twin to be lost: twenty at once are twenty updates", async () => {
    const { clientId, same } = await aKnownClient("company");
    const numbers = Array.from({ length: 20 }, (_, index) => `+4915123456${100 + index}`);
    const answers = await Promise.all(numbers.map((phoneNumber) => update(clientId, { ...same, phoneNumber })));
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(20).fill(200));
    answers.forEach(({ body }, index) => expect(body["phoneNumber"]).toBe(numbers[index]));
    const { rows } = await owner.query("select version from client_profile.client where id = $1", [clientId]);
    expect(rows).toEqual([{ version: "21" }]);
  });
});

test("who is verified and becomes somebody else is brought to the staff's attention; a new address or phone number is not", async () => {
  const person = anIndividual();
  const system = bank.callAs({ kind: "system", scopes: ["integration.import"] });
  const clientId = String((await system.post("/integration/clients/individuals", person)).body["clientId"]);
  const { externalId: _name, riskLevel, email: _imported, phoneNumber, address, ...individual } = person;
  const told = { riskLevel, email: `${unique("verified")}@example.com`, phoneNumber, address, individual };
  const attention = async (): Promise<object[]> =>
    (
      await owner.query<{ data: object }>("select data from platform.event where subject = $1 and type = 'client.verificationAttention'", [
        `client:${clientId}`,
      ])
    ).rows.map(({ data }) => data);
  expect((await update(clientId, { ...told, phoneNumber: "+442071838750" })).status).toBe(200);
  expect(await attention()).toEqual([]);
  expect((await update(clientId, withField(told, "individual.dateOfBirth", "1980-01-31"))).status).toBe(200);
  expect(await attention()).toEqual([{ clientId, reason: "identityChanged" }]);
});

describe("fields", () => {
  const cases = [
    ...[RISK, ...CONTACT].map((each) => ["individual", each] as const),
    ...at("individual.", PERSON).map((each) => ["individual", each] as const),
  ];
  const ofCompany = at("company.", [...COMPANY, ...at("relatedIndividuals.1.", RELATED)]).map((each) => ["company", each] as const);
  const all = [...cases, ...ofCompany].map(([type, each]) => [each.path, type, each] as const);
  test.each(all)("%s of type %s is taken and refused as the contract says", async (path, type, { taken, refused }) => {
    const { clientId, same } = await aKnownClient(type, unique("t"));
    const before = await read(clientId);
    for (const value of refused) {
      const answer = await update(clientId, withField(same, path, value));
      const said = `${JSON.stringify(value)}: ${answer.text.slice(0, 300)}`;
      expect(answer.status, said).toBe(400);
      expect(errorsOf(answer), said).toEqual([path]);
    }
    expect(await read(clientId)).toEqual(before);
    for (const value of taken) {
      const answer = await update(clientId, withField(same, path, value));
      expect(answer.status, `${JSON.stringify(value)}: ${answer.text.slice(0, 300)}`).toBe(200);
    }
  });

  test("type and externalId, and everything else that is answered, cannot be given", async () => {
    const { clientId, same } = await aKnownClient("company");
    const { company, individual: _none, ...answered } = await read(clientId);
    for (const name of Object.keys(answered).filter((each) => !(each in same))) {
      expect(errorsOf(await update(clientId, { ...same, [name]: answered[name] })), name).toEqual([name]);
    }
    const persons = withField(same, "company.relatedIndividuals", (company as Body)["relatedIndividuals"]);
    expect(errorsOf(await update(clientId, persons))).toEqual([
      "company.relatedIndividuals.0.verificationStatus",
      "company.relatedIndividuals.1.verificationStatus",
    ]);
  });

  test("the other type's part is refused, and the client's own required", async () => {
    const [person, company] = [await aKnownClient("individual"), await aKnownClient("company")];
    expect(errorsOf(await update(person.clientId, { ...person.same, company: company.same["company"] }))).toEqual(["company"]);
    expect(errorsOf(await update(person.clientId, { ...person.same, individual: null }))).toEqual(["individual"]);
    expect(errorsOf(await update(company.clientId, person.same)).sort()).toEqual(["company", "individual"]);
  });
});

describe("persons of a company", () => {
  test("are known again by their ids, added without one, and removed when they are left out", async () => {
    const { clientId, same } = await aKnownClient("company");
    const [first, second] = again(personsOf(await read(clientId)));
    const changed = { ...second, lastName: "Renamed", sharePercent: 12.25, roles: ["representative"] };
    const added = aRelatedIndividual({ firstName: "New" });
    const answer = await update(clientId, withField(same, "company.relatedIndividuals", [added, changed]));
    expect(answer.status, answer.text).toBe(200);
    const persons = personsOf(answer.body);
    expect(persons).toMatchObject([added, changed]);
    expect(persons[0]?.relatedIndividualId).not.toBe(first?.["relatedIndividualId"]);
    expect(persons.map((each) => each["verificationStatus"])).toEqual(["notStarted", "notStarted"]);
    expect(personsOf(await read(clientId))).toEqual(persons);
    const { rows } = await owner.query(
      "select id, removed_at is null as there from client_profile.related_individual where client_id = $1",
      [clientId],
    );
    expect(rows).toHaveLength(3);
    expect(rows).toContainEqual({ id: first?.["relatedIndividualId"], there: false });
    expect((await traces(clientId)).audit).toEqual([{ fields: "company.relatedIndividuals" }]);
  });

  test("change their places, and whoever was removed cannot come back under the old id", async () => {
    const { clientId, same } = await aKnownClient("company");
    const persons = again(personsOf(await read(clientId)));
    const turned = await update(clientId, withField(same, "company.relatedIndividuals", persons.toReversed()));
    expect(personsOf(turned.body).map((each) => each.relatedIndividualId)).toEqual(
      persons.toReversed().map((each) => each["relatedIndividualId"]),
    );
    expect(personsOf((await update(clientId, withField(same, "company.relatedIndividuals", []))).body)).toEqual([]);
    const back = await update(clientId, withField(same, "company.relatedIndividuals", persons));
    expect(errorsOf(back)).toEqual([
      "company.relatedIndividuals.0.relatedIndividualId",
      "company.relatedIndividuals.1.relatedIndividualId",
    ]);
  });

  test("stay as they are when nothing is said of them", async () => {
    const { clientId, same } = await aKnownClient("company");
    const persons = personsOf(await read(clientId));
    for (const value of [undefined, null]) {
      const body = withField(withField(same, "company.relatedIndividuals", value), "phoneNumber", unique("1"));
      expect(personsOf((await update(clientId, body)).body)).toEqual(persons);
    }
  });

  test("of another company, or twice in the list, are refused where they stand", async () => {
    const [ours, theirs] = [await aKnownClient("company"), await aKnownClient("company")];
    const [mine] = again(personsOf(await read(ours.clientId)));
    const [other] = again(personsOf(await read(theirs.clientId)));
    const list = [mine, other, { ...mine, lastName: "Twin" }, { ...mine, relatedIndividualId: NOBODY }, aRelatedIndividual()];
    const answer = await update(ours.clientId, withField(ours.same, "company.relatedIndividuals", list));
    expect(answer.body["errors"]).toEqual({
      "company.relatedIndividuals.1.relatedIndividualId": ["The company has no such person."],
      "company.relatedIndividuals.2.relatedIndividualId": ["The person stands in the list already."],
      "company.relatedIndividuals.3.relatedIndividualId": ["The company has no such person."],
    });
    const upper = { ...mine, relatedIndividualId: String(mine?.["relatedIndividualId"]).toUpperCase(), lastName: "Upper" };
    expect(personsOf((await update(ours.clientId, withField(ours.same, "company.relatedIndividuals", [upper]))).body)).toMatchObject([
      { lastName: "Upper", relatedIndividualId: mine?.["relatedIndividualId"] },
    ]);
  });

  test("are at most 50 after the update", async () => {
    const { clientId, same } = await aKnownClient("company");
    const persons = (length: number) => Array.from({ length }, () => aRelatedIndividual());
    expect(personsOf((await update(clientId, withField(same, "company.relatedIndividuals", persons(50)))).body)).toHaveLength(50);
    expect(errorsOf(await update(clientId, withField(same, "company.relatedIndividuals", persons(51))))).toEqual([
      "company.relatedIndividuals",
    ]);
  });
});

describe("an e-mail address", () => {
  test("that is another client's is refused, in any letter case; the client's own is not", async () => {
    const [first, second] = [await aKnownClient("individual"), await aKnownClient("company")];
    const taken = String(first.same["email"]);
    for (const email of [taken, taken.toUpperCase()]) {
      const answer = await update(second.clientId, { ...second.same, email });
      expect([answer.status, answer.body["code"]]).toEqual([409, "duplicateEmail"]);
    }
    expect((await update(first.clientId, { ...first.same, email: taken.toUpperCase() })).body["email"]).toBe(taken.toUpperCase());
  });

  test("that an import shared is kept by both, and may be left but not taken again", async () => {
    const email = `${unique("couple")}@example.com`;
    const [one, other] = [await aClient(bank, { changes: { email } }), await aClient(bank, { changes: { email } })];
    const { type: _type, externalId: _name, ...same } = aNewClient("individual", { email });
    for (const id of [one, other]) expect((await update(id, { ...same, phoneNumber: "12345" })).status).toBe(200);
    expect((await update(one, { ...same, email: `${unique("own")}@example.com` })).status).toBe(200);
    expect((await update(one, same)).body["code"]).toBe("duplicateEmail");
  });

  test("is given to one of twenty clients that ask for it at once", async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, () => aKnownClient("individual")));
    const email = `${unique("wanted")}@example.com`;
    const answers = await Promise.all(clients.map(({ clientId, same }) => update(clientId, { ...same, email })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body["code"] === "duplicateEmail")).toHaveLength(19);
  });
});

describe("a risk level", () => {
  test("of prohibited rejects a pending client, and blocks an active one", async () => {
    const { clientId, same } = await aKnownClient("individual");
    expect((await update(clientId, { ...same, riskLevel: "prohibited" })).body).toMatchObject({
      status: "rejected",
      riskLevel: "prohibited",
    });
    const active = await aClient(bank);
    const { type: _type, externalId: _name, ...body } = aNewClient("individual", { riskLevel: "prohibited" });
    expect((await update(active, body)).body).toMatchObject({ status: "blocked", riskLevel: "prohibited", blockReason: "riskProhibited" });
  });

  test("changes with the profile or not at all", async () => {
    const [first, second] = [await aKnownClient("individual"), await aKnownClient("individual")];
    const refused = await update(second.clientId, { ...second.same, riskLevel: "prohibited", email: first.same["email"] });
    expect(refused.status).toBe(409);
    expect(await read(second.clientId)).toMatchObject({ status: "pending", riskLevel: "low" });
  });
});

describe("a client that waits to be forgotten", () => {
  test("is not changed", async () => {
    const { clientId, same } = await aKnownClient("individual");
    await owner.query("update client_profile.client set restricted_at = now() where id = $1", [clientId]);
    const answer = await update(clientId, { ...same, phoneNumber: "12345" });
    expect([answer.status, answer.body["code"]]).toEqual([409, "invalidState"]);
    expect((await read(clientId))["phoneNumber"]).toBe(same["phoneNumber"]);
  });
});

describe("If-Match", () => {
  test("lets an update through while nothing has changed since the client was read, and refuses it with 412 after", async () => {
    const { clientId, same } = await aKnownClient("company");
    const { headers } = await staff().get(`${PATH}/${clientId}`);
    const etag = String(headers["etag"]);
    const first = await update(clientId, { ...same, phoneNumber: "12345" }, undefined, { "if-match": etag });
    expect(first.status, first.text).toBe(200);
    expect(first.headers["etag"]).not.toBe(etag);
    expect(first.headers["etag"]).toBe((await staff().get(`${PATH}/${clientId}`)).headers["etag"]);
    const late = await update(clientId, { ...same, phoneNumber: "54321" }, undefined, { "if-match": etag });
    expect([late.status, late.body["code"]]).toEqual([412, "preconditionFailed"]);
    expect((await read(clientId))["phoneNumber"]).toBe("12345");
    for (const condition of ["*", `"0", ${String(first.headers["etag"])}`]) {
      expect((await update(clientId, { ...same, phoneNumber: unique("1") }, undefined, { "if-match": condition })).status).toBe(
        condition === "*" ? 200 : 412,
      );
    }
  });

  test("of twenty updates upon one version lets one through", async () => {
    const { clientId, same } = await aKnownClient("individual");
    const etag = String((await staff().get(`${PATH}/${clientId}`)).headers["etag"]);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => update(clientId, { ...same, phoneNumber: `1234${index}` }, undefined, { "if-match": etag })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(19);
  });

  test("is another version after a change of standing, too", async () => {
    const clientId = await aClient(bank);
    const etag = String((await staff().get(`${PATH}/${clientId}`)).headers["etag"]);
    expect((await staff().put(`${PATH}/${clientId}/block`, { reason: "test" })).status).toBe(200);
    const { type: _type, externalId: _name, ...body } = aNewClient("individual");
    expect((await update(clientId, body, undefined, { "if-match": etag })).status).toBe(412);
  });

  test("given twice, or empty, is refused as what it is", async () => {
    const { clientId, same } = await aKnownClient("individual");
    const answer = await staff().put(`${PATH}/${clientId}?ifMatch=%221%22`, same, { "if-match": '"1"' });
    expect([answer.status, errorsOf(answer)]).toEqual([400, ["ifMatch"]]);
    expect((await update(clientId, same, undefined, { "if-match": "" })).status).toBe(400);
    expect((await update(clientId, same, undefined, { "if-match": "nonsense" })).status).toBe(412);
  });
});

describe("one Idempotency-Key", () => {
  test("gives the same bytes again, and the update runs once", async () => {
    const { clientId, same } = await aKnownClient("individual");
    const headers = { "idempotency-key": unique("key") };
    const first = await update(clientId, { ...same, phoneNumber: "12345" }, undefined, headers);
    await update(clientId, { ...same, phoneNumber: "54321" });
    const repeat = await update(clientId, { ...same, phoneNumber: "12345" }, undefined, headers);
    expect(repeat.text).toBe(first.text);
    expect((await read(clientId))["phoneNumber"]).toBe("54321");
    expect((await update(clientId, same, undefined, headers)).status).toBe(422);
  });
});

describe("callers", () => {
  test("without a token get 401, without clients.write 403", async () => {
    const { clientId, same } = await aKnownClient("individual");
    expect((await bank.callAs(null).put(`${PATH}/${clientId}`, same)).status).toBe(401);
    expect((await bank.callAs({ kind: "client", clientId }).put(`${PATH}/${clientId}`, same)).status).toBe(403);
    expect((await bank.callAs({ kind: "system", scopes: ["clients.read"] }).put(`${PATH}/${clientId}`, same)).status).toBe(403);
  });
});
