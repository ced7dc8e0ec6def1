// Takes an Authorization header apart, down to the token's header and claims, before any key is looked at.
// Pure. Strict on purpose: one spelling per token, so that nothing reads the same text in two ways (RFC 7515, RFC 8725).

import { JsonNumber, parseJson } from "./json.ts";

/** A token that is well-formed. Its signature has not been looked at: nothing in here may be believed yet. */
export type UnverifiedToken = {
  readonly algorithm: SigningAlgorithm;
  readonly kid: string | null;
  /** As `parseJson` gives them: numbers as their text. */
  readonly claims: ReadonlyMap<string, unknown>;
};

/** Why a token is not accepted. For the log only: it names the rule, and never repeats a part of the token. */
export type TokenFault = { readonly fault: string };

/** Asymmetric signatures only. With a shared-secret algorithm in this list a public key would become a password. */
export type SigningAlgorithm = "Ed25519" | "ES256" | "ES384" | "ES512" | "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512";

/** The spelling in a token's or key's `alg`, exactly as written. Ed25519 has an older, wider name (RFC 9864). */
const ALGORITHMS: ReadonlyMap<unknown, SigningAlgorithm> = new Map<string, SigningAlgorithm>([
  ["EdDSA", "Ed25519"],
  ["Ed25519", "Ed25519"],
  ["ES256", "ES256"],
  ["ES384", "ES384"],
  ["ES512", "ES512"],
  ["RS256", "RS256"],
  ["RS384", "RS384"],
  ["RS512", "RS512"],
  ["PS256", "PS256"],
  ["PS384", "PS384"],
  ["PS512", "PS512"],
]);

const TOKEN_BYTES_MAX = 8192;
const SCHEME = /^bearer /i;
const BASE64URL = /^[A-Za-z0-9_-]+$/;
const KEY_ID = /^[\x20-\x7e]{1,200}$/;
const ACCESS_TOKEN_TYPE = /^(?:application\/)?(?:at\+)?jwt$/i;
// Members that bring their own key, fetch one, or change how the token is to be read.
const REFUSED_HEADER_MEMBERS = ["crit", "b64", "jku", "jwk", "x5u", "x5c", "enc", "zip"];

/** The algorithm an `alg` member names, or undefined when it is not one of ours (also for a non-string). */
export function signingAlgorithm(alg: unknown): SigningAlgorithm | undefined {
  return ALGORITHMS.get(alg);
}

/** Whether a `kid` is something we will use as a key of a Map. It is never used as anything else. */
export function isKeyId(kid: unknown): kid is string {
  return typeof kid === "string" && KEY_ID.test(kid);
}

/**
 * The token of `Authorization: Bearer <token>`, its length checked and nothing else. An array is the header as often as it
 * was sent: more than once is refused, since nobody can say which one counts.
 */
export function bearerToken(header: string | readonly string[] | undefined): string | TokenFault {
  if (header === undefined) return { fault: "no Authorization header" };
  const value = typeof header === "string" ? header : header.length === 1 ? header[0] : undefined;
  if (value === undefined) return { fault: "not exactly one Authorization header" };
  if (!SCHEME.test(value)) return { fault: "the Authorization header is not of the form Bearer <token>" };
  const token = value.slice("bearer ".length);
  if (token.length > TOKEN_BYTES_MAX) return { fault: `the token is longer than ${TOKEN_BYTES_MAX} bytes` };
  return token;
}

/** Reads header and claims of a compact JWS. Refuses everything RFC 7515 leaves open and we do not need. */
export function readToken(token: string): UnverifiedToken | TokenFault {
  const segments = token.split(".", 4);
  const [headerText, claimsText, signatureText] = segments;
  if (segments.length !== 3 || headerText === undefined || claimsText === undefined || signatureText === undefined) {
    return { fault: "the token does not have three parts" };
  }
  const headerBytes = decodeBase64url(headerText);
  const claimsBytes = decodeBase64url(claimsText);
  if (!headerBytes || !claimsBytes || !decodeBase64url(signatureText)) return { fault: "a part of the token is not strict base64url" };

  const header = readObject(headerBytes);
  if (!header) return { fault: "the token's header is not one plain JSON object" };
  for (const member of REFUSED_HEADER_MEMBERS) {
    if (header.has(member)) return { fault: `the token's header has the member ${member}` };
  }
  const algorithm = signingAlgorithm(header.get("alg"));
  if (!algorithm) return { fault: "the token's algorithm is not allowed" };
  const type = header.get("typ");
  if (type !== undefined && !(typeof type === "string" && ACCESS_TOKEN_TYPE.test(type)))
    return { fault: "the token's typ is not JWT or at+jwt" };
  const kid = header.get("kid");
  if (kid !== undefined && !isKeyId(kid)) return { fault: "the token's kid is not 1 to 200 printable characters" };

  const claims = readObject(claimsBytes);
  if (!claims) return { fault: "the token's claims are not one plain JSON object" };
  return { algorithm, kid: kid ?? null, claims };
}

/** Decodes base64url without padding. The last character may not carry stray bits: they would give one token many spellings. */
function decodeBase64url(text: string): Buffer | undefined {
  if (!BASE64URL.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}

/** A Map, so that a member called `__proto__` or `constructor` is a member and nothing more. */
function readObject(bytes: Buffer): ReadonlyMap<string, unknown> | undefined {
  const parsed = parseJson(bytes);
  if (!("value" in parsed)) return undefined;
  const { value } = parsed;
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof JsonNumber) return undefined;
  return new Map(Object.entries(value));
}
