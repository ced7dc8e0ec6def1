// SQL of accounts: opening and reading. Their figures are changed by post_batch alone.

import { onConstraint, type Tx } from "#platform/db.ts";
import type { Account } from "./account.ts";
import { refuse } from "../problems.ts";
import type { AccountCategory, AccountStatus, AccountType } from "../words.ts";

export type NewAccount = {
  readonly id: string;
  readonly tenant: string;
  readonly ownerTenant: string;
  readonly clientId: string | null;
  readonly currency: string;
  readonly type: AccountType;
  readonly category: AccountCategory;
  readonly creditNormal: boolean;
  readonly floorMinor: bigint | null;
  readonly number: string;
  readonly iban: string | null;
  readonly bic: string | null;
  readonly name: string;
  readonly externalId: string | null;
};

/** The next running part of an account number. */
export async function nextAccountNumber(tx: Tx): Promise<bigint> {
  const rows = await tx.sql<{ next: bigint }>`select nextval('general_ledger.account_number') as next`;
  return rows[0]?.next ?? 0n;
}

/** Whether an account has this number already, or this IBAN. */
export async function isNumberTaken(tx: Tx, number: string, iban: string | null): Promise<boolean> {
  const rows = await tx.sql`
    select from general_ledger.account_profile where lower(number) = lower(${number})
    union all
    select from general_ledger.account_profile where lower(iban) = lower(${iban})`;
  return rows.length > 0;
}

/**
 * Holds the client's set of accounts until the transaction ends: which there are and which is the default. Openings, closings and new
 * defaults of one client come one after the other. Taken after the client's row and before any account.
 */
export async function lockAccountSet(tx: Tx, clientId: string): Promise<void> {
  await tx.sql`select pg_advisory_xact_lock(hashtextextended(${`accounts of client ${clientId}`}, 0))`;
}

export async function insertAccount(tx: Tx, account: NewAccount): Promise<void> {
  await tx.sql`
    insert into general_ledger.account (id, client_id, tenant, currency, credit_normal, status, floor_minor, is_default)
    select ${account.id}::uuid, ${account.clientId}::uuid, ${account.tenant}, ${account.currency}, ${account.creditNormal}, 'active', ${account.floorMinor},
           ${account.clientId}::uuid is not null and not exists (
             select from general_ledger.account other
             where other.client_id = ${account.clientId}::uuid and other.currency = ${account.currency} and other.status <> 'closed')`;
  const insert = tx.sql`
    insert into general_ledger.account_profile (account_id, owner_tenant, external_id, number, iban, bic, name, type, category, sort_order, created_at)
    select ${account.id}, ${account.ownerTenant}, ${account.externalId}, ${account.number}, ${account.iban}, ${account.bic}, ${account.name},
           ${account.type}::general_ledger.account_type, ${account.category}::general_ledger.account_category,
           (select count(*) from general_ledger.account other where other.client_id = ${account.clientId}::uuid and other.id <> ${account.id}::uuid),
           date_trunc('milliseconds', ${tx.now}::timestamptz)`;
  const numberUsed = (field: string) => (): never => refuse("duplicateAccountNumber", { errors: { [field]: ["The value is in use."] } });
  await onConstraint(
    onConstraint(
      onConstraint(insert, "account_external_id_once", () =>
        refuse("duplicateExternalId", { errors: { externalId: ["The value is in use."] } }),
      ),
      "account_number_once",
      numberUsed("accountNumber"),
    ),
    "account_iban_once",
    numberUsed("iban"),
  );
}

/** Numbers the opening in the journal. The last statement of its transaction: it holds the ledger's head until the commit. */
export async function journalOpening(tx: Tx, accountId: string): Promise<void> {
  await tx.sql`select general_ledger.journal_account_change('account.opened', ${accountId})`;
}

/** Who may see an account: a tenant (null: all), and one client's own view (null: the system's). */
export type Visibility = { readonly tenant: string | null; readonly clientId: string | null };

export async function findAccount(tx: Tx, id: string, visibility: Visibility): Promise<Account | null> {
  const rows = await tx.sql<Account>`
    select a.id, a.tenant, a.client_id as "clientId", p.number, p.iban, p.bic, p.name, a.currency, p.type, p.category, a.status,
           a.is_default as "isDefault", p.sort_order as "sortOrder", a.balance_minor as "balanceMinor", a.held_minor as "heldMinor",
           a.incoming_minor as "incomingMinor", a.floor_minor as "floorMinor", p.provider, p.external_id as "externalId",
           a.debit_blocked as "debitBlocked", a.credit_blocked as "creditBlocked", a.version, p.created_at as "createdAt", p.closed_at as "closedAt"
    from general_ledger.account a
    join general_ledger.account_profile p on p.account_id = a.id
    where a.id = ${id}
      and (${visibility.tenant}::text is null or a.tenant = ${visibility.tenant})
      and (${visibility.clientId}::uuid is null or a.client_id = ${visibility.clientId})`;
  return rows[0] ?? null;
}

/** The id behind a number or IBAN of the client's own; null when there is none. What other clients have plays no part. */
export async function findOwnAccountId(tx: Tx, clientId: string, numberOrIban: string): Promise<string | null> {
  const rows = await tx.sql<{ id: string }>`
    select a.id
    from general_ledger.account a
    join general_ledger.account_profile p on p.account_id = a.id
    where a.client_id = ${clientId} and lower(${numberOrIban}) in (lower(p.number), lower(p.iban))
    order by lower(p.number) = lower(${numberOrIban}) desc
    limit 1`;
  return rows[0]?.id ?? null;
}

/** A client's accounts in its own order; empty filters mean all. */
export async function findAccountsOfClient(
  tx: Tx,
  visibility: Visibility,
  currency: string | null,
  statuses: readonly AccountStatus[],
): Promise<Account[]> {
  return await tx.sql<Account>`
    select a.id, a.tenant, a.client_id as "clientId", p.number, p.iban, p.bic, p.name, a.currency, p.type, p.category, a.status,
           a.is_default as "isDefault", p.sort_order as "sortOrder", a.balance_minor as "balanceMinor", a.held_minor as "heldMinor",
           a.incoming_minor as "incomingMinor", a.floor_minor as "floorMinor", p.provider, p.external_id as "externalId",
           a.debit_blocked as "debitBlocked", a.credit_blocked as "creditBlocked", a.version, p.created_at as "createdAt", p.closed_at as "closedAt"
    from general_ledger.account a
    join general_ledger.account_profile p on p.account_id = a.id
    where a.client_id = ${visibility.clientId}
      and (${visibility.tenant}::text is null or a.tenant = ${visibility.tenant})
      and (${currency}::text is null or a.currency = ${currency})
      and (${statuses.length} = 0 or a.status = any(${statuses}::general_ledger.account_status[]))
    order by p.sort_order, a.id`;
}
