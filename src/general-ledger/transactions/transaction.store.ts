// SQL of transactions: which accounts a filter means, its conditions, and the rows of what a walk has found.

import type { Tx } from "#platform/db.ts";
import { contains, isAmountWithin, isDatedWithin, isOneOf } from "../lists/conditions.store.ts";
import type { Found } from "../lists/place.ts";
import type { Filter } from "../lists/statement.ts";
import type { PaymentType } from "../words.ts";
import type { TransactionFilter } from "./filter.ts";

export type TransactionRow = {
  paymentId: string;
  lineNo: number;
  side: number;
  accountId: string;
  counterAccountId: string;
  accountSeq: bigint | null;
  amountMinor: bigint;
  /** Credit positive. */
  balanceAfter: bigint | null;
  currency: string;
  creditNormal: boolean;
  type: PaymentType;
  state: "pending" | "posted" | "cancelled";
  description: string | null;
  reference: string | null;
  metadata: Record<string, string> | null;
  valueDate: string;
  createdAt: Date;
  postedAt: Date | null;
  sequence: bigint;
};

/** The transactions in the order given. */
export async function findTransactions(tx: Tx, found: readonly Found[]): Promise<TransactionRow[]> {
  if (found.length === 0) return [];
  return await tx.sql<TransactionRow>`
    select m.payment_id as "paymentId", m.line_no as "lineNo", m.side, m.account_id as "accountId", m.counter_account_id as "counterAccountId",
           m.account_seq as "accountSeq", m.amount_minor as "amountMinor", m.balance_after as "balanceAfter", m.currency,
           m.credit_normal as "creditNormal", m.type, m.state, m.description, m.reference, m.metadata, m.value_date as "valueDate",
           m.created_at as "createdAt", m.posted_at as "postedAt", m.sequence
    from unnest(${found.map(({ paymentId }) => paymentId)}::uuid[], ${found.map(({ slot }) => slot >> 1)}::smallint[],
                ${found.map(({ slot }) => slot & 1)}::integer[]) with ordinality k(payment_id, line_no, side, place)
    cross join lateral (
      select * from general_ledger.movement m
      where m.payment_id = k.payment_id and m.line_no = k.line_no and m.side = k.side offset 0) m
    order by k.place`;
}

/** What transactions can be sorted by. */
export type SortKey = Pick<TransactionRow, "amountMinor" | "currency" | "valueDate" | "createdAt" | "postedAt">;

/** The sort keys of the transactions, in the order given. Read from lines and payments alone: thousands of them are asked for at once. */
export async function findSortKeys(tx: Tx, found: readonly Found[]): Promise<SortKey[]> {
  if (found.length === 0) return [];
  return await tx.sql<SortKey>`
    select case when l.debit_seq is null then l.amount_minor else coalesce(l.posted_minor, l.amount_minor) end as "amountMinor", l.currency,
           p.value_date as "valueDate", p.created_at as "createdAt", case when l.debit_seq is not null then p.posted_at end as "postedAt"
    from unnest(${found.map(({ paymentId }) => paymentId)}::uuid[], ${found.map(({ slot }) => slot >> 1)}::smallint[]) with ordinality k(payment_id, line_no, place)
    cross join lateral (
      select * from general_ledger.payment_line l where l.payment_id = k.payment_id and l.line_no = k.line_no offset 0) l
    cross join lateral (select * from general_ledger.payment p where p.id = k.payment_id offset 0) p
    order by k.place`;
}

/** The currency of the account. */
export async function findCurrency(tx: Tx, accountId: string): Promise<string> {
  const rows = await tx.sql<{ currency: string }>`select currency from general_ledger.account where id = ${accountId}`;
  return rows[0]?.currency ?? "";
}

/** Whether the transaction is one that the tenant may see (null: all). */
export async function isVisible(tx: Tx, paymentId: string, slot: number, tenant: string | null): Promise<boolean> {
  const rows = await tx.sql`
    select from general_ledger.movement m
    where m.payment_id = ${paymentId} and m.line_no = ${slot >> 1} and m.side = ${slot & 1}
      and (${tenant}::text is null or m.tenant = ${tenant})`;
  return rows.length > 0;
}

/** The filter's conditions on transactions. Accounts and tenant are conditions only where the walk is not along the accounts. */
export function conditionsOf(filter: TransactionFilter, isAlongAccounts: boolean): Filter {
  return (values) => [
    ...(isAlongAccounts || filter.tenant === null ? [] : isOneOf(values, "m.tenant", [filter.tenant])),
    ...(isAlongAccounts || filter.clients === null
      ? []
      : [`m.account_id in (select o.id from general_ledger.account o where o.client_id = any(${values.bind(filter.clients)}::uuid[]))`]),
    ...(isAlongAccounts ? [] : isOneOf(values, "m.account_id", filter.accounts ?? undefined, "uuid")),
    ...isDatedWithin(values, filter.dates),
    ...(filter.direction === null ? [] : [`m.side = ${filter.direction === "debit" ? 0 : 1}`]),
    ...isOneOf(values, "m.type", filter.types, "general_ledger.payment_type"),
    ...isOneOf(values, "m.state", filter.states),
    ...isOneOf(values, "m.currency", filter.currencies),
    ...(filter.amountFrom === null ? [] : [isAmountWithin(values, ">=", filter.amountFrom)]),
    ...(filter.amountTo === null ? [] : [isAmountWithin(values, "<=", filter.amountTo)]),
    ...(filter.search === null ? [] : [contains(values, ["m.description", "m.reference"], filter.search)]),
  ];
}
