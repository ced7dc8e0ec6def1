// SQL that reads the history of clients' standing.

import type { Actor, Tx } from "#platform/db.ts";
import type { ClientKeyRow } from "../keys/key.store.ts";
import type { HistoryLine } from "./standing.store.ts";

/** The client's key, if the tenant may see the client (null: any) and it is not erased. */
export async function findKey(tx: Tx, clientId: string, tenant: string | null): Promise<ClientKeyRow | null> {
  const rows = await tx.sql<ClientKeyRow>`
    select k.client_id as "clientId", k.master_key as "masterKey", k.wrapped_key as "wrappedKey"
    from client_profile.client c
    join client_profile.client_key k on k.client_id = c.id
    where c.id = ${clientId} and (${tenant}::text is null or c.tenant = ${tenant}) and c.erased_at is null`;
  return rows[0] ?? null;
}

export type HistoryRow = HistoryLine & { readonly at: Date; readonly actorKind: Actor["kind"]; readonly actorId: string };

/** Lines newest first; `before`: behind the line of that version. */
export async function findHistory(
  tx: Tx,
  clientId: string,
  { before, skip, limit }: { readonly before: bigint | null; readonly skip: number; readonly limit: number },
): Promise<HistoryRow[]> {
  return await tx.sql<HistoryRow>`
    select h.at, h.status, h.verification_status as "verificationStatus", h.risk_level as "riskLevel", h.version, h.reason,
           h.sealed_note as "sealedNote", h.actor_kind as "actorKind", h.actor_id as "actorId"
    from client_profile.client_status_history h
    where h.client_id = ${clientId} and (${before}::bigint is null or h.version < ${before})
    order by h.version desc
    limit ${limit} offset ${skip}`;
}
