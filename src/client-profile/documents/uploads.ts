// The shell of uploads. First the bytes become durable in the store, then their rows in one transaction with audit, events and the answer that
// is kept: a crash in between leaves bytes without a row, which the sweep takes away, and never a row without bytes. Several documents of
// one call are one transaction: all or none.

import { createHash } from "node:crypto";
import { writeAudit } from "#platform/audit.ts";
import type { Actor, Database, Tx } from "#platform/db.ts";
import { publish } from "#platform/events.ts";
import type { Answer, Settle } from "#platform/http/endpoint.ts";
import type { FormFile, FormStream } from "#platform/multipart.ts";
import { invariant, refusePlatform } from "#platform/problem.ts";
import type { DataKey } from "#platform/sealing.ts";
import type { Vault } from "../keys/vault.ts";
import type { DocumentStore } from "../ports.ts";
import type { ClientDocument } from "./contract.ts";
import { sealDetails, toDocument } from "./document.ts";
import * as store from "./document.store.ts";
import { shownName } from "./file-name.ts";
import { discardFiles, leftNoRow, storeFile, type StoredFile } from "./intake.ts";
import { refuseDocument } from "./problems.ts";
import type { Scanning, ScanResult } from "./scanning.ts";
import { Turns } from "./turns.ts";
import type { Filled } from "./upload-form.ts";

export type UploadKit = {
  readonly db: Database;
  readonly vault: Vault;
  readonly store: DocumentStore;
  readonly scanning: Scanning;
  /** Documents of one client at most, deleted ones included: their bytes are kept. */
  readonly quota: number;
};

/** Whose documents come, and who may see that client. */
export type UploadPlace = { readonly clientId: string; readonly personId: string | null; readonly visibleTo: string | null };

export type UploadCall = {
  readonly actor: Actor;
  readonly stream: FormStream;
  readonly settle: Settle;
  /** With a key a refusal may be the repeat of an upload that was accepted: only the content can tell. */
  readonly hasKey: boolean;
};

type TakeFile = (file: FormFile) => Promise<StoredFile>;
type ReadForm = (stream: FormStream, take: TakeFile) => Promise<readonly Filled<StoredFile>[]>;
type Scanned = Filled<StoredFile> & { readonly scan: ScanResult };

const turns = new Turns();

/** Takes what the form holds; answers its documents in the order of the files. */
export async function upload<R>(
  kit: UploadKit,
  place: UploadPlace,
  { actor, stream, settle, hasKey }: UploadCall,
  readForm: ReadForm,
  answer: (documents: readonly ClientDocument[]) => R,
): Promise<Answer<R>> {
  const { key, refuseMore } = await kit.db.read(actor, (tx) => openTarget(tx, kit, place));
  if (!hasKey) refuseMore();
  const stored: StoredFile[] = [];
  let isKept = false;
  try {
    const filled = await readForm(stream, async (file) => {
      const taken = await storeFile(kit.store, key, place.clientId, file);
      stored.push(taken);
      return taken;
    });
    const scans = await kit.scanning.scanAtOnce(
      key,
      filled.map(({ file }) => file),
    );
    const scanned = filled.map((each, index): Scanned => ({ ...each, scan: scans[index] ?? { status: "pending", finding: null } }));
    const settled = await turns.take(place.clientId, () =>
      settle(hashOf(filled), async (tx) => answer(await insert(tx, kit, place, scanned))),
    );
    isKept = settled.stored.status === 200 && !settled.stored.replayed;
    return settled;
  } catch (error) {
    isKept = !leftNoRow(error);
    throw error;
  } finally {
    if (!isKept) await discardFiles(kit.store, stored);
  }
}

/** What one key stands for: the same files under the same names, with the same words. */
function hashOf(filled: readonly Filled<StoredFile>[]): Buffer {
  const told = filled.map(({ file, type, description }) => [file.sentName, file.sha256.toString("hex"), type, description]);
  return createHash("sha256").update(JSON.stringify(told)).digest();
}

/** The client's key; and its refusal of more documents than it may have, left to whoever knows whether they are more. */
async function openTarget(tx: Tx, { vault, quota }: UploadKit, { clientId, personId, visibleTo }: UploadPlace) {
  const target = (await store.findUploadTarget(tx, clientId, personId, visibleTo)) ?? refusePlatform("notFound");
  const key: DataKey = vault.openClientKey(target) ?? refusePlatform("notFound");
  const count = await store.countDocuments(tx, clientId);
  const refuseMore = (more = 1): void => {
    if (target.isRestricted) refuseDocument("invalidState", { detail: "The client asked to be forgotten: nothing is added to its data." });
    if (target.status === "closed" || target.status === "rejected")
      refuseDocument("invalidState", { detail: `The client is ${target.status}.` });
    if (count + more > quota)
      refuseDocument("limitExceeded", {
        detail: `The client may have at most ${quota} documents, deleted ones included.`,
        members: { limit: quota },
      });
  };
  return { key, target, refuseMore };
}

async function insert(tx: Tx, kit: UploadKit, place: UploadPlace, scanned: readonly Scanned[]): Promise<ClientDocument[]> {
  await store.lockForUpload(tx, place.clientId);
  const { key, target, refuseMore } = await openTarget(tx, kit, place);
  refuseMore(scanned.length);
  const documents: ClientDocument[] = [];
  for (const each of scanned) documents.push(await insertOne(tx, kit, place, { key, tenant: target.tenant }, each));
  return documents;
}

async function insertOne(
  tx: Tx,
  { scanning }: UploadKit,
  { clientId, personId }: UploadPlace,
  { key, tenant }: { readonly key: DataKey; readonly tenant: string },
  { file, type, description, scan }: Scanned,
): Promise<ClientDocument> {
  const { documentId: id, contentType, size, sha256 } = file;
  invariant(file.clientId === clientId, "bytes of another client");
  const details = { fileName: shownName(file.sentName, contentType), description, sha256: sha256.toString("hex") };
  const known = { id, clientId, relatedIndividualId: personId, type, contentType, size, scanStatus: scan.status };
  await store.insertDocument(tx, { ...known, sealedDetails: sealDetails(key, id, details), scanFinding: scan.finding });
  const subject = `document:${id}`;
  const told = { clientId, type, scanStatus: scan.status };
  await writeAudit(tx, { action: "client.documentUploaded", subject, detail: { ...told, contentType, sizeBytes: size } });
  await publish(tx, { type: "client.documentUploaded", subject, tenant, data: { documentId: id, ...told } });
  if (scan.status === "infected") await scanning.tellQuarantined(tx, { id, clientId, tenant }, scan.finding);
  if (scan.status === "pending") await scanning.enqueue(tx, id);
  return toDocument({ ...known, uploadedAt: tx.now, uploadedBy: tx.actor.id }, details);
}
