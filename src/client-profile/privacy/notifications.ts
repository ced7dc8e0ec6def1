// The shell of deletion notifications: a client asks to be forgotten, staff look at it. Nothing is deleted here. A client that is closed or
// rejected while it waits is restricted: its data are kept for as long as the law wants them and used for nothing else.

import { writeAudit } from "#platform/audit.ts";
import type { Tx } from "#platform/db.ts";
import { publish } from "#platform/events.ts";
import { newId } from "#platform/new-id.ts";
import { readPage, writeCursor } from "#platform/page.ts";
import { invariant, refusePlatform } from "#platform/problem.ts";
import type { DataKey, Place } from "#platform/sealing.ts";
import type { Vault } from "../keys/vault.ts";
import { refuse } from "../problems.ts";
import type {
  DeletionNotification,
  DeletionNotificationPage,
  DeletionNotificationReceipt,
  DeletionNotificationsQuery,
  ListedDeletionNotification,
  NewDeletionNotification,
  ReviewNotification,
} from "./contract.ts";
import { reviewed } from "./notification.ts";
import * as store from "./notification.store.ts";
import { erasableFrom } from "./retention.ts";

/** Operation 2. A blocked client may ask as well: no money moves. Refuses with 404, and 409 invalidState while one is open. */
export async function requestDeletion(
  tx: Tx,
  vault: Vault,
  caller: { readonly clientId: string; readonly tenant: string | null },
  { reason = null, comment = null }: NewDeletionNotification,
): Promise<DeletionNotificationReceipt> {
  const client = (await store.lockClient(tx, caller.clientId, caller.tenant)) ?? refusePlatform("notFound");
  const key = vault.openClientKey(client) ?? refusePlatform("notFound");
  const { clientId, tenant } = client;
  const notificationId = newId();
  const sealedComment = comment === null ? null : key.seal(commentPlace(notificationId), comment);
  await store.insertNotification(tx, { id: notificationId, clientId, reason, sealedComment });
  await store.insertHistory(tx, notificationId, "received", null);
  const detail = { notificationId, reason };
  await writeAudit(tx, { action: "client.deletionRequested", subject: `client:${clientId}`, detail });
  await publish(tx, { type: "client.deletionRequested", subject: `client:${clientId}`, tenant, data: { clientId, ...detail } });
  await restrictWhenAsked(tx, clientId);
  return { notificationId, status: "received", requestedAt: tx.now.toISOString() };
}

/**
 * Restricts the client if it is closed or rejected and has asked to be forgotten. For whoever ends a client's standing: after the standing is
 * stored, in the same transaction. The client's row is held before.
 */
export async function restrictWhenAsked(tx: Tx, clientId: string): Promise<void> {
  if (await store.restrict(tx, clientId)) await writeAudit(tx, { action: "client.restricted", subject: `client:${clientId}` });
}

/** What staff make of a notification. Repeated it answers the present state. Refuses with 404, 400 and 409 invalidState. */
export async function reviewNotification(
  tx: Tx,
  vault: Vault,
  {
    clientId,
    notificationId,
    visibleTo,
  }: { readonly clientId: string; readonly notificationId: string; readonly visibleTo: string | null },
  { status: wanted, reason: words = null }: ReviewNotification,
): Promise<DeletionNotification> {
  const client = (await store.lockClient(tx, clientId, visibleTo)) ?? refusePlatform("notFound");
  const key = vault.openClientKey(client) ?? refusePlatform("notFound");
  if (wanted === "declined" && words === null) {
    refusePlatform("validationFailed", { errors: { reason: ["The field is required to decline."] } });
  }
  const present = await findOne(tx, key, clientId, notificationId);
  const outcome = reviewed(present.status, wanted);
  if (outcome === "same") return present;
  if (outcome === "refused") {
    refuse("invalidState", {
      detail: `A notification that is ${present.status} cannot become ${wanted}.`,
      members: { notificationStatus: present.status },
    });
  }
  invariant(await store.setStatus(tx, notificationId, present.status, wanted), "a notification changed while its client was held");
  const line = present.history.length;
  const sealedNote = words === null ? null : key.seal(notePlace(notificationId, line), words);
  await store.insertHistory(tx, notificationId, wanted, sealedNote);
  const detail = { notificationId, from: present.status, to: wanted };
  await writeAudit(tx, { action: "client.deletionReviewed", subject: `client:${clientId}`, detail });
  // Nobody waits to be forgotten any more.
  if (wanted === "declined" && (await store.unrestrict(tx, clientId))) {
    await writeAudit(tx, { action: "client.unrestricted", subject: `client:${clientId}` });
  }
  return await findOne(tx, key, clientId, notificationId);
}

