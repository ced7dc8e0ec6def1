import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { as, type Edge, openEdge, readRaw, sendRaw } from "../../../test/setup/edge.ts";

let edge: Edge;
let port: number;
beforeAll(async () => {
  edge = await openEdge();
  port = await edge.listen();
});
afterAll(() => edge.close());

const TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const NEW = /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/;

const get = async (headers: string[]) => {
  const lines = ["GET /Things HTTP/1.1", "host: x", "connection: close", ...headers];
  return readRaw(await sendRaw(port, Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1")));
};

describe("traceparent", () => {
  test.each([TRACE, TRACE.replace(/01$/, "00"), TRACE.replace(/01$/, "03")])(
    "%s is taken over: in the header and in the problem",
    async (given) => {
      const { headers, body } = await get([`traceparent: ${given}`]);
      expect(headers["traceparent"]).toBe(given);
      expect(body["traceId"]).toBe(given);
    },
  );

  test("is handed to the operation", async () => {
    await edge.app.inject({ url: "/Things", headers: { ...as("client"), traceparent: TRACE } });
    expect(edge.calls.at(-1)?.call.traceId).toBe(TRACE);
  });

  test.each([
    "",
    "x",
    TRACE.toUpperCase(),
    TRACE.replace("00-", "01-"),
    TRACE.replace("00-", "ff-"),
    TRACE.replace(/-[0-9a-f]{32}-/, `-${"0".repeat(32)}-`),
    TRACE.replace(/-[0-9a-f]{16}-/, `-${"0".repeat(16)}-`),
    `${TRACE}-more`,
    TRACE.slice(0, -1),
    `${TRACE}, ${TRACE}`,
    `${TRACE}"}`,
    "00-é".padEnd(55, "a"),
  ])("%o is replaced by a new one", async (given) => {
    const { headers, body } = await get([`traceparent: ${given}`]);
    expect(headers["traceparent"]).toMatch(NEW);
    expect([TRACE, given]).not.toContain(headers["traceparent"]);
    expect(body["traceId"]).toBe(headers["traceparent"]);
  });

  test("sent twice it is nobody's", async () => {
    const { headers } = await get([`traceparent: ${TRACE}`, `traceparent: ${TRACE}`]);
    expect(headers["traceparent"]).not.toBe(TRACE);
  });

  test("of a thousand calls is a thousand different ones", async () => {
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => edge.app.inject({ url: "/Things" })));
    expect(new Set(answers.map(({ headers }) => headers["traceparent"])).size).toBe(1_000);
  });
});

describe("X-Correlation-Id", () => {
  test.each(["a", "order-4711/3", "x".repeat(128), '!"#$%&~'])("%s comes back as it was sent", async (given) => {
    expect((await get([`X-Correlation-Id: ${given}`])).headers["x-correlation-id"]).toBe(given);
  });

  test.each(["", " ", "two words", "x".repeat(129), "é", "a\tb", "a\u00a0b", "\x7f"])("%o is replaced by the trace id", async (given) => {
    const { headers } = await get([`X-Correlation-Id: ${given}`]);
    // What Node itself refuses never comes so far.
    expect([headers["traceparent"], undefined]).toContain(headers["x-correlation-id"]);
  });

  test("cannot put a header or a line of its own into the answer", async () => {
    const trick = "a\rset-cookie: x=1";
    const answer = await get([`X-Correlation-Id: ${trick}`]);
    expect(answer.status).toBe(400);
    expect(answer.headers).not.toHaveProperty("set-cookie");
  });

  test("sent twice it is replaced", async () => {
    const { headers } = await get(["X-Correlation-Id: a", "X-Correlation-Id: b"]);
    expect(headers["x-correlation-id"]).toBe(headers["traceparent"]);
  });
});
