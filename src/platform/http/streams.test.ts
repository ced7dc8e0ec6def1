// Bodies that are taken as they arrive: judged before a byte is read, counted to the byte, and never held whole; and the sender sees its
// answer however early it is ready.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { as, type Edge, openEdge, readRaw, sendRaw, UPLOAD_BYTES_MAX } from "../../../test/setup/edge.ts";
import { refusePlatform } from "../problem.ts";
import { Type } from "../schema.ts";
import { endpoint } from "./endpoint.ts";
import type { RequestStream } from "./request-body.ts";

const MIB = 1024 * 1024;
const PATH = "/internal/Things/upload";

/** What an operation does with its stream, and how that ended. */
type Taker = (stream: RequestStream) => Promise<unknown>;

const taken: unknown[] = [];
/** Called when an operation has its stream. */
let onTaken = (): void => {};

const taker = (name: string, take: Taker) =>
  endpoint({
    id: name,
    method: "POST",
    path: `/${name}`,
    tags: [],
    summary: name,
    audience: "frontOffice",
    scope: null,
    requestBody: { kind: "stream", mediaTypes: ["text/csv"], limit: 400 * MIB, schema: Type.String() },
    work: "own",
    reply: Type.Object({}),
    async handle({ stream }) {
      onTaken();
      try {
        taken.push(await take(stream));
      } catch (error) {
        taken.push(error);
        throw error;
      }
      return { body: {}, replayed: false };
    },
  });

async function readAll({ body }: RequestStream): Promise<number> {
  let bytes = 0;
  for await (const piece of body) bytes += (piece as Buffer).length;
  return bytes;
}

let edge: Edge;
let port: number;
beforeAll(async () => {
  edge = await openEdge({
    endpoints: [
      taker("all", readAll),
      taker("nothing", async () => "unread"),
      taker("refuse", async () => refusePlatform("notFound")),
      taker("some", async ({ body }) => {
        for await (const piece of body) return piece instanceof Buffer;
        return false;
      }),
    ],
  });
  port = await edge.listen();
});
beforeEach(() => {
  edge.calls.length = 0;
  edge.log.length = 0;
  taken.length = 0;
  onTaken = () => {};
});
afterAll(() => edge.close());

/** What is worth a person's while. */
const complaints = () => edge.log.filter((line) => (JSON.parse(line) as { level: number }).level >= 40);

const BYTES = { "content-type": "application/octet-stream" };
const post = (payload: string | Buffer, headers: Record<string, string> = BYTES, url = PATH) =>
  edge.app.inject({ method: "POST", url, headers: { ...as("writer"), ...headers }, payload });

describe("the media type", () => {
  test.each([
    ["application/octet-stream", "application/octet-stream", {}],
    ["Application/Octet-Stream ; X=1", "application/octet-stream", { x: "1" }],
    ['multipart/form-data; boundary="a b;c\\"d"; charset=utf-8', "multipart/form-data", { boundary: 'a b;c"d', charset: "utf-8" }],
  ])("%s is taken, with its parameters", async (type, contentType, parameters) => {
    const answer = await post("x", { "content-type": type });
    expect(answer.json()).toMatchObject({ contentType });
    expect(edge.calls).toMatchObject([{ call: { body: undefined, stream: { parameters } } }]);
  });

  test.each([
    "application/json",
    "text/plain",
    "application/octet-streams",
    "application/octet-stream, text/plain",
    "application/octet-stream; x=1; X=2",
    "application/octet-stream; x",
    'application/octet-stream; x="1',
    "octet-stream",
    "*/*",
    "; charset=utf-8",
  ])("%s is refused", async (type) => {
    const answer = await post("{}", { "content-type": type });
    expect(answer.statusCode).toBe(415);
    expect(answer.json()).toMatchObject({ code: "unsupportedMediaType" });
    expect(edge.calls).toEqual([]);
  });

  test("none is refused, with a body and without, and a compressed body", async () => {
    expect((await post("", {})).statusCode).toBe(415);
    expect((await post("x", { ...BYTES, "content-encoding": "gzip" })).statusCode).toBe(415);
    expect((await post("x", { ...BYTES, "content-encoding": "identity" })).statusCode).toBe(200);
    const head = `POST ${PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer writer\r\n`;
    expect(readRaw(await sendRaw(port, `${head}content-length: 1\r\n\r\nx`)).status).toBe(415);
  });

  test("an operation that takes JSON is not changed by those that do not", async () => {
    expect((await post("x", BYTES, "/internal/Things")).statusCode).toBe(415);
  });
});