async function findOne(tx: Tx, key: DataKey, clientId: string, notificationId: string): Promise<DeletionNotification> {
  const all = await readNotifications(tx, key, clientId);
  return all.find((each) => each.notificationId === notificationId) ?? refusePlatform("notFound");
}

/** All notifications of a client with its words and the words of staff, newest first. */
export async function readNotifications(tx: Tx, key: DataKey, clientId: string): Promise<DeletionNotification[]> {
  const rows = await store.findNotifications(tx, clientId);
  const history = Map.groupBy(
    await store.findHistory(
      tx,
      rows.map(({ notificationId }) => notificationId),
    ),
    ({ notificationId }) => notificationId,
  );
  return rows.map(({ notificationId, reason, status, sealedComment, requestedAt, updatedAt }) => ({
    notificationId,
    clientId,
    reason,
    status,
    requestedAt: requestedAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    comment: sealedComment === null ? null : key.unsealText(commentPlace(notificationId), sealedComment),
    history: (history.get(notificationId) ?? []).map((line, index) => ({
      at: line.at.toISOString(),
      by: { kind: line.actorKind, id: line.actorId },
      status: line.status,
      note: line.sealedNote === null ? null : key.unsealText(notePlace(notificationId, index), line.sealedNote),
    })),
  }));
}

/** One page of all clients' notifications. Refuses with 400 for a cursor of another list. */
export async function listNotifications(
  tx: Tx,
  query: DeletionNotificationsQuery,
  tenant: string | null,
  retentionYears: number,
): Promise<DeletionNotificationPage> {
  const filter: store.ListFilter = { tenant, statuses: query.status ?? [] };
  const mark = `deletion-notifications ${query.sortDirection} ${filter.statuses.toSorted().join()}`;
  const start = readPage(query, mark);
  const rows = await store.listNotifications(tx, filter, {
    newestFirst: query.sortDirection === "desc",
    after: "after" in start ? uuidOrRefuse(start.after) : null,
    skip: "skip" in start ? start.skip : 0,
    limit: query.pageSize + 1,
  });
  const shown = rows.slice(0, query.pageSize);
  const last = shown.at(-1);
  return {
    items: shown.map((row) => toListed(row, retentionYears)),
    totalCount: await store.countNotifications(tx, filter),
    pageNumber: query.pageNumber ?? 1,
    pageSize: query.pageSize,
    nextCursor: rows.length > shown.length && last !== undefined ? writeCursor(last.notificationId, mark) : null,
  };
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function uuidOrRefuse(position: string): string {
  if (UUID.test(position)) return position;
  return refusePlatform("validationFailed", { errors: { cursor: ["The field must be a nextCursor of the same list."] } });
}

function toListed({ closedAt, lastChangeAt, ...row }: store.ListedRow, retentionYears: number): ListedDeletionNotification {
  const { notificationId, clientId, reason, status, requestedAt, updatedAt, clientStatus } = row;
  return {
    notificationId,
    clientId,
    reason,
    status,
    requestedAt: requestedAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    clientStatus,
    erasableFrom: erasableFrom({ status: clientStatus, closedAt, lastChangeAt }, retentionYears)?.toISOString() ?? null,
  };
}

/** Where the words of the client are sealed. */
function commentPlace(notificationId: string): Place {
  return { table: "client_profile.deletion_notification", column: "sealed_comment", row: notificationId };
}

/** Where the words of staff are sealed: the line of the notification's history, counted from 0. */
function notePlace(notificationId: string, line: number): Place {
  return { table: "client_profile.deletion_notification_history", column: "sealed_note", row: `${notificationId} ${line}` };
}
