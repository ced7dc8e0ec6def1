// The shell of erasures. Destroying the client's key erases the client at once and everywhere: rows, answers kept under keys, documents in
// their store. Emptying the rows as well is thoroughness; the key is what counts, and it never comes back.
//
// The erasure list outside the database gets its line before the commit: whatever happens afterwards, no erasure that anybody was told of is
// missing there. Where the commit fails the list names a client that was due all the same; the next try adds another line.

import { writeAudit } from "#platform/audit.ts";
import type { Tx } from "#platform/db.ts";
import { publish } from "#platform/events.ts";
import { newId } from "#platform/new-id.ts";
import { refusePlatform } from "#platform/problem.ts";
import { eraseDocuments } from "../documents/erasure.ts";
import { refuse } from "../problems.ts";
import { readCertificate, type SignedText, toLine, writeCertificate } from "./certificate.ts";
import type { ErasureCertificate, ErasureReason } from "./contract.ts";
import * as store from "./erasure.store.ts";
import { insertHistory } from "./notification.store.ts";
import type { ClientName, KeepErasure, PersonalData } from "./ports.ts";
import { erasableFrom } from "./retention.ts";

export type ErasureKit = {
  readonly retentionYears: number;
  /** What other rooms keep, in the order in which it is destroyed; what holds the ledger's rows comes last. */
  readonly data: readonly PersonalData[];
  readonly keepErasure: KeepErasure;
};

/**
 * Erases a client for ever. Repeated it answers the certificate of the first time. Refuses with 404, and 409 invalidState while the client is
 * neither closed nor rejected, or its data must be kept: `erasableFrom` tells from when on it may be.
 */
export async function eraseClient(
  tx: Tx,
  { retentionYears, data, keepErasure }: ErasureKit,
  { clientId, visibleTo, reason }: { readonly clientId: string; readonly visibleTo: string | null; readonly reason: ErasureReason },
): Promise<ErasureCertificate> {
  const client = (await store.lockForErasure(tx, clientId, visibleTo)) ?? refusePlatform("notFound");
  if (client.erasedAt !== null) return await readErasure(tx, clientId, visibleTo);
  const from = erasableFrom(client, retentionYears);
  if (from === null || tx.now < from) {
    return refuse("invalidState", {
      detail: from === null ? `A client that is ${client.status} is not erased: close it first.` : "The law wants the client's data kept.",
      members: { clientStatus: client.status, erasableFrom: from?.toISOString() ?? null },
    });
  }
  const certificateId = newId();
  const erased = await destroy(tx, data, clientId, client, tx.now);
  const signed = writeCertificate({ certificateId, clientId, erasedAt: tx.now, retainedUntil: from, reason, erased });
  await store.insertCertificate(tx, { certificateId, clientId, erasedAt: tx.now }, signed);
  await tell(tx, client.tenant, readCertificate(signed));
  await keepErasure(toLine(signed));
  return readCertificate(signed);
}

/** The certificate of an erased client. Refuses with 404: there is no such client, or it is not erased. */
export async function readErasure(tx: Tx, clientId: string, visibleTo: string | null): Promise<ErasureCertificate> {
  return readCertificate((await store.findCertificate(tx, clientId, visibleTo)) ?? refusePlatform("notFound"));
}

/** What became of one line of the erasure list. */
export type Replayed = "erased" | "already" | "unknown";

/**
 * Destroys again what the certificate says was destroyed, in a database that was restored from before: also where the client was still served
 * when the backup was taken. `unknown`: the client came after the backup, or never.
 */
export async function replayErasure(
  tx: Tx,
  { data, stopDebits }: Pick<ErasureKit, "data"> & { readonly stopDebits: (tx: Tx, clientId: string) => Promise<void> },
  signed: SignedText,
): Promise<Replayed> {
  const { certificateId, clientId, erasedAt, reason } = readCertificate(signed);
  const client = await store.lockForErasure(tx, clientId, null);
  if (client === null) return "unknown";
  if (client.erasedAt !== null) return "already";
  const wasServed = await store.closeRestored(tx, clientId);
  await destroy(tx, data, clientId, client, new Date(erasedAt));
  await store.insertCertificate(tx, { certificateId, clientId, erasedAt: new Date(erasedAt) }, signed);
  await writeAudit(tx, { action: "client.erasureReplayed", subject: `client:${clientId}`, detail: { certificateId, reason, wasServed } });
  if (wasServed) await stopDebits(tx, clientId);
  return "erased";
}

/** Gives how many of each kind were destroyed. */
async function destroy(
  tx: Tx,
  data: readonly PersonalData[],
  clientId: string,
  { tenant, externalId }: ClientName,
  at: Date,
): Promise<Record<string, number>> {
  const notes = await store.countNotes(tx, clientId);
  await store.destroyKey(tx, clientId);
  await store.emptyClient(tx, clientId, at);
  const relatedIndividuals = await store.emptyRelatedIndividuals(tx, clientId);
  const documents = await eraseDocuments(tx, clientId);
  const notifications = await store.completeNotifications(tx, clientId);
  for (const notificationId of notifications.completed) await insertHistory(tx, notificationId, "completed", null);
  const erased: Record<string, number> = { profiles: 1, relatedIndividuals, documents, notes, deletionNotifications: notifications.count };
  for (const { name, erase } of data) if (erase !== undefined) erased[name] = await erase(tx, clientId, { tenant, externalId });
  return erased;
}

async function tell(tx: Tx, tenant: string, { certificateId, clientId, reason, retainedUntil, sha256 }: ErasureCertificate): Promise<void> {
  const subject = `client:${clientId}`;
  await writeAudit(tx, { action: "client.erased", subject, detail: { certificateId, reason, retainedUntil, sha256 } });
  await publish(tx, { type: "client.erased", subject, tenant, data: { clientId, certificateId, reason } });
}
