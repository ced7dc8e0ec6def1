// Documents as the module opens them: operations and jobs.

import type { Database, Tx } from "#platform/db.ts";
import type { Endpoint } from "#platform/http/endpoint.ts";
import type { Job } from "#platform/jobs.ts";
import type { Vault } from "../keys/vault.ts";
import type { DocumentStore, ScanDocument } from "../ports.ts";
import { removalJob } from "./erasure.ts";
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
};

export function openDocuments(db: Database, vault: Vault, { store, scan, quota }: DocumentDeps): Documents {
  const scanning = openScanning({ vault, store, scan });
  const hourly = sweepJob({ vault, store, scanning, isScannerSet: scan !== null });
  return {
    endpoints: documentEndpoints({ db, vault, store, scanning, quota }),
    jobs: [scanning.job, removalJob(store), hourly],
    schedule: (tx) => scheduleSweep(tx, hourly),
  };
}
