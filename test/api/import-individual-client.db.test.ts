// Operation 99: every rule of the public documentation at its edge and one beyond it, through HTTP.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { IMPORT_EXAMPLE } from "../../src/onboarding/contract.ts";
import { anIndividual, unique, withField } from "../builders.ts";
import { openTestApp, type TestAnswer, type TestApp } from "../setup/http.ts";
import { clientEndpoints } from "../setup/clients.ts";

const PATH = "/integration/clients/individuals";

let bank: TestApp;
beforeAll(async () => {
  bank = await openTestApp([...clientEndpoints()]);
});
afterAll(() => bank.close());

function importClient(body: unknown, headers?: Record<string, string>): Promise<TestAnswer> {
  return bank.callAs({ kind: "system", scopes: ["integration.import"] }).post(PATH, body, headers);
}

async function readClient(answer: TestAnswer): Promise<TestAnswer["body"]> {
  const found = await bank.callAs({ kind: "system", scopes: ["clients.read"] }).get(`/internal/Clients/${String(answer.body["clientId"])}`);
  expect(found.status).toBe(200);
  return found.body;
}

async function expectTaken(path: string, value: unknown): Promise<void> {
  const answer = await importClient(withField(anIndividual(), path, value));
  expect(answer.text, `${path} should be taken`).toContain("clientId");
  expect(answer.status).toBe(200);
}

async function expectRefused(path: string, value: unknown, errorAt = path): Promise<void> {
  const answer = await importClient(withField(anIndividual(), path, value));
  expect(answer.status, `${path} should be refused, got ${answer.text.slice(0, 300)}`).toBe(400);
  expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
  expect(answer.body).toMatchObject({ code: "validationFailed", status: 400, instance: PATH });
  expect(Object.keys(answer.body["errors"] as object)).toEqual([errorAt]);
}

const ASTRAL = "\u{1F600}";
const letters = (count: number): string => "a".repeat(count);

/** path, fewest and most characters, and a text of that length that fits the field's other rules. */
const TEXTS: readonly [string, number, number, (count: number) => string][] = [
  ["externalId", 1, 100, (count) => (count === 0 ? "" : unique("x").padStart(count, "y").slice(-count))],
  ["address.streetLine1", 1, 255, letters],
  ["address.city", 1, 255, letters],
  ["address.state", 0, 255, letters],
  ["address.zip", 1, 255, letters],
  ["phoneNumber", 5, 17, letters],
  ["email", 5, 64, (count) => (count < 5 ? letters(count) : `${letters(count - 4)}@b.c`)],
  ["firstName", 1, 255, letters],
  ["lastName", 1, 255, letters],
  ["identificationDocument.issuedBy", 1, 100, letters],
  ["identificationDocument.number", 1, 30, letters],
];
const FREE_TEXTS = [
  "externalId",
  "address.state",
  "address.zip",
  "phoneNumber",
  "identificationDocument.issuedBy",
  "identificationDocument.number",
];
const COUNTRIES = ["address.country", "citizenshipCountry", "residenceCountry", "identificationDocument.issuedCountryCode"];
const DATES = ["dateOfBirth", "identificationDocument.issuedDate", "identificationDocument.expirationDate"];
const ENUMS: readonly [string, readonly string[]][] = [
  ["riskLevel", ["low", "medium", "high", "prohibited"]],
  ["identificationDocument.type", ["passport", "driverLicense", "idCard", "other"]],
];
const OPTIONAL = ["address.streetLine2", "address.state"];
const REQUIRED = [
  ...TEXTS.map(([path]) => path).filter((path) => !OPTIONAL.includes(path)),
  ...COUNTRIES,
  ...DATES,
  ...ENUMS.map(([path]) => path),
  "address",
  "identificationDocument",
];

describe("the documentation's own example", () => {
  test("answers 200 as printed, with the client's id and the externalId", async () => {
    const answer = await importClient(IMPORT_EXAMPLE);
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      clientId: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/) as string,
      externalId: "string",
    });
  });

  test("is read back as it was sent, its country codes in upper case", async () => {
    const externalId = unique("example");
    const client = await readClient(await importClient({ ...IMPORT_EXAMPLE, externalId }));
    const { riskLevel, address, phoneNumber, email, identificationDocument: document, ...person } = IMPORT_EXAMPLE;
    expect(client).toMatchObject({
      externalId,
      type: "individual",
      status: "active",
      verificationStatus: "approved",
      riskLevel,
      phoneNumber,
      email,
    });
    expect(client["address"]).toEqual({ ...address, country: "ST" });
    expect(client["individual"]).toEqual({
      firstName: person.firstName,
      lastName: person.lastName,
      dateOfBirth: person.dateOfBirth,
      citizenshipCountry: "ST",
      residenceCountry: "ST",
      identificationDocument: { ...document, issuedCountryCode: "ST" },
    });
  });
});

