// The check of answers sees each way in which an endpoint can break its word.

import { endpoint } from "#platform/http/endpoint.ts";
import { type Catalogue, platformProblems, Problem, refusePlatform } from "#platform/problem.ts";
import { strictObject, Type } from "#platform/schema.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestApp, type TestApp } from "./http.ts";

type Reply = { name: string };

let bank: TestApp;
beforeAll(async () => {
  bank = await openTestApp([
    answering("/sound", () => ({ name: "a" })),
    answering("/more", () => ({ name: "a", secret: "b" }) as Reply),
    answering("/less", () => ({}) as Reply),
    answering("/other-type", () => ({ name: 1 }) as unknown as Reply),
    answering("/refuses", () => refusePlatform("notFound"), { notFound: platformProblems.notFound }),
    answering("/refuses-unlisted", () => refusePlatform("notFound")),
    answering("/refuses-unknown", () => {
      throw new Problem("neverHeardOf", { status: 409, title: "Unknown", retry: "no" });
    }),
    answering("/refuses-otherwise", () => {
      throw new Problem("notFound", { status: 422, title: "Gone", retry: "no" });
    }),
  ]);
});
afterAll(() => bank.close());

function answering(path: string, answer: () => Reply, problems?: Catalogue) {
  return endpoint({
    id: path.slice(1),
    method: "GET",
    path,
    tags: [],
    summary: path,
    audience: "system",
    scope: "ledger.read",
    reply: strictObject({ name: Type.String() }),
    ...(problems === undefined ? {} : { problems }),
    work: "read",
    handle: async () => answer(),
  });
}

const get = (path: string) => bank.callAs({ kind: "system", scopes: ["ledger.read"] }).get(path);

test("an answer that keeps its word is passed on", async () => {
  expect(await get("/sound")).toMatchObject({ status: 200, body: { name: "a" } });
  expect(await get("/refuses")).toMatchObject({ status: 404, body: { code: "notFound" } });
});

test.each([
  ["/more", "must NOT have additional properties"],
  ["/less", "must have required property 'name'"],
  ["/other-type", "must be string"],
  ["/refuses-unlisted", "notFound is not among the problems"],
  ["/refuses-unknown", "neverHeardOf is not a 409"],
  ["/refuses-otherwise", "notFound is not a 422"],
])("an answer that breaks its word fails the call that asked for it: %s", async (path, complaint) => {
  await expect(get(path)).rejects.toThrow(new RegExp(complaint));
});

test("it fails also where a test looks at the bare answer", async () => {
  const token = await bank.mint({ audience: "system", scope: "ledger.read" });
  const answer = await bank.app.inject({ method: "GET", url: "/more", headers: { authorization: `Bearer ${token}` } });
  expect(answer.statusCode).toBe(500);
  expect(answer.body).toContain("broke its word");
});
