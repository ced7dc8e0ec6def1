// The problems that any operation may answer, each made to happen once on an operation of the ledger: status, headers, and a body that
// tells a program what to do and an intruder nothing.

import { gzipSync } from "node:zlib";
import { endpoint } from "#platform/http/endpoint.ts";
import { strictObject } from "#platform/schema.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aTransfer, unique } from "../builders.ts";
import { openTestApp, type TestAnswer } from "../setup/http.ts";
import { type LedgerApp, openLedgerApp } from "../setup/ledger.ts";

const TRANSFER = "/v2/internal/Payments/transfer";
const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp({ poolSize: 4 });
});
afterAll(() => bank.close());

const aSoundTransfer = async (): Promise<Record<string, unknown>> => aTransfer(await bank.anAccount(), await bank.anAccount(), "1.00");
const codeOf = ({ status, body }: TestAnswer): unknown[] => [status, body["code"]];

describe("the body", () => {
  test("has the documented members in their order, the trace of the call, and the path without its query", async () => {
    const answer = await bank.system.get("/internal/PeriodLock?nothing=x", { traceparent: TRACE });
    expect(answer.status).toBe(400);
    expect(Object.entries(answer.body)).toEqual([
      ["type", "https://tools.ietf.org/html/rfc9110#section-15.5.1"],
      ["title", "One or more validation errors occurred."],
      ["status", 400],
      ["detail", null],
      ["instance", "/internal/PeriodLock"],
      ["traceId", TRACE],
      ["code", "validationFailed"],
      ["errors", { nothing: ["The field is not known."] }],
    ]);
    expect(answer.headers["traceparent"]).toBe(TRACE);
  });

  test("carries the caller's correlation id in the header alone", async () => {
    const answer = await bank.system.get("/v2/internal/Payments", { "x-correlation-id": "order-17" });
    expect(answer.headers["x-correlation-id"]).toBe("order-17");
    expect(answer.text).not.toContain("order-17");
  });
});

describe("400 malformedRequest", () => {
  test.each([
    ["a broken object", '{"externalId":'],
    ["no JSON at all", "hello"],
    ["a trailing comma", '{"externalId":"a",}'],
    ["a comment", '{"externalId":"a"/* */}'],
    ["two documents", '{"externalId":"a"}{"externalId":"b"}'],
    ["a member twice", '{"externalId":"a","externalId":"b"}'],
    ["a member twice, once escaped", '{"externalId":"a","external\\u0049d":"b"}'],
    ["a byte order mark", '\ufeff{"externalId":"a"}'],
    ["NaN", '{"amount":NaN}'],
    ["the character U+0000", '{"externalId":"a\\u0000"}'],
    ["half a surrogate pair", '{"externalId":"\\ud800"}'],
    ["the name __proto__", '{"__proto__":{"isAdmin":true}}'],
    ["the name __proto__ further down", '{"metadata":{"__proto__":"x"}}'],
    ["a thousand levels", `${"[".repeat(1000)}${"]".repeat(1000)}`],
    ["a million levels", "[".repeat(1_000_000)],
    ["a hundred thousand members", `{${Array.from({ length: 100_000 }, (_, i) => `"${i}":1`).join(",")}}`],
    ["bare control characters", '{"externalId":"a\nb"}'],
  ])("%s", async (_, text) => {
    const answer = await bank.transfer(text);
    expect(codeOf(answer)).toEqual([400, "malformedRequest"]);
    expect(answer.body["detail"]).toEqual(expect.any(String));
  });

  test.each([
    ["UTF-16", Buffer.from('\ufeff{"externalId":"a"}', "utf16le")],
    ["Latin-1", Buffer.from('{"externalId":"ä"}', "latin1")],
    ["an overlong encoding", Buffer.from([0x7b, 0x22, 0xc0, 0x80, 0x22, 0x3a, 0x31, 0x7d])],
  ])("bytes that are no UTF-8: %s", async (_, payload) => {
    const token = await bank.mint({ audience: "system", scope: "ledger.write" });
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const answer = await bank.app.inject({ method: "POST", url: TRANSFER, headers, payload });
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([400, "malformedRequest"]);
  });

  test("a compressed body is not unpacked: a bomb stays small", async () => {
    const token = await bank.mint({ audience: "system", scope: "ledger.write" });
    const bomb = gzipSync(Buffer.alloc(50 * 2 ** 20, " "));
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", "content-encoding": "gzip" };
    const answer = await bank.app.inject({ method: "POST", url: TRANSFER, headers, payload: bomb });
    expect([400, 413, 415]).toContain(answer.statusCode);
  });

  test("names that exist on every object are names like others, and change none", async () => {
    const order = {
      ...(await aSoundTransfer()),
      constructor: { prototype: { polluted: true } },
      prototype: { polluted: true },
      toString: "x",
    };
    const { status, body } = await bank.transfer(order);
    expect([status, Object.keys(body["errors"] as object).sort()]).toEqual([400, ["constructor", "prototype", "toString"]]);
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    const metadata = { constructor: "c", prototype: "p", hasOwnProperty: "h", valueOf: "v" };
    expect((await bank.transfer({ ...(await aSoundTransfer()), metadata })).body["metadata"]).toEqual(metadata);
  });
});