describe("lengths", () => {
  test.each(TEXTS)("%s takes from %i to %i characters and no others", async (path, fewest, most, text) => {
    for (const length of [fewest, fewest + 1, most - 1, most]) await expectTaken(path, text(length));
    for (const length of [fewest - 1, 0, most + 1, most + 1000])
      if (length >= 0 && (length < fewest || length > most)) await expectRefused(path, text(length));
  });

  test.each(FREE_TEXTS)("%s counts characters, not halves of them", async (path) => {
    const [, , most] = TEXTS.find(([name]) => name === path) ?? ["", 0, 0];
    const before = path === "externalId" ? unique("x") : "";
    await expectTaken(path, before + ASTRAL.repeat(most - before.length));
    await expectRefused(path, ASTRAL.repeat(most + 1));
  });

  test("streetLine2 has no limit of its own", async () => {
    await expectTaken("address.streetLine2", "");
    await expectTaken("address.streetLine2", `\n${ASTRAL}`.repeat(20_000));
  });

  test.each(COUNTRIES)("%s has exactly two characters", async (path) => {
    for (const text of ["", "D", "DEU", "D ", ASTRAL, ASTRAL + ASTRAL]) await expectRefused(path, text);
  });
});

describe("patterns", () => {
  const STREETS = ["1", "-1", "#REF", "../../etc", "   ", "A-z 0.9/,()-#", "(", ")"];
  const NO_STREETS = ["Straße", "a_b", "a\n", "\n", "a\tb", "a:b", "a'b", "a\\b", "=1+1", "Сity", "a\u00a0b", "a&b", ASTRAL];
  test.each(["address.streetLine1", "address.city"])("%s takes letters, digits, spaces and ./,()-# of ASCII", async (path) => {
    for (const text of STREETS) await expectTaken(path, text);
    for (const text of NO_STREETS) await expectRefused(path, text);
  });

  const NAMES = ["O'Brien", "Jean-Luc", "J. R.", "-", ".", "'", "   ", "a"];
  const NO_NAMES = ["José", "O\u2019Brien", "\u0430lice", "abc\n", "\nabc", "R2", "a,b", "a/b", "a\tb", "a\u00a0b", "Name1", ASTRAL];
  test.each(["firstName", "lastName"])("%s takes letters of ASCII, hyphen, dot, apostrophe and space", async (path) => {
    for (const text of NAMES) await expectTaken(path, text);
    for (const text of NO_NAMES) await expectRefused(path, text);
  });

  test("email is an address, and the same one may be used twice", async () => {
    for (const text of ["a@b.c", "user@example.com", "first.last+tag@sub.example.co"]) {
      await expectTaken("email", text);
      await expectTaken("email", text);
    }
    const refused = [
      "user.example.com",
      "user@",
      "@example.com",
      "a b@example.com",
      "user@example.com\r\nBcc: x@y.z",
      "a@b@c.de",
      "user@-a.com",
      "<u@b.de>",
    ];
    for (const text of refused) await expectRefused("email", text);
  });

  test("a phone number is bound by its length alone", async () => {
    for (const text of ["12345", "phone", "     ", "+49 151 2345", "\u0660\u0661\u0662\u0663\u0664"])
      await expectTaken("phoneNumber", text);
  });
});

describe("countries", () => {
  test.each(COUNTRIES)("%s is an assigned code in any letter case, Kosovo's among them", async (path) => {
    for (const code of ["DE", "st", "sT", "XK", "xk", "gb"]) await expectTaken(path, code);
    for (const code of ["ZZ", "AA", "UK", "EU", "zz", "XX", "12", "\u0130T", "\u017fT", "D\n"]) await expectRefused(path, code);
  });
});

describe("dates", () => {
  const NO_DATES = [
    "",
    "2023-02-30",
    "2023-02-29",
    "0000-01-01",
    "2019-00-10",
    "2019-13-01",
    "2019-04-31",
    "2019-08-24T00:00:00Z",
    "2019-8-24",
    "19-08-24",
    " 2019-08-24",
    "2019-08-24\n",
    "20190824",
    "+002019-08-24",
    "-0001-01-01",
    "10000-01-01",
    "\u0662019-08-24",
  ];
  test.each(DATES)("%s is a day that exists, YYYY-MM-DD", async (path) => {
    for (const text of NO_DATES) await expectRefused(path, text);
  });

  test("the oldest and the newest days of the calendar are kept as they are", async () => {
    const document = { ...(anIndividual()["identificationDocument"] as object), issuedDate: "0001-01-01", expirationDate: "9999-12-31" };
    const client = await readClient(await importClient(anIndividual({ identificationDocument: document, dateOfBirth: "0004-02-29" })));
    expect(client["individual"]).toMatchObject({
      dateOfBirth: "0004-02-29",
      identificationDocument: { issuedDate: "0001-01-01", expirationDate: "9999-12-31" },
    });
  });

  test("a client may be born today, but not tomorrow", async () => {
    const day = (offset: number): string => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);
    await expectTaken("dateOfBirth", day(0));
    await expectRefused("dateOfBirth", day(1));
    await expectRefused("dateOfBirth", "9999-12-31");
  });

  test("a document may expire on the day of its issue, but not before; an expired one is taken", async () => {
    const body = withField(anIndividual(), "identificationDocument.issuedDate", "2019-08-24");
    for (const [date, status] of [
      ["2019-08-24", 200],
      ["2019-08-25", 200],
      ["2019-08-23", 400],
      ["0001-01-01", 400],
    ] as const) {
      const answer = await importClient({
        ...withField(body, "identificationDocument.expirationDate", date),
        externalId: unique("document"),
      });
      expect(answer.status, date).toBe(status);
    }
  });
});

