// SQL that reads payments. They are written by post_batch alone.

import type { Tx } from "#platform/db.ts";
import type { PaymentTerms } from "../posting/command.ts";
import { type AccountStand, lastStands, type Payment, type PaymentLine } from "./payment.ts";

/** Which payment, and as which of its changes left it; null: as it is now. */
export type Ask = { readonly id: string; readonly change: number | null };

/** A payment with the change that was asked for. */
export type AskedPayment = Payment & { readonly asked: number | null };

type PaymentRow = Omit<AskedPayment, "lines" | "accounts"> & { stands: string | null };
type LineRow = Omit<PaymentLine, "postedMinor"> & {
  paymentId: string;
  postedMinor: bigint | null;
  debitCreditNormal: boolean;
  debitTenant: string;
  creditCreditNormal: boolean;
  creditTenant: string;
  debitSeq: bigint | null;
  debitBalance: bigint | null;
  debitHeld: bigint | null;
  creditSeq: bigint | null;
  creditBalance: bigint | null;
  creditHeld: bigint | null;
};

/** The payments of these ids as they are now, if the tenant may see them (null: all tenants), in no particular order. */
export async function findPayments(tx: Tx, ids: readonly string[], visibleTo: string | null): Promise<Payment[]> {
  return await findPaymentsAt(
    tx,
    ids.map((id) => ({ id, change: null })),
    visibleTo,
  );
}

/** The same, each as one of its changes left it: what the caller of then was answered. */
export async function findPaymentsAt(tx: Tx, asks: readonly Ask[], visibleTo: string | null): Promise<AskedPayment[]> {
  const rows = await tx.sql<PaymentRow>`
    select p.id, p.external_id as "externalId", p.type, p.client_id as "clientId", p.description, p.reference, p.metadata, p.created_at as "createdAt",
           p.expires_at as "expiresAt", p.reverses_payment_id as "reversesPaymentId", coalesce(h.value_date, p.value_date) as "valueDate",
           case coalesce(h.change, 'payment.posted') when 'payment.drafted' then 'draft' when 'payment.pending' then 'pending'
             when 'payment.posted' then 'posted' else 'cancelled' end as state,
           case when h.change = 'payment.drafted' then null else p.pended_at end as "pendedAt",
           case when coalesce(h.change, 'payment.posted') = 'payment.posted' then p.posted_at end as "postedAt",
           case when h.change = 'payment.cancelled' then p.cancelled_at end as "cancelledAt",
           case when coalesce(h.change, 'payment.posted') = 'payment.posted' then p.asked_value_date end as "askedValueDate",
           (select r.reason from general_ledger.payment_change r
            where r.payment_id = p.id and r.change_no <= h.change_no and r.reason is not null order by r.change_no desc limit 1) as reason,
           case when a.change is null then (
             select r.reversing_payment_id from general_ledger.reversal r
             join general_ledger.payment o on o.id = r.reversing_payment_id
             where r.reversed_payment_id = p.id and not r.withdrawn and o.state = 'posted') end as "reversedByPaymentId",
           j.first_sequence + coalesce(h.place, p.place) as sequence, a.change as asked, array_to_string(h.stands, ',') as stands
    from unnest(${asks.map(({ id }) => id)}::uuid[], ${asks.map(({ change }) => change)}::smallint[]) a(id, change)
    cross join lateral (select * from general_ledger.payment p where p.id = a.id limit 1) p
    left join lateral (
      select * from general_ledger.payment_change h where h.payment_id = p.id and h.change_no = coalesce(a.change, p.change_no) limit 1) h on true
    cross join lateral (select * from general_ledger.journal j where j.batch_id = coalesce(h.batch_id, p.batch_id) limit 1) j
    where ${visibleTo}::text is null or p.tenant = ${visibleTo}`;
  if (rows.length === 0) return [];
  const found = rows.map((row) => row.id);
  const lines = Map.groupBy(await findLines(tx, found), (line) => line.paymentId);
  return rows.map((row) => assemble(row, lines.get(row.id) ?? [], visibleTo));
}

/** What never changes of these payments, whoever may see them: for commands, which are judged by post_batch. */
export async function findTerms(tx: Tx, ids: readonly string[]): Promise<PaymentTerms[]> {
  const rows = await tx.sql<Omit<PaymentTerms, "lines">>`
    select p.id, p.external_id as "externalId", p.type, p.client_id as "clientId", p.description, p.reference, p.metadata, p.created_at as "createdAt",
           p.expires_at as "expiresAt", p.reverses_payment_id as "reversesPaymentId", p.value_date as "valueDate", null as "askedValueDate"
    from general_ledger.payment p
    where p.id = any(${ids})`;
  if (rows.length === 0) return [];
  const lines = Map.groupBy(await findLines(tx, ids), (line) => line.paymentId);
  return rows.map((row) => ({ ...row, lines: (lines.get(row.id) ?? []).map((line) => ({ ...lineOf(line), postedMinor: null })) }));
}

