// The list of payments: read among those that the filter names by itself where they are few, along an account, or along the journal.

import type { Tx } from "#platform/db.ts";
import { ACCOUNTS_MAX, findAccountIds } from "../lists/account-choice.store.ts";
import { findEntryBounds } from "../lists/account-bounds.store.ts";
import { lookAlongAccounts } from "../lists/account-walk.ts";
import { lookAmong } from "../lists/chosen-walk.store.ts";
import { lookAlongJournal } from "../lists/journal-walk.store.ts";
import { PAYMENTS } from "../lists/list-view.store.ts";
import { type FoundPage, type ListRequest, type ListSource, readListPage } from "../lists/pages.ts";
import type { Range } from "../lists/walk.ts";
import type { Payment } from "./payment.ts";
import { type PaymentFilter, type PaymentQuery, readPaymentFilter } from "./payment-filter.ts";
import { findPayments } from "./payment.store.ts";
import { findChosenIds, paymentConditions } from "./payment-list.store.ts";

/** As many payments are put in order on the spot. */
const CHOSEN_MAX = 5_000;

export type PaymentPage = FoundPage["page"] & { readonly payments: readonly Payment[] };

/** One page of payments, newest first unless asked otherwise: posted ones where they were posted, others where they were created. */
export async function readPayments(tx: Tx, query: PaymentQuery & ListRequest, tenant: string | null): Promise<PaymentPage> {
  const filter = readPaymentFilter(query, tenant);
  const mark = `payments ${filter.accountId ?? "-"}`;
  const { found, page } = await readListPage(tx, query, mark, filter.dates, (range) => openSource(tx, filter, range, tenant));
  const payments = await findPayments(
    tx,
    found.map(({ paymentId }) => paymentId),
    tenant,
  );
  const byId = new Map(payments.map((payment) => [payment.id, payment]));
  return { ...page, payments: found.flatMap(({ paymentId }) => byId.get(paymentId) ?? []) };
}

async function openSource(tx: Tx, filter: PaymentFilter, range: Range, tenant: string | null): Promise<ListSource> {
  const chosen = (await namesForeignAccount(tx, filter, tenant)) ? [] : await findChosenIds(tx, filter, CHOSEN_MAX);
  if (chosen !== null) return { look: lookAmong(tx, PAYMENTS, chosen, range, paymentConditions(filter, false)) };
  const accounts = await findAccounts(tx, filter);
  if (accounts === null) return { look: lookAlongJournal(tx, PAYMENTS, range, paymentConditions(filter, false)) };
  // The tenant of a payment may differ from the account's: it is one of the conditions, here as everywhere.
  const bounds = await findEntryBounds(tx, accounts, filter.dates.from, filter.dates.before);
  return { look: lookAlongAccounts(tx, PAYMENTS, bounds, range, paymentConditions(filter, true)) };
}

/** An account of another tenant does not exist for a confined caller: no payment is found by it. */
async function namesForeignAccount(tx: Tx, { accountId }: PaymentFilter, tenant: string | null): Promise<boolean> {
  if (accountId === null || tenant === null) return false;
  return (await findAccountIds(tx, { accounts: [accountId], clients: null, tenant }, 1)).length === 0;
}

/** The accounts along which the filter is read: a payment about a client touches one of the client's. Null: too many, or none are meant. */
async function findAccounts(tx: Tx, { accountId, clientId }: PaymentFilter): Promise<string[] | null> {
  if (accountId !== null) return [accountId];
  if (clientId === null) return null;
  const ids = await findAccountIds(tx, { accounts: null, clients: [clientId], tenant: null }, ACCOUNTS_MAX + 1);
  return ids.length > ACCOUNTS_MAX ? null : ids;
}
