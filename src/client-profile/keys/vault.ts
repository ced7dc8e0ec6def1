// What opens clients' data: the master keys of this process and the bank's search key. A client's own key is unwrapped whenever it is
// needed and kept nowhere, so that a destroyed key is gone from every process at once.

import type { Database } from "#platform/db.ts";
import { type DataKey, type MasterKeys, UnknownMasterKey, type WrappedKey } from "#platform/sealing.ts";
import { refusePlatform } from "#platform/problem.ts";
import { StartupError } from "#platform/startup-error.ts";
import * as store from "./key.store.ts";
import { findMasterKeysInUse, findSearchKey } from "./rotation.store.ts";

/** Whose key the search key is wrapped as. */
export const SEARCH_KEY_OWNER = "search key";
const NO_SEARCH_KEY =
  "There are clients in this database and no search key: a row of client_profile.search_key was lost. Restore it from a backup.";
const MARK_BYTES = 16;
const NO_KEY = "The data of this client cannot be opened here at present.";

/** Makes and opens clients' keys, and makes the marks by which clients are found. */
export class Vault {
  readonly masterKeys: MasterKeys;
  readonly #searchKey: DataKey;

  constructor(masterKeys: MasterKeys, searchKey: DataKey) {
    this.masterKeys = masterKeys;
    this.#searchKey = searchKey;
  }

  /** A new client's key, and how `client_key` stores it. */
  newClientKey(clientId: string): { readonly key: DataKey; readonly wrapped: WrappedKey } {
    return this.masterKeys.newKey(clientId);
  }

  /** The client's key; null when it is destroyed. Refuses with 503 busy where this process lacks the master key. */
  openClientKey({ clientId, masterKey, wrappedKey }: store.ClientKeyRow): DataKey | null {
    if (masterKey === null || wrappedKey === null) return null;
    try {
      return this.masterKeys.unwrap(clientId, { masterKey, wrappedKey });
    } catch (error) {
      if (error instanceof UnknownMasterKey) refusePlatform("busy", { detail: NO_KEY, cause: error });
      throw error;
    }
  }

  /** 128-bit mark of a text for look-ups by equality. Normalize the text before. */
  mark(kind: string, text: string): Buffer {
    return this.#searchKey.mark(kind, text).subarray(0, MARK_BYTES);
  }

  /** 64-bit mark, as a signed integer: for sets of marks of which a hit is looked at again after decryption. */
  shortMark(kind: string, text: string): bigint {
    return this.#searchKey.mark(kind, text).readBigInt64BE();
  }
}

/**
 * Opens the vault over a migrated database. @throws StartupError when any client is encrypted under a master key that is not given: a process
 * that can open some clients and not others would serve half a bank.
 */
export async function openVault(db: Database, masterKeys: MasterKeys): Promise<Vault> {
  const actor = { kind: "job", id: "open_vault", tenant: null, traceId: "" } as const;
  const fresh = masterKeys.newKey(SEARCH_KEY_OWNER);
  const { stored, used } = await db.write(actor, async (tx) => {
    const inUse = await findMasterKeysInUse(tx);
    // Another one in its place would find nobody, and take every e-mail address for a new one.
    if (inUse.length > 0 && (await findSearchKey(tx)) === null) throw new StartupError(NO_SEARCH_KEY);
    return { stored: await store.claimSearchKey(tx, fresh.wrapped), used: inUse };
  });
  const missing = new Set([stored.masterKey, ...used].filter((id) => !masterKeys.has(id)));
  if (missing.size > 0) throw new StartupError(notGiven([...missing]));
  try {
    return new Vault(masterKeys, masterKeys.unwrap(SEARCH_KEY_OWNER, stored));
  } catch (error) {
    throw new StartupError("The search key of this database was changed: it does not open under the master key it names. Restore it.", {
      cause: error,
    });
  }
}

function notGiven(ids: readonly string[]): string {
  const keys = ids.length === 1 ? `the master key ${ids[0]}, which is` : `the master keys ${ids.join(", ")}, which are`;
  return `Clients of this database are encrypted under ${keys} not given. Start with the MASTER_KEY they were stored under, or put its file back.`;
}
