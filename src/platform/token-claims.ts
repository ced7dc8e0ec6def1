// Turns the claims of a token whose signature holds into a caller, or into the one reason why not.
// Pure: the clock comes in. Times are whole seconds since 1970, as in RFC 7519.

import type { Caller } from "./access.ts";
import type { TokenFault } from "./bearer-token.ts";
import { JsonNumber } from "./json.ts";

/** When a token may be used: from `notBefore` (nbf or iat, the later) until `expiresAt`. Seconds since 1970. */
export type Validity = { readonly notBefore: number; readonly expiresAt: number };

/** How far the issuer's clock and ours may differ (FAPI 2.0: accept 10 s, refuse above 60 s). */
const SKEW_SECONDS = 10;
const YEAR_9999 = 253_402_300_799;
// Judged on the text of the number: 1e308 and 1700000000.5 are not instants, and 1700000000.0 is not how one is written.
const WHOLE_SECONDS = /^(?:0|[1-9]\d{0,11})$/;

const SUBJECT = /^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const TENANT = /^[A-Za-z0-9_-]{1,64}$/;
// RFC 6749, 3.3: printable ASCII words without quote and backslash, between single or repeated spaces.
const SCOPE = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;

// What only an ID token, a logout token or a token bound to its sender carries. The last is refused because we do not ask
// for the proof of possession that would make it worth something: taken as a plain bearer token, a stolen one would do.
const REFUSED_CLAIMS = ["nonce", "at_hash", "c_hash", "events", "cnf"];
// Two issuers' way to say what a token is for: Keycloak's `typ` ("Bearer", "ID", "Refresh"), Cognito's `token_use`.
const ACCESS_TOKEN_WORDS = ["bearer", "access", "at+jwt", "jwt"];

/** Reads who calls and from when until when, or says why these claims are not those of an access token for us. */
export function readClaims(
  claims: ReadonlyMap<string, unknown>,
  expected: { readonly issuer: string; readonly audience: string },
): { readonly caller: Caller; readonly validity: Validity } | TokenFault {
  if (claims.get("iss") !== expected.issuer) return { fault: "the token is from another issuer" };
  // An array is refused even when it names us: a token for two readers can be replayed by one at the other.
  if (claims.get("aud") !== expected.audience) return { fault: "the token is for another audience" };
  for (const claim of REFUSED_CLAIMS) {
    if (claims.has(claim)) return { fault: `the token has the claim ${claim}: not a plain access token` };
  }
  for (const claim of ["typ", "token_use"]) {
    const word = claims.get(claim);
    if (word !== undefined && !(typeof word === "string" && ACCESS_TOKEN_WORDS.includes(word.toLowerCase()))) {
      return { fault: `the claim ${claim} says that this is not an access token` };
    }
  }
  const validity = readValidity(claims);
  if ("fault" in validity) return validity;
  const caller = readCaller(claims);
  return "fault" in caller ? caller : { caller, validity };
}

/** Says why a token may not be used at this moment, or undefined when it may. */
export function timeFault(validity: Validity, nowMs: number): TokenFault | undefined {
  const now = nowMs / 1000;
  if (now >= validity.expiresAt + SKEW_SECONDS) return { fault: "the token has expired" };
  // Written so that a broken clock (NaN) refuses.
  if (!(now >= validity.notBefore - SKEW_SECONDS)) return { fault: "the token is not valid yet" };
  return undefined;
}

function readValidity(claims: ReadonlyMap<string, unknown>): Validity | TokenFault {
  const expiresAt = readInstant(claims.get("exp"));
  if (expiresAt === undefined) return { fault: "exp is not a whole number of seconds" };
  let notBefore = 0;
  for (const claim of ["nbf", "iat"]) {
    if (!claims.has(claim)) continue;
    const instant = readInstant(claims.get(claim));
    if (instant === undefined) return { fault: `${claim} is not a whole number of seconds` };
    notBefore = Math.max(notBefore, instant);
  }
  return { notBefore, expiresAt };
}

/** The claim `clientId` decides: with it the token is an end user's, without it a system's (decision 18). */
function readCaller(claims: ReadonlyMap<string, unknown>): Caller | TokenFault {
  const subject = claims.get("sub");
  if (!isSubject(subject)) return { fault: "sub is not 1 to 255 printable characters" };
  const tenant = claims.get("tenant");
  if (tenant !== undefined && !isTenant(tenant)) return { fault: "tenant is not 1 to 64 letters, digits, _ or -" };
  const scope = claims.get("scope");
  if (scope !== undefined && !isText(scope, SCOPE)) return { fault: "scope is not a text of words between spaces" };

  const clientId = claims.get("clientId");
  if (clientId === undefined) {
    const scopes = new Set((scope ?? "").split(" ").filter((word) => word !== ""));
    return { kind: "system", subject, scopes, tenant: tenant ?? null };
  }
  if (!isUuid(clientId)) return { fault: "clientId is not a uuid" };
  return { kind: "client", subject, clientId: clientId.toLowerCase(), tenant: tenant ?? null };
}

/** A uuid in its hyphenated form, in either case. */
export function isUuid(value: unknown): value is string {
  return isText(value, UUID);
}

/** A tenant's name (decision 18). */
export function isTenant(value: unknown): value is string {
  return isText(value, TENANT);
}

/** A `sub` we accept: printable ASCII, no space at either end. */
export function isSubject(value: unknown): value is string {
  return isText(value, SUBJECT);
}

function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === "string" && pattern.test(value);
}

function readInstant(value: unknown): number | undefined {
  if (!(value instanceof JsonNumber) || !WHOLE_SECONDS.test(value.source)) return undefined;
  const seconds = Number(value.source);
  return seconds <= YEAR_9999 ? seconds : undefined;
}
