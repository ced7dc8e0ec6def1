// Bodies that are vouched for by their own bytes: nothing reads them before they were judged, and no token stands in for the signature.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { as, type Edge, NOTICE_BYTES_MAX, openEdge, readRaw, sendRaw, signed } from "../../../test/setup/edge.ts";
import { strictObject, Type } from "../schema.ts";
import { endpoint } from "./endpoint.ts";

let edge: Edge;
let port: number;
beforeAll(async () => {
  edge = await openEdge();
  port = await edge.listen();
});
beforeEach(() => {
  edge.calls.length = 0;
});
afterAll(() => edge.close());

const PATH = "/integration/things/notice";
const JSON_TYPE = { "content-type": "application/json" };
const NOTICE = '{"type": "applicantReviewed", "n": 1.50}';

const post = (payload: string | Buffer, headers: Record<string, string | string[]>) =>
  edge.app.inject({ method: "POST", url: PATH, headers, payload });

test("a signed body reaches the operation: read, and as the bytes that were signed", async () => {
  const answer = await post(NOTICE, { ...JSON_TYPE, ...signed(NOTICE) });
  expect(answer.statusCode).toBe(200);
  expect(edge.calls).toMatchObject([
    {
      call: { body: { type: "applicantReviewed", n: 1.5 }, raw: Buffer.from(NOTICE), key: null, caller: { kind: "system", tenant: null } },
    },
  ]);
  const [{ call } = { call: null }] = edge.calls;
  expect(call?.caller).toEqual({ kind: "system", subject: "signature:noticeThing", scopes: new Set(), tenant: null });
});

describe("without a good signature it is 401, and nothing of it was read", () => {
  const good = signed(NOTICE)["x-payload-digest"];
  const unsigned: Record<string, [string | Buffer, Record<string, string | string[]>]> = {
    "no signature": [NOTICE, JSON_TYPE],
    "an empty one": [NOTICE, { ...JSON_TYPE, "x-payload-digest": "" }],
    "one of other bytes": [NOTICE.replace(" ", ""), { ...JSON_TYPE, "x-payload-digest": good }],
    "one in capitals": [NOTICE, { ...JSON_TYPE, "x-payload-digest": good.toUpperCase() }],
    "the right one twice": [NOTICE, { ...JSON_TYPE, "x-payload-digest": [good, good] }],
    "the right one and another": [NOTICE, { ...JSON_TYPE, "x-payload-digest": [good, "0".repeat(64)] }],
    "no body": ["", { ...JSON_TYPE }],
    "nothing at all": ["", {}],
    "a token that may write": [NOTICE, { ...JSON_TYPE, ...as("writer") }],
    "a client's token": [NOTICE, { ...JSON_TYPE, ...as("client") }],
    "no JSON": ["{", JSON_TYPE],
    "another media type": [NOTICE, { "content-type": "text/plain" }],
    "a compressed body": [NOTICE, { ...JSON_TYPE, "content-encoding": "gzip" }],
  };

  test.each(Object.keys(unsigned))("%s", async (name) => {
    const [payload, headers] = unsigned[name]!;
    const answer = await post(payload, headers);
    expect(answer.statusCode).toBe(401);
    expect(answer.json()).toMatchObject({ code: "unauthorized", detail: "The body's signature is missing or wrong." });
    expect(answer.headers).not.toHaveProperty("www-authenticate");
    expect(edge.calls).toEqual([]);
  });
});

