// Looking for malware. With a scanner a document can be downloaded once it was found clean and not before, whether the scanner answers
// within the upload, later, or not at all for days: no verdict is no permission. Without a scanner nothing is scanned and nothing held back.

import { writeAudit } from "#platform/audit.ts";
import type { Tx } from "#platform/db.ts";
import { publish } from "#platform/events.ts";
import { enqueue, type Job, job } from "#platform/jobs.ts";
import type { DataKey } from "#platform/sealing.ts";
import { strictObject, Uuid } from "#platform/schema.ts";
import type { Vault } from "../keys/vault.ts";
import type { DocumentStore, ScanDocument } from "../ports.ts";
import { openStored } from "./intake.ts";
import * as store from "./scanning.store.ts";
import type { ContentOwner } from "./sealed-content.ts";

/** How long an upload waits for its verdicts. */
const AT_ONCE_MS = 3_000;

/** `finding`: what the scanner calls the malware. */
export type ScanResult =
  | { readonly status: "notScanned" | "pending" | "clean"; readonly finding: null }
  | { readonly status: "infected"; readonly finding: string };

type Told = { readonly id: string; readonly clientId: string; readonly tenant: string };

export type Scanning = {
  /** Scans documents that were just stored, all within one short wait. `pending` where no verdict came in time: a job goes on. */
  readonly scanAtOnce: (key: DataKey, owners: readonly ContentOwner[]) => Promise<ScanResult[]>;
  /** In the transaction that says so of the document. */
  readonly tellQuarantined: (tx: Tx, document: Told, finding: string) => Promise<void>;
  /** Has the job scan it as soon as it can; of a document that waits already the tries begin anew. */
  readonly enqueue: (tx: Tx, documentId: string) => Promise<void>;
  readonly job: Job<{ documentId: string }>;
};

export type ScanKit = { readonly vault: Vault; readonly store: DocumentStore; readonly scan: ScanDocument | null };

export function openScanning(kit: ScanKit): Scanning {
  const { scan } = kit;
  const later = scanJob(kit);
  return {
    async scanAtOnce(key, owners) {
      const patience = AbortSignal.timeout(AT_ONCE_MS);
      const results: ScanResult[] = [];
      for (const owner of owners) {
        if (scan === null) results.push(NOT_SCANNED);
        else if (patience.aborted) results.push(PENDING);
        else results.push(await scanStored(kit, scan, key, owner, patience).catch(() => PENDING));
      }
      return results;
    },
    tellQuarantined,
    enqueue: (tx, documentId) => enqueue(tx, later, { documentId }, { key: `scan_document ${documentId}` }),
    job: later,
  };
}

const NOT_SCANNED: ScanResult = { status: "notScanned", finding: null };
const PENDING: ScanResult = { status: "pending", finding: null };

/** Throws without a verdict. */
async function scanStored(
  { store: documents }: ScanKit,
  scan: ScanDocument,
  key: DataKey,
  owner: ContentOwner,
  signal: AbortSignal,
): Promise<ScanResult> {
  const content = await openStored(documents, key, owner);
  if (content === null) throw new Error("a document to scan has no bytes in the store");
  const verdict = await scan(content, signal);
  return verdict.status === "clean" ? { status: "clean", finding: null } : verdict;
}

function scanJob(kit: ScanKit): Scanning["job"] {
  const { vault, scan } = kit;
  return job({
    name: "scan_document",
    payload: strictObject({ documentId: Uuid }),
    async run({ documentId }, { db, actor, signal }) {
      const row = await db.read(actor, (tx) => store.findToScan(tx, documentId));
      const key = row === null ? null : vault.openClientKey(row);
      if (row === null || key === null) return;
      // Where a scanner was set when it came and none is set now, the document waits for one.
      if (scan === null) throw new Error("there is no scanner (CLAMD_ADDRESS)");
      const { status, finding } = await scanStored(kit, scan, key, { clientId: row.clientId, documentId }, signal);
      if (status !== "clean" && status !== "infected") return;
      await db.write(actor, async (tx) => {
        if (!(await store.setVerdict(tx, documentId, status, finding))) return;
        await writeAudit(tx, {
          action: "client.documentScanned",
          subject: `document:${documentId}`,
          detail: { clientId: row.clientId, status },
        });
        if (status === "infected") await tellQuarantined(tx, row, finding);
      });
    },
  });
}

async function tellQuarantined(tx: Tx, { id, clientId, tenant }: Told, finding: string): Promise<void> {
  const subject = `document:${id}`;
  await writeAudit(tx, { action: "client.documentQuarantined", subject, detail: { clientId, finding } });
  await publish(tx, { type: "client.documentQuarantined", subject, tenant, data: { documentId: id, clientId, finding } });
}
