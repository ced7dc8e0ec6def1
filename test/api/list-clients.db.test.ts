// Operation 4: which clients a list shows, in which order, to whom, and by which words they are found.

import type { NewClient } from "#client-profile";
import type { Actor } from "#platform/db.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestClients } from "../setup/clients.ts";
import { openTestApp, type TestAnswer, type TestApp } from "../setup/http.ts";
import { random } from "../random.ts";

const actor: Actor = { kind: "system", id: "test", tenant: null, traceId: "00-11111111111111111111111111111111-2222222222222222-01" };

type Item = { clientId: string; externalId: string | null; type: string; status: string; verificationStatus: string; riskLevel: string };
type Known = Omit<NewClient, "profile"> & { readonly clientId: string; readonly profile: NewClient["profile"] };

let bank: TestApp;
const clients = openTestClients();
const known: Known[] = [];

const STANDINGS = [
  ["active", "approved"],
  ["active", "onHold"],
  ["pending", "notStarted"],
  ["pending", "pending"],
  ["rejected", "rejected"],
] as const;

function aNewClient(
  index: number,
  changes: Partial<NewClient> & { firstName?: string; lastName?: string; email?: string } = {},
): NewClient {
  const [status, verificationStatus] = STANDINGS[index % STANDINGS.length] ?? STANDINGS[0];
  const { firstName = "Sample", lastName = "Person", email = `person${index}@example.com`, ...rest } = changes;
  const isCompany = index % 7 === 3;
  const address = { streetLine1: "1 Sample Street", streetLine2: null, city: "Sampleton", state: null, zip: "12345", country: "LT" };
  const document = {
    issuedBy: "Office",
    expirationDate: "2031-05-01",
    type: "passport",
    number: "S0000001",
    issuedCountryCode: "LT",
    issuedDate: "2021-05-01",
  } as const;
  return {
    tenant: index % 3 === 0 ? "south" : "north",
    externalId: `ext-${index}`,
    type: isCompany ? "company" : "individual",
    status,
    verificationStatus,
    riskLevel: (["low", "medium", "high"] as const)[index % 3] ?? "low",
    profile: {
      email,
      phoneNumber: `+3706${String(1_000_000 + index)}`,
      address,
      individual: isCompany
        ? null
        : {
            firstName,
            lastName,
            dateOfBirth: "1990-01-31",
            citizenshipCountry: "LT",
            residenceCountry: "LT",
            identificationDocument: document,
          },
      company: isCompany
        ? {
            companyName: `${firstName} ${lastName} Works`,
            registrationNumber: "R-1",
            registrationCountry: "LT",
            registrationDate: "2015-01-01",
            legalForm: null,
            taxNumber: null,
            businessActivity: null,
            website: null,
            operatingAddress: null,
          }
        : null,
    },
    relatedIndividuals: [],
    reason: "test",
    ...rest,
  };
}

async function add(list: readonly NewClient[]): Promise<string[]> {
  const ids: string[] = [];
  for (let from = 0; from < list.length; from += 250) {
    const piece = list.slice(from, from + 250);
    const made = await bank.db.write(actor, (tx) => clients.createClients(tx, piece));
    made.forEach((creation, index) => {
      const client = piece[index];
      if (creation.outcome !== "created" || client === undefined) throw new Error("a client was not created");
      ids.push(creation.clientId);
      known.push({ ...client, clientId: creation.clientId });
    });
  }
  return ids;
}

beforeAll(async () => {
  bank = await openTestApp([...clients.endpoints]);
  await add(Array.from({ length: 150 }, (_, index) => aNewClient(index)));
});
afterAll(() => bank.close());

const callsOf = (tenant?: string) => bank.callAs({ kind: "system", scopes: ["clients.read"], ...(tenant === undefined ? {} : { tenant }) });
const list = async (query: string, tenant?: string): Promise<TestAnswer> => await callsOf(tenant).get(`/internal/Clients?${query}`);
const itemsOf = (answer: TestAnswer): Item[] => {
  expect(answer.status, answer.text).toBe(200);
  return answer.body["items"] as Item[];
};
const idsOf = (answer: TestAnswer): string[] => itemsOf(answer).map(({ clientId }) => clientId);

