// Operation 99 when it is called more than once, at once, or with anything at all; and what it leaves behind.

import fc from "fast-check";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anIndividual, unique, withField } from "../builders.ts";
import { openTestApp, type TestAnswer, type TestApp } from "../setup/http.ts";
import { clientEndpoints } from "../setup/clients.ts";

const PATH = "/integration/clients/individuals";

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

function importClient(body: unknown, headers?: Record<string, string>, tenant?: string): Promise<TestAnswer> {
  return bank
    .callAs({ kind: "system", scopes: ["integration.import"], ...(tenant === undefined ? {} : { tenant }) })
    .post(PATH, body, headers);
}

function getClient(clientId: string, tenant?: string): Promise<TestAnswer> {
  return bank
    .callAs({ kind: "system", scopes: ["clients.read"], ...(tenant === undefined ? {} : { tenant }) })
    .get(`/internal/Clients/${clientId}`);
}

async function count(text: string, values: unknown[]): Promise<number> {
  const { rows } = await owner.query<{ n: string }>(text, values);
  return Number(rows[0]?.n);
}

const statuses = (answers: readonly TestAnswer[]): number[] => answers.map((answer) => answer.status).sort((a, b) => a - b);

describe("one externalId", () => {
  test("is taken once: the second import answers 409 and changes nothing", async () => {
    const first = anIndividual();
    const { body } = await importClient(first);
    const again = await importClient({ ...first, firstName: "Another" });
    expect(again.status).toBe(409);
    expect(again.body).toMatchObject({ code: "duplicateExternalId", status: 409, errors: { externalId: ["The value is in use."] } });
    expect((await getClient(String(body["clientId"]))).body["individual"]).toMatchObject({ firstName: "Sample" });
  });

  test("of twenty imports at once exactly one is taken, and nothing is left of the others", async () => {
    const externalId = unique("race");
    const answers = await Promise.all(Array.from({ length: 20 }, () => importClient(anIndividual({ externalId }))));
    expect(statuses(answers)).toEqual([200, ...Array<number>(19).fill(409)]);
    expect(await count("select count(*) n from client_profile.client where external_id = $1", [externalId])).toBe(1);
    const orphans = `select count(*) n from platform.event e where e.type = 'client.imported'
      and not exists (select from client_profile.client c where 'client:' || c.id = e.subject)`;
    expect(await count(orphans, [])).toBe(0);
  });

  test("of twenty imports at once, each with a key of its own, exactly one is taken and each repeat says the same again", async () => {
    const externalId = unique("race");
    const calls = Array.from({ length: 20 }, () => ({ body: anIndividual({ externalId }), headers: { "idempotency-key": unique("key") } }));
    const answers = await Promise.all(calls.map(({ body, headers }) => importClient(body, headers)));
    expect(statuses(answers)).toEqual([200, ...Array<number>(19).fill(409)]);
    const repeats = await Promise.all(calls.map(({ body, headers }) => importClient(body, headers)));
    expect(repeats.map((answer) => answer.text)).toEqual(answers.map((answer) => answer.text));
  });

  test("a refused import does not occupy it", async () => {
    const body = anIndividual();
    expect((await importClient({ ...body, riskLevel: "none" })).status).toBe(400);
    expect((await importClient({ ...body, citizenshipCountry: "ZZ" })).status).toBe(400);
    expect((await importClient(body)).status).toBe(200);
  });

  test("is compared letter for letter", async () => {
    const externalId = unique("case");
    for (const spelling of [externalId, externalId.toUpperCase(), `${externalId} `, ` ${externalId}`]) {
      expect((await importClient(anIndividual({ externalId: spelling }))).status, `"${spelling}"`).toBe(200);
    }
  });
});