describe("400 validationFailed", () => {
  test.each([
    ["no body", undefined],
    ["null", "null"],
    ["a list", "[]"],
    ["a text", '"text"'],
    ["a number", "5"],
  ])("%s in place of an object", async (_, body) => {
    const answer = await bank.transfer(body);
    expect(codeOf(answer)).toEqual([400, "validationFailed"]);
    expect(Object.keys(answer.body["errors"] as object)).toContain("$");
  });

  test("of a body with a thousand unknown members the first hundred are named", async () => {
    const answer = await bank.transfer(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`member${i}`, 1])));
    expect(codeOf(answer)).toEqual([400, "validationFailed"]);
    expect(Object.keys(answer.body["errors"] as object).length).toBeLessThanOrEqual(100);
  });
});

describe("401 and 403", () => {
  test("unauthorized, and how to authenticate", async () => {
    const answer = await bank.callAs(null).post(TRANSFER, await aSoundTransfer());
    expect(codeOf(answer)).toEqual([401, "unauthorized"]);
    expect(answer.headers["www-authenticate"]).toBe("Bearer");
  });

  test("forbidden", async () => {
    const answer = await bank.callAs({ kind: "system", scopes: ["ledger.read"] }).post(TRANSFER, await aSoundTransfer());
    expect(codeOf(answer)).toEqual([403, "forbidden"]);
    expect(answer.headers["www-authenticate"]).toBeUndefined();
  });

  test("come before the body is looked at", async () => {
    expect((await bank.callAs(null).post(TRANSFER, "{")).status).toBe(401);
    expect((await bank.callAs({ kind: "system", scopes: ["ledger.read"] }).post(TRANSFER, "{")).status).toBe(403);
  });
});

describe("404, 405, 413, 415", () => {
  test("notFound: a path that is none", async () => {
    for (const path of ["/", "/v2/internal/Payments/transfer/x", "/v3/internal/Payments", "/v2//internal/Payments"]) {
      expect(codeOf(await bank.system.get(path))).toEqual([404, "notFound"]);
    }
  });

  test.each([
    ["PUT", TRANSFER, "POST"],
    ["DELETE", "/v2/internal/Payments", "GET, HEAD, POST"],
    ["PATCH", "/v2/internal/Accounts", "POST"],
    ["POST", "/Accounts/0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00", "DELETE, GET, HEAD, PATCH"],
  ] as const)("methodNotAllowed: %s %s, and which are allowed", async (method, path, allow) => {
    const answer = await bank.system.send(method, path);
    expect([...codeOf(answer), answer.headers["allow"]]).toEqual([405, "methodNotAllowed", allow]);
  });

  test("payloadTooLarge: one byte more than a mebibyte", async () => {
    const text = JSON.stringify(await aSoundTransfer());
    expect((await bank.transfer(text.padEnd(2 ** 20))).status).toBe(200);
    expect(codeOf(await bank.transfer(text.padEnd(2 ** 20 + 1)))).toEqual([413, "payloadTooLarge"]);
  });

  test("a batch may be sixteen times as large", async () => {
    const text = JSON.stringify({ payments: [await aSoundTransfer()] });
    expect((await bank.system.post("/v2/internal/Payments/batch", text.padEnd(2 ** 24))).status).toBe(200);
    expect(codeOf(await bank.system.post("/v2/internal/Payments/batch", text.padEnd(2 ** 24 + 1)))).toEqual([413, "payloadTooLarge"]);
  });

  test.each([
    "text/plain",
    "application/xml",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "json",
    "",
  ])("unsupportedMediaType: %j", async (type) => {
    expect(codeOf(await bank.transfer(await aSoundTransfer(), { "content-type": type }))).toEqual([415, "unsupportedMediaType"]);
  });

  test.each(["application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8", 'application/json; charset="utf-8"'])(
    "%s is taken",
    async (type) => {
      expect((await bank.transfer(await aSoundTransfer(), { "content-type": type })).status).toBe(200);
    },
  );
});