async function findLines(tx: Tx, paymentIds: readonly string[]): Promise<LineRow[]> {
  return await tx.sql<LineRow>`
    select l.payment_id as "paymentId", l.line_no as "lineNo", l.debit_account_id as "debitAccountId", l.credit_account_id as "creditAccountId",
           l.amount_minor as "amountMinor", l.posted_minor as "postedMinor", l.currency, l.type, l.description,
           da.credit_normal as "debitCreditNormal", da.tenant as "debitTenant", ca.credit_normal as "creditCreditNormal", ca.tenant as "creditTenant",
           d.account_seq as "debitSeq", d.balance_after as "debitBalance", d.held_after as "debitHeld",
           c.account_seq as "creditSeq", c.balance_after as "creditBalance", c.held_after as "creditHeld"
    from general_ledger.payment_line l
    left join general_ledger.entry d on d.account_id = l.debit_account_id and d.account_seq = l.debit_seq
    left join general_ledger.entry c on c.account_id = l.credit_account_id and c.account_seq = l.credit_seq
    join general_ledger.account da on da.id = l.debit_account_id
    join general_ledger.account ca on ca.id = l.credit_account_id
    where l.payment_id = any(${paymentIds})
    order by l.payment_id, l.line_no`;
}

function assemble({ stands, ...row }: PaymentRow, lines: readonly LineRow[], visibleTo: string | null): AskedPayment {
  const all = stands === null ? standsOfEntries(lines) : standsOfChange(lines, stands.split(",").map(BigInt));
  // How an account of another tenant stands is not for this caller to know (decision 19).
  const hidden = new Set(
    lines.flatMap(({ debitAccountId, debitTenant, creditAccountId, creditTenant }) => [
      ...(visibleTo === null || debitTenant === visibleTo ? [] : [debitAccountId]),
      ...(visibleTo === null || creditTenant === visibleTo ? [] : [creditAccountId]),
    ]),
  );
  return {
    ...row,
    // A line says what was booked of it only once the payment is posted.
    lines: lines.map((line) => (row.state === "posted" ? lineOf(line) : { ...lineOf(line), postedMinor: null })),
    accounts: lastStands(all.filter(({ accountId }) => !hidden.has(accountId))),
  };
}

function lineOf({ lineNo, debitAccountId, creditAccountId, amountMinor, postedMinor, currency, type, description }: LineRow): PaymentLine {
  return { lineNo, debitAccountId, creditAccountId, amountMinor, postedMinor, currency, type, description };
}

function standsOfEntries(lines: readonly LineRow[]): AccountStand[] {
  return lines.flatMap((line) => [
    {
      accountId: line.debitAccountId,
      seq: line.debitSeq ?? 0n,
      balanceMinor: line.debitBalance ?? 0n,
      heldMinor: line.debitHeld ?? 0n,
      creditNormal: line.debitCreditNormal,
    },
    {
      accountId: line.creditAccountId,
      seq: line.creditSeq ?? 0n,
      balanceMinor: line.creditBalance ?? 0n,
      heldMinor: line.creditHeld ?? 0n,
      creditNormal: line.creditCreditNormal,
    },
  ]);
}

/** Six figures a line, as `payment_change.stands` has them. */
function standsOfChange(lines: readonly LineRow[], figures: readonly bigint[]): AccountStand[] {
  const stand = (accountId: string, creditNormal: boolean, at: number): AccountStand => {
    const [seq = 0n, balanceMinor = 0n, heldMinor = 0n] = figures.slice(at, at + 3);
    return { accountId, seq, balanceMinor, heldMinor, creditNormal };
  };
  return lines.flatMap((line, index) => [
    stand(line.debitAccountId, line.debitCreditNormal, index * 6),
    stand(line.creditAccountId, line.creditCreditNormal, index * 6 + 3),
  ]);
}

/** Ids of the payments with this externalId: one for each tenant that used it. */
export async function findPaymentIdsByExternalId(tx: Tx, externalId: string, visibleTo: string | null): Promise<string[]> {
  const rows = await tx.sql<{ id: string }>`
    select id from general_ledger.payment
    where external_id = ${externalId} and (${visibleTo}::text is null or owner_tenant = ${visibleTo})
    order by id desc
    limit 100`;
  return rows.map((row) => row.id);
}
