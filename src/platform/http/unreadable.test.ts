// Framing that two servers could read differently gets one reading or none: nothing may be smuggled behind a call.

import { connect } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { aThing, type Edge, openEdge, readRaw, sendRaw } from "../../../test/setup/edge.ts";
import { PUBLIC } from "./app.ts";

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

const BODY = JSON.stringify(aThing());
const SMUGGLED = "GET /Things HTTP/1.1\r\nhost: x\r\nauthorization: Bearer client\r\n\r\n";
const post = (headers: string, body: string) =>
  `POST /internal/Things HTTP/1.1\r\nauthorization: Bearer writer\r\ncontent-type: application/json\r\n${headers}\r\n${body}`;
const host = "host: x\r\n";
const length = `content-length: ${BODY.length}\r\n`;
const chunks = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;

test.each(
  Object.entries({
    "two lengths": post(`${host}${length}content-length: 3\r\n`, BODY),
    "two equal lengths in one header": post(`${host}content-length: ${BODY.length}, ${BODY.length}\r\n`, BODY),
    "a length and chunks": post(`${host}${length}transfer-encoding: chunked\r\n`, chunks + SMUGGLED),
    "chunks and a length": post(`${host}transfer-encoding: chunked\r\n${length}`, chunks + SMUGGLED),
    "chunks under a wrong name": post(`${host}transfer-encoding: xchunked\r\n`, chunks),
    "chunks before another coding": post(`${host}transfer-encoding: chunked, identity\r\n`, chunks),
    "chunks twice": post(`${host}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n`, chunks),
    "a negative length": post(`${host}content-length: -1\r\n`, BODY),
    "a length with a sign": post(`${host}content-length: +${BODY.length}\r\n`, BODY),
    "a hexadecimal length": post(`${host}content-length: 0x10\r\n`, BODY),
    "a space before the colon": post(`${host}content-length : ${BODY.length}\r\n`, BODY),
    "a header that is folded": post(`${host}x: 1\r\n 2\r\n${length}`, BODY),
    "a line that ends with LF alone": post(`${host}x: 1\ncontent-length: ${BODY.length}\r\n`, BODY),
    "a carriage return in a value": post(`${host}x: a\rb\r\n${length}`, BODY),
    "a NUL in a value": post(`${host}x: a\0b\r\n${length}`, BODY),
    "a header without a name": post(`${host}: x\r\n${length}`, BODY),
    "a chunk that is no number": post(`${host}transfer-encoding: chunked\r\n`, `xyz\r\n${BODY}\r\n0\r\n\r\n`),
    "a negative chunk": post(`${host}transfer-encoding: chunked\r\n`, `-1\r\n${BODY}\r\n0\r\n\r\n`),
    "a method nobody knows": `FETCH /Things HTTP/1.1\r\n${host}\r\n`,
    "a version nobody knows": `GET /Things HTTP/9.9\r\n${host}\r\n`,
    "no version": "GET /Things\r\n\r\n",
    "no host": post(length, BODY),
    "two hosts": post(`host: a\r\nhost: b\r\n${length}`, BODY),
  }),
)("%s: refused as a problem, and nothing is done", async (_what, bytes) => {
  const answers = await sendRaw(port, bytes.replace("\r\n", "\r\nconnection: close\r\n"));
  const answer = readRaw(answers);
  expect(answer.status).toBe(400);
  expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
  expect(answer.body["code"]).toBe("malformedRequest");
  expect(answers.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  expect(edge.calls).toEqual([]);
});

test("chunks with extensions and a trailer are read as what they are", async () => {
  const body = `${BODY.length.toString(16)};name=value\r\n${BODY}\r\n0\r\nx-trailer: 1\r\n\r\n`;
  const answer = readRaw(await sendRaw(port, post(`${host}connection: close\r\ntransfer-encoding: chunked\r\n`, body)));
  expect(answer.status).toBe(200);
  expect(edge.calls).toHaveLength(1);
});

test("two calls in one packet are two calls, answered in order", async () => {
  const second = SMUGGLED.replace("host: x", "host: x\r\nconnection: close");
  const text = await sendRaw(port, post(host + length, BODY) + second);
  expect([...text.matchAll(/"operation":"(\w+)"/g)].map(([, name]) => name)).toEqual(["createThing", "listThings"]);
});

test("nonsense behind a call that is being worked on is never taken for its answer", async () => {
  const atWork = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const slow = await openEdge({
    finish: (app) =>
      void app.post("/slow", { config: { access: PUBLIC } }, async () => {
        atWork.resolve();
        await goOn.promise;
        return { done: true };
      }),
  });
  const socket = connect(await slow.listen(), "127.0.0.1");
  const received: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => received.push(chunk));
  const closed = new Promise((resolve) => socket.on("close", resolve));
  socket.write("POST /slow HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n");
  await atWork.promise;
  socket.write("nonsense\r\n\r\n");
  await closed;
  expect(Buffer.concat(received).toString()).toBe("");
  goOn.resolve();
  await slow.close();
});

test("an old client without a host is served", async () => {
  const text = await sendRaw(port, "GET /Things HTTP/1.0\r\nauthorization: Bearer client\r\n\r\n");
  expect(readRaw(text).status).toBe(200);
});

test("an expectation nobody knows is ignored, and 100-continue is answered", async () => {
  const ask = (expectation: string) => sendRaw(port, post(`${host}connection: close\r\nexpect: ${expectation}\r\n${length}`, BODY));
  expect(readRaw(await ask("coffee")).status).toBe(200);
  const continued = await ask("100-continue");
  expect(continued.startsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")).toBe(true);
});

test("an upgrade that nobody offers is an ordinary call", async () => {
  const text = await sendRaw(port, SMUGGLED.replace("\r\n\r\n", "\r\nconnection: close, upgrade\r\nupgrade: websocket\r\n\r\n"));
  expect(readRaw(text).status).toBe(200);
});

test("who sends too slowly is told so and cut off", async () => {
  // The product's own figures first, then small ones so that nobody waits.
  const { server } = edge.app;
  expect(server.headersTimeout).toBeLessThanOrEqual(10_000);
  expect(server.requestTimeout).toBeLessThanOrEqual(12_000);
  expect(server.timeout).toBe(30_000);
  const before = { headersTimeout: server.headersTimeout, requestTimeout: server.requestTimeout };
  Object.assign(server, { headersTimeout: 100, requestTimeout: 200 });
  const slow = ["GET /Things HTTP/1.1\r\nhost: x\r\nx: ", post(host + length, BODY.slice(0, 5))];
  const answers = await Promise.all(slow.map((bytes) => sendRaw(port, bytes)));
  Object.assign(server, before);
  for (const text of answers) {
    const answer = readRaw(text);
    expect(answer.status).toBe(408);
    expect(answer.body).toMatchObject({
      code: "malformedRequest",
      status: 408,
      type: "https://tools.ietf.org/html/rfc9110#section-15.5.9",
    });
    expect(answer.headers["connection"]).toBe("close");
  }
  expect(edge.calls).toEqual([]);
});
