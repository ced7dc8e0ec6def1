// Answers without a body, and parameters that may come in a header.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { as, type Edge, openEdge, sendRaw, THING_ID } from "../../../test/setup/edge.ts";
import { EmptyBody, strictObject, Type } from "../schema.ts";
import { endpoint } from "./endpoint.ts";
import { routeSchema } from "./openapi.ts";

const heard: unknown[] = [];
const removeThing = endpoint({
  id: "removeThing",
  method: "DELETE",
  path: "/Things/{thingId}",
  tags: ["Things"],
  summary: "Remove a thing",
  audience: "frontOffice",
  scope: null,
  query: strictObject({ token: Type.Optional(Type.String({ minLength: 2, maxLength: 10 })) }),
  headerOf: { token: "Thing-Token" },
  reply: EmptyBody,
  work: "own",
  async handle({ query }) {
    heard.push(query.token);
    return { body: null, replayed: true };
  },
});

let edge: Edge;
beforeAll(async () => {
  edge = await openEdge({ endpoints: [removeThing] });
});
beforeEach(() => {
  heard.length = 0;
});
afterAll(() => edge.close());

const remove = (query = "", headers: Record<string, string | string[]> = {}) =>
  edge.app.inject({ method: "DELETE", url: `/Things/${THING_ID}${query}`, headers: { ...as("client"), ...headers } });

describe("an answer without a body", () => {
  test("is 200 with neither bytes nor media type, and may be a repeat", async () => {
    const answer = await remove();
    expect([answer.statusCode, answer.body, answer.headers["content-type"], answer.headers["content-length"]]).toEqual([
      200,
      "",
      undefined,
      "0",
    ]);
    expect(answer.headers["idempotency-replayed"]).toBe("true");
  });

  test("leaves the connection fit for the next call", async () => {
    const call = `DELETE /Things/${THING_ID} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer client\r\n`;
    const text = await sendRaw(await edge.listen(), `${call}\r\n${call}connection: close\r\n\r\n`);
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
  });

  test("is described as null, which is how a description of the API says that there is none", () => {
    const { response } = routeSchema(removeThing) as { response: Record<number, object> };
    expect(response[200]).toMatchObject({ type: "null" });
  });
});

describe("a parameter that may come in a header", () => {
  test("is the same in either place, in any letter case of the header's name", async () => {
    for (const [query, headers] of [
      ["?token=abc", {}],
      ["", { "thing-token": "abc" }],
      ["", { "THING-TOKEN": "abc" }],
    ] as const) {
      expect((await remove(query, headers)).statusCode).toBe(200);
    }
    expect(heard).toEqual(["abc", "abc", "abc"]);
  });

  test("may be left out", async () => {
    await remove();
    expect(heard).toEqual([undefined]);
  });

  test("is judged by the schema of the query", async () => {
    const answer = await remove("", { "thing-token": "x".repeat(11) });
    expect([answer.statusCode, answer.json<{ errors: object }>().errors]).toEqual([
      400,
      { token: ["The field must have a length between 2 and 10."] },
    ]);
  });

  test.each([
    ["?token=abc", { "thing-token": "abc" }],
    ["", { "thing-token": ["abc", "abd"] }],
  ])("may not be given twice: %j %j", async (query, headers) => {
    const answer = await remove(query, headers);
    expect([answer.statusCode, Object.keys(answer.json<{ errors: object }>().errors)]).toEqual([400, ["token"]]);
    expect(heard).toEqual([]);
  });

  test("is described in both places", () => {
    const { headers, querystring } = routeSchema(removeThing) as Record<"headers" | "querystring", { properties: object }>;
    expect(Object.keys(headers.properties)).toEqual(["Idempotency-Key", "Thing-Token"]);
    expect(Object.keys(querystring.properties)).toEqual(["token"]);
  });
});
