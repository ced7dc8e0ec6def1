// SQL of what changes accounts without moving money. Every change goes through a function of 0008_account_changes.sql, which judges it
// again, numbers it in the journal and holds the ledger's head until the commit: it is the last statement of its transaction.

import type { Tx } from "#platform/db.ts";

/** Holds these accounts against postings and changes, in id order. */
export async function lockAccounts(tx: Tx, ids: readonly string[]): Promise<void> {
  await tx.sql`select general_ledger.lock_accounts(${ids}::uuid[])`;
}

/** The client's default account of the currency; null where it has no open one. */
export async function findDefault(tx: Tx, clientId: string, currency: string): Promise<string | null> {
  const rows = await tx.sql<{ id: string }>`
    select id from general_ledger.account where client_id = ${clientId} and currency = ${currency} and is_default`;
  return rows[0]?.id ?? null;
}

/** Who becomes the default when this account closes: null unless it is the default and the client has another open one of the currency. */
export async function findHeir(tx: Tx, id: string): Promise<string | null> {
  const rows = await tx.sql<{ id: string }>`
    select x.id
    from general_ledger.account a
    join general_ledger.account x on x.client_id = a.client_id and x.currency = a.currency and x.id <> a.id and x.status <> 'closed'
    join general_ledger.account_profile p on p.account_id = x.id
    where a.id = ${id} and a.is_default
    order by p.sort_order, x.id
    limit 1`;
  return rows[0]?.id ?? null;
}

/** The client's accounts that are not closed, in its own order. */
export async function findOpenAccounts(tx: Tx, clientId: string): Promise<string[]> {
  const rows = await tx.sql<{ id: string }>`
    select a.id
    from general_ledger.account a
    join general_ledger.account_profile p on p.account_id = a.id
    where a.client_id = ${clientId} and a.status <> 'closed'
    order by p.sort_order, a.id`;
  return rows.map(({ id }) => id);
}

export async function hasPendingPayment(tx: Tx, id: string): Promise<boolean> {
  const rows = await tx.sql<{ pending: boolean }>`select general_ledger.has_pending_payment(${id}) as pending`;
  return rows[0]?.pending ?? true;
}

/** Null: the name stays. An undefined floor stays, null takes it away. A new default takes over from the old one, if there is one. */
export async function changeAccount(
  tx: Tx,
  id: string,
  { name, floorMinor, becomesDefault }: { name: string | null; floorMinor: bigint | null | undefined; becomesDefault: boolean },
): Promise<void> {
  await tx.sql`
    select general_ledger.change_account(${id}, ${name}, ${floorMinor !== undefined}, ${floorMinor ?? null}::bigint, ${becomesDefault})`;
}

export type BlockChange = "account.blocked" | "account.unblocked";

export async function setBlocks(
  tx: Tx,
  id: string,
  { change, debit, credit, reason }: { change: BlockChange; debit: boolean; credit: boolean; reason: string },
): Promise<void> {
  await tx.sql`
    select general_ledger.set_account_blocks(${change}::general_ledger.change, ${id}, ${debit}, ${credit}, ${reason})`;
}

export async function closeAccount(tx: Tx, id: string, heir: string | null, at: Date): Promise<void> {
  await tx.sql`select general_ledger.close_account(${id}, ${heir}::uuid, ${at}::timestamptz)`;
}

export async function orderAccounts(tx: Tx, clientId: string, ids: readonly string[]): Promise<void> {
  await tx.sql`select general_ledger.order_accounts(${clientId}, ${ids}::uuid[])`;
}

export async function setClientBlocked(tx: Tx, clientId: string, isBlocked: boolean): Promise<void> {
  await tx.sql`select general_ledger.set_client_blocked(${clientId}, ${isBlocked})`;
}

/** Takes back what an erased client called its accounts; gives their number. The client is marked as erased before. */
export async function forgetNames(tx: Tx, clientId: string): Promise<number> {
  const rows = await tx.sql<{ names: bigint }>`select general_ledger.forget_account_names(${clientId}) as names`;
  return Number(rows[0]?.names ?? 0n);
}