async function walk(query: string, tenant?: string): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | null = null; ; ) {
    const answer = await list(`${query}${cursor === null ? "" : `&cursor=${cursor}`}`, tenant);
    ids.push(...idsOf(answer));
    cursor = answer.body["nextCursor"] as string | null;
    if (cursor === null) return ids;
  }
}

test("shows a client as it is read by its id, but for the persons of a company and the number of a document", async () => {
  const [item] = itemsOf(await list("externalId=ext-4&pageSize=1"));
  const read = await callsOf().get(`/internal/Clients/${item?.clientId}`);
  const { individual, ...rest } = read.body as { individual: { identificationDocument: object } };
  expect(item).toEqual({
    ...rest,
    individual: { ...individual, identificationDocument: { ...individual.identificationDocument, number: "••••0001" } },
  });
  const [company] = itemsOf(await list("externalId=ext-3&pageSize=1")) as (Item & { company: object })[];
  expect(company?.company).toMatchObject({ companyName: "Sample Person Works", operatingAddress: null });
  expect(company?.company).not.toHaveProperty("relatedIndividuals");
});

test("newest first, or oldest first; walked by cursor every client is met once", async () => {
  const expected = known.map(({ clientId }) => clientId);
  expect(new Set(await walk("pageSize=17"))).toEqual(new Set(expected));
  const newest = await walk("pageSize=17");
  expect(newest).toHaveLength(expected.length);
  expect(await walk("pageSize=40&sortDirection=asc&sortBy=createdAt")).toEqual(newest.toReversed());
});

test("every filter, and every two of them, mean what they say; pages by number, total and walk agree", async () => {
  const chance = random();
  for (let round = 0; round < 60; round++) {
    const whose = chance.pick(["all", "north", "south"]);
    const tenant = whose === "all" ? undefined : whose;
    const statuses: string[] = chance.pick([[], ["active"], ["pending", "rejected"], ["closed"]]);
    const verificationStatuses: string[] = chance.pick([[], [], ["approved"], ["notStarted", "pending"]]);
    const riskLevels: string[] = chance.pick([[], [], ["high"], ["low", "prohibited"]]);
    const type = chance.pick([null, null, "company", "individual"]);
    const expected = known.filter(
      (client) =>
        (tenant === undefined || client.tenant === tenant) &&
        (statuses.length === 0 || statuses.includes(client.status)) &&
        (verificationStatuses.length === 0 || verificationStatuses.includes(client.verificationStatus)) &&
        (riskLevels.length === 0 || riskLevels.includes(client.riskLevel)) &&
        (type === null || client.type === type),
    );
    const query = [
      ...statuses.map((value) => `statuses=${value}`),
      ...verificationStatuses.map((value) => `verificationStatuses=${value}`),
      ...riskLevels.map((value) => `riskLevels=${value}`),
      ...(type === null ? [] : [`type=${type}`]),
    ].join("&");
    const walked = await walk(`${query}&pageSize=23`, tenant);
    expect(new Set(walked), chance.note).toEqual(new Set(expected.map(({ clientId }) => clientId)));
    expect(walked).toHaveLength(expected.length);
    const page = await list(`${query}&pageNumber=2&pageSize=10&includeTotalCount=true`, tenant);
    expect(idsOf(page)).toEqual(walked.slice(10, 20));
    expect(page.body).toMatchObject({ pageNumber: 2, pageSize: 10, totalCount: expected.length });
  }
});

test("dates are bounds of createdAt: a bare date is the whole day", async () => {
  const today = new Date().toISOString().slice(0, 10);
  expect(await walk(`dateFrom=${today}&dateTo=${today}&pageSize=100`)).toHaveLength(known.length);
  expect(await walk("dateTo=2020-01-01&pageSize=100")).toEqual([]);
  const [item] = itemsOf(await list("externalId=ext-77")) as (Item & { createdAt: string })[];
  const since = await walk(`dateFrom=${encodeURIComponent(String(item?.createdAt))}&pageSize=100`);
  expect(since).toContain(item?.clientId);
});

