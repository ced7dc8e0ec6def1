// Signs tokens for development and tests, so that the product can be tried without an identity provider. Its private key
// lies below the data folder, readable by its owner alone; in production mode it does not open at all.

import { randomBytes, randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { link, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, SignJWT, type JWK } from "jose";
import type { Audience } from "./access.ts";
import { type KeySource, staticKeys } from "./key-set.ts";
import { makeFolder } from "./folder.ts";
import { explainFolderError, StartupError } from "./startup-error.ts";

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
  try {
    makeFolder(dataDir, 0o700);
  } catch (error) {
    throw explainFolderError(error, dataDir, "Choose another folder with FINLEGO_DATA.");
  }
  const path = join(dataDir, KEY_FILE);
  const stored = (await readKeyFile(path)) ?? (await createKeyFile(path));
  const { keys, privateKey, kid } = await openKeyPair(path, stored);

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

/** The key of the file, or undefined when there is none yet. */
async function readKeyFile(path: string): Promise<JWK | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    // A link in its place could make us read, and trust, a key somebody else chose.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (isErrorCode(error, "ENOENT")) return undefined;
    throw new StartupError(`The key of the development issuer cannot be read: ${path}.`);
  }
  try {
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0) throw new StartupError(`Other users can read the key of the development issuer: run chmod 600 ${path}.`);
    const key: unknown = JSON.parse(await file.readFile("utf8"));
    if (typeof key !== "object" || key === null) throw damaged(path);
    return key;
  } catch (error) {
    throw error instanceof StartupError ? error : damaged(path);
  } finally {
    await file.close();
  }
}

/**
 * Makes a key and gives it the file's name in one step that fails when the name is taken: no reader ever sees half a key,
 * and of two processes one wins and both use its key.
 */
async function createKeyFile(path: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  const key = { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: ALGORITHM, use: "sig" };
  const draft = `${path}.${randomBytes(8).toString("hex")}`;
  try {
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(`${JSON.stringify(key)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path).catch((error: unknown) => {
      if (!isErrorCode(error, "EEXIST")) throw error;
    });
  } catch {
    throw new StartupError(`The key of the development issuer cannot be written: ${path}.`);
  } finally {
    await unlink(draft).catch(() => {});
  }
  return (await readKeyFile(path)) ?? key;
}

function damaged(path: string): StartupError {
  return new StartupError(
    `The key of the development issuer is damaged: delete ${path} to get a new one; tokens printed before then stop working.`,
  );
}

function isErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
