// SQL of documents.

import type { Tx } from "#platform/db.ts";
import type { ContentType } from "./content/header.ts";
import type { ClientDocumentType, ScanStatus } from "./contract.ts";

/** The client whom a document is for, as far as an upload must know it. */
export type UploadTarget = {
  readonly clientId: string;
  readonly tenant: string;
  readonly status: string;
  readonly isRestricted: boolean;
  readonly masterKey: string | null;
  readonly wrappedKey: Buffer | null;
};

/** A tenant of null sees every client. Null: there is none, it is erased, or it names no such person. */
export async function findUploadTarget(
  tx: Tx,
  clientId: string,
  personId: string | null,
  tenant: string | null,
): Promise<UploadTarget | null> {
  const rows = await tx.sql<UploadTarget>`
    select c.id as "clientId", c.tenant, c.status, c.restricted_at is not null as "isRestricted", k.master_key as "masterKey",
           k.wrapped_key as "wrappedKey"
    from client_profile.client c
    join client_profile.client_key k on k.client_id = c.id
    where c.id = ${clientId} and (${tenant}::text is null or c.tenant = ${tenant}) and c.erased_at is null
      and (${personId}::uuid is null or exists (
        select from client_profile.related_individual r where r.id = ${personId} and r.client_id = c.id and r.removed_at is null))`;
  return rows[0] ?? null;
}

/**
 * The client's standing stays as it is until the transaction ends, and no other upload of the client counts its documents meanwhile. Taken
 * before the target is read again.
 */
export async function lockForUpload(tx: Tx, clientId: string): Promise<void> {
  await tx.sql`select id from client_profile.client where id = ${clientId} for share`;
  await tx.sql`select pg_advisory_xact_lock(hashtextextended(${`client_profile.document ${clientId}`}, 0)) is null as held`;
}

/** Documents whose bytes are kept: deleted ones count. */
export async function countDocuments(tx: Tx, clientId: string): Promise<number> {
  const rows = await tx.sql<{ count: number }>`
    select count(*)::int as count from client_profile.document where client_id = ${clientId} and erased_at is null`;
  return rows[0]?.count ?? 0;
}

export type NewDocument = {
  readonly id: string;
  readonly clientId: string;
  readonly relatedIndividualId: string | null;
  readonly type: ClientDocumentType;
  readonly contentType: ContentType;
  readonly size: number;
  readonly sealedDetails: Buffer;
  readonly scanStatus: ScanStatus;
  readonly scanFinding: string | null;
};

/** Who and when come from `tx`. */
export async function insertDocument(tx: Tx, document: NewDocument): Promise<void> {
  const { id, clientId, relatedIndividualId, type, contentType, size, sealedDetails, scanStatus, scanFinding } = document;
  await tx.sql`
    insert into client_profile.document (
      id, client_id, related_individual_id, type, content_type, size_bytes, sealed_details, scan_status, scanned_at, scan_finding,
      uploaded_at, uploaded_by)
    values (
      ${id}, ${clientId}, ${relatedIndividualId}, ${type}, ${contentType}, ${size}, ${sealedDetails}, ${scanStatus},
      case when ${scanStatus} in ('clean', 'infected') then ${tx.now}::timestamptz end, ${scanFinding}, ${tx.now}, ${tx.actor.id})`;
}

export type DocumentRow = {
  readonly id: string;
  readonly clientId: string;
  readonly relatedIndividualId: string | null;
  readonly type: ClientDocumentType;
  readonly contentType: ContentType;
  readonly size: number;
  readonly sealedDetails: Buffer;
  readonly scanStatus: ScanStatus;
  readonly uploadedAt: Date;
  readonly uploadedBy: string;
  readonly tenant: string;
  readonly masterKey: string | null;
  readonly wrappedKey: Buffer | null;
};

/** Which of a client's documents: a person's alone, or (null) any. */
export type DocumentPlace = { readonly clientId: string; readonly documentId: string; readonly personId: string | null };

