// What a client is told of its documents when it asks what the bank knows.

import type { Tx } from "#platform/db.ts";
import type { DataKey } from "#platform/sealing.ts";
import type { DataPage } from "../privacy/ports.ts";
import { openDetails, toDocument } from "./document.ts";
import { listKept } from "./document.store.ts";

const PAGE = 100;

/** What is known of each, deleted ones included, oldest first; who of the bank brought it is left out. The bytes are downloaded one by one. */
export async function readDocuments(tx: Tx, key: DataKey, clientId: string, after: string | null): Promise<DataPage> {
  const rows = await listKept(tx, clientId, after, PAGE);
  const shown = rows.map((row) => {
    const { uploadedBy: _staff, ...document } = toDocument(row, openDetails(key, row.id, row.sealedDetails));
    return { ...document, deletedAt: row.deletedAt?.toISOString() ?? null };
  });
  return { rows: shown, next: rows.length === PAGE ? (rows.at(-1)?.id ?? null) : null };
}
