// Pure: what is known of a document and tells of a person - its name, what was written about it, and the hash of its bytes - as it is sealed
// and opened again; and the document as it is answered.

import type { DataKey, Place } from "#platform/sealing.ts";
import type { ClientDocument } from "./contract.ts";

/** What stands sealed. */
export type DocumentDetails = {
  /** Cleaned: see `shownName`. */
  readonly fileName: string;
  readonly description: string | null;
  /** SHA-256 of the plain bytes, in hex. */
  readonly sha256: string;
};

type Sealed = { readonly v: 1 } & DocumentDetails;

const placeOf = (documentId: string): Place => ({ table: "client_profile.document", column: "sealed_details", row: documentId });

export function sealDetails(key: DataKey, documentId: string, { fileName, description, sha256 }: DocumentDetails): Buffer {
  return key.seal(placeOf(documentId), JSON.stringify({ v: 1, fileName, description, sha256 } satisfies Sealed));
}

/** @throws when they were sealed for another document or under another client's key, or changed. */
export function openDetails(key: DataKey, documentId: string, sealed: Uint8Array): DocumentDetails {
  const { v: _version, ...details } = JSON.parse(key.unsealText(placeOf(documentId), sealed)) as Sealed;
  return details;
}

/** What a document's row says in the clear. */
export type KnownDocument = Pick<
  ClientDocument,
  "clientId" | "relatedIndividualId" | "type" | "contentType" | "size" | "uploadedBy" | "scanStatus"
> & {
  readonly id: string;
  readonly uploadedAt: Date;
};

/** ClientDocumentDto. */
export function toDocument(known: KnownDocument, { fileName, description }: DocumentDetails): ClientDocument {
  const { id, clientId, relatedIndividualId, type, contentType, size, uploadedAt, uploadedBy, scanStatus } = known;
  return {
    documentId: id,
    clientId,
    relatedIndividualId,
    type,
    fileName,
    contentType,
    size,
    description,
    uploadedAt: uploadedAt.toISOString(),
    uploadedBy,
    scanStatus,
  };
}
