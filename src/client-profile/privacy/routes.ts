// Operation 2, and the work of staff that follows it: reviewing, erasing, and handing out what is known of a client.

import { type Caller, callerTenant } from "#platform/access.ts";
import type { Actor } from "#platform/db.ts";
import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { invariant, platformProblems, refusePlatform } from "#platform/problem.ts";
import { fileReply, strictObject, Type, Uuid } from "#platform/schema.ts";
import { standingProblems } from "../problems.ts";
import { findKey } from "../standing/history.store.ts";
import {
  ClientExport,
  DeletionNotification,
  DeletionNotificationPage,
  DeletionNotificationReceipt,
  DeletionNotificationsQuery,
  EraseClient,
  ErasureCertificate,
  NewDeletionNotification,
  ReviewNotification,
} from "./contract.ts";
import { eraseClient, type ErasureKit, readErasure } from "./erasure.ts";
import { exportClient, type ExportDeps } from "./export.ts";
import { listNotifications, readNotifications, requestDeletion, reviewNotification } from "./notifications.ts";

const STAFF = ["ClientProfile - System / Privacy"];
const ClientId = strictObject({ clientId: Uuid });
const { invalidState } = standingProblems;

export type PrivacyKit = ErasureKit & ExportDeps;

/** All operations of privacy. */
export function privacyEndpoints(kit: PrivacyKit): readonly Endpoint[] {
  return [
    requestOwnDeletion(kit),
    listDeletionNotifications(kit),
    getClientDeletionNotifications(kit),
    reviewDeletionNotification(kit),
    eraseOneClient(kit),
    getErasure(),
    exportOneClient(kit),
  ];
}

const requestOwnDeletion = ({ vault }: PrivacyKit): Endpoint =>
  endpoint({
    id: "requestDeletion",
    method: "POST",
    path: "/Client/deletion-notifications",
    tags: ["ClientProfile - FrontOffice / Client"],
    summary: "Ask for the deletion of the profile",
    description:
      "Staff are told; nothing is deleted at once. The body may be empty. A blocked client may ask as well. 409 invalidState while a notification is open.",
    audience: "frontOffice",
    scope: null,
    body: NewDeletionNotification,
    isBodyOptional: true,
    reply: DeletionNotificationReceipt,
    problems: { notFound: platformProblems.notFound, invalidState },
    work: "write",
    async handle(tx, { caller, body }) {
      invariant(caller.kind === "client", "a front-office route with a system caller");
      return await requestDeletion(tx, vault, caller, body);
    },
  });

const listDeletionNotifications = ({ retentionYears }: PrivacyKit): Endpoint =>
  endpoint({
    id: "listDeletionNotifications",
    method: "GET",
    path: "/internal/DeletionNotifications",
    tags: STAFF,
    summary: "Deletion notifications of all clients",
    description: "Without what the clients wrote. Those of erased clients are not in it.",
    audience: "system",
    scope: "clients.read",
    query: DeletionNotificationsQuery,
    reply: DeletionNotificationPage,
    work: "read",
    handle: (tx, { query, caller }) => listNotifications(tx, query, caller.tenant, retentionYears),
  });

const getClientDeletionNotifications = ({ vault }: PrivacyKit): Endpoint =>
  endpoint({
    id: "getClientDeletionNotifications",
    method: "GET",
    path: "/internal/Clients/{clientId}/deletion-notifications",
    tags: STAFF,
    summary: "A client's deletion notifications, newest first",
    audience: "system",
    scope: "clients.read",
    params: ClientId,
    reply: strictObject({ items: Type.Array(DeletionNotification) }),
    work: "read",
    async handle(tx, { params: { clientId }, caller }) {
      const client = (await findKey(tx, clientId, caller.tenant)) ?? refusePlatform("notFound");
      return { items: await readNotifications(tx, vault.openClientKey(client) ?? refusePlatform("notFound"), clientId) };
    },
  });

const reviewDeletionNotification = ({ vault }: PrivacyKit): Endpoint =>
  endpoint({
    id: "reviewDeletionNotification",
    method: "PUT",
    path: "/internal/Clients/{clientId}/deletion-notifications/{notificationId}",
    tags: STAFF,
    summary: "Take a deletion notification into review, or decline it",
    description:
      "A repeat answers the present state. Erasing the client completes its notification, and nothing else does. Declining lifts the restriction of a closed client; " +
      "the client may ask again.",
    audience: "system",
    scope: "clients.write",
    params: strictObject({ clientId: Uuid, notificationId: Uuid }),
    body: ReviewNotification,
    reply: DeletionNotification,
    problems: { invalidState },
    answerTellsOf: ({ params }) => params.clientId,
    work: "write",
    handle: (tx, { params, body, caller }) => reviewNotification(tx, vault, { ...params, visibleTo: caller.tenant }, body),
  });

const eraseOneClient = (kit: PrivacyKit): Endpoint =>
  endpoint({
    id: "eraseClient",
    method: "POST",
    path: "/internal/Clients/{clientId}/erasure",
    tags: STAFF,
    summary: "Erase a client for ever",
    description:
      "For closed and rejected clients whose retention is over (RETENTION_YEARS whole years after they were closed; rejected ones after the last change of how they stand); " +
      "before that 409 invalidState with `erasableFrom`. The client's key is destroyed: all data of the client are unreadable at once, in the database, in documents and in " +
      "answers kept under keys. Afterwards everything about the client answers 404 but its certificate; accounts and payments stay under its id. A repeat answers the same certificate.",
    audience: "system",
    scope: "clients.write",
    params: ClientId,
    body: EraseClient,
    reply: ErasureCertificate,
    problems: { invalidState },
    work: "write",
    handle: (tx, { params, body, caller }) => eraseClient(tx, kit, { ...params, visibleTo: caller.tenant, reason: body.reason }),
  });

const getErasure = (): Endpoint =>
  endpoint({
    id: "getErasure",
    method: "GET",
    path: "/internal/Clients/{clientId}/erasure",
    tags: STAFF,
    summary: "The certificate of a client's erasure",
    description: "404 for a client that is not erased.",
    audience: "system",
    scope: "clients.read",
    params: ClientId,
    reply: ErasureCertificate,
    work: "read",
    handle: (tx, { params, caller }) => readErasure(tx, params.clientId, caller.tenant),
  });

const exportOneClient = (kit: PrivacyKit): Endpoint =>
  endpoint({
    id: "exportClient",
    method: "GET",
    path: "/internal/Clients/{clientId}/export",
    tags: STAFF,
    summary: "Everything that is known of a client, as a file",
    description:
      "For the client's right of access. Look through it before it is handed out: notes of staff are in it. Of other clients it holds ids of accounts and payments only. " +
      "A file that could not be finished breaks off with the connection.",
    audience: "system",
    scope: "clients.read",
    params: ClientId,
    reply: fileReply({ "application/json": ClientExport }),
    work: "file",
    handle: ({ params, caller, traceId, isHead }) => exportClient(kit, actorOf(caller, traceId), params.clientId, caller.tenant, isHead),
  });

function actorOf(caller: Caller, traceId: string): Actor {
  return { kind: caller.kind, id: caller.subject, tenant: callerTenant(caller), traceId };
}
