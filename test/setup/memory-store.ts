// Bytes of documents in memory: for tests of what stands above the store. The stores of the product have tests of their own.

import { buffer } from "node:stream/consumers";
import type { DocumentStore } from "../../src/client-profile/ports.ts";

export type MemoryStore = DocumentStore & {
  readonly objects: Map<string, { readonly body: Buffer; readonly storedAt: Date }>;
  /** What each call fails with, until it is null again. */
  fault: Error | null;
};

const PAGE = 100;
const placeOf = (id: string): string => id.slice(-2) + id;

export function memoryStore(): MemoryStore {
  const objects: MemoryStore["objects"] = new Map();
  const meet = (): void => {
    if (store.fault !== null) throw store.fault;
  };
  const store: MemoryStore = {
    objects,
    fault: null,
    async put(id, content) {
      const body = await buffer(content);
      meet();
      objects.set(id, { body, storedAt: new Date() });
    },
    async get(id) {
      meet();
      const found = objects.get(id);
      return found === undefined ? null : inPieces(found.body);
    },
    async delete(id) {
      meet();
      objects.delete(id);
    },
    async list(cursor) {
      meet();
      const ids = [...objects.keys()]
        .sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1))
        .filter((id) => cursor === null || placeOf(id) > cursor);
      const items = ids.slice(0, PAGE).map((id) => ({ id, storedAt: objects.get(id)?.storedAt ?? new Date(0) }));
      const last = items.at(-1);
      return { items, next: ids.length > PAGE && last !== undefined ? placeOf(last.id) : null };
    },
    dropUnfinished: async () => undefined,
  };
  return store;
}

async function* inPieces(body: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += 50_000) yield body.subarray(at, at + 50_000);
}
