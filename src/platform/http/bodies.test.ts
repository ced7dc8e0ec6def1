// What a caller may send, and that all that is wrong with it is told at once and nothing of it is told back.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { aThing, as, type Edge, openEdge, readRaw, sendRaw, THING_ID } from "../../../test/setup/edge.ts";

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

const PATH = "/internal/Things";
const JSON_TYPE = { "content-type": "application/json" };

const post = (payload: string | Buffer | undefined, headers: Record<string, string> = JSON_TYPE, url = PATH) =>
  edge.app.inject({ method: "POST", url, headers: { ...as("writer"), ...headers }, ...(payload === undefined ? {} : { payload }) });
const postThing = (changes: Record<string, unknown>) => post(JSON.stringify(aThing(changes)));
const received = () => edge.calls.map(({ call: { body } }) => body);

describe("the media type", () => {
  const thing = JSON.stringify(aThing());

  test.each([
    "application/json",
    "application/json; charset=utf-8",
    'Application/JSON ; Charset="UTF-8"',
    "application/json;charset=Utf-8",
  ])("%s is read", async (type) => {
    expect((await post(thing, { "content-type": type })).statusCode).toBe(200);
  });

  test.each([
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
    "application/jsonp",
    "application/json-patch+json",
    "application/problem+json",
    "text/json",
    "application/json; charset=utf-7",
    "application/json; charset=utf-16",
    "application/json; charset=iso-8859-1",
    "application/json, text/plain",
    "application",
    "*/*",
    "; charset=utf-8",
  ])("%s is refused: no page of a browser can send JSON here without asking first", async (type) => {
    const answer = await post(thing, { "content-type": type });
    expect(answer.statusCode).toBe(415);
    expect(answer.json()).toMatchObject({ code: "unsupportedMediaType" });
    expect(edge.calls).toEqual([]);
  });

  test("a body without a media type is refused", async () => {
    const head = `POST ${PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer writer\r\n`;
    for (const framing of [`content-length: ${thing.length}\r\n\r\n${thing}`, `transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n`]) {
      expect(readRaw(await sendRaw(port, head + framing))).toMatchObject({ status: 415, body: { code: "unsupportedMediaType" } });
    }
  });

  test("a compressed body is refused, not read as nonsense", async () => {
    for (const coding of ["gzip", "br", "deflate", "identity, gzip"]) {
      expect((await post(thing, { ...JSON_TYPE, "content-encoding": coding })).statusCode).toBe(415);
    }
    expect((await post(thing, { ...JSON_TYPE, "content-encoding": "identity" })).statusCode).toBe(200);
  });
});

describe("the size", () => {
  const LIMIT = 1024 * 1024;
  const sized = (bytes: number) => `{"name":"${"x".repeat(bytes - 11)}"}`;

  test("up to a mebibyte is read, one byte more is refused", async () => {
    expect((await post(sized(LIMIT))).json()).toMatchObject({ code: "validationFailed" });
    const answer = await post(sized(LIMIT + 1));
    expect(answer.statusCode).toBe(413);
    expect(answer.json()).toMatchObject({ code: "payloadTooLarge" });
  });

  test("an operation may take more", async () => {
    expect((await post(sized(LIMIT + 1), JSON_TYPE, `${PATH}/batch`)).statusCode).toBe(400);
    expect((await post(sized(4 * LIMIT + 1), JSON_TYPE, `${PATH}/batch`)).statusCode).toBe(413);
  });

  test("chunks that never say how much is coming are cut at the limit", async () => {
    const chunk = `${(65_536).toString(16)}\r\n${" ".repeat(65_536)}\r\n`;
    const head = `POST ${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer writer\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n`;
    expect(readRaw(await sendRaw(port, head + chunk.repeat(17)))).toMatchObject({ status: 413, body: { code: "payloadTooLarge" } });
  });

  test("a length that is a lie is never waited for once it is over the limit", async () => {
    const head = `POST ${PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer writer\r\ncontent-type: application/json\r\ncontent-length: 99999999999\r\nconnection: close\r\n\r\n`;
    expect(readRaw(await sendRaw(port, head))).toMatchObject({ status: 413, body: { code: "payloadTooLarge" } });
  });

  test("more members than the limit are refused, more where the operation takes long lists", async () => {
    const parts = (count: number) =>
      JSON.stringify(aThing({ parts: Array.from({ length: count }, () => ({ partId: THING_ID, amount: "1" })) }));
    expect((await post(parts(3_000))).statusCode).toBe(200);
    expect((await post(parts(4_000))).json()).toMatchObject({ code: "malformedRequest" });
    expect((await post(parts(4_000), JSON_TYPE, `${PATH}/batch`)).statusCode).toBe(200);
  });
});

