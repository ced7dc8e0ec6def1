// From an Authorization header to a caller. Promises: a failure is a value that names the rule and never holds the token;
// nothing is thrown; nothing but the configured key set is asked; a token seen before costs a hash and a look-up, and its
// times and its key are judged anew each time.

import { hash } from "node:crypto";
import { compactVerify } from "jose";
import type { Caller, TokenVerdict, VerifyToken } from "./access.ts";
import { bearerToken, readToken, type TokenFault } from "./bearer-token.ts";
import type { KeySource } from "./key-set.ts";
import { readClaims, timeFault, type Validity } from "./token-claims.ts";
import type { VerificationKey } from "./verification-key.ts";

export type TokenVerifierOptions = {
  readonly issuer: string;
  readonly audience: string;
  readonly keys: KeySource;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** How many verified tokens are remembered; the least recently used one goes first. */
  readonly cacheSize?: number;
};

type Verified = { readonly caller: Caller; readonly validity: Validity; readonly key: VerificationKey };

const CACHE_SIZE = 10_000;

export function createTokenVerifier(options: TokenVerifierOptions): VerifyToken {
  const { keys, clock, cacheSize = CACHE_SIZE } = options;
  // By digest: the memory of the process then holds no list of usable tokens. A Map keeps its order of insertion, so the
  // first entry is the one longest unused. Only accepted tokens get in, so nonsense cannot push them out.
  const cache = new Map<string, Verified>();

  function recall(digest: string): Verified | undefined {
    const known = cache.get(digest);
    if (!known) return undefined;
    cache.delete(digest);
    if (!keys.trusts(known.key)) return undefined;
    cache.set(digest, known);
    return known;
  }

  function remember(digest: string, verified: Verified): void {
    cache.set(digest, verified);
    if (cache.size <= cacheSize) return;
    for (const oldest of cache.keys()) {
      cache.delete(oldest);
      break;
    }
  }

  return function verifyToken(authorizationHeader) {
    const token = bearerToken(authorizationHeader);
    if (typeof token !== "string") return token;
    const digest = hash("sha256", token, "base64url");
    const known = recall(digest);
    if (known) return timeFault(known.validity, clock()) ?? known.caller;
    return verifyNew(token, digest);
  };

  async function verifyNew(token: string, digest: string): Promise<TokenVerdict> {
    try {
      const verified = await verifyOnce(token, options);
      if ("fault" in verified) return verified;
      remember(digest, verified);
      return verified.caller;
    } catch {
      return { fault: "the token could not be read" };
    }
  }
}

async function verifyOnce(token: string, { issuer, audience, keys, clock }: TokenVerifierOptions): Promise<Verified | TokenFault> {
  const unverified = readToken(token);
  if ("fault" in unverified) return unverified;
  const key = await keys.find(unverified.kid);
  if (!key) return { fault: "the token's key is not in the key set" };
  if (key.algorithm !== unverified.algorithm) return { fault: "the token's algorithm does not fit its key" };
  if (!(await signatureHolds(token, key))) return { fault: "the token's signature does not hold" };

  const read = readClaims(unverified.claims, { issuer, audience });
  if ("fault" in read) return read;
  const untimely = timeFault(read.validity, clock());
  return untimely ?? { ...read, key };
}

/** jose reads the token again by itself and applies its own checks; ours came first and are the stricter ones. */
async function signatureHolds(token: string, key: VerificationKey): Promise<boolean> {
  try {
    await compactVerify(token, key.key);
    return true;
  } catch {
    return false;
  }
}
