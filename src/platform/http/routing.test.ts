// Which call reaches which operation, and that no spelling of an address reaches more than the plain one.

import { METHODS } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { aThing, as, CLIENT_ID, type Edge, openEdge, readRaw, sendRaw, signed, THING_ID } from "../../../test/setup/edge.ts";

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

type Method = "GET" | "POST" | "PUT";
const call = (method: string, url: string, headers: Record<string, string> = as("client")) =>
  edge.app.inject({ method: method as Method, url, headers });

describe("an address", () => {
  test.each([
    ["/Things", "listThings"],
    ["/things", "listThings"],
    ["/THINGS?limit=5", "listThings"],
    ["/Things/latest", "getLatest"],
    ["/things/LATEST", "getLatest"],
    [`/Things/${THING_ID}`, "getThing"],
    [`/tHINGS/${THING_ID.toUpperCase()}`, "getThing"],
  ])("%s is %s: letter case means nothing, and a fixed part wins over a parameter", async (url, operation) => {
    const answer = await call("GET", url);
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ operation });
  });

  test("an id in capitals is the same id", async () => {
    await call("GET", `/Things/${THING_ID.toUpperCase()}`);
    expect(edge.calls.map(({ call: { params } }) => params)).toEqual([{ thingId: THING_ID }]);
  });

  test.each([
    "1",
    "null",
    "latest ",
    THING_ID.replaceAll("-", ""),
    `{${THING_ID}}`,
    `urn:uuid:${THING_ID}`,
    `${THING_ID}0`,
    `${THING_ID}%00`,
    `%20${THING_ID}`,
    THING_ID.replace("0", "g"),
    "%e2%80%8b",
    "x".repeat(201),
    "x".repeat(5_000),
  ])("an id that cannot exist is not found, like one that does not: %s", async (id) => {
    const answer = await call("GET", `/Things/${encodeURI(decodeURIComponent(id))}`);
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toMatchObject({ code: "notFound", detail: null });
    expect(edge.calls).toEqual([]);
  });

  test("a path that is not served is not found, whatever is sent there", async () => {
    for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"]) {
      const answer = await edge.app.inject({
        method: method as Method,
        url: "/nowhere",
        headers: { "content-type": "text/plain" },
        payload: "{",
      });
      expect(answer.statusCode, method).toBe(404);
      expect(answer.json(), method).toMatchObject({ code: "notFound", instance: "/nowhere" });
    }
  });
});

describe("a method that a path does not have", () => {
  const served = [
    ["/Things", "GET, HEAD"],
    ["/Things/latest", "GET, HEAD"],
    [`/Things/${THING_ID}`, "GET, HEAD"],
    [`/things/${THING_ID.toUpperCase()}/CANCEL`, "PUT"],
    ["/internal/Things", "POST"],
    ["/INTERNAL/things/Batch", "POST"],
  ] as const;
  // CONNECT is for proxies; Node closes its connection without a word.
  const matrix = served.flatMap(([url, allow]) =>
    METHODS.filter((method) => method !== "CONNECT" && !allow.split(", ").includes(method)).map((method) => ({ method, url, allow })),
  );

  test.each(matrix)("is refused with what the path does have: $method $url", async ({ method, url, allow }) => {
    const answer = await edge.app.inject({
      method: method as Method,
      url,
      headers: { ...as("client"), "content-type": "text/plain" },
      payload: "{",
    });
    expect(answer.statusCode).toBe(405);
    expect(answer.headers["allow"]).toBe(allow);
    if (method !== "HEAD") expect(answer.json()).toMatchObject({ code: "methodNotAllowed", detail: `Allowed: ${allow}.` });
  });

  test.each(["TRACE", "PROPFIND", "HEAD"])("the same through a socket: %s", async (method) => {
    const answer = readRaw(await sendRaw(port, `${method} /internal/Things HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`));
    expect(answer.status).toBe(405);
    expect(answer.headers["allow"]).toBe("POST");
  });

  test("HEAD of a readable path answers what GET does, without the body", async () => {
    const [get, head] = [await call("GET", "/Things"), await call("HEAD", "/Things")];
    expect(head.statusCode).toBe(200);
    expect(head.body).toBe("");
    expect(head.headers["content-length"]).toBe(get.headers["content-length"]);
    expect((await call("HEAD", "/Things", {})).statusCode).toBe(401);
  });
});

/** One operation of each kind of body: JSON, a stream, and signed bytes. */
const TARGETS = [
  { path: "/internal/Things", strangers: [{}, as("client"), as("reader")] },
  { path: "/internal/Things/upload", strangers: [{}, as("client"), as("reader")] },
  { path: "/integration/things/notice", strangers: [{}, as("client"), as("writer"), { "x-payload-digest": "0".repeat(64) }] },
] as const;