describe("JSON that two readers could read differently", () => {
  const zoo: Record<string, string | Buffer> = {
    "nothing but white space": "  ",
    "an open object": "{",
    "a comma at the end": '{"name":"x",}',
    "single quotes": "{'name':'x'}",
    "a comment": '{"name":"x"/**/}',
    "a word that is no value": '{"name":NaN}',
    "two documents": "{}{}",
    "a byte order mark": `\ufeff${JSON.stringify(aThing())}`,
    "UTF-16": Buffer.from(`\ufeff${JSON.stringify(aThing())}`, "utf16le"),
    "UTF-16 without a mark": Buffer.from(JSON.stringify(aThing()), "utf16le"),
    "bytes that are no UTF-8": Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
    "an overlong encoding": Buffer.from([0x22, 0xc0, 0x80, 0x22]),
    "a member twice": '{"name":"x","name":"y"}',
    "a member twice, once escaped": '{"name":"x","n\\u0061me":"y"}',
    "a member twice in depth": JSON.stringify(aThing()).replace('"country":"DE"', '"country":"DE","country":"FR"'),
    "a NUL": '{"name":"a\\u0000b"}',
    "a raw NUL": '{"name":"a\u0000b"}',
    "a raw line break in a text": '{"name":"a\nb"}',
    "half a surrogate pair": '{"name":"\\ud800"}',
    "the other half first": '{"name":"\\udc00\\ud800"}',
    "the door to all objects": '{"__proto__":{"isAdmin":true}}',
    "the same, escaped": '{"\\u005f_proto__":{"isAdmin":true}}',
    "too much depth": `${"[".repeat(100)}${"]".repeat(100)}`,
    "a depth that breaks readers": "[".repeat(200_000),
    hexadecimal: '{"amount":0x10}',
    "a number that begins with 0": '{"amount":01}',
    "a number without digits behind the point": '{"amount":1.}',
    "a plus sign": '{"amount":+1}',
  };

  test.each(Object.keys(zoo))("%s", async (name) => {
    const answer = await post(zoo[name]);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: "malformedRequest", title: "The request could not be read." });
    expect(answer.json()).not.toHaveProperty("errors");
    expect(answer.body).not.toContain("isAdmin");
    expect(edge.calls).toEqual([]);
    expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined();
  });

  test.each(["1", '"text"', "true", "[]", "null"])("%s is JSON and no thing", async (text) => {
    const answer = await post(text);
    expect(answer.json()).toMatchObject({ code: "validationFailed", errors: { $: [expect.any(String)] } });
  });
});

