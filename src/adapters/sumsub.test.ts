// The adapter against the simulator that ships with the product, and against one that answers what no provider should: what it asks is
// signed as Sumsub wants it, what it is told is believed only as far as it can be, and nobody gets two applicants.

import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type ApplicantOrder, ProviderFault } from "../onboarding/ports.ts";
import { Breaker } from "./breaker.ts";
import { openSumsubSimulator, type SumsubBehaviour, type SumsubSimulator } from "./simulators/sumsub.ts";
import { multipart, sumsubProvider } from "./sumsub.ts";
import { signRequest } from "./sumsub-http.ts";
import { applicantOf, beneficiaryOf, documentTypeOf } from "./sumsub-words.ts";

const CREDENTIALS = { appToken: "sbx:test-app-token", secretKey: "test-secret-key" };
const FAST = { ...CREDENTIALS, timeoutMs: 300, deadlineMs: 2_000, backOffMs: 5 };
const never = new AbortController().signal;

let simulator: SumsubSimulator;
let count = 0;
beforeAll(async () => {
  simulator = await openSumsubSimulator({ mode: "test", ...CREDENTIALS, webhookSecret: "test-webhook-secret" });
});
beforeEach(() => behave({}));
afterAll(() => simulator.close());

const provider = (more = {}) => sumsubProvider({ url: simulator.url, ...FAST, ...more });
const control = async (path: string, body?: object): Promise<Record<string, unknown>> => {
  const answer = await fetch(`${simulator.url}/simulator/${path}`, body === undefined ? {} : { method: "PUT", body: JSON.stringify(body) });
  return (await answer.json()) as Record<string, unknown>;
};
const behave = (behaviour: Partial<SumsubBehaviour>) => control("behaviour", { webhooks: "lost", ...behaviour });
type Known = { readonly id: string; readonly externalUserId: string } & Readonly<Record<string, unknown>>;
const known = async (externalUserId: string): Promise<Known[]> =>
  ((await control("applicants"))["items"] as Known[]).filter((each) => each.externalUserId === externalUserId);

const order = (changes: Partial<ApplicantOrder> = {}): ApplicantOrder => ({
  externalUserId: `client-${++count}`,
  levelName: "level of persons",
  email: "sample.person@example.com",
  phoneNumber: "+4915123456789",
  address: { streetLine1: "1 Sample Street", streetLine2: null, city: "Sampleton", state: null, zip: "12345", country: "DE" },
  individual: { firstName: "Sample", lastName: "Person", dateOfBirth: "1990-01-31", citizenshipCountry: "XK", residenceCountry: "DE" },
  company: null,
  ...changes,
});
const fault = async (work: Promise<unknown>): Promise<ProviderFault> => {
  const error: unknown = await work.then(
    () => null,
    (caught: unknown) => caught,
  );
  if (!(error instanceof ProviderFault)) throw new Error(`expected a fault of the provider, got ${String(error)}`);
  return error;
};

