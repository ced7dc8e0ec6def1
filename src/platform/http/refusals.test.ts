// Every refusal has the one form of contract 3.4 and the headers of every answer, whatever went wrong and however early.

import type { FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aThing, as, type Edge, openEdge, type RawAnswer, readRaw, sendRaw, THING_ID } from "../../../test/setup/edge.ts";
import { busy, DatabaseAway } from "../db-errors.ts";
import { Bug, Problem } from "../problem.ts";
import { PUBLIC } from "./app.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";

const TRACE = /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/;
const SECRET = "sk-canary-4711";

/** A bug, a slip of the program, an error with a status of its own, no error at all. */
const thrown: Record<string, () => unknown> = {
  bug: () => new Bug(SECRET),
  slip: () => new TypeError(`Cannot read properties of undefined (reading '${SECRET} timeout')`),
  status: () => Object.assign(new Error(SECRET), { statusCode: 404, code: "ENOENT" }),
  text: () => SECRET,
  nothing: () => undefined,
};

let edge: Edge;
let port: number;
beforeAll(async () => {
  edge = await openEdge({
    finish(app: FastifyInstance) {
      for (const [name, make] of Object.entries(thrown)) {
        app.get(`/fail/${name}`, { config: { access: PUBLIC } }, async () => Promise.reject(make() as Error));
      }
      app.get("/fail/away", { config: { access: PUBLIC } }, async () => Promise.reject(new DatabaseAway(SECRET)));
      app.get("/fail/busy", { config: { access: PUBLIC } }, async () => Promise.reject(busy("Later.", new Error(SECRET))));
      app.get("/fail/odd", { config: { access: PUBLIC } }, async () =>
        Promise.reject(new Problem("odd", { status: 418, title: "Odd.", retry: "no" }, { members: { available: "1.00" } })),
      );
    },
  });
  port = await edge.listen();
});
afterAll(() => edge.close());

const JSON_TYPE = { "content-type": "application/json" };
const request = (lines: string, body = "") => sendRaw(port, `${lines}\r\nhost: x\r\nconnection: close\r\n\r\n${body}`);
const writer = "authorization: Bearer writer\r\ncontent-type: application/json";

/** One of each kind, through a socket: [what, status, code, instance]. */
const kinds: [string, number, string, string, () => Promise<string>][] = [
  ["a path that is not served", 404, "notFound", "/nowhere", () => request("GET /nowhere?token=x HTTP/1.1")],
  ["a method that is not served", 405, "methodNotAllowed", "/Things", () => request("DELETE /Things?token=x HTTP/1.1")],
  ["no token", 401, "unauthorized", "/Things", () => request("GET /Things?token=x HTTP/1.1")],
  ["a token for other routes", 403, "forbidden", "/things", () => request(`GET /things HTTP/1.1\r\n${writer}`)],
  ["an id that is none", 404, "notFound", "/Things/7", () => request("GET /Things/7 HTTP/1.1\r\nauthorization: Bearer client")],
  [
    "an id that is far too long",
    404,
    "notFound",
    `/Things/${"7".repeat(300)}`,
    () => request(`GET /Things/${"7".repeat(300)}?token=x HTTP/1.1`),
  ],
  ["an address that cannot be decoded", 400, "malformedRequest", "/Things/%zz", () => request("GET /Things/%zz?token=x HTTP/1.1")],
  [
    "a wrong media type",
    415,
    "unsupportedMediaType",
    "/internal/Things",
    () => request("POST /internal/Things HTTP/1.1\r\nauthorization: Bearer writer\r\ncontent-type: text/plain\r\ncontent-length: 1", "x"),
  ],
  [
    "a body that is no JSON",
    400,
    "malformedRequest",
    "/internal/Things",
    () => request(`POST /internal/Things HTTP/1.1\r\n${writer}\r\ncontent-length: 1`, "x"),
  ],
  [
    "a field that is wrong",
    400,
    "validationFailed",
    "/internal/Things",
    () => request(`POST /internal/Things HTTP/1.1\r\n${writer}\r\ncontent-length: 2`, "{}"),
  ],
  ["a bug", 500, "internalError", "/fail/bug", () => request("GET /fail/bug?token=x HTTP/1.1")],
  ["a database that is away", 503, "busy", "/fail/away", () => request("GET /fail/away?token=x HTTP/1.1")],
  ["bytes that are no HTTP", 400, "malformedRequest", "", () => sendRaw(port, "\x16\x03\x01\x02\x00garbage\r\n\r\n")],
  ["headers without an end", 431, "malformedRequest", "", () => request(`GET / HTTP/1.1\r\nx: ${"x".repeat(20_000)}`)],
  ["an address without an end", 431, "malformedRequest", "", () => request(`GET /Things?${"a=1&".repeat(10_000)} HTTP/1.1`)],
];

const TYPES: Record<number, string> = {
  400: "rfc9110#section-15.5.1",
  401: "rfc9110#section-15.5.2",
  403: "rfc9110#section-15.5.4",
  404: "rfc9110#section-15.5.5",
  405: "rfc9110#section-15.5.6",
  415: "rfc9110#section-15.5.16",
  431: "rfc6585#section-5",
  500: "rfc9110#section-15.6.1",
  503: "rfc9110#section-15.6.4",
};

