// SQL of scans.

import type { Tx } from "#platform/db.ts";
import type { ScanStatus } from "./contract.ts";

export type ScanRow = {
  readonly id: string;
  readonly clientId: string;
  readonly tenant: string;
  readonly scanStatus: ScanStatus;
  readonly masterKey: string | null;
  readonly wrappedKey: Buffer | null;
};

/** One that waits for a scan, also when it was deleted meanwhile. Null: it has a verdict, or is erased. */
export async function findToScan(tx: Tx, documentId: string): Promise<ScanRow | null> {
  const rows = await tx.sql<ScanRow>`
    select d.id, d.client_id as "clientId", c.tenant, d.scan_status as "scanStatus", k.master_key as "masterKey", k.wrapped_key as "wrappedKey"
    from client_profile.document d
    join client_profile.client c on c.id = d.client_id
    join client_profile.client_key k on k.client_id = d.client_id
    where d.id = ${documentId} and d.scan_status in ('pending', 'notScanned') and d.erased_at is null`;
  return rows[0] ?? null;
}

/** False: another scan was faster, or the document is erased. */
export async function setVerdict(tx: Tx, documentId: string, status: "clean" | "infected", finding: string | null): Promise<boolean> {
  const rows = await tx.sql`
    update client_profile.document set scan_status = ${status}, scan_finding = ${finding}, scanned_at = ${tx.now}
    where id = ${documentId} and scan_status in ('pending', 'notScanned') and erased_at is null
    returning id`;
  return rows.length === 1;
}

/** Those that wait for a scan, in the order of their ids. */
export async function listToScan(tx: Tx, after: string | null, most: number): Promise<string[]> {
  const rows = await tx.sql<{ id: string }>`
    select id from client_profile.document
    where scan_status in ('pending', 'notScanned') and erased_at is null and (${after}::uuid is null or id > ${after})
    order by id
    limit ${most}`;
  return rows.map(({ id }) => id);
}