/** `/a/b/c` in ways that a proxy, a router or a person may read as the same. */
function spellingsOf(path: string): string[] {
  const [, first = "", ...others] = path.split("/");
  const rest = others.join("/");
  return [
    `${path}/`,
    `/${path}`,
    `${path}//`,
    `/${first}//${rest}`,
    `/${first}/./${rest}`,
    `/.${path}`,
    `/x/..${path}`,
    `/Things/..${path}`,
    `/${first}/%2e/${rest}`,
    `/x/%2e%2e${path}`,
    `/${first}%2f${rest}`,
    `/${first}%5c${rest}`,
    `/${first}\\${rest}`,
    `/%69${path.slice(2)}`,
    `${path}%00`,
    `${path};x=1`,
    `/${first};x/${rest}`,
    `${path}#x`,
    `${path}%23`,
    `${path}?`,
    `${path}?access_token=writer`,
    `/v2${path}`,
    `${path}.json`,
    path.toUpperCase(),
    `${path}%20`,
    `/${first}/%zz`,
    `${path}/%`,
    `${path}/%c0%ae`,
    "*",
    `//evil.example${path}`,
    `http://evil.example${path}`,
  ];
}

describe("no spelling reaches more than the plain one", () => {
  const PATH = "/internal/Things";
  const tricks: Record<string, string>[] = [
    {},
    { "x-http-method-override": "POST", "x-method-override": "POST", "x-http-method": "POST" },
    { "x-original-url": PATH, "x-rewrite-url": PATH },
    { "x-forwarded-for": "127.0.0.1", "x-forwarded-host": "localhost", "x-forwarded-prefix": "/internal", forwarded: "for=127.0.0.1" },
    { "x-real-ip": "127.0.0.1", "x-user": "writer", "x-scope": "ledger.write", cookie: "token=writer" },
  ];
  const head = (method: string, target: string, headers: Record<string, string>) => {
    const lines = Object.entries({ host: "localhost", connection: "close", ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    return `${method} ${target} HTTP/1.1\r\n${lines.join("")}\r\n`;
  };
  const raw = (...request: Parameters<typeof head>) => sendRaw(port, head(...request));

  const variants = TARGETS.flatMap(({ path, strangers }) => spellingsOf(path).map((target) => ({ target, strangers })));

  test.each(variants)("$target", async ({ target, strangers }) => {
    for (const trick of tricks) {
      for (const who of strangers) {
        for (const method of ["POST", "GET"]) {
          const answer = readRaw(await raw(method, target, { ...trick, ...who }));
          expect([400, 401, 403, 404, 405], `${method} ${JSON.stringify({ ...trick, ...who })}`).toContain(answer.status);
          expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
        }
      }
    }
    expect(edge.calls).toEqual([]);
  });

  test("the plain one is reached by who may", async () => {
    const post = (url: string, headers: Record<string, string>, payload: object | string) =>
      edge.app.inject({ method: "POST", url, headers, payload });
    const [things, upload, notice] = TARGETS.map(({ path }) => path);
    await post(things ?? "", as("writer"), aThing());
    await post(upload ?? "", { ...as("writer"), "content-type": "application/octet-stream" }, "x");
    await post(notice ?? "", { ...signed("{}"), "content-type": "application/json" }, "{}");
    expect(edge.calls).toMatchObject([
      { operation: "createThing", call: { caller: { subject: "writer" } } },
      { operation: "uploadThing", call: { caller: { subject: "writer" } } },
      { operation: "noticeThing", call: { caller: { subject: "signature:noticeThing" } } },
    ]);
  });

  test("who may reaches it in no spelling but those that mean the same to everybody", async () => {
    const writer = { ...as("writer"), "content-type": "application/octet-stream" };
    const signer = { ...signed("{}"), "content-type": "application/json" };
    for (const [{ path }, may] of [
      [TARGETS[1], writer],
      [TARGETS[2], signer],
    ] as const) {
      const reached: string[] = [];
      for (const target of spellingsOf(path)) {
        edge.calls.length = 0;
        const answer = await sendRaw(port, `${head("POST", target, { ...may, "content-length": "2" })}{}`);
        expect(answer).toMatch(/^HTTP\/1\.1 (?:200|400|404) /);
        if (edge.calls.length > 0) reached.push(target);
      }
      expect(reached).toEqual([`/%69${path.slice(2)}`, `${path}?`, path.toUpperCase(), `http://evil.example${path}`]);
    }
  });

  test("a client reaches its own, as itself, whatever else the call claims", async () => {
    for (const trick of tricks) expect((await call("GET", "/Things", { ...trick, ...as("client") })).statusCode).toBe(200);
    expect(edge.calls.map(({ call: { caller } }) => caller)).toEqual(
      tricks.map(() => expect.objectContaining({ clientId: CLIENT_ID }) as unknown),
    );
  });
});
