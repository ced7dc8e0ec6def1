// The end of a client's documents. In the transaction that erases the client their details are emptied; their bytes, which nobody can open any
// more since the client's key is destroyed, leave the store after the commit, by a job that does not give up and a sweep behind it.

import type { Tx } from "#platform/db.ts";
import { enqueue, type Job, job } from "#platform/jobs.ts";
import { strictObject, Uuid } from "#platform/schema.ts";
import type { DocumentStore } from "../ports.ts";
import * as store from "./erasure.store.ts";

const AT_ONCE = 100;

/** As it is added to the queue: an operator's tool, which has no store, erases as the server does. */
const removal = job({
  name: "remove_documents",
  payload: strictObject({ clientId: Uuid }),
  run: () => Promise.reject(new Error("the removal of documents needs their store")),
});

/** Removes the bytes of a client's erased documents. For the worker. */
export function removalJob(documents: DocumentStore): Job<{ clientId: string }> {
  return {
    ...removal,
    async run({ clientId }, { db, actor, signal }) {
      for (;;) {
        const ids = await db.read(actor, (tx) => store.findToRemove(tx, clientId, AT_ONCE));
        if (ids.length === 0) return;
        for (const id of ids) {
          signal.throwIfAborted();
          await documents.delete(id);
        }
        await db.write(actor, (tx) => store.markRemoved(tx, ids));
      }
    },
  };
}

/**
 * Erases a client's documents in the transaction that erases the client; gives how many they were. Their bytes go after the commit. Safe to
 * repeat: the bytes are looked for again.
 */
export async function eraseDocuments(tx: Tx, clientId: string): Promise<number> {
  const erased = await store.eraseDocuments(tx, clientId);
  await enqueue(tx, removal, { clientId });
  return erased;
}
