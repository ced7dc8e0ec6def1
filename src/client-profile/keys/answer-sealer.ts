// Answers that are kept under Idempotency-Keys may tell of a client. They stand sealed under its key, bound to the idempotency key they
// answer, and are gone with it.

import type { Tx } from "#platform/db.ts";
import type { AnswerSealer } from "#platform/http/idempotency.ts";
import { invariant } from "#platform/problem.ts";
import type { DataKey, Place } from "#platform/sealing.ts";
import { findClientKey } from "./key.store.ts";
import type { Vault } from "./vault.ts";

const placeOf = (keyId: string): Place => ({ table: "platform.idempotency_key", column: "answer", row: keyId });

/** Fails where a client to seal for has no key, and where a sealed answer is of another client or idempotency key, or was changed. */
export function openAnswerSealer(vault: Vault): AnswerSealer {
  const findKey = async (tx: Tx, clientId: string): Promise<DataKey | null> => {
    const row = await findClientKey(tx, clientId);
    return row === null ? null : vault.openClientKey(row);
  };
  return {
    async seal(tx, clientId, keyId, text) {
      const key = await findKey(tx, clientId);
      invariant(key, "an answer tells of a client without a key");
      return key.seal(placeOf(keyId), text).toString("base64");
    },
    async unseal(tx, clientId, keyId, sealed) {
      const key = await findKey(tx, clientId);
      return key === null ? null : key.unsealText(placeOf(keyId), Buffer.from(sealed, "base64"));
    },
  };
}