test("an externalId is found for a tenant, and for the bank in every tenant", async () => {
  await add([aNewClient(1, { externalId: "shared", tenant: "north" }), aNewClient(1, { externalId: "shared", tenant: "south" })]);
  expect(idsOf(await list("externalId=shared"))).toHaveLength(2);
  expect(idsOf(await list("externalId=shared", "north"))).toHaveLength(1);
  expect(idsOf(await list("externalId=shared", "east"))).toEqual([]);
  expect(idsOf(await list("externalId=shared&statuses=closed"))).toEqual([]);
  expect((await list("externalId=shared")).body).toMatchObject({ totalCount: 2, nextCursor: null });
});

describe("search", () => {
  let ada: string;
  let zoe: string;
  beforeAll(async () => {
    const made = await add([
      aNewClient(0, { firstName: "Ada Augusta", lastName: "King-Noel", email: "countess@engines.example", externalId: "CRM/4711-x" }),
      aNewClient(1, { firstName: "Zoe", lastName: "Li", email: "zoe.li@mail.example", externalId: null }),
    ]);
    [ada, zoe] = made as [string, string];
  });

  test.each([
    ["a first name", "Augusta", "ada"],
    ["the beginning of a last name, in any case", "kIn", "ada"],
    ["several words in any order", "noel ada", "ada"],
    ["an e-mail address", "countess@engines.example", "ada"],
    ["its beginning", "countess@eng", "ada"],
    ["an externalId", "crm/4711-X", "ada"],
    ["a short word that is whole", "zoe li", "zoe"],
    ["accents, which do not count", "Zoë", "zoe"],
  ])("finds a client by %s", async (_what, words, who) => {
    expect(idsOf(await list(`search=${encodeURIComponent(words)}`))).toEqual([who === "ada" ? ada : zoe]);
  });

  test("finds by a phone number, however it is written", async () => {
    const [client] = known;
    for (const number of ["+37061000000", "370 6 1000 000", "+370 (6) 1000-000", "370610000"]) {
      expect(await walk(`pageSize=100&search=${encodeURIComponent(number)}`), number).toContain(client?.clientId);
    }
  });

  test.each(["ada nobody", "gusta", "ntess@engines", "noel-kings", "%", "_", "Ada' or 1=1"])("does not find by %j", async (words) => {
    const answer = await list(`search=${encodeURIComponent(words)}`);
    if (answer.status === 400) expect(answer.body).toMatchObject({ errors: { search: ["The field must hold a letter or a digit."] } });
    else expect(idsOf(answer)).toEqual([]);
  });

  test("goes together with filters, tenants and pages", async () => {
    expect(idsOf(await list("search=augusta&statuses=closed"))).toEqual([]);
    expect(idsOf(await list("search=augusta", "north"))).toEqual([]);
    expect(idsOf(await list("search=augusta", "south"))).toEqual([ada]);
    const all = known
      .filter(({ profile, type }) => type === "individual" && profile.individual?.lastName === "Person")
      .map(({ clientId }) => clientId);
    const walked = await walk("search=sample%20person&type=individual&pageSize=29");
    expect(new Set(walked)).toEqual(new Set(all));
    expect(walked).toHaveLength(all.length);
    expect(idsOf(await list("search=sample&type=individual&pageSize=10&pageNumber=3"))).toEqual(walked.slice(20, 30));
  });

  test("that very many match looks through the newest, so far at a time; every hit is met once", async () => {
    await add(
      Array.from({ length: 2_600 }, (_, index) =>
        aNewClient(7 * index, { firstName: index % 2 === 0 ? "Common" : "Rarely Common", externalId: `many-${index}` }),
      ),
    );
    const expected = known.filter(({ profile }) => profile.individual?.firstName.endsWith("Common")).map(({ clientId }) => clientId);
    const walked = await walk("search=common&pageSize=100");
    expect(new Set(walked)).toEqual(new Set(expected));
    expect(walked).toHaveLength(expected.length);
    expect(idsOf(await list("search=common&pageSize=50&pageNumber=4"))).toEqual(walked.slice(150, 200));
    expect((await list("search=common&pageSize=50")).body).not.toHaveProperty("totalCount");
  });
});

