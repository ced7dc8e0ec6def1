import { expect, test } from "vitest";
import { platformProblems, Problem, problemOf } from "../problem.ts";
import { idempotencyKey } from "./idempotency.ts";
import { Twins } from "./twins.ts";

type Answer = { readonly text: string; readonly replayed: boolean };

const KEY = idempotencyKey("owner", "key", ["POST", "/things", "{}"]);
const OTHER_BODY = idempotencyKey("owner", "key", ["POST", "/things", '{"a":1}']);
const OTHER_KEY = idempotencyKey("owner", "other key", ["POST", "/things", "{}"]);

/** Work that ends when it is told to. */
function gate() {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  return { work: () => promise, succeed: (text: string) => resolve({ text, replayed: false }), fail: reject };
}

const never = () => Promise.reject(new Error("must not run"));

test("two hundred calls of one key are one effect and one answer; all but the first are told that it is a repeat", async () => {
  const twins = new Twins<Answer>();
  let runs = 0;
  const work = async (): Promise<Answer> => {
    runs++;
    await new Promise((resolve) => setImmediate(resolve));
    return { text: "done", replayed: false };
  };
  const answers = await Promise.all(Array.from({ length: 200 }, () => twins.run(KEY, work)));
  expect(runs).toBe(1);
  expect(answers.map(({ text }) => text)).toEqual(Array(200).fill("done"));
  expect(answers.map(({ replayed }) => replayed)).toEqual([false, ...(Array(199).fill(true) as boolean[])]);
});

test("calls without a key, and of other keys, never wait for each other", async () => {
  const twins = new Twins<Answer>();
  const { work, succeed } = gate();
  const first = twins.run(KEY, work);
  const work2 = async (): Promise<Answer> => ({ text: "other", replayed: false });
  expect(await twins.run(OTHER_KEY, work2)).toEqual({ text: "other", replayed: false });
  expect(await twins.run(null, work2)).toEqual({ text: "other", replayed: false });
  succeed("done");
  await first;
});

test("the same key with another body is refused at once", async () => {
  const twins = new Twins<Answer>();
  const { work, succeed } = gate();
  const first = twins.run(KEY, work);
  await expect(twins.run(OTHER_BODY, never)).rejects.toMatchObject({ code: "idempotencyKeyReused", status: 422 });
  succeed("done");
  expect(await first).toEqual({ text: "done", replayed: false });
});

test("who has waited long enough is told that the twin is still running, and the twin is not disturbed", async () => {
  const twins = new Twins<Answer>(30);
  const { work, succeed } = gate();
  const first = twins.run(KEY, work);
  const began = performance.now();
  await expect(twins.run(KEY, never)).rejects.toMatchObject({
    code: "idempotencyInProgress",
    status: 409,
    extras: { headers: { "retry-after": "1" } },
  });
  expect(performance.now() - began).toBeGreaterThan(25);
  succeed("done");
  expect(await first).toEqual({ text: "done", replayed: false });
});

test("a definite refusal is the answer of both", async () => {
  const twins = new Twins<Answer>();
  const { work, fail } = gate();
  const both = [twins.run(KEY, work), twins.run(KEY, never)];
  const refusal = new Problem("insufficientFunds", { status: 409, title: "No.", retry: "later" });
  fail(refusal);
  for (const outcome of await Promise.allSettled(both)) expect(outcome).toEqual({ status: "rejected", reason: refusal });
});

test.each([
  ["a bug", new TypeError("bug")],
  ["503", problemOf(platformProblems, "busy")],
  ["404", problemOf(platformProblems, "notFound")],
  ["409 in progress", problemOf(platformProblems, "idempotencyInProgress")],
])("after %s of the first the next tries afresh, and the others wait for that one", async (_what, error) => {
  const twins = new Twins<Answer>();
  const { work, fail } = gate();
  let retries = 0;
  const retry = async (): Promise<Answer> => {
    retries++;
    await new Promise((resolve) => setImmediate(resolve));
    return { text: "second try", replayed: false };
  };
  const first = twins.run(KEY, work);
  const others = [1, 2, 3].map(() => twins.run(KEY, retry));
  fail(error);
  await expect(first).rejects.toBe(error);
  expect(await Promise.all(others)).toEqual([
    { text: "second try", replayed: false },
    { text: "second try", replayed: true },
    { text: "second try", replayed: true },
  ]);
  expect(retries).toBe(1);
});

test("nothing is remembered once it has ended: the database is the memory", async () => {
  const twins = new Twins<Answer>();
  const work = async (): Promise<Answer> => ({ text: "done", replayed: false });
  expect(await twins.run(KEY, work)).toEqual({ text: "done", replayed: false });
  expect(await twins.run(KEY, work)).toEqual({ text: "done", replayed: false });
  await expect(twins.run(KEY, never)).rejects.toThrow("must not run");
  expect(await twins.run(KEY, work)).toEqual({ text: "done", replayed: false });
});