describe("fields", () => {
  test("all faults are told at once, by dotted path, in the order of the paths", async () => {
    const answer = await postThing({
      name: "",
      amount: "1,00",
      address: { country: "DEU", zip: "1" },
      parts: [{ partId: THING_ID, amount: 1 }, { partId: "x" }, 7],
      surprise: true,
    });
    expect(answer.statusCode).toBe(400);
    const { errors, ...rest } = answer.json<{ errors: Record<string, string[]> }>();
    expect(rest).toMatchObject({ code: "validationFailed", title: "One or more validation errors occurred.", detail: null });
    expect(Object.keys(errors)).toEqual([
      "address.country",
      "address.zip",
      "amount",
      "name",
      "parts.1.amount",
      "parts.1.partId",
      "parts.2",
      "surprise",
    ]);
    expect(errors["address.country"]).toEqual(["The field must have a length of 2."]);
    expect(errors["surprise"]).toEqual(["The field is not known."]);
    expect(errors["parts.1.amount"]).toEqual(["The field is required."]);
  });

  test("faults of the query and of the body are told together", async () => {
    const answer = await post(JSON.stringify(aThing({ name: "" })), JSON_TYPE, `${PATH}?debug=1`);
    expect(answer.json<{ errors: object }>().errors).toEqual({ debug: ["The field is not known."], name: [expect.any(String)] });
  });

  test("the values themselves are never told back", async () => {
    const answer = await postThing({ name: "CANARY-".repeat(9), amount: "CANARY", surprise: "CANARY" });
    expect(answer.statusCode).toBe(400);
    expect(answer.body).not.toContain("CANARY");
  });

  test("a body that is missing is named, and one that nobody asked for", async () => {
    expect((await post(undefined, {})).json()).toMatchObject({ code: "validationFailed", errors: { $: ["A body is required."] } });
    expect((await post("")).json()).toMatchObject({ code: "validationFailed", errors: { $: ["A body is required."] } });
    const cancel = (payload?: string) =>
      edge.app.inject({
        method: "PUT",
        url: `/Things/${THING_ID}/cancel`,
        headers: { ...as("client"), ...JSON_TYPE },
        ...(payload === undefined ? {} : { payload }),
      });
    expect((await cancel('{"reason":"x"}')).json()).toMatchObject({ errors: { $: ["This operation takes no body."] } });
    expect((await cancel("")).statusCode).toBe(200);
    expect((await cancel()).statusCode).toBe(200);
  });

  test("no coercion: a number is no name, a text is no list, null is no object", async () => {
    const answer = await postThing({ name: 7, parts: "x", address: null });
    expect(Object.keys(answer.json<{ errors: object }>().errors)).toEqual(["address", "name", "parts"]);
  });

  test("an amount arrives as the text of its number, to the last digit", async () => {
    for (const [sent, kept] of [
      ["9007199254740993.01", "9007199254740993.01"],
      ["0.10000000000000000000001", "0.10000000000000000000001"],
      ["10.50", "10.50"],
    ] as const) {
      edge.calls.length = 0;
      const answer = await post(JSON.stringify(aThing()).replace('"10.50"', sent));
      expect(answer.statusCode).toBe(200);
      expect(received()).toMatchObject([{ amount: kept }]);
    }
  });

  test.each(["constructor", "prototype", "toString", "hasOwnProperty", "valueOf", "__defineGetter__"])(
    "a field called %s is one that is not known",
    async (name) => {
      const answer = await postThing({ [name]: { polluted: true } });
      expect(answer.json<{ errors: object }>().errors).toEqual({ [name]: ["The field is not known."] });
    },
  );

  test("a body full of unknown fields is answered briefly", async () => {
    const unknown = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`field${index}`, index]));
    const answer = await postThing(unknown);
    expect(answer.statusCode).toBe(400);
    expect(answer.body.length).toBeLessThan(20_000);
  });
});

describe("the query", () => {
  const list = (query: string) => edge.app.inject({ method: "GET", url: `/Things?${query}`, headers: as("client") });

  test("is read by its declared types, with its defaults, and a repeated name is a list", async () => {
    await list("limit=20&tags=a&tags=b");
    await list("tags=a&order=asc");
    expect(edge.calls.map(({ call: { query } }) => query)).toEqual([
      { limit: 20, order: "desc", tags: ["a", "b"] },
      { order: "asc", tags: ["a"] },
    ]);
  });

  test.each([
    ["limit=0", "limit"],
    ["limit=101", "limit"],
    ["limit=1.5", "limit"],
    ["limit=ten", "limit"],
    ["limit=1&limit=2", "limit"],
    ["limit[]=1", "limit[]"],
    ["tags=toolong", "tags.0"],
    ["unknown=1", "unknown"],
    ["LIMIT=1", "LIMIT"],
    ["__proto__=1", "__proto__"],
    ["__proto__[isAdmin]=1", "__proto__[isAdmin]"],
    ["constructor.prototype.isAdmin=1", "constructor.prototype.isAdmin"],
    ["toString=1", "toString"],
  ])("%s is refused under its name", async (query, field) => {
    const answer = await list(query);
    expect(answer.statusCode).toBe(400);
    expect(Object.keys(answer.json<{ errors: object }>().errors)).toEqual([field]);
    expect(({} as { isAdmin?: unknown }).isAdmin).toBeUndefined();
  });
});
