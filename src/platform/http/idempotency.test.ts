// Which calls have the same key, and which of them are the same call.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { aThing, as, type Edge, openEdge, readRaw, sendRaw, THING_ID } from "../../../test/setup/edge.ts";
import { platformProblems, Problem, problemOf } from "../problem.ts";
import { type IdempotencyKey, isDefinite, readKey } from "./idempotency.ts";

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

const JSON_TYPE = { "content-type": "application/json" };

/** The key with which the call reached its operation. */
async function keyOf(
  key: string,
  { payload = JSON.stringify(aThing()), url = "/internal/Things", headers = as("writer") } = {},
): Promise<IdempotencyKey> {
  const answer = await edge.app.inject({ method: "POST", url, headers: { ...headers, ...JSON_TYPE, "idempotency-key": key }, payload });
  expect(answer.statusCode, answer.body).toBe(200);
  const reached = edge.calls.at(-1)?.call.key;
  if (!reached) throw new Error("the key did not arrive");
  return reached;
}

const text = ({ id, fingerprint }: IdempotencyKey) => `${id} ${fingerprint}`;

describe("the header", () => {
  test.each([
    ["k", "k"],
    ['"k"', "k"],
    ["  k  ", "k"],
    ['"a b"', "a b"],
    ["a b", "a b"],
    [String.raw`"a\"b\\c"`, String.raw`a"b\c`],
    ['"', '"'],
    ["~!#$%&'()*+,-./:;<=>?@[]^_`{|}", "~!#$%&'()*+,-./:;<=>?@[]^_`{|}"],
    ["k".repeat(100), "k".repeat(100)],
    [`"${"k".repeat(100)}"`, "k".repeat(100)],
  ])("%o is the key %o", (header, key) => {
    expect(readKey(header)).toBe(key);
  });

  test.each(["", "  ", '""', '" k"', "k".repeat(101), "é", "a\tb", "a\u0000b", "\u007f", "ключ"])("%o is no key", (header) => {
    expect(readKey(header)).toBeNull();
  });

  test.each(["", '""', "k".repeat(101), "caf\u00e9"])("%o is refused by name, and nothing is done", async (header) => {
    const bytes = `PUT /Things/${THING_ID}/cancel HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer client\r\nidempotency-key: ${header}\r\n\r\n`;
    const answer = readRaw(await sendRaw(port, Buffer.from(bytes, "latin1")));
    expect(answer.status).toBe(400);
    expect(answer.body).toMatchObject({ code: "validationFailed", errors: { "Idempotency-Key": [expect.any(String)] } });
    expect(edge.calls).toEqual([]);
  });

  test("sent twice it is refused, though both are equal", async () => {
    const bytes = `PUT /Things/${THING_ID}/cancel HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer client\r\nidempotency-key: k\r\nIdempotency-Key: k\r\n\r\n`;
    expect(readRaw(await sendRaw(port, bytes)).status).toBe(400);
    expect(edge.calls).toEqual([]);
  });

  test("without it there is no key", async () => {
    await edge.app.inject({ method: "POST", url: "/internal/Things", headers: as("writer"), payload: aThing() });
    expect(edge.calls.map(({ call: { key } }) => key)).toEqual([null]);
  });
});

describe("one key", () => {
  test("is the same in its quoted and its bare form", async () => {
    expect(text(await keyOf('"k"'))).toBe(text(await keyOf("k")));
  });

  test("is another one in other letters, of another caller", async () => {
    const ids = new Set([(await keyOf("k")).id, (await keyOf("K")).id, (await keyOf("k2")).id]);
    expect(ids.size).toBe(3);
    const put = (who: "client") =>
      edge.app.inject({ method: "PUT", url: `/Things/${THING_ID}/cancel`, headers: { ...as(who), "idempotency-key": "k" } });
    await put("client");
    expect(ids).not.toContain(edge.calls.at(-1)?.call.key?.id);
  });

  test("holds neither the key nor its owner in readable form", async () => {
    const { id, fingerprint } = await keyOf("my-secret-key");
    expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(fingerprint).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("the same request", () => {
  const thing = JSON.stringify(aThing());
  const same: Record<string, string> = {
    "other white space": JSON.stringify(aThing(), null, 2),
    "another order of the members": JSON.stringify(Object.fromEntries(Object.entries(aThing()).reverse())),
    "zeros behind the amount": thing.replace('"10.50"', '"10.500"'),
    "fewer of them": thing.replace('"10.50"', '"10.5"'),
    "the amount as a number": thing.replace('"10.50"', "10.50"),
    "the id in capitals": thing.replace(THING_ID, THING_ID.toUpperCase()),
    "escaped letters": thing.replace("A thing", String.raw`\u0041 thing`),
  };

  test.each(Object.keys(same))("with %s is the same", async (what) => {
    expect(text(await keyOf("k", { payload: same[what] ?? "" }))).toBe(text(await keyOf("k", { payload: thing })));
  });

  const other: Record<string, { payload?: string; url?: string }> = {
    "another amount": { payload: thing.replace('"10.50"', '"10.51"') },
    "a hundred times the amount": { payload: thing.replace('"10.50"', '"1050"') },
    "another name": { payload: thing.replace("A thing", "A thinG") },
    "one part more": {
      payload: JSON.stringify(
        aThing({
          parts: [
            { partId: THING_ID, amount: "1" },
            { partId: THING_ID, amount: "1" },
          ],
        }),
      ),
    },
    "another route": { url: "/internal/Things/batch" },
  };

  test.each(Object.keys(other))("with %s is another, under the same key", async (what) => {
    const [one, two] = [await keyOf("k"), await keyOf("k", other[what])];
    expect(two.id).toBe(one.id);
    expect(two.fingerprint).not.toBe(one.fingerprint);
  });
});

test("definite are the refusals that say something of the state of things, and no others", () => {
  const definite = Object.keys(platformProblems).filter((code) =>
    isDefinite(problemOf(platformProblems, code as keyof typeof platformProblems)),
  );
  expect(definite).toEqual(["preconditionFailed"]);
  expect(isDefinite(new Problem("insufficientFunds", { status: 409, title: "No.", retry: "later" }))).toBe(true);
});
