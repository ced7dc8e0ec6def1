// WH-1 to WH-4 and WH-8: whose webhook is taken.

import { createHmac, randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isSigned, signWebhook, type WebhookKeys } from "./webhook-digest.ts";

const SECRET = "webhook-secret";
const BODY = Buffer.from('{"type":"applicantReviewed","applicantId":"0123456789abcdef01234567"}');
const keys: WebhookKeys = { secrets: [SECRET], algorithms: ["HMAC_SHA256_HEX", "HMAC_SHA512_HEX"] };
const hmac = (hash: string, body: Uint8Array = BODY, secret = SECRET) => createHmac(hash, secret).update(body).digest("hex");
const signed = (digest: unknown, algorithm?: unknown) => {
  const headers: Record<string, unknown> = {
    "x-payload-digest": digest,
    ...(algorithm === undefined ? {} : { "x-payload-digest-alg": algorithm }),
  };
  return isSigned(keys, BODY, headers as Record<string, string>);
};
const RIGHT = "4cf52dee947a97bcdf57deec584fc009edad1e6608fb99922970ed4c1a174b69";

// printf … | openssl dgst -sha256 -hmac webhook-secret
test("the digests are those that openssl makes", () => {
  expect(signed(RIGHT)).toBe(true);
  expect(signed(RIGHT, "HMAC_SHA256_HEX")).toBe(true);
  expect(
    signed(
      "cbf5b47a4a8b45374312a3c44ba551763f55515341564232c4560a32f682eca5418417119ac889279e17b6d1e6654b736e58ec2da796c789a868a012288d8199",
      "HMAC_SHA512_HEX",
    ),
  ).toBe(true);
  const old = { ...keys, algorithms: ["HMAC_SHA1_HEX"] };
  expect(
    isSigned(old, BODY, { "x-payload-digest": "7093459db8af8f01a30b9b35140fdfe6981932fb", "x-payload-digest-alg": "HMAC_SHA1_HEX" }),
  ).toBe(true);
});

test.each<[string, unknown]>([
  ["a flipped bit", `${RIGHT.slice(0, -1)}${RIGHT.endsWith("0") ? "1" : "0"}`],
  ["upper case", RIGHT.toUpperCase()],
  ["one letter in upper case", RIGHT.replace(/[a-f]/, (letter) => letter.toUpperCase())],
  ["a part", RIGHT.slice(0, 63)],
  ["more than it", `${RIGHT}0`],
  ["a space before it", ` ${RIGHT}`],
  ["nothing", ""],
  ["no header", undefined],
  ["two headers", [RIGHT, RIGHT]],
  ["two headers joined", `${RIGHT}, ${RIGHT}`],
  ["one header in a list", [RIGHT]],
  ["letters beyond bytes", `${RIGHT.slice(0, 63)}\u0130`],
  ["64 letters that are no hex", "z".repeat(64)],
  ["another body's", hmac("sha256", Buffer.from("{}"))],
  ["another secret's", hmac("sha256", BODY, "another")],
  ["another algorithm's", hmac("sha512")],
  ["base64", createHmac("sha256", SECRET).update(BODY).digest("base64")],
  ["a megabyte", "0".repeat(1_000_000)],
])("%s is no digest", (_, digest) => {
  expect(signed(digest)).toBe(false);
});

test.each<[string, unknown]>([
  ["the old one, where it is not configured", "HMAC_SHA1_HEX"],
  ["MD5", "HMAC_MD5_HEX"],
  ["none", "none"],
  ["nothing", ""],
  ["__proto__", "__proto__"],
  ["constructor", "constructor"],
  ["toString", "toString"],
  ["the name of a hash", "sha256"],
  ["lower case", "hmac_sha256_hex"],
  ["a list", ["HMAC_SHA256_HEX", "HMAC_SHA256_HEX"]],
  ["a list of one", ["HMAC_SHA256_HEX"]],
  ["two joined", "HMAC_SHA256_HEX, HMAC_SHA256_HEX"],
])("the sender's header does not widen what is accepted: %s", (_, algorithm) => {
  for (const digest of [RIGHT, hmac("sha1"), hmac("md5"), hmac("sha512")]) expect(signed(digest, algorithm)).toBe(false);
});