function expectHeaders(answer: RawAnswer): void {
  expect(answer.headers).toMatchObject({ ...SECURITY_HEADERS, connection: "close" });
  expect(answer.headers["traceparent"]).toMatch(TRACE);
  for (const banner of ["server", "x-powered-by", "via"]) expect(answer.headers).not.toHaveProperty(banner);
}

test.each(kinds)("%s is %i %s", async (_what, status, code, instance, send) => {
  const answer = readRaw(await send());
  expect(answer.status).toBe(status);
  expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
  expectHeaders(answer);
  const { title, detail, errors, ...rest } = answer.body;
  expect(rest).toEqual({
    type: `https://tools.ietf.org/html/${TYPES[status]}`,
    status,
    instance,
    traceId: answer.headers["traceparent"],
    code,
  });
  expect(title).toEqual(expect.stringMatching(/^[A-Z].+\.$/));
  expect(detail === null || typeof detail === "string").toBe(true);
  expect(errors === undefined).toBe(code !== "validationFailed");
});

test("the members stand in the documented order", async () => {
  const refused = await edge.app.inject({
    method: "POST",
    url: "/internal/Things",
    headers: { ...as("writer"), ...JSON_TYPE },
    payload: "{}",
  });
  expect(Object.keys(refused.json<object>())).toEqual(["type", "title", "status", "detail", "instance", "traceId", "code", "errors"]);
});

test("a success has the headers, too", async () => {
  const answer = await edge.app.inject({ method: "GET", url: "/Things", headers: as("client") });
  expect(answer.statusCode).toBe(200);
  expect(answer.headers).toMatchObject({ ...SECURITY_HEADERS, "content-type": "application/json; charset=utf-8" });
  expect(answer.headers["traceparent"]).toMatch(TRACE);
});

test("strict transport is asked for a year, with sub-domains, and nothing may be framed, sniffed or kept", () => {
  expect(SECURITY_HEADERS).toMatchObject({
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
  });
  expect(SECURITY_HEADERS["content-security-policy"]).toContain("frame-ancestors 'none'");
  expect(SECURITY_HEADERS["content-security-policy"]).toContain("base-uri 'none'");
});

test("no origin is allowed to read answers, whatever it says of itself", async () => {
  for (const origin of ["null", "https://evil.example", "http://localhost:8080"]) {
    const get = await edge.app.inject({ method: "GET", url: "/Things", headers: { ...as("client"), origin } });
    const preflight = await edge.app.inject({
      method: "OPTIONS",
      url: "/Things",
      headers: { origin, "access-control-request-method": "GET" },
    });
    for (const answer of [get, preflight]) {
      expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
    }
  }
});

describe("what is ours to explain", () => {
  test.each(Object.keys(thrown))("what was thrown (%s) is a bare 500 for the caller and a line for us", async (name) => {
    edge.log.length = 0;
    const answer = await edge.app.inject({ method: "GET", url: `/fail/${name}?token=x` });
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toMatchObject({ code: "internalError", detail: null, title: "An unexpected error occurred." });
    expect(answer.body).not.toContain(SECRET);
    const [line] = edge.log.map((text) => JSON.parse(text) as Record<string, unknown>).filter(({ msg }) => msg === "call failed");
    expect(line).toMatchObject({
      level: 50,
      traceId: answer.headers["traceparent"],
      code: "internalError",
      fault: { kind: expect.any(String) },
    });
    expect(edge.log.join()).not.toContain("token");
  });

  test("a 503 says when to come again, and why only to us", async () => {
    edge.log.length = 0;
    const answer = await edge.app.inject({ method: "GET", url: "/fail/busy" });
    expect(answer.headers["retry-after"]).toBe("1");
    expect(answer.body).not.toContain(SECRET);
    const line = edge.log.map((text) => JSON.parse(text) as Record<string, unknown>).find(({ msg }) => msg === "call not served");
    expect(line).toMatchObject({ level: 40, code: "busy", fault: { cause: { message: SECRET } } });
  });

  test("a problem may carry figures and any status", async () => {
    const answer = await edge.app.inject({ method: "GET", url: "/fail/odd" });
    expect(answer.statusCode).toBe(418);
    expect(answer.json()).toMatchObject({ type: "about:blank", code: "odd", available: "1.00" });
  });

  test("a caller that goes away in the middle of its body is no fault of ours", async () => {
    edge.log.length = 0;
    const body = JSON.stringify(aThing());
    const head = `POST /internal/Things HTTP/1.1\r\nhost: x\r\n${writer}\r\ncontent-length: ${body.length}\r\n\r\n`;
    await sendRaw(port, head + body.slice(0, 10), { end: true });
    // The next call is answered after the edge has seen the end of the first.
    await request(`GET /Things/${THING_ID} HTTP/1.1\r\nauthorization: Bearer client`);
    const levels = edge.log.map((text) => (JSON.parse(text) as { level: number }).level);
    expect(levels.every((level) => level < 40)).toBe(true);
  });
});
