// Pure: whether a webhook was signed by somebody who knows its secret (contract 7.3). Judged on the bytes as they came, before anybody reads
// them. The headers say which of our algorithms was used; they cannot name one that is not configured.

import { createHmac, timingSafeEqual } from "node:crypto";

/** Every value of a header as it was sent: a list where the header came more than once. */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

export type WebhookKeys = {
  /** One, or two while they are changed. None: nothing verifies. */
  readonly secrets: readonly string[];
  /** Of `ALGORITHMS`, those that are accepted. */
  readonly algorithms: readonly string[];
};

const ALGORITHMS: ReadonlyMap<string, string> = new Map([
  ["HMAC_SHA256_HEX", "sha256"],
  ["HMAC_SHA512_HEX", "sha512"],
  ["HMAC_SHA1_HEX", "sha1"],
]);
const DEFAULT_ALGORITHM = "HMAC_SHA256_HEX";

const DIGEST = "x-payload-digest";
const ALGORITHM = "x-payload-digest-alg";

/** Whether the digest in the headers is that of the bytes under one of the secrets: lower-case hex, once, of an accepted algorithm. */
export function isSigned(keys: WebhookKeys, raw: Uint8Array, headers: Headers): boolean {
  const algorithm = headers[ALGORITHM] ?? DEFAULT_ALGORITHM;
  const digest = headers[DIGEST];
  if (typeof algorithm !== "string" || typeof digest !== "string" || !keys.algorithms.includes(algorithm)) return false;
  const hash = ALGORITHMS.get(algorithm);
  if (hash === undefined) return false;
  const given = Buffer.from(digest, "latin1");
  // Each secret is tried whatever the one before said: how long it takes tells nothing.
  return keys.secrets.map((secret) => isEqual(given, digestOf(hash, secret, raw))).includes(true);
}

/** The headers with which Sumsub would send these bytes. */
export function signWebhook(secret: string, raw: Uint8Array): Readonly<Record<string, string>> {
  return { [DIGEST]: digestOf("sha256", secret, raw).toString("latin1"), [ALGORITHM]: DEFAULT_ALGORITHM };
}

function digestOf(hash: string, secret: string, raw: Uint8Array): Buffer {
  return Buffer.from(createHmac(hash, secret).update(raw).digest("hex"), "latin1");
}

/** timingSafeEqual throws where the lengths differ, and the length of a digest is no secret. */
function isEqual(given: Buffer, right: Buffer): boolean {
  return given.length === right.length && timingSafeEqual(given, right);
}
