// SQL of clients' standing and its history.

import type { Tx } from "#platform/db.ts";
import type { Standing } from "./standing.ts";

export type HeldClient = Standing & {
  readonly clientId: string;
  readonly tenant: string;
  readonly version: bigint;
  readonly masterKey: string | null;
  readonly wrappedKey: Buffer | null;
};

/**
 * Holds the client against every other change until the transaction ends; who only relies on its standing (`lockForShare`) waits, too.
 * A tenant of null sees every client. Null: there is none, or it is erased.
 */
export async function lockForChange(tx: Tx, clientId: string, tenant: string | null): Promise<HeldClient | null> {
  const rows = await tx.sql<HeldClient>`
    select c.id as "clientId", c.tenant, c.status, c.verification_status as "verificationStatus", c.risk_level as "riskLevel", c.version,
           k.master_key as "masterKey", k.wrapped_key as "wrappedKey"
    from client_profile.client c
    join client_profile.client_key k on k.client_id = c.id
    where c.id = ${clientId} and (${tenant}::text is null or c.tenant = ${tenant}) and c.erased_at is null
    for no key update of c`;
  return rows[0] ?? null;
}

/** Applies what was decided on `version`, and on no other. Whatever is told of a block goes when the block does. False: it is another version. */
export async function setStanding(
  tx: Tx,
  { clientId, version }: Pick<HeldClient, "clientId" | "version">,
  { status, verificationStatus, riskLevel }: Standing,
  sealedBlockReason: Buffer | null,
): Promise<boolean> {
  const rows = await tx.sql`
    update client_profile.client
    set status = ${status}, verification_status = ${verificationStatus}, risk_level = ${riskLevel},
        blocked_at = case when ${status} <> 'blocked' then null when status = 'blocked' then blocked_at else ${tx.now}::timestamptz end,
        sealed_block_reason = case when ${status} <> 'blocked' then null when status = 'blocked' then sealed_block_reason else ${sealedBlockReason}::bytea end,
        closed_at = case when ${status} = 'closed' then coalesce(closed_at, ${tx.now}::timestamptz) end,
        version = version + 1, updated_at = ${tx.now}
    where id = ${clientId} and version = ${version}
    returning id`;
  return rows.length === 1;
}

/** A line of a client's history: the standing that the client's `version` brought. */
export type HistoryLine = Standing & { readonly version: bigint; readonly reason: string; readonly sealedNote: Buffer | null };

/** Adds the line; who and when come from `tx`. */
export async function insertHistory(tx: Tx, clientId: string, line: HistoryLine): Promise<void> {
  const { status, verificationStatus, riskLevel, version, reason, sealedNote } = line;
  await tx.sql`
    insert into client_profile.client_status_history (
      client_id, at, status, verification_status, risk_level, version, reason, sealed_note, actor_kind, actor_id)
    values (
      ${clientId}, ${tx.now}, ${status}, ${verificationStatus}, ${riskLevel}, ${version}, ${reason}, ${sealedNote}, ${tx.actor.kind},
      ${tx.actor.id})`;
}