describe("409 and 503: not now", () => {
  test("idempotencyInProgress: the twin has run for two seconds and may still be accepted", async () => {
    const order = await aSoundTransfer();
    const key = { "idempotency-key": unique("key") };
    await bank.owner.query("begin");
    await bank.owner.query("select from general_ledger.account where id = $1 for update", [order["debitAccountId"]]);
    // The first waits for its account and leaves with 503 after two seconds at the earliest; its twin waits for it just as long.
    const [first, twin] = await Promise.all([bank.transfer(order, key), bank.transfer(order, key)]);
    await bank.owner.query("rollback");
    expect(codeOf(first)).toEqual([503, "busy"]);
    expect([
      [409, "idempotencyInProgress"],
      [503, "busy"],
    ]).toContainEqual(codeOf(twin));
    expect([first.headers["retry-after"], twin.headers["retry-after"]]).toEqual(["1", "1"]);
    expect((await bank.transfer(order, key)).status).toBe(200);
  });

  test("idempotencyInProgress: a twin in another process holds the key's row", async () => {
    const key = { "idempotency-key": unique("key") };
    const order = { type: "fee", currency: "EUR" };
    const first = await bank.system.post("/v2/internal/Accounts", order, key);
    const { rows } = await bank.owner.query<{ id: string }>("select id from platform.idempotency_key order by created_at desc limit 1");
    await bank.owner.query("begin");
    // Whoever claims the key must wait for the end of this transaction, to know whether it is free.
    await bank.owner.query("set local session_replication_role = replica");
    await bank.owner.query("delete from platform.idempotency_key where id = $1", [rows[0]?.id]);
    const answer = await bank.system.post("/v2/internal/Accounts", order, key);
    await bank.owner.query("rollback");
    expect(codeOf(answer)).toEqual([409, "idempotencyInProgress"]);
    expect(answer.headers["retry-after"]).toBe("1");
    expect((await bank.system.post("/v2/internal/Accounts", order, key)).text).toBe(first.text);
  });

  test("busy: every connection is taken", async () => {
    await bank.owner.query("begin");
    await bank.owner.query("lock table general_ledger.account_profile in access exclusive mode");
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => bank.system.get("/v2/ledger/internal/Accounts/0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00")),
    );
    await bank.owner.query("rollback");
    for (const answer of answers) expect([...codeOf(answer), answer.headers["retry-after"]]).toEqual([503, "busy", "1"]);
    expect((await bank.system.get("/v2/ledger/internal/Accounts/0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00")).status).toBe(404);
  });
});

test("429 rateLimited: the caller is told for how long, others are not held up", async () => {
  const limited = await openLedgerApp({ rateLimitPerMinute: 5 });
  try {
    const answers: TestAnswer[] = [];
    const calls = limited.systemOf("north", "greedy");
    for (let i = 0; i < 6; i++) answers.push(await calls.get("/v2/internal/Payments?externalId=x"));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 429]);
    expect(codeOf(answers[5] ?? expect.fail())).toEqual([429, "rateLimited"]);
    expect(Number(answers[5]?.headers["retry-after"])).toBeGreaterThan(0);
    expect((await limited.systemOf("north", "modest").get("/v2/internal/Payments?externalId=x")).status).toBe(200);
    expect((await limited.systemOf("south", "greedy").get("/v2/internal/Payments?externalId=x")).status).toBe(200);
  } finally {
    await limited.close();
  }
});

test("500 internalError says nothing but the trace", async () => {
  const broken = await openTestApp([
    endpoint({
      id: "broken",
      method: "GET",
      path: "/broken",
      tags: [],
      summary: "Throws",
      audience: "system",
      scope: "ledger.read",
      reply: strictObject({}),
      work: "read",
      handle: async () => {
        throw new Error("password=hunter2 at /srv/secret.ts");
      },
    }),
  ]);
  try {
    const answer = await broken.callAs({ kind: "system", scopes: ["ledger.read"] }).get("/broken", { traceparent: TRACE });
    expect(answer.body).toEqual({
      type: "https://tools.ietf.org/html/rfc9110#section-15.6.1",
      title: "An unexpected error occurred.",
      status: 500,
      detail: null,
      instance: "/broken",
      traceId: TRACE,
      code: "internalError",
    });
  } finally {
    await broken.close();
  }
});
