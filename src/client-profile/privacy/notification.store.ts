// SQL of deletion notifications, and of the restriction that follows them.

import { type Actor, onConstraint, type Tx } from "#platform/db.ts";
import { refuse } from "../problems.ts";
import type { ClientStatus } from "../profiles/contract.ts";
import type { DeletionReason, NotificationStatus } from "./contract.ts";

export type HeldClient = {
  readonly clientId: string;
  readonly tenant: string;
  readonly status: ClientStatus;
  readonly masterKey: string | null;
  readonly wrappedKey: Buffer | null;
};

/** Holds the client against other changes until the transaction ends. Null: there is none that the tenant may see, or it is erased. */
export async function lockClient(tx: Tx, clientId: string, tenant: string | null): Promise<HeldClient | null> {
  const rows = await tx.sql<HeldClient>`
    select c.id as "clientId", c.tenant, c.status, k.master_key as "masterKey", k.wrapped_key as "wrappedKey"
    from client_profile.client c
    join client_profile.client_key k on k.client_id = c.id
    where c.id = ${clientId} and (${tenant}::text is null or c.tenant = ${tenant}) and c.erased_at is null
    for no key update of c`;
  return rows[0] ?? null;
}

export type NewNotification = {
  readonly id: string;
  readonly clientId: string;
  readonly reason: DeletionReason | null;
  readonly sealedComment: Buffer | null;
};

/** Refuses with 409 invalidState while another one of the client is open, also one that commits at the same moment. */
export async function insertNotification(tx: Tx, { id, clientId, reason, sealedComment }: NewNotification): Promise<void> {
  const insert = tx.sql`
    insert into client_profile.deletion_notification (id, client_id, reason, sealed_comment, status, requested_at, updated_at)
    values (${id}, ${clientId}, ${reason}, ${sealedComment}, 'received', ${tx.now}, ${tx.now})`;
  await onConstraint(insert, "deletion_notification_open_once", () =>
    refuse("invalidState", { detail: "The deletion of this profile has been asked for already." }),
  );
}

export type NotificationRow = {
  readonly notificationId: string;
  readonly clientId: string;
  readonly reason: DeletionReason | null;
  readonly status: NotificationStatus;
  readonly sealedComment: Buffer | null;
  readonly requestedAt: Date;
  readonly updatedAt: Date;
};

/** All notifications of a client, newest first. */
export async function findNotifications(tx: Tx, clientId: string): Promise<NotificationRow[]> {
  return await tx.sql<NotificationRow>`
    select id as "notificationId", client_id as "clientId", reason, status, sealed_comment as "sealedComment",
           requested_at as "requestedAt", updated_at as "updatedAt"
    from client_profile.deletion_notification
    where client_id = ${clientId}
    order by id desc`;
}

export type HistoryRow = {
  readonly id: bigint;
  readonly notificationId: string;
  readonly at: Date;
  readonly status: NotificationStatus;
  readonly sealedNote: Buffer | null;
  readonly actorKind: Actor["kind"];
  readonly actorId: string;
};

/** What became of these notifications, oldest first. */
export async function findHistory(tx: Tx, notificationIds: readonly string[]): Promise<HistoryRow[]> {
  return await tx.sql<HistoryRow>`
    select id, notification_id as "notificationId", at, status, sealed_note as "sealedNote", actor_kind as "actorKind", actor_id as "actorId"
    from client_profile.deletion_notification_history
    where notification_id = any(${notificationIds}::uuid[])
    order by id`;
}

/** Moves the notification on if it is still in the state that was decided upon. */
export async function setStatus(tx: Tx, notificationId: string, from: NotificationStatus, to: NotificationStatus): Promise<boolean> {
  const rows = await tx.sql`
    update client_profile.deletion_notification
    set status = ${to}, updated_at = ${tx.now}, sealed_comment = case when ${to} = 'completed' then null else sealed_comment end
    where id = ${notificationId} and status = ${from}
    returning id`;
  return rows.length === 1;
}

/** Adds a line; who and when come from `tx`. */
export async function insertHistory(tx: Tx, notificationId: string, status: NotificationStatus, sealedNote: Buffer | null): Promise<void> {
  await tx.sql`
    insert into client_profile.deletion_notification_history (notification_id, at, status, sealed_note, actor_kind, actor_id)
    values (${notificationId}, ${tx.now}, ${status}, ${sealedNote}, ${tx.actor.kind}, ${tx.actor.id})`;
}

/** Restricts a client that is served no longer and has an open notification. False: nothing to do. */
export async function restrict(tx: Tx, clientId: string): Promise<boolean> {
  const rows = await tx.sql`
    update client_profile.client c
    set restricted_at = ${tx.now}, updated_at = ${tx.now}, version = c.version + 1
    where c.id = ${clientId} and c.status in ('closed', 'rejected') and c.restricted_at is null and c.erased_at is null
      and exists (select from client_profile.deletion_notification n where n.client_id = c.id and n.status in ('received', 'inReview'))
    returning c.id`;
  return rows.length === 1;
}

/** Lifts the restriction. False: there is none. */
export async function unrestrict(tx: Tx, clientId: string): Promise<boolean> {
  const rows = await tx.sql`
    update client_profile.client c
    set restricted_at = null, updated_at = ${tx.now}, version = c.version + 1
    where c.id = ${clientId} and c.restricted_at is not null and c.erased_at is null
    returning c.id`;
  return rows.length === 1;
}

export type ListedRow = Omit<NotificationRow, "sealedComment"> & {
  readonly clientStatus: ClientStatus;
  readonly closedAt: Date | null;
  readonly lastChangeAt: Date;
};

export type ListFilter = {
  /** Null: all tenants'. */
  readonly tenant: string | null;
  /** Empty: whatever it is. */
  readonly statuses: readonly NotificationStatus[];
};

export type ListWindow = { readonly newestFirst: boolean; readonly after: string | null; readonly skip: number; readonly limit: number };

/** Notifications of clients that are not erased, by the time they came (ids rise with it). */
export async function listNotifications(tx: Tx, { tenant, statuses }: ListFilter, window: ListWindow): Promise<ListedRow[]> {
  const { newestFirst, after, skip, limit } = window;
  return await tx.sql<ListedRow>`
    select n.id as "notificationId", n.client_id as "clientId", n.reason, n.status, n.requested_at as "requestedAt", n.updated_at as "updatedAt",
           c.status as "clientStatus", c.closed_at as "closedAt",
           (select max(h.at) from client_profile.client_status_history h where h.client_id = c.id) as "lastChangeAt"
    from client_profile.deletion_notification n
    join client_profile.client c on c.id = n.client_id
    where c.erased_at is null and (${tenant}::text is null or c.tenant = ${tenant})
      and (${statuses.length} = 0 or n.status = any(${statuses}))
      and (${after}::uuid is null or case when ${newestFirst} then n.id < ${after}::uuid else n.id > ${after}::uuid end)
    order by case when ${newestFirst} then n.id end desc, n.id
    offset ${skip} limit ${limit}`;
}

export async function countNotifications(tx: Tx, { tenant, statuses }: ListFilter): Promise<number> {
  const [row] = await tx.sql<{ count: number }>`
    select count(*)::int as count
    from client_profile.deletion_notification n
    join client_profile.client c on c.id = n.client_id
    where c.erased_at is null and (${tenant}::text is null or c.tenant = ${tenant})
      and (${statuses.length} = 0 or n.status = any(${statuses}))`;
  return row?.count ?? 0;
}
