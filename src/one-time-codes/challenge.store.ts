// SQL of challenges. All times are the database's own, read when the statement runs: a wait for a lock counts, the clocks of the
// processes do not.

import type { Tx } from "#platform/db.ts";
import type { Channel } from "./words.ts";

export type NewChallenge = {
  readonly id: string;
  readonly clientId: string;
  readonly purpose: string;
  readonly subject: string;
  readonly channel: Channel;
  readonly destinationHash: Buffer;
  readonly codeHash: Buffer;
  readonly sealedMessage: Buffer;
  readonly lifeSeconds: number;
};

/** Gives the instant at which the code expires. */
export async function insertChallenge(tx: Tx, challenge: NewChallenge): Promise<Date> {
  const [row] = await tx.sql<{ expiresAt: Date }>`
    insert into one_time_codes.challenge (
      id, client_id, purpose, subject, channel, destination_hash, code_hash, sealed_message, created_at, expires_at)
    select ${challenge.id}, ${challenge.clientId}, ${challenge.purpose}, ${challenge.subject}, ${challenge.channel},
           ${challenge.destinationHash}, ${challenge.codeHash}, ${challenge.sealedMessage},
           clock.now, clock.now + make_interval(secs => ${challenge.lifeSeconds})
    from (select clock_timestamp() as now) clock
    returning expires_at as "expiresAt"`;
  if (row === undefined) throw new Error("an insert gave no row");
  return row.expiresAt;
}

export type Challenge = {
  readonly id: string;
  readonly clientId: string;
  readonly purpose: string;
  readonly subject: string;
  readonly channel: Channel;
  readonly destinationHash: Buffer;
  readonly codeHash: Buffer;
  readonly outcome: "verified" | "replaced" | "blocked" | null;
  /** Neither ended nor expired. */
  readonly isLive: boolean;
};

/** Another client's challenge and one that never was are the same empty answer. */
export async function findChallenge(tx: Tx, id: string, clientId: string): Promise<Challenge | null> {
  const rows = await tx.sql<Challenge>`
    select id, client_id as "clientId", purpose, subject, channel, destination_hash as "destinationHash", code_hash as "codeHash",
           outcome, ended_at is null and expires_at > clock_timestamp() as "isLive"
    from one_time_codes.challenge
    where id = ${id} and client_id = ${clientId}`;
  return rows[0] ?? null;
}

/** Ends the code for that purpose that has not ended yet, or all of the client's where the purpose is null. */
export async function endLive(tx: Tx, clientId: string, purpose: string | null, outcome: "replaced" | "blocked"): Promise<void> {
  await tx.sql`
    update one_time_codes.challenge
    set ended_at = clock_timestamp(), outcome = ${outcome}, sealed_message = null
    where client_id = ${clientId} and (${purpose}::text is null or purpose = ${purpose}) and ended_at is null`;
}

/** Gives the instant until which the proof can be used. */
export async function endVerified(tx: Tx, id: string, proofSeconds: number): Promise<Date> {
  const [row] = await tx.sql<{ proofExpiresAt: Date }>`
    update one_time_codes.challenge
    set ended_at = clock_timestamp(), outcome = 'verified', sealed_message = null,
        proof_expires_at = clock_timestamp() + make_interval(secs => ${proofSeconds})
    where id = ${id} and ended_at is null
    returning proof_expires_at as "proofExpiresAt"`;
  if (row === undefined) throw new Error("a live code has ended meanwhile");
  return row.proofExpiresAt;
}

/** False where the code was not verified, or its proof is used up or too old. */
export async function spendProof(tx: Tx, id: string): Promise<boolean> {
  const rows = await tx.sql`
    update one_time_codes.challenge
    set proof_used_at = clock_timestamp()
    where id = ${id} and outcome = 'verified' and proof_used_at is null and proof_expires_at > clock_timestamp()
    returning 1 as used`;
  return rows.length === 1;
}

export type Limits = { readonly resendSeconds: number; readonly messagesMax: number };

/** When the client may be sent the next code for that purpose, and in how many seconds that is: 0 or less now. Null: it was never sent one. */
export async function findNextSending(
  tx: Tx,
  clientId: string,
  purpose: string,
  { resendSeconds, messagesMax }: Limits,
): Promise<{ readonly at: Date; readonly inSeconds: number } | null> {
  const rows = await tx.sql<{ at: Date; inSeconds: number }>`
    select next.at, ceil(extract(epoch from next.at - clock_timestamp()))::int as "inSeconds"
    from (
      select greatest(
        (select max(c.created_at) + make_interval(secs => ${resendSeconds})
         from one_time_codes.challenge c where c.client_id = ${clientId} and c.purpose = ${purpose}),
        (select c.created_at + interval '24 hours'
         from one_time_codes.challenge c where c.client_id = ${clientId}
         order by c.created_at desc offset ${messagesMax - 1} limit 1)) as at
    ) next
    where next.at is not null`;
  return rows[0] ?? null;
}

export type UnsentChallenge = Challenge & { readonly sealedMessage: Buffer };

/** Null where nothing is to be sent any more. */
export async function findUnsent(tx: Tx, id: string): Promise<UnsentChallenge | null> {
  const rows = await tx.sql<UnsentChallenge>`
    select id, client_id as "clientId", purpose, subject, channel, destination_hash as "destinationHash", code_hash as "codeHash",
           sealed_message as "sealedMessage", outcome, true as "isLive"
    from one_time_codes.challenge
    where id = ${id} and sealed_message is not null and ended_at is null and expires_at > clock_timestamp()`;
  return rows[0] ?? null;
}

export async function markSent(tx: Tx, id: string): Promise<void> {
  await tx.sql`
    update one_time_codes.challenge set sent_at = clock_timestamp(), sealed_message = null where id = ${id} and sent_at is null`;
}

/** The message that was not sent can be of no use any more. */
export async function forgetMessage(tx: Tx, id: string): Promise<void> {
  await tx.sql`update one_time_codes.challenge set sealed_message = null where id = ${id} and sealed_message is not null`;
}
