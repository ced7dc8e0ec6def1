// An operation that answers a file: what the caller gets of it, when it is made, and how it ends before its end.

import type { AddressInfo } from "node:net";
import { request as httpRequest } from "node:http";
import { pino } from "pino";
import { afterEach, expect, test } from "vitest";
import type { Database } from "../db.ts";
import { refusePlatform } from "../problem.ts";
import { fileReply, strictObject, Type } from "../schema.ts";
import { addEndpoints, buildHttp } from "./app.ts";
import { endpoint, type FileAnswer } from "./endpoint.ts";

type App = Awaited<ReturnType<typeof buildHttp>>;
let app: App | undefined;
afterEach(async () => {
  app?.server.closeAllConnections();
  await app?.close();
});

async function serve(make: () => Promise<FileAnswer>): Promise<App> {
  const file = endpoint({
    id: "getFile",
    method: "GET",
    path: "/internal/file",
    tags: ["Files"],
    summary: "A file",
    audience: "system",
    scope: "ledger.read",
    query: strictObject({ name: Type.Optional(Type.String()) }),
    reply: fileReply({ "text/plain": Type.String() }),
    work: "file",
    handle: make,
  });
  const caller = { kind: "system", subject: "s", scopes: new Set(["ledger.read"]), tenant: null } as const;
  const options = {
    // A file opens its own units of work: the platform asks nothing of the database.
    db: {} as Database,
    endpoints: [file],
    verify: async () => caller,
    log: pino({ level: "silent" }),
    rateLimitPerMinute: 0,
    trustProxyHops: 0,
  };
  app = await buildHttp(options);
  addEndpoints(app, options);
  await app.ready();
  return app;
}

const headers = { authorization: "Bearer x" };
const fileOf = (content: AsyncIterable<string | Uint8Array>): FileAnswer => ({
  name: "a.txt",
  mediaType: "text/plain; charset=utf-8",
  content,
});

async function* pieces(...texts: string[]): AsyncGenerator<string> {
  yield* texts;
}

test("is sent as an attachment of its media type, whole", async () => {
  const http = await serve(async () => fileOf(pieces("one ", "", "two ", "x".repeat(200_000))));
  const answer = await http.inject({ method: "GET", url: "/internal/file", headers });
  expect(answer.statusCode).toBe(200);
  expect(answer.headers).toMatchObject({
    "content-type": "text/plain; charset=utf-8",
    "content-disposition": 'attachment; filename="a.txt"',
  });
  expect(answer.body).toBe(`one two ${"x".repeat(200_000)}`);
});

test("may be empty", async () => {
  const answer = await (await serve(async () => fileOf(pieces()))).inject({ method: "GET", url: "/internal/file", headers });
  expect([answer.statusCode, answer.body]).toEqual([200, ""]);
});

test("that is refused, or fails before its first piece, is a problem as elsewhere", async () => {
  const refused = await (await serve(async () => refusePlatform("notFound"))).inject({ method: "GET", url: "/internal/file", headers });
  expect([refused.statusCode, refused.json<{ code: string }>().code]).toEqual([404, "notFound"]);
  await app?.close();
  async function* failing(): AsyncGenerator<string> {
    refusePlatform("busy");
    yield "never";
  }
  const failed = await (await serve(async () => fileOf(failing()))).inject({ method: "GET", url: "/internal/file", headers });
  expect([failed.statusCode, failed.json<{ code: string }>().code]).toEqual([503, "busy"]);
});

test("is begun and left for HEAD, which answers what GET does without the content", async () => {
  let left = 0;
  async function* endless(): AsyncGenerator<string> {
    try {
      for (;;) yield "x";
    } finally {
      left += 1;
    }
  }
  const http = await serve(async () => ({ ...fileOf(left === 0 ? endless() : pieces("x".repeat(11))), size: 11 }));
  const [head, get] = [
    await http.inject({ method: "HEAD", url: "/internal/file", headers }),
    await http.inject({ method: "GET", url: "/internal/file", headers }),
  ];
  const told = (answer: typeof head): unknown[] => {
    const own = ["date", "traceparent", "x-correlation-id"];
    return [answer.statusCode, Object.entries(answer.headers).filter(([name]) => !own.includes(name))];
  };
  expect(told(head)).toEqual(told(get));
  expect([head.headers["content-length"], head.body, get.body, left]).toEqual(["11", "", "x".repeat(11), 1]);
});

test("is refused to HEAD as to GET", async () => {
  async function* failing(): AsyncGenerator<string> {
    refusePlatform("busy");
    yield "never";
  }
  const http = await serve(async () => fileOf(failing()));
  const head = await http.inject({ method: "HEAD", url: "/internal/file", headers });
  expect([head.statusCode, head.headers["content-type"], head.body]).toEqual([503, "application/problem+json; charset=utf-8", ""]);
});

test("is not made for a query that is not known", async () => {
  let made = 0;
  const http = await serve(async () => {
    made += 1;
    return fileOf(pieces("x"));
  });
  expect((await http.inject({ method: "GET", url: "/internal/file?other=1", headers })).statusCode).toBe(400);
  expect(made).toBe(0);
});

/** The answer's text and whether it came to its end. */
async function receive(http: App, until = Number.POSITIVE_INFINITY): Promise<{ text: string; isWhole: boolean }> {
  await http.listen({ host: "127.0.0.1", port: 0 });
  const { port } = http.server.address() as AddressInfo;
  return await new Promise((resolve) => {
    let text = "";
    const request = httpRequest({ host: "127.0.0.1", port, path: "/internal/file", headers }, (answer) => {
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
        if (text.length >= until) answer.destroy();
      });
      answer.on("close", () => resolve({ text, isWhole: answer.complete }));
      answer.on("error", () => undefined);
    });
    request.on("error", () => undefined);
    request.end();
  });
}

test("that fails on its way breaks off with the connection: nobody takes a part for the whole", async () => {
  async function* failing(): AsyncGenerator<string> {
    yield "part";
    await new Promise((resolve) => setImmediate(resolve));
    throw new Error("the database went away");
  }
  const { isWhole } = await receive(await serve(async () => fileOf(failing())));
  expect(isWhole).toBe(false);
});

test("is made at the reader's pace, and no further once the reader is gone", async () => {
  let made = 0;
  let closed: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    closed = resolve;
  });
  async function* endless(): AsyncGenerator<string> {
    try {
      for (;;) {
        made += 1;
        yield "x".repeat(10_000);
      }
    } finally {
      closed();
    }
  }
  const { text } = await receive(await serve(async () => fileOf(endless())), 100_000);
  await gone;
  expect(text.length).toBeLessThan(20_000_000);
  expect(made).toBeLessThan(2_000);
});