describe("tenants", () => {
  test("two tenants with one externalId have two clients and never see each other's", async () => {
    const externalId = unique("shared");
    const [north, south] = await Promise.all(["north", "south"].map((tenant) => importClient(anIndividual({ externalId }), {}, tenant)));
    const [northId, southId] = [String(north?.body["clientId"]), String(south?.body["clientId"])];
    expect(northId).not.toBe(southId);
    expect((await getClient(northId, "north")).body).toMatchObject({ clientId: northId, externalId });
    expect((await getClient(southId, "south")).body).toMatchObject({ clientId: southId, externalId });
    for (const [clientId, tenant] of [
      [northId, "south"],
      [southId, "north"],
      [northId, "default"],
    ] as const) {
      expect((await getClient(clientId, tenant)).status).toBe(404);
    }
    // The bank's own token, which names no tenant, sees both.
    expect((await getClient(northId)).status).toBe(200);
    expect((await getClient(southId)).status).toBe(200);
  });

  test("a token without a tenant imports for the tenant default", async () => {
    const externalId = unique("default");
    const { body } = await importClient(anIndividual({ externalId }));
    expect((await importClient(anIndividual({ externalId }), {}, "default")).status).toBe(409);
    expect((await getClient(String(body["clientId"]), "default")).status).toBe(200);
  });
});

describe("one Idempotency-Key", () => {
  test("gives the same bytes again and makes one client, whatever the order of members and the way null is said", async () => {
    const body = anIndividual();
    const headers = { "idempotency-key": unique("key") };
    const first = await importClient(body, headers);
    expect(first.status).toBe(200);
    expect(first.headers["idempotency-replayed"]).toBeUndefined();
    const reordered = withField(Object.fromEntries(Object.entries(body).reverse()), "address.state", undefined);
    for (const repeat of [await importClient(body, headers), await importClient(reordered, headers)]) {
      expect(repeat.status).toBe(200);
      expect(repeat.text).toBe(first.text);
      expect(repeat.headers["idempotency-replayed"]).toBe("true");
    }
    expect(await count("select count(*) n from client_profile.client where external_id = $1", [body["externalId"]])).toBe(1);
  });

  test("keeps a 409, and answers 422 to another body", async () => {
    const taken = anIndividual();
    await importClient(taken);
    const headers = { "idempotency-key": unique("key") };
    const refused = await importClient(taken, headers);
    expect(refused.status).toBe(409);
    const repeat = await importClient(taken, headers);
    expect(repeat.text).toBe(refused.text);
    expect(repeat.headers["idempotency-replayed"]).toBe("true");
    const other = await importClient(anIndividual(), headers);
    expect(other.status).toBe(422);
    expect(other.body).toMatchObject({ code: "idempotencyKeyReused" });
  });

  test("sent twenty times at once makes one client and one answer", async () => {
    const body = anIndividual();
    const headers = { "idempotency-key": unique("key") };
    const answers = await Promise.all(Array.from({ length: 20 }, () => importClient(body, headers)));
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
    expect(statuses(answers)).toEqual(Array<number>(20).fill(200));
  });

  test("of two tenants are two keys", async () => {
    const body = anIndividual();
    const headers = { "idempotency-key": unique("key") };
    const [north, south] = [await importClient(body, headers, "north"), await importClient(body, headers, "south")];
    expect([north.status, south.status]).toEqual([200, 200]);
    expect(north.body["clientId"]).not.toBe(south.body["clientId"]);
  });

  test("may be used again after a 400", async () => {
    const body = anIndividual();
    const headers = { "idempotency-key": unique("key") };
    expect((await importClient({ ...body, residenceCountry: "ZZ" }, headers)).status).toBe(400);
    expect((await importClient(body, headers)).status).toBe(200);
  });
});

