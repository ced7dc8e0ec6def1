// The adapter against the simulator that ships with the product: what one says the other understands, and what goes wrong is an error
// that tells nothing of the message.

import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { codeDelivery } from "./code-sender.ts";
import { type Behaviour, type CodeSimulator, openCodeSimulator } from "./simulators/code-sender.ts";

const MESSAGE = {
  id: "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00",
  channel: "sms",
  destination: "+37060000078",
  text: "123456 is your code.",
} as const;

let simulator: CodeSimulator;
beforeAll(async () => {
  simulator = await openCodeSimulator({ mode: "test" });
});
beforeEach(async () => {
  await call("PUT", "/behaviour", { mode: "normal" });
  await call("DELETE", "/messages");
});
afterAll(() => simulator.close());

async function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const url = new URL(path, simulator.url);
  const answer = await fetch(url, {
    method,
    headers,
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}
const listed = async (query = ""): Promise<unknown> => (await call("GET", `/messages${query}`)).body["items"];
const behave = (behaviour: Partial<Behaviour>) => call("PUT", "/behaviour", behaviour);
const never = new AbortController().signal;
let count = 0;
const fresh = () => ({ ...MESSAGE, id: `message-${++count}` });

test("a message is handed over as it is, and shown", async () => {
  const message = fresh();
  await codeDelivery(simulator)(message, never);
  expect(await listed()).toEqual([{ ...message, receivedAt: expect.any(String) as string }]);
  expect(await listed("?destination=%2B37060000078")).toHaveLength(1);
  expect(await listed("?destination=%2B37060000079")).toEqual([]);
});

test("the newest stands first", async () => {
  const [one, two] = [fresh(), fresh()];
  for (const message of [one, two]) await codeDelivery(simulator)(message, never);
  expect(await listed()).toMatchObject([{ id: two.id }, { id: one.id }]);
});

test("the same id is delivered once", async () => {
  const message = fresh();
  for (let n = 0; n < 3; n++) await codeDelivery(simulator)(message, never);
  expect(await listed()).toHaveLength(1);
});

test.each([
  ["fail", 0],
  ["drop", 1],
  ["delay", 1],
] as const)("one that is told to %s makes an error without a word of the message; %i came through", async (mode, delivered) => {
  await behave({ mode, delayMs: 400 });
  const error: unknown = await codeDelivery({ url: simulator.url, timeoutMs: 100 })(fresh(), never).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(Error);
  const { message, stack, cause } = error as Error;
  for (const text of [message, stack, String(cause)]) expect(text).not.toMatch(/123456|37060000078/);
  expect(await listed()).toHaveLength(delivered);
});

test("double is delivered twice, and no error", async () => {
  await behave({ mode: "double" });
  await codeDelivery(simulator)(fresh(), never);
  expect(await listed()).toHaveLength(2);
});

test("who is asked to stop stops", async () => {
  await behave({ mode: "delay", delayMs: 2_000 });
  const stop = new AbortController();
  const sending = codeDelivery(simulator)(fresh(), stop.signal);
  await pause(20);
  stop.abort();
  await expect(sending).rejects.toThrow(/abort/i);
});

test.each(["", "codes", "ftp://codes.example", "http://user:secret@codes.example"])("%j is no address", (url) => {
  expect(() => codeDelivery({ url })).toThrow("CODE_SENDER_URL must be an http or https address without user and password.");
});

test("the simulator refuses what is not of its protocol", async () => {
  expect((await call("POST", "/messages", { id: 1 })).status).toBe(400);
  expect((await call("POST", "/messages", { ...fresh(), channel: "push" })).status).toBe(400);
  expect((await call("POST", "/messages", "{")).status).toBe(400);
  expect((await behave({ mode: "sleep" as "delay" })).status).toBe(400);
  expect((await behave({ mode: "delay", delayMs: -1 })).status).toBe(400);
  expect((await call("GET", "/elsewhere")).status).toBe(404);
  expect(await listed()).toEqual([]);
});

test("the simulator does not open in production", async () => {
  await expect(openCodeSimulator({ mode: "production" })).rejects.toThrow("does not open in production");
});