describe("enums", () => {
  test.each(ENUMS)("%s is one of %j, letter for letter", async (path, words) => {
    for (const word of words) await expectTaken(path, word);
    for (const word of ["", "unknown", words[0]?.toUpperCase(), `${words[0]} `, `${words[0]}\n`]) await expectRefused(path, word);
  });
});

describe("members", () => {
  test.each(REQUIRED)("%s is required and cannot be null", async (path) => {
    await expectRefused(path, undefined);
    await expectRefused(path, null);
  });

  test.each(OPTIONAL)("%s may be null or left out", async (path) => {
    for (const value of [null, undefined]) {
      const client = await readClient(await importClient(withField(anIndividual(), path, value)));
      expect((client["address"] as Record<string, unknown>)[path.slice("address.".length)]).toBeNull();
    }
  });

  test.each([...REQUIRED, ...OPTIONAL])("%s is not read from another type", async (path) => {
    for (const value of [1, true, ["a"], {}, [], 0.5]) {
      const answer = await importClient(withField(anIndividual(), path, value));
      expect(answer.status, JSON.stringify(value)).toBe(400);
    }
  });

  test.each(["status", "clientId", "tenant", "verificationStatus", "createdAt", "type", "FirstName", "constructor", "toString"])(
    "the unknown member %s is refused wherever it stands",
    async (name) => {
      for (const place of ["", "address.", "identificationDocument."]) await expectRefused(`${place}${name}`, "active");
    },
  );

  test("several faults are told at once", async () => {
    const body = withField(withField(withField(anIndividual(), "firstName", "José"), "address.country", "DEU"), "riskLevel", "none");
    const answer = await importClient(body);
    expect(Object.keys(answer.body["errors"] as object)).toEqual(["address.country", "firstName", "riskLevel"]);
  });

  test("faults of meaning are told at once too", async () => {
    const body = withField(withField(anIndividual(), "dateOfBirth", "9999-12-31"), "citizenshipCountry", "ZZ");
    const answer = await importClient(body);
    expect(Object.keys(answer.body["errors"] as object).sort()).toEqual(["citizenshipCountry", "dateOfBirth"]);
  });
});

describe("bodies that are none", () => {
  test.each([
    ["nothing", undefined, 400],
    ["an empty text", "", 400],
    ["no JSON", "{", 400],
    ["an array", "[]", 400],
    ["null", "null", 400],
    ["a member twice", '{"externalId":"a","externalId":"b"}', 400],
    ["a NUL", JSON.stringify({ externalId: "a\u0000" }), 400],
    ["half a character", '{"externalId":"\\ud800"}', 400],
    ["__proto__", '{"__proto__":{"status":"active"}}', 400],
  ])("%s is refused", async (_name, body, status) => {
    const answer = await importClient(body);
    expect(answer.status).toBe(status);
    expect(answer.headers["content-type"]).toMatch(/^application\/problem\+json/);
  });

  test("another media type is refused", async () => {
    const answer = await importClient(JSON.stringify(anIndividual()), { "content-type": "text/plain" });
    expect(answer.status).toBe(415);
  });

  test("more than a mebibyte is refused", async () => {
    const answer = await importClient(withField(anIndividual(), "address.streetLine2", letters(1024 * 1024)));
    expect(answer.status).toBe(413);
  });
});

describe("callers", () => {
  test("without a token 401, with another audience or scope 403", async () => {
    expect((await bank.callAs(null).post(PATH, anIndividual())).status).toBe(401);
    expect(
      (await bank.callAs({ kind: "client", clientId: "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00" }).post(PATH, anIndividual())).status,
    ).toBe(403);
    expect((await bank.callAs({ kind: "system", scopes: ["clients.write", "clients.read"] }).post(PATH, anIndividual())).status).toBe(403);
  });
});
