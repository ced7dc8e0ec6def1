// The shell of documents that are there: listed, read, handed out, deleted. Another tenant's, another client's, a deleted and an erased one
// are the same 404 from the same query.

import { createHash } from "node:crypto";
import { writeAudit } from "#platform/audit.ts";
import type { Actor, Database, Tx } from "#platform/db.ts";
import { publish } from "#platform/events.ts";
import type { FileAnswer } from "#platform/http/endpoint.ts";
import { invariant, refusePlatform } from "#platform/problem.ts";
import type { Vault } from "../keys/vault.ts";
import type { DocumentStore } from "../ports.ts";
import type { ClientDocument, ClientDocumentType } from "./contract.ts";
import { type DocumentDetails, openDetails, toDocument } from "./document.ts";
import * as store from "./document.store.ts";
import { openStored } from "./intake.ts";
import { refuseDocument } from "./problems.ts";
import { BrokenContent } from "./sealed-content.ts";

export type DocumentKit = { readonly db: Database; readonly vault: Vault; readonly store: DocumentStore };

/** One document; refuses with 404. */
export async function getDocument(tx: Tx, vault: Vault, place: store.DocumentPlace, visibleTo: string | null): Promise<ClientDocument> {
  const row = (await store.findDocument(tx, place, visibleTo)) ?? refusePlatform("notFound");
  return toDocument(row, openRow(vault, row).details);
}

/** Of the client itself (`personId` null) or of that person, newest first. Refuses with 404 where there is no such client or person. */
export async function listDocuments(
  tx: Tx,
  vault: Vault,
  { clientId, personId }: Pick<store.DocumentPlace, "clientId" | "personId">,
  visibleTo: string | null,
  types: readonly ClientDocumentType[] | undefined,
): Promise<ClientDocument[]> {
  if ((await store.findUploadTarget(tx, clientId, personId, visibleTo)) === null) refusePlatform("notFound");
  const rows = await store.listDocuments(tx, clientId, personId, types === undefined || types.length === 0 ? null : types);
  // All are of one client: its key is unwrapped once.
  const [first] = rows;
  const key = first === undefined ? null : vault.openClientKey(first);
  return key === null ? [] : rows.map((row) => toDocument(row, openDetails(key, row.id, row.sealedDetails)));
}

/** Nobody sees it any more; its bytes are kept as long as the client's data must be. Refuses with 404. */
export async function deleteDocument(tx: Tx, place: store.DocumentPlace, visibleTo: string | null): Promise<void> {
  const row = (await store.findDocument(tx, place, visibleTo)) ?? refusePlatform("notFound");
  if (!(await store.markDeleted(tx, row.id))) refusePlatform("notFound");
  const subject = `document:${row.id}`;
  await writeAudit(tx, { action: "client.documentDeleted", subject, detail: { clientId: row.clientId, type: row.type } });
  await publish(tx, {
    type: "client.documentDeleted",
    subject,
    tenant: row.tenant,
    data: { documentId: row.id, clientId: row.clientId, type: row.type },
  });
}

/** The bytes. Who took them is in the audit before the first one goes out; HEAD takes none. Refuses with 404, and 409 invalidState before a scan and in quarantine. */
export async function downloadDocument(
  { db, vault, store: documents }: DocumentKit,
  actor: Actor,
  place: store.DocumentPlace,
  { tenant: visibleTo, isHead }: { readonly tenant: string | null; readonly isHead: boolean },
): Promise<FileAnswer> {
  const row = await db.write(actor, async (tx) => {
    const found = (await store.findDocument(tx, place, visibleTo)) ?? refusePlatform("notFound");
    refuseUnscanned(found);
    const told = { action: "client.documentDownloaded", subject: `document:${found.id}`, detail: { clientId: found.clientId } };
    if (!isHead) await writeAudit(tx, told);
    return found;
  });
  const { key, details } = openRow(vault, row);
  const content = await openStored(documents, key, { clientId: row.clientId, documentId: row.id });
  invariant(content, "a document has no bytes in the store");
  return {
    name: `document.${row.contentType.slice(row.contentType.indexOf("/") + 1)}`,
    fileName: details.fileName,
    size: row.size,
    mediaType: row.contentType,
    content: proven(content, row.size, details.sha256),
  };
}

function refuseUnscanned({ scanStatus }: store.DocumentRow): void {
  if (scanStatus === "pending") {
    refuseDocument("invalidState", {
      detail: "The document is not scanned yet. Try again in a while.",
      members: { scanStatus },
      headers: { "retry-after": "10" },
    });
  }
  if (scanStatus === "infected") {
    refuseDocument("invalidState", { detail: "Malware was found in the document: it is in quarantine.", members: { scanStatus } });
  }
}

function openRow(vault: Vault, row: store.DocumentRow) {
  const key = vault.openClientKey(row) ?? refusePlatform("notFound");
  const details: DocumentDetails = openDetails(key, row.id, row.sealedDetails);
  return { key, details };
}

/** The same bytes; the last of them go out when all of them are what was uploaded. */
async function* proven(content: AsyncIterable<Buffer>, size: number, sha256: string): AsyncGenerator<Buffer> {
  const hash = createHash("sha256");
  let bytes = 0;
  let waiting: Buffer | null = null;
  for await (const piece of content) {
    if (waiting !== null) yield waiting;
    hash.update(piece);
    bytes += piece.length;
    waiting = piece;
  }
  if (bytes !== size || hash.digest("hex") !== sha256) throw new BrokenContent("a document is not what was uploaded");
  if (waiting !== null) yield waiting;
}
