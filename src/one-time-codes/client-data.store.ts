// SQL of what is told, and taken away, of one client's codes.

import type { Tx } from "#platform/db.ts";
import type { Channel } from "./words.ts";

export type CodeFacts = {
  readonly otpId: string;
  readonly purpose: string;
  readonly channel: Channel;
  readonly createdAt: Date;
  readonly sentAt: Date | null;
  readonly endedAt: Date | null;
  readonly outcome: string | null;
};

/** In the order of their ids. */
export async function findCodeFacts(tx: Tx, clientId: string, after: string | null, limit: number): Promise<CodeFacts[]> {
  return await tx.sql<CodeFacts>`
    select id as "otpId", purpose, channel, created_at as "createdAt", sent_at as "sentAt", ended_at as "endedAt", outcome
    from one_time_codes.challenge
    where client_id = ${clientId} and (${after}::uuid is null or id > ${after}::uuid)
    order by id
    limit ${limit}`;
}

export type BlockFacts = { readonly at: Date; readonly until: Date | null; readonly liftedAt: Date | null };

export async function findBlockFacts(tx: Tx, clientId: string): Promise<BlockFacts[]> {
  return await tx.sql<BlockFacts>`
    select at, nullif(until, 'infinity') as until, lifted_at as "liftedAt"
    from one_time_codes.block
    where client_id = ${clientId}
    order by at, id`;
}

/** Ends what is open and empties what was not sent; gives the number of codes that this took. */
export async function forgetCodes(tx: Tx, clientId: string): Promise<number> {
  const rows = await tx.sql`
    update one_time_codes.challenge
    set sealed_message = null, ended_at = coalesce(ended_at, clock_timestamp()), outcome = coalesce(outcome, 'blocked')
    where client_id = ${clientId} and (ended_at is null or sealed_message is not null)
    returning id`;
  return rows.length;
}