describe("signatures", () => {
  const sign = (method: string, path: string, body = "") =>
    signRequest("example-secret-key", { ts: "1607551635", method, path, body: Buffer.from(body) });

  // The texts are those of docs.sumsub.com/reference/authentication; the digests are of: printf … | openssl dgst -sha256 -hmac example-secret-key
  test("are what openssl makes of the documented texts", () => {
    const query = "userId=cfd20712-24a2-4c7d-9ab0-146f3c142335&levelName=basic-kyc-level&ttlInSecs=600";
    expect(sign("POST", `/resources/accessTokens?${query}`)).toBe("08dcce1c03e1aba31dd39c12c76923b8b78c5534bc3a71adcec6bafafcee01e4");
    expect(sign("GET", "/resources/applicants/123?fields=info")).toBe("c89c5000a67f25512d494aec3f14501bfbc708f0e3d34598727e8bca93b72e3c");
    expect(sign("POST", "/resources/applicants?levelName=basic-kyc-level", '{"externalUserId":"café"}')).toBe(
      "1b0e97453c855410802caa8ea1d1cdae75d19a8a7080f912a6e97b7bc782fe7e",
    );
  });

  test("are HMAC-SHA256 over time, method, path with query and the body's bytes, whatever these are", async () => {
    const text = fc.string({ unit: "grapheme" });
    await fc.assert(
      fc.asyncProperty(fc.string({ minLength: 1 }), fc.nat(), text, fc.uint8Array(), async (secret, ts, path, body) => {
        const key = await crypto.subtle.importKey("raw", Buffer.from(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
        const digest = await crypto.subtle.sign("HMAC", key, Buffer.concat([Buffer.from(`${ts}PUT${path}`), body]));
        expect(signRequest(secret, { ts: String(ts), method: "PUT", path, body })).toBe(Buffer.from(digest).toString("hex"));
      }),
      { numRuns: 300 },
    );
  });

  test("are checked by the simulator: another key, token, time, path or body is nobody's", async () => {
    const ts = String(Math.floor(Date.now() / 1000));
    const path = "/resources/applicants?levelName=x";
    const body = '{"externalUserId":"signed"}';
    const send = async (changes: { path?: string; body?: string; token?: string; ts?: string; sig?: string } = {}) => {
      const signed = { ts: changes.ts ?? ts, method: "POST", path, body: Buffer.from(body) };
      const answer = await fetch(`${simulator.url}${changes.path ?? path}`, {
        method: "POST",
        headers: {
          "x-app-token": changes.token ?? CREDENTIALS.appToken,
          "x-app-access-ts": changes.ts ?? ts,
          "x-app-access-sig": changes.sig ?? signRequest(CREDENTIALS.secretKey, signed),
        },
        body: changes.body ?? body,
      });
      return answer.status;
    };
    expect(await send({ path: `${path}&more=1` })).toBe(401);
    expect(await send({ body: `${body} ` })).toBe(401);
    expect(await send({ token: "sbx:another" })).toBe(401);
    expect(await send({ ts: String(Number(ts) - 120) })).toBe(401);
    expect(
      await send({ sig: signRequest(CREDENTIALS.secretKey, { ts, method: "POST", path, body: Buffer.from(body) }).toUpperCase() }),
    ).toBe(401);
    expect(await send({ sig: "" })).toBe(401);
    expect(await known("signed")).toEqual([]);
    expect(await send()).toBe(200);
  });
});

describe("an applicant", () => {
  test("is created in Sumsub's words: countries of three letters, its own address, the level in the query", async () => {
    const person = order();
    const { applicantId } = await provider().createApplicant(person, never);
    expect(applicantId).toMatch(/^[0-9a-f]{24}$/);
    expect(await known(person.externalUserId)).toMatchObject([
      {
        id: applicantId,
        type: "individual",
        levelName: "level of persons",
        email: person.email,
        phone: person.phoneNumber,
        fixedInfo: {
          firstName: "Sample",
          lastName: "Person",
          dob: "1990-01-31",
          nationality: "XKX",
          country: "DEU",
          addresses: [{ street: "1 Sample Street", town: "Sampleton", postCode: "12345", country: "DEU" }],
        },
      },
    ]);
  });

  test("may be a company", async () => {
    const company = {
      companyName: "Sample Ltd",
      registrationNumber: "HRB 1",
      registrationCountry: "LT",
      registrationDate: "2020-02-29",
      legalForm: "UAB",
      taxNumber: null,
      website: null,
    };
    const sent = order({ individual: null, company });
    await provider().createApplicant(sent, never);
    const info = { companyName: "Sample Ltd", registrationNumber: "HRB 1", country: "LTU", incorporatedOn: "2020-02-29", type: "UAB" };
    expect(await known(sent.externalUserId)).toMatchObject([{ type: "company", fixedInfo: { companyInfo: info } }]);
  });

  test("is the same one however often it is created", async () => {
    const person = order();
    const [first, second] = [await provider().createApplicant(person, never), await provider().createApplicant(person, never)];
    expect(second).toEqual(first);
    expect(await known(person.externalUserId)).toHaveLength(1);
  });

  test("is created once when it is asked for fifty times at once", async () => {
    const person = order();
    const found = await Promise.all(Array.from({ length: 50 }, () => provider({ timeoutMs: 5_000 }).createApplicant(person, never)));
    expect(new Set(found.map(({ applicantId }) => applicantId)).size).toBe(1);
    expect(await known(person.externalUserId)).toHaveLength(1);
  });

  test.each(["drop", "slow", "garbage", "huge"] as const)("is created once when the answer is lost: %s", async (answers) => {
    const person = order();
    await behave({ answers, calls: 1, delayMs: 1_000 });
    const { applicantId } = await provider().createApplicant(person, never);
    expect(await known(person.externalUserId)).toMatchObject([{ id: applicantId }]);
  });

  test.each(["fail", "tooMany", "redirect"] as const)("is created in the end when the provider does not at first: %s", async (answers) => {
    const person = order();
    await behave({ answers, calls: 1 });
    await provider().createApplicant(person, never);
    expect(await known(person.externalUserId)).toHaveLength(1);
  });

  test("is found by our id, and is nobody where there is none", async () => {
    const person = order({ externalUserId: "with ; and / and é" });
    const created = await provider().createApplicant(person, never);
    expect(await provider().findApplicant(person.externalUserId, never)).toEqual(created);
    expect(await provider().findApplicant("nobody", never)).toBeNull();
  });

  test("has a state, a token, documents, and begins anew", async () => {
    const person = order();
    const { applicantId } = await provider().createApplicant(person, never);
    expect(await provider().findState(applicantId, never)).toEqual({ reviewStatus: "init", reviewAnswer: null });
    const review = {
      reviewAnswer: "GREEN",
      rejectLabels: [],
      reviewRejectType: null,
      clientComment: null,
      moderationComment: null,
    } as const;
    await provider().simulateReview(applicantId, review, never);
    expect(await provider().findState(applicantId, never)).toEqual({ reviewStatus: "completed", reviewAnswer: "GREEN" });
    await provider().resetApplicant(applicantId, never);
    expect(await provider().findState(applicantId, never)).toEqual({ reviewStatus: "init", reviewAnswer: null });
    const request = { externalUserId: person.externalUserId, levelName: person.levelName, seconds: 600 };
    expect(await provider().issueAccessToken(request, never)).toMatch(/^_act-/);
    const content = Buffer.from([0, 255, 13, 10, 45, 45, 0]);
    const document = { applicantId, type: "passport", country: "DE", fileName: 'a"b\r\nc.png', contentType: "image/png", content };
    await provider().addDocument(document, never);
    expect(await known(person.externalUserId)).toMatchObject([{ documents: [{ bytes: expect.any(Number) as number }] }]);
    expect(await provider().findState("0".repeat(24), never)).toBeNull();
  });

  test("of a company has persons", async () => {
    const [person, company] = [order(), order({ individual: null, company: { ...EMPTY_COMPANY } })];
    const [one, all] = [await provider().createApplicant(person, never), await provider().createApplicant(company, never)];
    const link = {
      companyApplicantId: all.applicantId,
      applicantId: one.applicantId,
      roles: ["director", "ultimateBeneficialOwner"],
      sharePercent: 42.5,
    };
    await provider().linkPerson(link, never);
    await provider().linkPerson(link, never);
    expect(await known(company.externalUserId)).toMatchObject([
      { beneficiaries: [{ applicantId: one.applicantId, types: ["director", "ubo"], shareSize: 42.5 }] },
    ]);
  });
});

const EMPTY_COMPANY = {
  companyName: "Sample Ltd",
  registrationNumber: "1",
  registrationCountry: "DE",
  registrationDate: "2020-01-01",
  legalForm: null,
  taxNumber: null,
  website: null,
};

describe("words", () => {
  test.each([
    ["passport", "PASSPORT"],
    ["driverLicense", "DRIVERS"],
    ["idCard", "ID_CARD"],
    ["other", "OTHER"],
    ["__proto__", "OTHER"],
    ["constructor", "OTHER"],
  ])("a document of type %s is %s", (ours, theirs) => {
    expect(documentTypeOf(ours)).toBe(theirs);
  });

  test("a phone number that is no E.164 number is not told, and neither is what is not known", () => {
    const address = { streetLine1: "1", streetLine2: "2", city: "c", state: "s", zip: "z", country: "ZZ" };
    const told = applicantOf(order({ phoneNumber: "string", address })) as { fixedInfo: { addresses: object[] } };
    expect(Object.keys(told)).not.toContain("phone");
    expect(told.fixedInfo.addresses).toEqual([{ street: "1", subStreet: "2", town: "c", state: "s", postCode: "z" }]);
  });

  test("a role that Sumsub does not know is not told", () => {
    expect(
      beneficiaryOf({
        companyApplicantId: "",
        applicantId: "a",
        roles: ["representative", "shareholder", "__proto__"],
        sharePercent: null,
      }),
    ).toEqual({
      applicantId: "a",
      types: ["representative", "shareholder"],
    });
  });

  test("a file name ends no header of a multipart body", () => {
    const document = {
      applicantId: "",
      type: "idCard",
      country: "LT",
      fileName: 'a"\r\nX: y.png',
      contentType: "image/png\r\nX: y",
      content: Buffer.from("!"),
    };
    const { contentType, bytes } = multipart(document, "limit");
    expect(contentType).toBe("multipart/form-data; boundary=limit");
    expect(Buffer.from(bytes).toString()).toBe(
      [
        '--limit\r\nContent-Disposition: form-data; name="metadata"\r\nContent-Type: application/json\r\n\r\n{"idDocType":"ID_CARD","country":"LTU"}',
        '--limit\r\nContent-Disposition: form-data; name="content"; filename="a%22%0D%0AX: y.png"\r\nContent-Type: application/octet-stream\r\n\r\n!',
        "--limit--\r\n",
      ].join("\r\n"),
    );
  });
});

describe("faults", () => {
  let answer: (response: ServerResponse, url: string) => void = () => {};
  let calls = 0;
  let server: Server;
  let url: string;
  beforeAll(async () => {
    server = createServer((request, response) => {
      calls++;
      answer(response, request.url ?? "");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    calls = 0;
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });
  const reply = (status: number, body: unknown, headers = {}) => {
    answer = (response) => void response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
  };
  const asked = (more = {}) => sumsubProvider({ url, ...FAST, ...more });

  test("a refusal is final and says what the provider said of it", async () => {
    reply(400, { code: 400, description: "Unknown level", correlationId: "abc", errorCode: 4001, errorName: "no-level" });
    expect(await fault(asked().createApplicant(order(), never))).toMatchObject({
      isRefusal: true,
      status: 400,
      code: "no-level",
      description: "Unknown level",
      correlationId: "abc",
    });
    expect(calls).toBe(1);
  });

  test.each([401, 403])("%i is a fault of our keys: no refusal, and not tried again", async (status) => {
    reply(status, { code: status, description: "Request signature mismatch" });
    expect(await fault(asked().findApplicant("x", never))).toMatchObject({ isRefusal: false, status });
    expect(calls).toBe(1);
  });

  test.each([500, 502, 503, 429, 408])("%i is tried again, three times in all", async (status) => {
    reply(status, "<html>");
    expect(await fault(asked().findApplicant("x", never))).toMatchObject({ isRefusal: false, status });
    expect(calls).toBe(3);
  });

  test("a redirect is not followed, wherever it leads", async () => {
    answer = (response, path) => void response.writeHead(path.startsWith("/elsewhere") ? 200 : 302, { location: "/elsewhere" }).end("{}");
    expect(await fault(asked().findState("0".repeat(24), never))).toMatchObject({ isRefusal: false, status: 302 });
    expect(calls).toBe(3);
  });

  test.each<[string, unknown]>([
    ["HTML", "<html></html>"],
    ["nothing", ""],
    ["a number too large for any", "1e400"],
    ["a list", []],
    ["another's applicant", { id: "0123456789abcdef01234567", externalUserId: "somebody else" }],
    ["an id that is none", { id: "../../etc", externalUserId: "x" }],
    ["an id of another kind", { id: { toString: "x" }, externalUserId: "x" }],
    ["an id in another case", { id: "0123456789ABCDEF01234567", externalUserId: "x" }],
    ["an answer so deep", `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`],
  ])("%s is no applicant", async (_, body) => {
    reply(200, body);
    expect(await fault(asked().findApplicant("x", never))).toMatchObject({ isRefusal: false });
  });

  test.each<[string, unknown]>([
    ["no token", {}],
    ["a token with a line break", { token: "a\nb" }],
    ["a number", { token: 1 }],
  ])("%s is no token", async (_, body) => {
    reply(200, body);
    expect(await fault(asked().issueAccessToken({ externalUserId: "x", levelName: "l", seconds: 1 }, never))).toMatchObject({
      isRefusal: false,
    });
  });

  test("an answer that never ends is cut after a megabyte", async () => {
    let sent = 0;
    answer = (response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 32))) sent += 65_536;
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    };
    expect(await fault(asked({ timeoutMs: 2_000 }).findApplicant("x", never))).toMatchObject({ isRefusal: false });
    expect(sent).toBeLessThan(3 * 12_000_000);
  });

  test("an answer that drips is given up after the time-out, and all tries after the deadline", async () => {
    answer = (response) => {
      const drip = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(drip));
    };
    const started = performance.now();
    await fault(asked({ timeoutMs: 150, deadlineMs: 250 }).findApplicant("x", never));
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(calls).toBeLessThan(3);
  });

  test("whoever asked may leave", async () => {
    answer = () => {};
    await fault(asked({ timeoutMs: 5_000, deadlineMs: 5_000 }).findApplicant("x", AbortSignal.timeout(50)));
    expect(calls).toBe(1);
  });

  test("after eight failures in a row nobody is asked, and after a while one call may look", async () => {
    let now = 0;
    const breaker = new Breaker({ failuresMax: 8, openMs: 1_000, monotonicMs: () => now });
    const tired = asked({ breaker });
    reply(500, "");
    for (let n = 0; n < 6; n++) await fault(tired.findApplicant("x", never));
    expect(calls).toBe(8);
    now = 1_001;
    await fault(tired.findApplicant("x", never));
    expect(calls).toBe(9);
    reply(404, {});
    now = 3_000;
    expect(await tired.findApplicant("x", never)).toBeNull();
    expect(await tired.findApplicant("x", never)).toBeNull();
    expect(calls).toBe(11);
  });

  test("what the provider says in its own words reaches no log", async () => {
    reply(400, { code: 400, description: "canary: born 1990-01-31" });
    const caught = await fault(asked().createApplicant(order(), never));
    expect(caught.description).toContain("canary");
    expect(`${JSON.stringify(caught)} ${inspect(caught)} ${Object.entries(caught).join()} ${caught.stack}`).not.toContain("canary");
  });

  test("no fault tells the keys", async () => {
    reply(401, { description: "Request signature mismatch" });
    const { message, cause } = await fault(asked().findApplicant("x", never));
    expect(`${message} ${String(cause)}`).not.toMatch(/test-secret-key|test-app-token/);
  });

  test.each(["ftp://api.sumsub.com", "https://user:password@api.sumsub.com", "https://api.sumsub.com/path", "nonsense"])(
    "%s cannot be the provider's address",
    (address) => {
      expect(() => sumsubProvider({ ...FAST, url: address })).toThrow(/SUMSUB_URL/);
    },
  );
});

test("the simulator does not open in production", async () => {
  await expect(openSumsubSimulator({ mode: "production", ...CREDENTIALS, webhookSecret: "x" })).rejects.toThrow(/production/);
});