const announced = (bytes: number, path = PATH, more = "", who = "writer", type = "application/octet-stream") =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${who}\r\ncontent-type: ${type}\r\ncontent-length: ${bytes}\r\n${more}\r\n`;
const chunked = (path = PATH, more = "", who = "writer", type = "application/octet-stream") =>
  `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${who}\r\ncontent-type: ${type}\r\ntransfer-encoding: chunked\r\n${more}\r\n`;
const chunk = (bytes: Buffer) => Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
const LAST = Buffer.from("0\r\n\r\n");
const CLOSE = "connection: close\r\n";

describe("the size", () => {
  test.each([
    [0, 200],
    [UPLOAD_BYTES_MAX - 1, 200],
    [UPLOAD_BYTES_MAX, 200],
    [UPLOAD_BYTES_MAX + 1, 413],
  ])("%i bytes: %i, whether announced or in chunks", async (bytes, status) => {
    const payload = Buffer.alloc(bytes, "x");
    const requests = [
      Buffer.concat([Buffer.from(announced(bytes, PATH, CLOSE)), payload]),
      Buffer.concat([Buffer.from(chunked(PATH, CLOSE)), ...(bytes === 0 ? [] : [chunk(payload)]), LAST]),
    ];
    for (const [index, request] of requests.entries()) {
      const answer = readRaw(await sendRaw(port, request));
      expect(answer.status).toBe(status);
      expect(answer.body).toMatchObject(
        status === 200
          ? { bytes, length: index === 0 ? bytes : null }
          : { code: "payloadTooLarge", detail: `At most ${UPLOAD_BYTES_MAX} bytes.` },
      );
    }
    expect(complaints()).toEqual([]);
  });

  test("one that is announced as too large is refused before a byte of it came", async () => {
    const socket = await open(announced(99_999_999_999));
    expect((await firstOf(socket)).status).toBe(413);
    expect(edge.calls).toEqual([]);
    socket.destroy();
  });

  test("chunks without end are cut at the limit", async () => {
    const { socket, answer } = await sendWithoutEnd(chunked());
    expect(answer).toMatchObject({ status: 413, body: { code: "payloadTooLarge" } });
    await closed(socket);
    expect(complaints()).toEqual([]);
  });

  test("what is sent beyond the announced length is another call", async () => {
    const next = `GET /Things HTTP/1.1\r\nhost: x\r\nauthorization: Bearer client\r\n${CLOSE}\r\n`;
    const text = await sendRaw(port, `${announced(3)}abc${next}`);
    expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200"]);
    expect(edge.calls.map(({ operation }) => operation).sort()).toEqual(["listThings", "uploadThing"]);
    edge.calls.length = 0;
    await sendRaw(port, `${announced(3)}abcnonsense\r\n\r\n`);
    expect(edge.calls.length).toBeLessThan(2);
  });
});

describe("judged before a byte is read, and the sender is not asked for one", () => {
  const EXPECT = `expect: 100-continue\r\n`;

  test.each([
    ["an unknown path", announced(5, "/internal/Things/uploads", EXPECT), 404],
    ["no token", announced(5, PATH, EXPECT, "nobody"), 401],
    ["a token of somebody else", announced(5, PATH, EXPECT, "client"), 403],
    ["a token without the scope", announced(5, PATH, EXPECT, "reader"), 403],
    ["another method", announced(5, PATH, EXPECT).replace("POST", "PUT"), 405],
    ["another media type", announced(5, PATH, EXPECT, "writer", "text/plain"), 415],
    ["a parameter that nobody knows", announced(5, `${PATH}?a=1`, EXPECT), 400],
    ["a length beyond the limit", announced(99_999_999, PATH, EXPECT), 413],
    ["a refusal of the operation itself", announced(5, "/refuse", EXPECT, "client", "text/csv"), 404],
    ["JSON beyond the limit", announced(99_999_999, "/internal/Things", EXPECT, "writer", "application/json"), 413],
    ["JSON without a token", announced(5, "/internal/Things", EXPECT, "nobody", "application/json"), 401],
  ])("%s", async (_what, head, status) => {
    const text = await sendRaw(port, head);
    expect(text).not.toContain("100 Continue");
    const answer = readRaw(text);
    expect(answer.status).toBe(status);
    // Nobody could know whether the body still comes.
    expect(answer.headers["connection"]).toBe("close");
  });

  test("an operation that reads asks for it, once", async () => {
    const socket = await open(announced(5, PATH, `${EXPECT}${CLOSE}`));
    const [invitation] = (await once(socket, "data")) as [Buffer];
    expect(invitation.toString()).toBe("HTTP/1.1 100 Continue\r\n\r\n");
    socket.write("abcde");
    expect(readRaw(await restOf(socket))).toMatchObject({ status: 200, body: { bytes: 5 } });
  });
});

describe("an answer that is ready before the body is in", () => {
  test("is seen by a sender that only reads when it has sent everything, and the connection goes on", async () => {
    for (const path of ["/nothing", "/some", "/refuse"]) {
      const body = Buffer.alloc(8 * MIB);
      const next = `GET /Things HTTP/1.1\r\nhost: x\r\nauthorization: Bearer client\r\n${CLOSE}\r\n`;
      const socket = await open("");
      socket.pause();
      await write(socket, Buffer.concat([Buffer.from(announced(body.length, path, "", "client", "text/csv")), body, Buffer.from(next)]));
      const text = await restOf(socket);
      expect(text.match(/HTTP\/1\.1 \d+/g), path).toEqual([path === "/refuse" ? "HTTP/1.1 404" : "HTTP/1.1 200", "HTTP/1.1 200"]);
    }
  });

  test("is seen also when the connection closes after it", async () => {
    const body = Buffer.alloc(8 * MIB);
    for (const [path, status] of [
      ["/nothing", 200],
      ["/refuse", 404],
    ] as const) {
      const socket = await open("");
      socket.pause();
      await write(socket, Buffer.concat([Buffer.from(announced(body.length, path, CLOSE, "client", "text/csv")), body]));
      expect(readRaw(await restOf(socket)).status).toBe(status);
    }
  });

  test("is seen by a sender of JSON that is refused for its size or its token", async () => {
    const body = Buffer.alloc(4 * MIB, " ");
    for (const [who, status] of [
      ["writer", 413],
      ["nobody", 401],
    ] as const) {
      const socket = await open("");
      socket.pause();
      await write(socket, Buffer.concat([Buffer.from(announced(body.length, "/internal/Things", "", who, "application/json")), body]));
      socket.resume();
      expect((await firstOf(socket)).status).toBe(status);
      socket.destroy();
    }
  });

  test("is seen while the process drains", async () => {
    const draining = await openEdge({ endpoints: [taker("nothing", async () => "unread")], isDraining: () => true });
    const body = Buffer.alloc(8 * MIB);
    const socket = await open("", await draining.listen());
    socket.pause();
    await write(socket, Buffer.concat([Buffer.from(announced(body.length, "/nothing", "", "client", "text/csv")), body]));
    const answer = readRaw(await restOf(socket));
    expect([answer.status, answer.headers["connection"]]).toEqual([200, "close"]);
    await draining.close();
  });

  test("does not let a sender go on for ever: it is cut after a while", async () => {
    const began = performance.now();
    const { socket, answer } = await sendWithoutEnd(chunked("/nothing", "", "client", "text/csv"));
    expect(answer.status).toBe(200);
    await closed(socket);
    expect(performance.now() - began).toBeLessThan(10_000);
  });
});

describe("a sender that does not end", () => {
  test("and goes away: the stream fails, and nobody is alarmed", async () => {
    const started = new Promise<void>((resolve) => {
      onTaken = resolve;
    });
    const socket = await open(`${announced(100, "/all", "", "client", "text/csv")}abc`);
    await started;
    socket.resetAndDestroy();
    await expect.poll(() => taken).toMatchObject([{ code: "malformedRequest", status: 400 }]);
    expect(complaints()).toEqual([]);
  });

  test("and went away before the operation looked at it: the same", async () => {
    const hold = Promise.withResolvers<void>();
    const late = await openEdge({
      endpoints: [
        taker("late", async (stream) => {
          await hold.promise;
          return await readAll(stream);
        }),
      ],
    });
    const latePort = await late.listen();
    const gone = new Promise<void>((resolve) => {
      late.app.server.once("connection", (socket: Socket) => socket.once("close", () => resolve()));
    });
    const started = new Promise<void>((resolve) => {
      onTaken = resolve;
    });
    const socket = await open(`${announced(100, "/late", "", "client", "text/csv")}abc`, latePort);
    await started;
    socket.destroy();
    await gone;
    hold.resolve();
    await expect.poll(() => taken).toMatchObject([{ code: "malformedRequest" }]);
    await late.close();
  });

  test("and is slow: it is told so and cut, and the stream fails", async () => {
    const { server } = edge.app;
    const before = { headersTimeout: server.headersTimeout, requestTimeout: server.requestTimeout };
    Object.assign(server, { headersTimeout: 100, requestTimeout: 200 });
    const text = await sendRaw(port, `${announced(100, "/all", "", "client", "text/csv")}abc`);
    Object.assign(server, before);
    expect(readRaw(text).status).toBe(408);
    await expect.poll(() => taken).toMatchObject([{ code: "malformedRequest" }]);
    expect(complaints()).toEqual([]);
  });
});

test("an operation that cannot settle the key of its stream, or takes two bodies, keeps the server from starting", async () => {
  const sound = taker("planted", readAll);
  const handle = async () => ({});
  await expect(openEdge({ endpoints: [{ ...sound, work: "write", handle }] })).rejects.toThrow(
    "planted takes a stream and does not settle",
  );
  await expect(openEdge({ endpoints: [{ ...sound, body: Type.Object({}) }] })).rejects.toThrow("planted takes two bodies");
});

test("two hundred mebibytes pass through without being held", async () => {
  const before = process.memoryUsage().rss;
  let most = before;
  const piece = chunk(Buffer.alloc(MIB, "x"));
  const socket = await open(chunked("/all", CLOSE, "client", "text/csv"));
  for (let sent = 0; sent < 200; sent++) {
    await write(socket, piece);
    most = Math.max(most, process.memoryUsage().rss);
  }
  socket.write(LAST);
  expect(readRaw(await restOf(socket)).status).toBe(200);
  expect(taken).toEqual([200 * MIB]);
  expect((most - before) / MIB).toBeLessThan(100);
});

async function open(bytes: string, at = port): Promise<Socket> {
  const socket = connect(at, "127.0.0.1");
  await once(socket, "connect");
  socket.on("error", () => {});
  if (bytes !== "") socket.write(bytes);
  return socket;
}

function write(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve())));
}

/** Everything that comes until the connection ends. */
async function restOf(socket: Socket): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of socket) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString("latin1");
}

async function firstOf(socket: Socket): Promise<ReturnType<typeof readRaw>> {
  const [piece] = (await once(socket, "data")) as [Buffer];
  return readRaw(piece.toString("latin1"));
}

/** However roughly. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => (socket.closed ? resolve() : socket.once("close", () => resolve())));
}

/** Sends chunks until it is cut; gives the answer that came meanwhile. */
async function sendWithoutEnd(head: string): Promise<{ socket: Socket; answer: ReturnType<typeof readRaw> }> {
  const socket = await open(head);
  const answer = firstOf(socket);
  const piece = chunk(Buffer.alloc(64 * 1024, "x"));
  const send = (): void => {
    if (socket.writable) socket.write(piece, () => setImmediate(send));
  };
  send();
  return { socket, answer: await answer };
}
