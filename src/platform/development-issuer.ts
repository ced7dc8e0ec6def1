// Signs tokens for development and tests, so that the product can be tried without an identity provider. Its private key
// lies below the data folder, readable by its owner alone; in production mode it does not open at all.

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, SignJWT, type JWK } from "jose";
import type { Audience } from "./access.ts";
import { type KeySource, staticKeys } from "./key-set.ts";
import { openSecretFile } from "./secret-file.ts";
import { StartupError } from "./startup-error.ts";

/** What a development token is to say. A front-office token speaks for `clientId`, a system token for `scope`. */
export type TokenRequest = {
  readonly audience: Extract<Audience, "system" | "frontOffice">;
  /** Words between spaces. */
  readonly scope?: string | undefined;
  readonly clientId?: string | undefined;
  readonly tenant?: string | undefined;
  /** Default: the client's id, or `development` for a system. */
  readonly subject?: string | undefined;
  /** Default: an hour. */
  readonly expiresInSeconds?: number | undefined;
};

export type DevelopmentIssuer = {
  readonly keys: KeySource;
  /** Signs a token that is valid from `nowMs` (milliseconds since 1970) on. */
  mint(request: TokenRequest, nowMs: number): Promise<string>;
};

const KEY_FILE = "development-issuer.json";
const ALGORITHM = "EdDSA";
const EXPIRES_IN_SECONDS = 3600;

/**
 * Opens the issuer of `dataDir`, making its key at the first time; several processes may do so at once and get the same key.
 * Throws StartupError in production mode, and when the key file is damaged or open to other users.
 */
export async function openDevelopmentIssuer(options: {
  readonly dataDir: string;
  readonly issuer: string;
  readonly audience: string;
  /** Default: NODE_ENV. */
  readonly mode?: string | undefined;
}): Promise<DevelopmentIssuer> {
  const { dataDir, issuer, audience, mode = process.env["NODE_ENV"] } = options;
  if (mode === "production") {
    throw new StartupError("There is no development issuer in production mode: set AUTH_ISSUER, AUTH_AUDIENCE and AUTH_JWKS_URL.");
  }
  const path = join(dataDir, KEY_FILE);
  const stored = await openSecretFile(path, "The key of the development issuer", createKey);
  const { keys, privateKey, kid } = await openKeyPair(path, readKey(path, stored));

  return {
    keys,
    async mint(request, nowMs) {
      const now = Math.floor(nowMs / 1000);
      const { scope, tenant } = request;
      // The claim decides what the token is (decision 18): it is there for end users and for nobody else.
      const clientId = request.audience === "frontOffice" ? request.clientId : undefined;
      if (request.audience === "frontOffice" && clientId === undefined) throw new Error("a front-office token needs a client");
      const subject = request.subject ?? clientId ?? "development";
      return new SignJWT({
        ...(scope !== undefined && { scope }),
        ...(clientId !== undefined && { clientId }),
        ...(tenant !== undefined && { tenant }),
      })
        .setProtectedHeader({ alg: ALGORITHM, kid, typ: "at+jwt" })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(subject)
        .setJti(randomUUID())
        .setIssuedAt(now)
        .setExpirationTime(now + (request.expiresInSeconds ?? EXPIRES_IN_SECONDS))
        .sign(privateKey);
    },
  };
}

/** Both halves of the stored key. Importing refuses a private half that belongs to another public one. */
async function openKeyPair(path: string, stored: JWK) {
  const { d: _private, ...publicJwk } = stored;
  try {
    const keys = await staticKeys({ keys: [publicJwk] });
    const privateKey = await importJWK(stored, ALGORITHM);
    if (!stored.kid || privateKey instanceof Uint8Array || privateKey.type !== "private") throw damaged(path);
    return { keys, privateKey, kid: stored.kid };
  } catch {
    throw damaged(path);
  }
}

function readKey(path: string, stored: string): JWK {
  try {
    const key: unknown = JSON.parse(stored);
    if (typeof key === "object" && key !== null) return key;
  } catch {
    // Told below.
  }
  throw damaged(path);
}

async function createKey(): Promise<string> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  return `${JSON.stringify({ ...jwk, kid: await calculateJwkThumbprint(jwk), alg: ALGORITHM, use: "sig" })}\n`;
}

function damaged(path: string): StartupError {
  return new StartupError(
    `The key of the development issuer is damaged: delete ${path} to get a new one; tokens printed before then stop working.`,
  );
}