test("a client that waits to be forgotten is listed and not found by search; an erased one is in no list", async () => {
  const [first, second] = await add([
    aNewClient(0, { firstName: "Restricted", externalId: "r-1" }),
    aNewClient(0, { firstName: "Forgotten", externalId: "r-2" }),
  ]);
  const owner = (statement: string, id: string | undefined) => bank.db.write(actor, (tx) => tx.query(statement, [id]));
  await owner("update client_profile.client set status = 'closed', closed_at = now(), restricted_at = now() where id = $1", first);
  expect(idsOf(await list("externalId=r-1"))).toEqual([first]);
  expect(idsOf(await list("statuses=closed"))).toContain(first);
  expect(idsOf(await list("search=restricted"))).toEqual([]);
  await owner(
    "update client_profile.client set status = 'closed', closed_at = now(), erased_at = now(), sealed_profile = null, email_mark = null, search_marks = null where id = $1",
    second,
  );
  expect(idsOf(await list("externalId=r-2"))).toEqual([]);
  expect(await walk("statuses=closed&pageSize=100")).not.toContain(second);
});

test.each([
  ["type=trust", "type"],
  ["statuses=asleep", "statuses.0"],
  ["riskLevels=LOW", "riskLevels.0"],
  ["verificationStatuses=maybe", "verificationStatuses.0"],
  ["sortBy=lastName", "sortBy"],
  ["sortDirection=up", "sortDirection"],
  ["pageSize=0", "pageSize"],
  ["pageSize=101", "pageSize"],
  ["pageNumber=0", "pageNumber"],
  ["pageNumber=501", "pageNumber"],
  ["cursor=abc", "cursor"],
  ["dateFrom=2026-02-30", "dateFrom"],
  ["search=", "search"],
  [`search=${"x".repeat(101)}`, "search"],
  ["search=%00", "search"],
  ["search=%21%3F", "search"],
  ["externalId=", "externalId"],
  ["unknown=1", "unknown"],
])("%s is refused by name", async (query, field) => {
  const answer = await list(query);
  expect(answer.status, answer.text).toBe(400);
  expect(Object.keys(answer.body["errors"] as object)).toEqual([field]);
});

test("a cursor holds for its own list only, and tells nothing of what was searched for", async () => {
  const { nextCursor } = (await list("search=common&pageSize=1")).body as { nextCursor: string };
  expect(Buffer.from(nextCursor, "base64url").toString()).not.toMatch(/common/i);
  for (const query of ["search=sample&pageSize=1", "pageSize=1", "search=common&sortDirection=asc", "search=common&statuses=active"]) {
    expect((await list(`${query}&cursor=${nextCursor}`)).status).toBe(400);
  }
  expect((await list(`search=common&pageSize=1&cursor=${nextCursor}`, "north")).status).toBe(400);
  expect((await list(`search=common&pageSize=1&pageNumber=2&cursor=${nextCursor}`)).status).toBe(400);
  const forged = Buffer.from(Buffer.from(nextCursor, "base64url").toString().replace(/ .*/s, " 2026-01-01 00:00:00+00/x")).toString(
    "base64url",
  );
  expect((await list(`search=common&pageSize=1&cursor=${forged}`)).status).toBe(400);
});

test("only systems that may read clients see the list", async () => {
  expect((await bank.callAs(null).get("/internal/Clients")).status).toBe(401);
  expect((await bank.callAs({ kind: "client", clientId: known[0]?.clientId ?? "" }).get("/internal/Clients")).status).toBe(403);
  expect((await bank.callAs({ kind: "system", scopes: ["clients.write"] }).get("/internal/Clients")).status).toBe(403);
});