describe("what is left behind", () => {
  test("a prohibited client is stored as rejected", async () => {
    const { body } = await importClient(anIndividual({ riskLevel: "prohibited" }));
    expect((await getClient(String(body["clientId"]))).body).toMatchObject({
      status: "rejected",
      verificationStatus: "rejected",
      riskLevel: "prohibited",
    });
  });

  test("client, first line of history, audit row and event stand together and tell one story", async () => {
    const { body } = await importClient(anIndividual({ riskLevel: "high" }), {}, "north");
    const clientId = String(body["clientId"]);
    const { rows: history } = await owner.query(
      "select status, verification_status, risk_level, reason, actor_kind, actor_id from client_profile.client_status_history where client_id = $1",
      [clientId],
    );
    expect(history).toEqual([
      {
        status: "active",
        verification_status: "approved",
        risk_level: "high",
        reason: "import",
        actor_kind: "system",
        actor_id: "development",
      },
    ]);
    const { rows: audit } = await owner.query(
      "select action, actor_kind, actor_id, tenant, detail from platform.audit_entry where subject = $1",
      [`client:${clientId}`],
    );
    expect(audit).toMatchObject([
      {
        action: "client.created",
        actor_kind: "system",
        actor_id: "development",
        tenant: "north",
        detail: { tenant: "north", status: "active" },
      },
    ]);
    const { rows: events } = await owner.query("select type, tenant, data from platform.event where subject = $1", [`client:${clientId}`]);
    expect(events).toEqual([
      {
        type: "client.imported",
        tenant: "north",
        data: { clientId, type: "individual", status: "active", verificationStatus: "approved" },
      },
    ]);
  });

  test("nothing that is stored tells in the clear who the person is", async () => {
    const canaries = [
      "Canarystreet",
      "Canaryville",
      "CanaryState",
      "CZIP7",
      "+4915199887766",
      "canary@example.com",
      "Canaryfirst",
      "Canarylast",
      "CanaryOffice",
      "CDOC77",
      "1977-07-17",
    ];
    const [line, city, state, zip, phone, email, first, last, office, number, birth] = canaries;
    const person = anIndividual({
      address: { streetLine1: line, city, state, zip, country: "DE" },
      phoneNumber: phone,
      email,
      firstName: first,
      lastName: last,
      identificationDocument: { ...(anIndividual()["identificationDocument"] as object), issuedBy: office, number },
      dateOfBirth: birth,
    });
    const headers = { "idempotency-key": unique("key") };
    const imported = await importClient(person, headers);
    expect(imported.status).toBe(200);
    expect((await importClient(person, { "idempotency-key": unique("key") })).status).toBe(409);
    for (const table of [
      "platform.audit_entry",
      "platform.event",
      "platform.idempotency_key",
      "graphile_worker._private_jobs",
      "client_profile.client_status_history",
      "client_profile.client",
    ]) {
      const found = `select count(*) n from ${table} t where t::text ilike any (select '%' || c || '%' from unnest($1::text[]) c)`;
      expect(await count(found, [canaries]), table).toBe(0);
    }
    // The search itself sees, and the client is read back with all of it.
    expect(await count("select count(*) n from (values ('x canarylast y')) t where t::text ilike any (array['%Canarylast%'])", [])).toBe(1);
    const read = await getClient(String(imported.body["clientId"]));
    for (const canary of canaries) expect(read.text).toContain(canary);
  });

  test.each([
    ["+4915123456789", true],
    ["+14155552671", true],
    ["4915123456789", false],
    ["+49 151 2345678", false],
    ["+999123456789", false],
    ["+491", false],
    ["phone", false],
  ])("the phone number %s is stored as it is, and can be sent a code: %s", async (phoneNumber, isE164) => {
    const given = phoneNumber.padEnd(5, "0");
    const { body } = await importClient(anIndividual({ phoneNumber: given }));
    const { rows } = await owner.query("select phone_is_e164 from client_profile.client where id = $1", [body["clientId"]]);
    expect(rows).toEqual([{ phone_is_e164: isE164 }]);
    expect((await getClient(String(body["clientId"]))).body["phoneNumber"]).toBe(given);
  });
});

describe("anything at all", () => {
  const documented = [200, 400, 409];

  test("any JSON is answered with a documented status", async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), async (value) => {
        const answer = await importClient(JSON.stringify(value));
        expect(answer.status).toBe(400);
        expect(answer.body["code"]).toMatch(/^(validationFailed|malformedRequest)$/);
      }),
      { numRuns: 250 },
    );
  });

  test("a valid person with any JSON in any place is taken or refused, and what is taken can be read", async () => {
    const person = anIndividual();
    const places = Object.entries(person).flatMap(([name, value]) => [
      name,
      ...(typeof value === "object" && value !== null ? Object.keys(value).map((inner) => `${name}.${inner}`) : []),
    ]);
    const anyValue = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.constantFrom("DE", "low", "2020-02-29", "other"),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places, "unknown"), anyValue, async (place, value) => {
        const answer = await importClient(withField({ ...person, externalId: unique("any") }, place, value));
        expect(documented, answer.text).toContain(answer.status);
        if (answer.status === 200) expect((await getClient(String(answer.body["clientId"]))).status).toBe(200);
      }),
      { numRuns: 500 },
    );
  });
});
