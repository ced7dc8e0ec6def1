// Encryption of data at rest, in two storeys: data under a key of their owner, that key wrapped under a master key that stands in no
// database. AES-256-GCM throughout; what is sealed for one place (table, column, row) opens in no other. NIST SP 800-38D: 96-bit nonces of
// chance, one key sealing far fewer than 2^32 texts.

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";

const CIPHER = "aes-256-gcm";
export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Where sealed bytes stand. They open nowhere else: a value moved to another row, column or table is refused. */
export type Place = { readonly table: string; readonly column: string; readonly row: string };

/** A key wrapped under the master key of that id. */
export type WrappedKey = { readonly masterKey: string; readonly wrappedKey: Buffer };

/** No given master key opens it: the key was lost, or this process was started without it. */
export class UnknownMasterKey extends Error {
  readonly masterKey: string;

  constructor(masterKey: string) {
    super(`master key ${masterKey} is not given`);
    this.masterKey = masterKey;
  }
}

/** The key of one owner's data. Never stored, logged or sent as it is. */
export class DataKey {
  readonly #key: Buffer;
  #markKey: KeyObject | null = null;

  constructor(key: Buffer) {
    if (key.length !== KEY_BYTES) throw new RangeError("a key of 256 bits is needed");
    this.#key = key;
  }

  /** nonce ‖ tag ‖ ciphertext. */
  seal(place: Place, plain: string | Uint8Array): Buffer {
    return seal(this.#key, placeOf(place), Buffer.from(plain as Uint8Array));
  }

  /** @throws when another key or another place sealed it, or somebody changed it. */
  unseal(place: Place, sealed: Uint8Array): Buffer {
    return unseal(this.#key, placeOf(place), Buffer.from(sealed));
  }

  unsealText(place: Place, sealed: Uint8Array): string {
    return this.unseal(place, sealed).toString("utf8");
  }

  /** A key of its own for one use or one thing of the same owner: gone with this key. */
  derive(use: string): DataKey {
    return new DataKey(Buffer.from(hkdfSync("sha256", this.#key, "", `finlego: ${use}`, KEY_BYTES)));
  }

  /** Keyed mark of a text for look-ups by equality: without the key nobody can tell which text it is. */
  mark(kind: string, text: string): Buffer {
    // Made once: from bytes each mark would take four times as long.
    this.#markKey ??= createSecretKey(this.#key);
    return createHmac("sha256", this.#markKey)
      .update(JSON.stringify([kind, text]))
      .digest();
  }

  /** For the one who wraps it. */
  wrapUnder(wrap: (key: Buffer) => WrappedKey): WrappedKey {
    return wrap(this.#key);
  }
}

/** The master keys of this process: the first one wraps, all of them unwrap. */
export class MasterKeys {
  readonly current: string;
  readonly #keys: ReadonlyMap<string, Buffer>;

  constructor(keys: readonly Buffer[]) {
    const [first] = keys;
    if (first === undefined) throw new RangeError("a master key is needed");
    for (const key of keys) if (key.length !== KEY_BYTES) throw new RangeError("a master key has 256 bits");
    this.current = idOf(first);
    this.#keys = new Map(keys.map((key) => [idOf(key), key]));
  }

  has(id: string): boolean {
    return this.#keys.has(id);
  }

  /** A new key of `owner`, and how it is stored. */
  newKey(owner: string): { readonly key: DataKey; readonly wrapped: WrappedKey } {
    const key = new DataKey(randomBytes(KEY_BYTES));
    return { key, wrapped: this.wrap(owner, key) };
  }

  wrap(owner: string, key: DataKey): WrappedKey {
    return key.wrapUnder((bytes) => ({ masterKey: this.current, wrappedKey: seal(this.#of(this.current), wrapPlace(owner), bytes) }));
  }

  /** @throws UnknownMasterKey; another error when it was wrapped for another owner or changed. */
  unwrap(owner: string, { masterKey, wrappedKey }: WrappedKey): DataKey {
    return new DataKey(unseal(this.#of(masterKey), wrapPlace(owner), wrappedKey));
  }

  #of(id: string): Buffer {
    const key = this.#keys.get(id);
    if (key === undefined) throw new UnknownMasterKey(id);
    return key;
  }
}

/** Far fewer different bytes than chance ever gives 32 of them: somebody typed the key, or filled it with zeros. */
const DISTINCT_BYTES_MIN = 16;

/** Reads `MASTER_KEY`: keys of 256 random bits in base64 or hex, the current one first, separated by commas. Null: not that. */
export function readMasterKeys(text: string): MasterKeys | null {
  const keys: Buffer[] = [];
  for (const part of text.trim().split(/\s*,\s*/)) {
    const key = readKey(part);
    if (key === null || new Set(key).size < DISTINCT_BYTES_MIN) return null;
    keys.push(key);
  }
  return new MasterKeys(keys);
}

function readKey(text: string): Buffer | null {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, "hex");
  return /^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? Buffer.from(text, "base64") : null;
}

/** The published key of development: it protects nothing, and production refuses it. */
export function developmentMasterKeys(): MasterKeys {
  return new MasterKeys([createHash("sha256").update("finlego development master key").digest()]);
}

/** A name that tells which key it is and nothing of what it is. */
function idOf(key: Buffer): string {
  return createHash("sha256").update("finlego master key").update(key).digest("hex").slice(0, 16);
}

function placeOf({ table, column, row }: Place): Buffer {
  return Buffer.from(JSON.stringify([table, column, row]));
}

function wrapPlace(owner: string): Buffer {
  return Buffer.from(JSON.stringify(["key", owner]));
}

function seal(key: Buffer, place: Buffer, plain: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(place);
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), body]);
}

function unseal(key: Buffer, place: Buffer, sealed: Buffer): Buffer {
  const tagEnd = NONCE_BYTES + TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(place).setAuthTag(sealed.subarray(NONCE_BYTES, tagEnd));
  return Buffer.concat([decipher.update(sealed.subarray(tagEnd)), decipher.final()]);
}