describe("with a good signature", () => {
  test.each([
    ["{", JSON_TYPE, 400, "malformedRequest"],
    ["", JSON_TYPE, 400, "malformedRequest"],
    ["", {}, 400, "malformedRequest"],
    ["[]", JSON_TYPE, 400, "malformedRequest"],
    ['"text"', JSON_TYPE, 400, "malformedRequest"],
    ["7", JSON_TYPE, 400, "malformedRequest"],
    ["null", JSON_TYPE, 400, "malformedRequest"],
    ['{"a":1,"a":2}', JSON_TYPE, 400, "malformedRequest"],
    ['{"__proto__":{}}', JSON_TYPE, 400, "malformedRequest"],
    [NOTICE, {}, 415, "unsupportedMediaType"],
    [NOTICE, { "content-type": "text/plain" }, 415, "unsupportedMediaType"],
    [NOTICE, { "content-type": "application/json; charset=utf-16" }, 415, "unsupportedMediaType"],
    [NOTICE, { ...JSON_TYPE, "content-encoding": "gzip" }, 415, "unsupportedMediaType"],
  ])("%o with %o is %i %s", async (payload, headers, status, code) => {
    const bytes = Buffer.from(payload);
    const head = Object.entries({ ...headers, ...signed(bytes) }).map(([name, value]) => `${name}: ${value}\r\n`);
    const text = `POST ${PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: ${bytes.length}\r\n${head.join("")}\r\n${payload}`;
    expect(readRaw(await sendRaw(port, text))).toMatchObject({ status, body: { code } });
    expect(edge.calls).toEqual([]);
  });

  test("parameters of the query are refused like anywhere else", async () => {
    const answer = await edge.app.inject({ method: "POST", url: `${PATH}?a=1`, headers: { ...JSON_TYPE, ...signed("{}") }, payload: "{}" });
    expect(answer.json()).toMatchObject({ code: "validationFailed", errors: { a: [expect.any(String)] } });
  });

  test("a token or an Idempotency-Key beside it changes nothing", async () => {
    const answer = await post("{}", { ...JSON_TYPE, ...signed("{}"), ...as("client"), "idempotency-key": "k" });
    expect(answer.statusCode).toBe(200);
    expect(edge.calls).toMatchObject([{ call: { key: null, caller: { subject: "signature:noticeThing" } } }]);
  });

  test("a number that JavaScript cannot hold refuses nothing", async () => {
    const text = '{"n":12345678901234567890.5}';
    expect((await post(text, { ...JSON_TYPE, ...signed(text) })).statusCode).toBe(200);
  });
});

describe("the size", () => {
  const sized = (bytes: number) => Buffer.from(`{"a":"${"x".repeat(bytes - 8)}"}`);

  test.each([
    [NOTICE_BYTES_MAX - 1, 200],
    [NOTICE_BYTES_MAX, 200],
    [NOTICE_BYTES_MAX + 1, 413],
  ])("%i bytes: %i, whether announced or in chunks", async (bytes, status) => {
    const payload = sized(bytes);
    const head = `POST ${PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\nx-payload-digest: ${signed(payload)["x-payload-digest"]}\r\n`;
    const announced = Buffer.concat([Buffer.from(`${head}content-length: ${bytes}\r\n\r\n`), payload]);
    const chunked = Buffer.concat([
      Buffer.from(`${head}transfer-encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n`),
      payload,
      Buffer.from("\r\n0\r\n\r\n"),
    ]);
    for (const request of [announced, chunked]) expect(readRaw(await sendRaw(port, request)).status).toBe(status);
  });
});

test("a route for signatures that does not read signed bodies keeps the server from starting", async () => {
  const planted = endpoint({
    id: "planted",
    method: "POST",
    path: "/planted",
    tags: [],
    summary: "Planted",
    audience: "signature",
    scope: null,
    work: "own",
    reply: strictObject({}),
    handle: async () => ({ body: {}, replayed: false }),
  });
  await expect(openEdge({ endpoints: [planted] })).rejects.toThrow("routes without an audience and scope: POST /planted");
  const stream = { kind: "stream", mediaTypes: ["text/csv"], limit: 1, schema: Type.String() } as const;
  await expect(openEdge({ endpoints: [{ ...planted, requestBody: stream }] })).rejects.toThrow("POST /planted");
});

test("a signature that cannot be judged because of a bug of ours is answered 500, and not let in", async () => {
  const broken = await openEdge({
    endpoints: [
      endpoint({
        id: "broken",
        method: "POST",
        path: "/broken",
        tags: [],
        summary: "Broken",
        audience: "signature",
        scope: null,
        requestBody: {
          kind: "signed",
          limit: 100,
          schema: Type.Object({}),
          verify() {
            throw new TypeError("canary");
          },
        },
        work: "own",
        reply: strictObject({}),
        handle: async () => ({ body: {}, replayed: false }),
      }),
    ],
  });
  const answer = await broken.app.inject({ method: "POST", url: "/broken", payload: {} });
  expect([answer.statusCode, answer.body.includes("canary")]).toEqual([500, false]);
  await broken.close();
});
