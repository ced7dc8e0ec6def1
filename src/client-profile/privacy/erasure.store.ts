// SQL of erasures: what is destroyed of a client here, and what proves it.

import type { Tx } from "#platform/db.ts";
import type { ClientStatus } from "../profiles/contract.ts";
import type { SignedText } from "./certificate.ts";

export type ClientToErase = {
  readonly clientId: string;
  readonly tenant: string;
  readonly externalId: string | null;
  readonly status: ClientStatus;
  readonly closedAt: Date | null;
  readonly lastChangeAt: Date;
  readonly erasedAt: Date | null;
};

/**
 * Holds the client against everybody, who adds rows that refer to it included: what they would add waits, and finds no key. Erased ones are
 * found, too. A tenant of null sees every client.
 */
export async function lockForErasure(tx: Tx, clientId: string, tenant: string | null): Promise<ClientToErase | null> {
  const rows = await tx.sql<Omit<ClientToErase, "lastChangeAt">>`
    select c.id as "clientId", c.tenant, c.external_id as "externalId", c.status, c.closed_at as "closedAt", c.erased_at as "erasedAt"
    from client_profile.client c
    where c.id = ${clientId} and (${tenant}::text is null or c.tenant = ${tenant})
    for update`;
  const [row] = rows;
  // A statement of its own: it sees what was committed while the lock was waited for.
  return row === undefined ? null : { ...row, lastChangeAt: await findLastChange(tx, clientId) };
}

async function findLastChange(tx: Tx, clientId: string): Promise<Date> {
  const [row] = await tx.sql<{ at: Date }>`
    select max(h.at) as at from client_profile.client_status_history h where h.client_id = ${clientId}`;
  if (row === undefined) throw new Error("an aggregate gave no row");
  return row.at;
}

export async function destroyKey(tx: Tx, clientId: string): Promise<void> {
  await tx.sql`
    update client_profile.client_key set master_key = null, wrapped_key = null, destroyed_at = ${tx.now}
    where client_id = ${clientId} and destroyed_at is null`;
}

/** Empties everything that tells who the client is or finds it again; only its id, tenant and standing stay. */
export async function emptyClient(tx: Tx, clientId: string, erasedAt: Date): Promise<void> {
  await tx.sql`
    update client_profile.client
    set sealed_profile = null, sealed_block_reason = null, email_mark = null, search_marks = null, external_id = null, phone_is_e164 = false,
        blocked_at = null, erased_at = ${erasedAt}, updated_at = ${tx.now}, version = version + 1
    where id = ${clientId}`;
}

/** Empties the persons of a company; gives their number. */
export async function emptyRelatedIndividuals(tx: Tx, clientId: string): Promise<number> {
  const rows = await tx.sql`
    update client_profile.related_individual
    set sealed_profile = null, share_percent = null, updated_at = ${tx.now}, removed_at = coalesce(removed_at, ${tx.now})
    where client_id = ${clientId}
    returning id`;
  return rows.length;
}

/** Lines of the history with words of staff, which the client's key takes with it. */
export async function countNotes(tx: Tx, clientId: string): Promise<number> {
  const [row] = await tx.sql<{ count: number }>`
    select count(*)::int as count from client_profile.client_status_history where client_id = ${clientId} and sealed_note is not null`;
  return row?.count ?? 0;
}

/** Empties what the client wrote, and completes what is open; gives the ids of what was open. */
export async function completeNotifications(tx: Tx, clientId: string): Promise<{ readonly count: number; readonly completed: string[] }> {
  const emptied = await tx.sql`
    update client_profile.deletion_notification set sealed_comment = null
    where client_id = ${clientId} and status in ('completed', 'declined')
    returning id`;
  const completed = await tx.sql<{ id: string }>`
    update client_profile.deletion_notification set status = 'completed', sealed_comment = null, updated_at = ${tx.now}
    where client_id = ${clientId} and status in ('received', 'inReview')
    returning id`;
  return { count: emptied.length + completed.length, completed: completed.map(({ id }) => id) };
}

export async function insertCertificate(
  tx: Tx,
  { certificateId, clientId, erasedAt }: { certificateId: string; clientId: string; erasedAt: Date },
  { text, sha256 }: SignedText,
): Promise<void> {
  await tx.sql`
    insert into client_profile.erasure_certificate (client_id, id, erased_at, text, sha256)
    values (${clientId}, ${certificateId}, ${erasedAt}, ${text}, ${sha256})`;
}

/** The certificate of an erased client that the tenant may see (null: all). */
export async function findCertificate(tx: Tx, clientId: string, tenant: string | null): Promise<SignedText | null> {
  const rows = await tx.sql<SignedText>`
    select e.text, e.sha256
    from client_profile.erasure_certificate e
    join client_profile.client c on c.id = e.client_id
    where e.client_id = ${clientId} and (${tenant}::text is null or c.tenant = ${tenant})`;
  return rows[0] ?? null;
}

/** Certificates in the order of their ids, which is that of the erasures. `after`: the last one seen. */
export async function findCertificates(
  tx: Tx,
  after: string | null,
  limit: number,
): Promise<(SignedText & { readonly certificateId: string })[]> {
  return await tx.sql<SignedText & { readonly certificateId: string }>`
    select id as "certificateId", text, sha256
    from client_profile.erasure_certificate
    where ${after}::uuid is null or id > ${after}::uuid
    order by id
    limit ${limit}`;
}

/**
 * Restricted clients whose time may have come: closed, or last changed, before `endedBefore`. The caller judges each of them exactly.
 * `after`: the last one seen.
 */
export async function findCandidates(tx: Tx, endedBefore: Date, after: string | null, limit: number): Promise<string[]> {
  const rows = await tx.sql<{ id: string }>`
    select c.id
    from client_profile.client c
    where c.restricted_at is not null and c.erased_at is null and c.status in ('closed', 'rejected')
      and (${after}::uuid is null or c.id > ${after}::uuid)
      and coalesce(c.closed_at, (select max(h.at) from client_profile.client_status_history h where h.client_id = c.id)) < ${endedBefore}
    order by c.id
    limit ${limit}`;
  return rows.map(({ id }) => id);
}

/**
 * A restored client that could still be served is so no longer: its key is about to go. One that was pending is rejected, the others are
 * closed. False: it was neither.
 */
export async function closeRestored(tx: Tx, clientId: string): Promise<boolean> {
  const rows = await tx.sql<{ status: string; verificationStatus: string; riskLevel: string; version: bigint }>`
    update client_profile.client
    set status = case when status = 'pending' then 'rejected' else 'closed' end,
        closed_at = case when status = 'pending' then null else ${tx.now}::timestamptz end,
        blocked_at = null, sealed_block_reason = null, updated_at = ${tx.now}, version = version + 1
    where id = ${clientId} and status not in ('closed', 'rejected')
    returning status, verification_status as "verificationStatus", risk_level as "riskLevel", version`;
  const [row] = rows;
  if (row === undefined) return false;
  await tx.sql`
    insert into client_profile.client_status_history (
      client_id, at, status, verification_status, risk_level, version, reason, actor_kind, actor_id)
    values (${clientId}, ${tx.now}, ${row.status}, ${row.verificationStatus}, ${row.riskLevel}, ${row.version}, 'erasureReplayed',
            ${tx.actor.kind}, ${tx.actor.id})`;
  return true;
}
