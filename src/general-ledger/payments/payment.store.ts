// SQL that reads payments. They are written by post_batch alone.

import type { Tx } from "#platform/db.ts";
import { lastStands, type Payment } from "./payment.ts";
import type { PaymentType } from "../words.ts";

type PaymentRow = Omit<Payment, "lines" | "accounts">;
type LineRow = {
  paymentId: string;
  lineNo: number;
  debitAccountId: string;
  creditAccountId: string;
  amountMinor: bigint;
  currency: string;
  type: PaymentType;
  description: string | null;
  debitSeq: bigint;
  debitBalance: bigint;
  debitHeld: bigint;
  debitCreditNormal: boolean;
  creditSeq: bigint;
  creditBalance: bigint;
  creditHeld: bigint;
  creditCreditNormal: boolean;
};

/** The payments of these ids that the tenant may see (null: all tenants), in no particular order. */
export async function findPayments(tx: Tx, ids: readonly string[], visibleTo: string | null): Promise<Payment[]> {
  const rows = await tx.sql<PaymentRow>`
    select p.id, p.external_id as "externalId", p.type, p.state, p.client_id as "clientId", p.description, p.reference, p.reason, p.metadata,
           p.value_date as "valueDate", p.created_at as "createdAt", p.pended_at as "pendedAt", p.posted_at as "postedAt", p.cancelled_at as "cancelledAt",
           j.first_sequence + p.place as sequence
    from general_ledger.payment p
    join general_ledger.journal j on j.batch_id = p.batch_id
    where p.id = any(${ids}) and (${visibleTo}::text is null or p.tenant = ${visibleTo})`;
  if (rows.length === 0) return [];
  const found = rows.map((row) => row.id);
  const lines = Map.groupBy(await findLines(tx, found), (line) => line.paymentId);
  return rows.map((row) => assemble(row, lines.get(row.id) ?? []));
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

async function findLines(tx: Tx, paymentIds: readonly string[]): Promise<LineRow[]> {
  return await tx.sql<LineRow>`
    select l.payment_id as "paymentId", l.line_no as "lineNo", l.debit_account_id as "debitAccountId", l.credit_account_id as "creditAccountId",
           l.amount_minor as "amountMinor", l.currency, l.type, l.description,
           d.account_seq as "debitSeq", d.balance_after as "debitBalance", d.held_after as "debitHeld", da.credit_normal as "debitCreditNormal",
           c.account_seq as "creditSeq", c.balance_after as "creditBalance", c.held_after as "creditHeld", ca.credit_normal as "creditCreditNormal"
    from general_ledger.payment_line l
    join general_ledger.entry d on d.account_id = l.debit_account_id and d.account_seq = l.debit_seq
    join general_ledger.entry c on c.account_id = l.credit_account_id and c.account_seq = l.credit_seq
    join general_ledger.account da on da.id = l.debit_account_id
    join general_ledger.account ca on ca.id = l.credit_account_id
    where l.payment_id = any(${paymentIds})
    order by l.payment_id, l.line_no`;
}

function assemble(row: PaymentRow, lines: readonly LineRow[]): Payment {
  const stands = lines.flatMap((line) => [
    {
      accountId: line.debitAccountId,
      seq: line.debitSeq,
      balanceMinor: line.debitBalance,
      heldMinor: line.debitHeld,
      creditNormal: line.debitCreditNormal,
    },
    {
      accountId: line.creditAccountId,
      seq: line.creditSeq,
      balanceMinor: line.creditBalance,
      heldMinor: line.creditHeld,
      creditNormal: line.creditCreditNormal,
    },
  ]);
  return {
    ...row,
    lines: lines.map(({ lineNo, debitAccountId, creditAccountId, amountMinor, currency, type, description }) => ({
      lineNo,
      debitAccountId,
      creditAccountId,
      amountMinor,
      currency,
      type,
      description,
    })),
    accounts: lastStands(stands),
  };
}