test("no setting makes a digest of what is no algorithm of ours", () => {
  const odd = { secrets: [SECRET], algorithms: ["HMAC_MD5_HEX", "__proto__", "constructor"] };
  for (const name of odd.algorithms)
    expect(isSigned(odd, BODY, { "x-payload-digest": hmac("md5"), "x-payload-digest-alg": name })).toBe(false);
});

describe("the bytes are judged as they came", () => {
  const texts = [
    '{ "type" : "x" }',
    '{"type":"\\u00e9"}',
    '{"type":"é"}',
    '{"n":1.10}',
    '{"n":1.1}',
    '{"type":"x"}\r\n',
    '\ufeff{"type":"x"}',
    "",
    "not json",
  ];
  test.each(texts)("%j", (text) => {
    const raw = Buffer.from(text);
    expect(isSigned(keys, raw, signWebhook(SECRET, raw))).toBe(true);
    for (const other of texts.filter((each) => each !== text))
      expect(isSigned(keys, Buffer.from(other), signWebhook(SECRET, raw))).toBe(false);
  });

  test("a check of the document written anew would fail", () => {
    const raw = Buffer.from('{ "type": "\\u00e9", "n": 1.10 }');
    const again = Buffer.from(JSON.stringify(JSON.parse(raw.toString())));
    expect(isSigned(keys, again, signWebhook(SECRET, raw))).toBe(false);
  });
});

test("while the secret is changed both are good, then one", () => {
  const both = { ...keys, secrets: ["new-secret", SECRET] };
  for (const secret of both.secrets) expect(isSigned(both, BODY, signWebhook(secret, BODY))).toBe(true);
  const after = { ...keys, secrets: ["new-secret"] };
  expect([isSigned(after, BODY, signWebhook("new-secret", BODY)), isSigned(after, BODY, signWebhook(SECRET, BODY))]).toEqual([true, false]);
});

test("without a secret nothing is signed", () => {
  const none = { ...keys, secrets: [] };
  for (const secret of ["", SECRET]) expect(isSigned(none, BODY, signWebhook(secret, BODY))).toBe(false);
});

test("whatever stands in the headers is judged and never throws; a digest of chance is none", () => {
  const anything = fc.oneof(fc.string({ unit: "binary" }), fc.array(fc.string()), fc.constant(undefined));
  fc.assert(
    fc.property(
      fc.uint8Array(),
      anything,
      fc.oneof(anything, fc.constantFrom("HMAC_SHA256_HEX", "HMAC_SHA512_HEX")),
      (raw, digest, algorithm) => {
        expect(isSigned(keys, raw, { "x-payload-digest": digest, "x-payload-digest-alg": algorithm })).toBe(false);
      },
    ),
    { numRuns: 2_000 },
  );
});

test("how long a wrong digest takes does not tell where it is wrong", () => {
  const body = randomBytes(200);
  const right = createHmac("sha256", SECRET).update(body).digest("hex");
  const flip = (at: number) => `${right.slice(0, at)}${right[at] === "0" ? "1" : "0"}${right.slice(at + 1)}`;
  const [first, last] = [flip(0), flip(63)];
  const times: Record<"first" | "last", number[]> = { first: [], last: [] };
  const measure = (name: "first" | "last", digest: string) => {
    const started = process.hrtime.bigint();
    isSigned(keys, body, { "x-payload-digest": digest });
    times[name].push(Number(process.hrtime.bigint() - started));
  };
  for (let n = 0; n < 4_000; n++) {
    measure("first", first);
    measure("last", last);
  }
  const median = (values: number[]) => values.slice(2_000).toSorted((a, b) => a - b)[1_000] ?? 0;
  const [a, b] = [median(times.first), median(times.last)];
  // Within noise: a comparison that stops at the first difference saves nanoseconds of some thousand, so this sees gross mistakes only.
  expect(Math.abs(a - b)).toBeLessThan(0.5 * Math.max(a, b));
});
