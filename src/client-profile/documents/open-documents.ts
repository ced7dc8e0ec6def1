// Documents as the module opens them: operations, jobs, and what privacy hands out and destroys of them.

import type { Database, Tx } from "#platform/db.ts";
import type { Endpoint } from "#platform/http/endpoint.ts";
import type { Job } from "#platform/jobs.ts";
import { findClientKey } from "../keys/key.store.ts";
import type { Vault } from "../keys/vault.ts";
import type { DocumentStore, ScanDocument } from "../ports.ts";
import type { DataPage, PersonalData } from "../privacy/ports.ts";
import { openDetails, toDocument } from "./document.ts";
import { listKept } from "./document.store.ts";
import { eraseDocuments, removalJob } from "./erasure.ts";
import { documentEndpoints } from "./routes.ts";
import { openScanning } from "./scanning.ts";
import { scheduleSweep, sweepJob } from "./sweep.ts";

export type DocumentDeps = {
  readonly store: DocumentStore;
  /** Null: documents are not scanned. */
  readonly scan: ScanDocument | null;
  /** Documents of one client at most. */
  readonly quota: number;
};

export type Documents = {
  readonly endpoints: readonly Endpoint[];
  readonly jobs: readonly Job<unknown>[];
  /** Adds the sweep to the queue, at once. */
  readonly schedule: (tx: Tx) => Promise<void>;
  readonly data: PersonalData;
};

const PAGE = 100;

export function openDocuments(db: Database, vault: Vault, { store, scan, quota }: DocumentDeps): Documents {
  const scanning = openScanning({ vault, store, scan });
  const removal = removalJob(store);
  const hourly = sweepJob({ vault, store, scanning, isScannerSet: scan !== null });
  return {
    endpoints: documentEndpoints({ db, vault, store, scanning, quota }),
    jobs: [scanning.job, removal, hourly],
    schedule: (tx) => scheduleSweep(tx, hourly),
    data: {
      name: "documents",
      readPage: (tx, clientId, after) => readKept(tx, vault, clientId, after),
      erase: (tx, clientId) => eraseDocuments(tx, removal, clientId),
    },
  };
}

/** What is known of each, deleted ones included; the bytes are downloaded one by one. */
async function readKept(tx: Tx, vault: Vault, clientId: string, after: string | null): Promise<DataPage> {
  const stored = await findClientKey(tx, clientId);
  const key = stored === null ? null : vault.openClientKey(stored);
  if (key === null) return { rows: [], next: null };
  const rows = await listKept(tx, clientId, after, PAGE);
  const shown = rows.map((row) => {
    const { uploadedBy: _staff, ...document } = toDocument(row, openDetails(key, row.id, row.sealedDetails));
    return { ...document, deletedAt: row.deletedAt?.toISOString() ?? null };
  });
  return { rows: shown, next: rows.length === PAGE ? (rows.at(-1)?.id ?? null) : null };
}