/** One that can be seen. Other tenants', other clients', deleted and erased ones are the same empty answer. */
export async function findDocument(
  tx: Tx,
  { clientId, documentId, personId }: DocumentPlace,
  tenant: string | null,
): Promise<DocumentRow | null> {
  const rows = await tx.sql<DocumentRow>`
    select d.id, d.client_id as "clientId", d.related_individual_id as "relatedIndividualId", d.type, d.content_type as "contentType",
           d.size_bytes as "size", d.sealed_details as "sealedDetails", d.scan_status as "scanStatus", d.uploaded_at as "uploadedAt",
           d.uploaded_by as "uploadedBy", c.tenant, k.master_key as "masterKey", k.wrapped_key as "wrappedKey"
    from client_profile.document d
    join client_profile.client c on c.id = d.client_id
    join client_profile.client_key k on k.client_id = d.client_id
    where d.id = ${documentId} and d.client_id = ${clientId} and (${tenant}::text is null or c.tenant = ${tenant})
      and (${personId}::uuid is null or d.related_individual_id = ${personId})
      and d.deleted_at is null and d.erased_at is null and c.erased_at is null`;
  return rows[0] ?? null;
}

/** Of the client itself (`personId` null) or of that person, newest first. */
export async function listDocuments(
  tx: Tx,
  clientId: string,
  personId: string | null,
  types: readonly ClientDocumentType[] | null,
): Promise<DocumentRow[]> {
  return await tx.sql<DocumentRow>`
    select d.id, d.client_id as "clientId", d.related_individual_id as "relatedIndividualId", d.type, d.content_type as "contentType",
           d.size_bytes as "size", d.sealed_details as "sealedDetails", d.scan_status as "scanStatus", d.uploaded_at as "uploadedAt",
           d.uploaded_by as "uploadedBy", c.tenant, k.master_key as "masterKey", k.wrapped_key as "wrappedKey"
    from client_profile.document d
    join client_profile.client c on c.id = d.client_id
    join client_profile.client_key k on k.client_id = d.client_id
    where d.client_id = ${clientId} and d.related_individual_id is not distinct from ${personId}::uuid
      and (${types}::text[] is null or d.type = any(${types}))
      and d.deleted_at is null and d.erased_at is null and c.erased_at is null
    order by d.uploaded_at desc, d.id desc`;
}

/** Everything that is kept of a client's documents, deleted ones included, oldest first: for the client who asks what the bank has. */
export async function listKept(
  tx: Tx,
  clientId: string,
  after: string | null,
  most: number,
): Promise<(DocumentRow & { readonly deletedAt: Date | null })[]> {
  return await tx.sql<DocumentRow & { readonly deletedAt: Date | null }>`
    select d.id, d.client_id as "clientId", d.related_individual_id as "relatedIndividualId", d.type, d.content_type as "contentType",
           d.size_bytes as "size", d.sealed_details as "sealedDetails", d.scan_status as "scanStatus", d.uploaded_at as "uploadedAt",
           d.uploaded_by as "uploadedBy", d.deleted_at as "deletedAt", c.tenant, k.master_key as "masterKey", k.wrapped_key as "wrappedKey"
    from client_profile.document d
    join client_profile.client c on c.id = d.client_id
    join client_profile.client_key k on k.client_id = d.client_id
    where d.client_id = ${clientId} and (${after}::uuid is null or d.id > ${after}) and d.erased_at is null
    order by d.id
    limit ${most}`;
}

/** False: it was deleted before. */
export async function markDeleted(tx: Tx, documentId: string): Promise<boolean> {
  const rows = await tx.sql`
    update client_profile.document set deleted_at = ${tx.now}, deleted_by = ${tx.actor.id}
    where id = ${documentId} and deleted_at is null and erased_at is null
    returning id`;
  return rows.length === 1;
}
