// Who did what: one row for each change, written in the transaction that makes the change, so that neither stands without the other.
// Rows are never changed or removed (the database refuses it).

import type { Tx } from "./db.ts";
import { type PlainDetail, refusePersonalData } from "./personal-data.ts";
import * as store from "./audit.store.ts";

export type { AuditLine } from "./audit.store.ts";

/** `action` names what was done ("client.imported"), `subject` the thing it was done to ("client:<uuid>"). */
export type AuditRecord = {
  readonly action: string;
  readonly subject: string;
  /** What helps to understand the change. Never names, birth dates, document numbers, phone numbers, e-mail or postal addresses. */
  readonly detail?: PlainDetail;
};

/** Writes the row; actor, tenant, trace and time come from `tx`. A bug when `detail` has a member named like personal data. */
export async function writeAudit(tx: Tx, { action, subject, detail = {} }: AuditRecord): Promise<void> {
  refusePersonalData(detail);
  await store.insertAuditEntry(tx, action, subject, JSON.stringify(detail));
}

/** As `writeAudit`, many at once. */
export async function writeAudits(tx: Tx, records: readonly AuditRecord[]): Promise<void> {
  if (records.length === 0) return;
  const rows = records.map(({ action, subject, detail = {} }) => {
    refusePersonalData(detail);
    return { action, subject, detail: JSON.stringify(detail) };
  });
  await store.insertAuditEntries(tx, rows);
}

/** What was done to a subject, oldest first; `after`: behind the row of that id. */
export async function readAudit(tx: Tx, subject: string, after: bigint | null, limit: number): Promise<store.AuditLine[]> {
  return await store.findAuditEntries(tx, subject, after, limit);
}
