// SQL that reads the journal and what its changes were about. Each statement is one look-up by primary key per row, whatever the size of
// the tables: nothing is joined that the planner might read whole.

import type { Tx } from "#platform/db.ts";
import type { AccountCategory, AccountType, PaymentType } from "../words.ts";
import type { Change } from "./contract.ts";

export type ChangeRow = {
  readonly sequence: bigint;
  readonly batchId: bigint;
  readonly place: number;
  readonly at: Date;
  readonly change: Change;
  /** The payment or account. */
  readonly subject: string;
};

export type PaymentRow = {
  readonly id: string;
  readonly tenant: string;
  readonly externalId: string;
  readonly type: PaymentType;
  readonly clientId: string | null;
  readonly valueDate: string;
  readonly reversesPaymentId: string | null;
  readonly lineCount: number;
};

export type LineRow = {
  readonly paymentId: string;
  readonly lineNo: number;
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  readonly amountMinor: bigint;
  /** What was booked of a drafted line; null: not posted yet, or posted in one step and so whole. */
  readonly postedMinor: bigint | null;
  readonly currency: string;
  readonly type: PaymentType;
  readonly isDrafted: boolean;
};

export type AccountRow = {
  readonly id: string;
  readonly tenant: string;
  readonly type: AccountType;
  readonly category: AccountCategory;
  readonly currency: string;
  readonly clientId: string | null;
};

/** Number of the newest change; 0 for an empty ledger. */
export async function findHead(tx: Tx): Promise<bigint> {
  const rows = await tx.sql<{ last: bigint }>`select last_sequence as last from general_ledger.ledger_head where id = 1`;
  return rows[0]?.last ?? 0n;
}

/** The changes numbered `first` to `last`, both included, in their order. */
export async function findChanges(tx: Tx, first: bigint, last: bigint): Promise<ChangeRow[]> {
  // A row tells of one change at least: the range has no more rows than numbers, and one that began before it.
  return await tx.sql<ChangeRow>`
    select j.first_sequence + u.position - 1 as sequence, j.batch_id as "batchId", (u.position - 1)::integer as place, j.committed_at as at,
           u.change::text as change, u.subject
    from (
      select * from general_ledger.journal
      where first_sequence >= (select first_sequence from general_ledger.journal where first_sequence <= ${first} order by first_sequence desc limit 1)
        and first_sequence <= ${last}
      order by first_sequence
      limit ${last - first + 1n}
    ) j
    cross join lateral unnest(j.changes, j.subjects) with ordinality u(change, subject, position)
    where j.first_sequence + u.position - 1 between ${first} and ${last}
    order by sequence`;
}

/** The payments of these ids that the tenant may see (null: all tenants), in no particular order. */
export async function findChangedPayments(tx: Tx, ids: readonly string[], visibleTo: string | null): Promise<PaymentRow[]> {
  return await tx.sql<PaymentRow>`
    select p.id, p.tenant, p.external_id as "externalId", p.type, p.client_id as "clientId", p.value_date as "valueDate",
           p.reverses_payment_id as "reversesPaymentId",
           (select count(*) from general_ledger.payment_line l where l.payment_id = p.id)::integer as "lineCount"
    from general_ledger.payment p
    where p.id = any(${ids}) and (${visibleTo}::text is null or p.tenant = ${visibleTo})`;
}

/** The lines of these payments, each payment's in order. */
export async function findLines(tx: Tx, paymentIds: readonly string[]): Promise<LineRow[]> {
  return await tx.sql<LineRow>`
    select payment_id as "paymentId", line_no as "lineNo", debit_account_id as "debitAccountId", credit_account_id as "creditAccountId",
           amount_minor as "amountMinor", posted_minor as "postedMinor", currency, type, drafted_in is not null as "isDrafted"
    from general_ledger.payment_line
    where payment_id = any(${paymentIds})
    order by payment_id, line_no`;
}

export type ValueDateRow = { readonly batchId: bigint; readonly place: number; readonly valueDate: string };

/** The value dates of payments that did not go in one step, by the place of each of their changes. */
export async function findValueDates(tx: Tx, paymentIds: readonly string[]): Promise<ValueDateRow[]> {
  return await tx.sql<ValueDateRow>`
    select batch_id as "batchId", place, value_date as "valueDate"
    from general_ledger.payment_change
    where payment_id = any(${paymentIds})`;
}

/** The accounts of these ids that the tenant may see (null: all tenants), in no particular order. */
export async function findChangedAccounts(tx: Tx, ids: readonly string[], visibleTo: string | null): Promise<AccountRow[]> {
  return await tx.sql<AccountRow>`
    select a.id, a.tenant, p.type, p.category, a.currency, a.client_id as "clientId"
    from general_ledger.account a
    join general_ledger.account_profile p on p.account_id = a.id
    where a.id = any(${ids}) and (${visibleTo}::text is null or a.tenant = ${visibleTo})`;
}
