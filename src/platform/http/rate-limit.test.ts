import { afterEach, describe, expect, test } from "vitest";
import { as, type Edge, openEdge, signed } from "../../../test/setup/edge.ts";
import { PUBLIC } from "./app.ts";

const PER_MINUTE = 5;

let edge: Edge;
afterEach(() => edge.close());

const open = async (trustProxyHops = 0, rateLimitPerMinute = PER_MINUTE) => {
  edge = await openEdge({
    rateLimitPerMinute,
    trustProxyHops,
    finish: (app) => void app.get("/health/live", { config: { access: PUBLIC } }, () => ({ status: "live" })),
  });
};

const call = (headers: Record<string, string> = {}, url = "/Things", remoteAddress = "10.0.0.1") =>
  edge.app.inject({ url, headers, remoteAddress });

async function statuses(count: number, make: (index: number) => ReturnType<typeof call>): Promise<number[]> {
  const seen: number[] = [];
  for (let index = 0; index < count; index++) seen.push((await make(index)).statusCode);
  return seen;
}

describe("with a limit", () => {
  test("the call beyond it is 429 with the seconds to wait, as a problem, and reaches nothing", async () => {
    await open();
    expect(await statuses(PER_MINUTE, () => call(as("client")))).toEqual([200, 200, 200, 200, 200]);
    const answer = await call(as("client"));
    expect(answer.statusCode).toBe(429);
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    expect(Number(answer.headers["retry-after"])).toBeLessThanOrEqual(60);
    expect(answer.headers["content-type"]).toBe("application/problem+json; charset=utf-8");
    expect(answer.json()).toMatchObject({
      type: "https://tools.ietf.org/html/rfc6585#section-4",
      status: 429,
      code: "rateLimited",
      title: "Too many requests.",
      detail: "At most 5 calls a minute.",
      instance: "/Things",
    });
    expect(edge.calls).toHaveLength(PER_MINUTE);
  });

  test("each answer tells what is left", async () => {
    await open();
    const left = [];
    for (let index = 0; index < 6; index++) left.push((await call(as("client"))).headers["x-ratelimit-remaining"]);
    expect(left.map(Number)).toEqual([4, 3, 2, 1, 0, 0]);
  });

  test("a caller is counted wherever it calls from, and others are not hurt", async () => {
    await open();
    await statuses(PER_MINUTE, (index) => call(as("client"), "/Things", `10.0.0.${index}`));
    expect((await call(as("client"), "/Things", "10.9.9.9")).statusCode).toBe(429);
    expect((await call(as("reader"))).statusCode).toBe(403);
    expect((await call()).statusCode).toBe(401);
  });

  test("guessing tokens is counted by address, and does not hurt who has one", async () => {
    await open();
    expect(await statuses(PER_MINUTE + 1, (index) => call({ authorization: `Bearer guess-${index}` }))).toEqual([
      401, 401, 401, 401, 401, 429,
    ]);
    expect((await call()).statusCode).toBe(429);
    expect((await call(as("client"))).statusCode).toBe(200);
    expect((await call({}, "/Things", "10.0.0.2")).statusCode).toBe(401);
  });

  test("so is guessing signatures; a good one is counted with the bad ones of its address", async () => {
    await open();
    const notice = (headers: Record<string, string>, remoteAddress = "10.0.0.1") =>
      edge.app.inject({ method: "POST", url: "/integration/things/notice", headers, payload: {}, remoteAddress });
    const wrong = { "x-payload-digest": "0".repeat(64) };
    expect(await statuses(4, () => notice(wrong))).toEqual([401, 401, 401, 401]);
    expect((await notice(signed("{}"))).statusCode).toBe(200);
    expect((await notice(signed("{}"))).statusCode).toBe(429);
    expect((await notice(signed("{}"), "10.0.0.2")).statusCode).toBe(200);
  });

  test("so are calls of paths and methods that are not served", async () => {
    await open();
    const urls = ["/a", "/b", "/c", "/d", "/e", "/f"];
    expect(await statuses(6, (index) => call({}, urls[index]))).toEqual([404, 404, 404, 404, 404, 429]);
    expect((await edge.app.inject({ method: "DELETE", url: "/Things", remoteAddress: "10.0.0.1" })).statusCode).toBe(429);
  });

  test("one subscriber of IPv6 is one address, however many it has", async () => {
    await open();
    expect(await statuses(6, (index) => call({}, "/Things", `2001:db8:1:2::${index}`))).toEqual([401, 401, 401, 401, 401, 429]);
    expect((await call({}, "/Things", "2001:db8:1:3::1")).statusCode).toBe(401);
    expect((await call({}, "/Things", "::ffff:10.0.0.1")).statusCode).toBe(401);
  });

  test("an address that a header claims counts only as far as proxies are trusted", async () => {
    await open(0);
    const claims = (index: number) => ({ "x-forwarded-for": `192.0.2.${index}` });
    expect(await statuses(6, (index) => call(claims(index)))).toEqual([401, 401, 401, 401, 401, 429]);
    await edge.close();

    await open(1);
    expect(await statuses(6, (index) => call(claims(index)))).toEqual([401, 401, 401, 401, 401, 401]);
    // What stands before the trusted hop is the caller's own tale.
    const tales = (index: number) => ({ "x-forwarded-for": `198.51.100.${index}, 192.0.2.99` });
    expect(await statuses(6, (index) => call(tales(index)))).toEqual([401, 401, 401, 401, 401, 429]);
  });

  test("probes are always answered", async () => {
    await open();
    expect(await statuses(20, () => call({}, "/health/live"))).toEqual(Array(20).fill(200));
  });
});

test("without a limit nothing is counted", async () => {
  await open(0, 0);
  expect(await statuses(200, () => call(as("client")))).toEqual(Array(200).fill(200));
  expect((await call(as("client"))).headers).not.toHaveProperty("x-ratelimit-limit");
});
