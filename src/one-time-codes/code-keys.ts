// All cryptography of one-time codes. One secret of the server gives three keys, one for each use. A code is worth guessing only for who
// holds the secret: six digits under a plain hash would fall in a second.

import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, randomInt, timingSafeEqual } from "node:crypto";
import { uuidOf } from "#platform/http/idempotency.ts";
import { isUuid } from "#platform/ids.ts";

/** What a code is bound to: changed in any part, the code is wrong. */
export type Binding = {
  readonly challengeId: string;
  readonly clientId: string;
  readonly purpose: string;
  /** Canonical text of what is confirmed. */
  readonly subject: string;
};

const CODES = 1_000_000;
const CIPHER = "aes-256-gcm";
const IV_BYTES = 12;
const TAG_BYTES = 16;
const ID_BYTES = 16;
const HASH_BYTES = 32;

/** Six digits, each code as likely as any other. */
export function newCode(): string {
  return String(randomInt(CODES)).padStart(6, "0");
}

export class CodeKeys {
  readonly #hashing: Buffer;
  readonly #sealing: Buffer;
  readonly #proving: Buffer;

  /** `secret`: at least 256 bits of chance as text (OTP_KEY), the same in every process on one database. */
  constructor(secret: string) {
    const keyFor = (use: string): Buffer => Buffer.from(hkdfSync("sha256", secret, "", `finlego one-time codes: ${use}`, 32));
    this.#hashing = keyFor("hashing");
    this.#sealing = keyFor("sealing");
    this.#proving = keyFor("proving");
  }

  hashCode(binding: Binding, code: string): Buffer {
    return hmac(this.#hashing, ["code", ...partsOf(binding), code]);
  }

  hashDestination(binding: Binding, address: string): Buffer {
    return hmac(this.#hashing, ["destination", ...partsOf(binding), address]);
  }

  /** Encrypts a message for its challenge alone. */
  seal(challengeId: string, text: string): Buffer {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv(CIPHER, this.#sealing, iv, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(challengeId));
    const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
  }

  /** @throws where another key or another challenge sealed it, or somebody changed it. */
  unseal(challengeId: string, sealed: Buffer): string {
    const [iv, tag] = [sealed.subarray(0, IV_BYTES), sealed.subarray(IV_BYTES, IV_BYTES + TAG_BYTES)];
    const decipher = createDecipheriv(CIPHER, this.#sealing, iv, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(challengeId)).setAuthTag(tag);
    return decipher.update(sealed.subarray(IV_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
  }

  /** What a client shows to use a verified code: made again whenever it is needed, stored nowhere. */
  proofOf(binding: Binding): string {
    const id = Buffer.from(binding.challengeId.replaceAll("-", ""), "hex");
    return Buffer.concat([id, hmac(this.#proving, partsOf(binding))]).toString("base64url");
  }

  /** The challenge whose proof this is for just that client, purpose and subject; null for anything else. */
  challengeOf(proof: string, about: Omit<Binding, "challengeId">): string | null {
    const bytes = Buffer.from(proof, "base64url");
    if (bytes.length !== ID_BYTES + HASH_BYTES) return null;
    const challengeId = uuidOf(bytes.toString("hex"));
    return isUuid(challengeId) && isSame(Buffer.from(this.proofOf({ ...about, challengeId })), Buffer.from(proof)) ? challengeId : null;
  }
}

/** In constant time: how far two values agree tells nobody anything. */
export function isSame(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

function partsOf({ challengeId, clientId, purpose, subject }: Binding): string[] {
  return [challengeId, clientId, purpose, subject];
}

/** JSON keeps the parts apart: no two lists have one text. */
function hmac(key: Buffer, parts: readonly string[]): Buffer {
  return createHmac("sha256", key).update(JSON.stringify(parts)).digest();
}
