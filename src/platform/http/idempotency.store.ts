// SQL of the idempotency keys. The row stands for ever; it is what makes a repeat harmless.

import type { Tx } from "../db.ts";

export type KeyRow = { fingerprint: Buffer; status: number | null; answer: string | null };

/** What a key answers. */
export type KeptAnswer = { readonly status: number; readonly text: string };

/** Inserts the key, with its answer where that is known beforehand; false when it exists. Waits for a running twin up to lock_timeout. */
export async function claimKey(tx: Tx, id: string, fingerprint: Buffer, answer: KeptAnswer | null): Promise<boolean> {
  const rows = await tx.sql`
    insert into platform.idempotency_key (id, fingerprint, status, answer)
    values (${id}, ${fingerprint}, ${answer?.status ?? null}, ${answer?.text ?? null})
    on conflict (id) do nothing
    returning 1 as claimed`;
  return rows.length === 1;
}

export async function findKey(tx: Tx, id: string): Promise<KeyRow | null> {
  const rows = await tx.sql<KeyRow>`
    select fingerprint, status, answer from platform.idempotency_key where id = ${id}`;
  return rows[0] ?? null;
}

export async function keepAnswer(tx: Tx, id: string, status: number, answer: string): Promise<void> {
  await tx.sql`update platform.idempotency_key set status = ${status}, answer = ${answer} where id = ${id}`;
}

export async function setSavepoint(tx: Tx): Promise<void> {
  await tx.sql`savepoint effect`;
}

export async function rollbackToSavepoint(tx: Tx): Promise<void> {
  await tx.sql`rollback to savepoint effect`;
}
