// The lists of transactions: which source a filter is read from, and the pages that come of it. Along accounts where the filter names
// some, among payments where it names those, else along the whole journal.

import type { Tx } from "#platform/db.ts";
import { parseTransactionId } from "#platform/ids.ts";
import { refusePlatform } from "#platform/problem.ts";
import { ACCOUNTS_MAX, findAccountIds } from "../lists/account-choice.store.ts";
import { countUnbooked, type EntryBounds, findEntryBounds } from "../lists/account-bounds.store.ts";
import { lookAlongAccounts } from "../lists/account-walk.ts";
import { lookAmong } from "../lists/chosen-walk.store.ts";
import { lookAlongJournal } from "../lists/journal-walk.store.ts";
import { TRANSACTIONS } from "../lists/list-view.store.ts";
import { type FoundPage, type ListRequest, type ListSource, readListPage } from "../lists/pages.ts";
import type { Range } from "../lists/walk.ts";
import { isPlain, isPostedOnly, markOf, type TransactionFilter } from "./filter.ts";
import { conditionsOf, findTransactions, isVisible, type TransactionRow } from "./transaction.store.ts";

const NOTHING: ListSource = { look: async () => ({ found: [], through: null }) };

export type TransactionPage = FoundPage["page"] & { readonly rows: readonly TransactionRow[] };

/** One page of the transactions that the filter means, newest first unless asked otherwise. */
export async function readTransactions(tx: Tx, kind: string, filter: TransactionFilter, request: ListRequest): Promise<TransactionPage> {
  const { found, page } = await readListPage(tx, request, markOf(kind, filter), filter.dates, (range, skip) =>
    openSource(tx, filter, range, skip),
  );
  return { ...page, rows: await findTransactions(tx, found) };
}

/** Where the filter's transactions are read from. */
export async function openSource(tx: Tx, filter: TransactionFilter, range: Range, skip: number): Promise<ListSource> {
  const { accounts, clients, payments, transfers, tenant, dates } = filter;
  // No transfer has been made yet.
  if (transfers !== null) return NOTHING;
  if (payments !== null) return { look: lookAmong(tx, TRANSACTIONS, payments, range, conditionsOf(filter, false)) };
  // A small tenant is its few accounts.
  if (accounts !== null || clients !== null || tenant !== null) {
    const ids = await findAccountIds(tx, filter, ACCOUNTS_MAX + 1);
    if (ids.length === 0) return NOTHING;
    if (ids.length <= ACCOUNTS_MAX) {
      const bounds = await findEntryBounds(tx, ids, dates.from, dates.before);
      return await alongAccounts(tx, filter, range, bounds, skip);
    }
  }
  return { look: lookAlongJournal(tx, TRANSACTIONS, range, conditionsOf(filter, false)) };
}

/** The one account that the filter means, where all that it means are entries of it; null: it means more or something else. */
export async function findSoleAccount(tx: Tx, filter: TransactionFilter): Promise<EntryBounds | null> {
  const { accounts, clients, payments, transfers, tenant, dates } = filter;
  if (payments !== null || transfers !== null || (accounts === null && clients === null && tenant === null)) return null;
  const ids = await findAccountIds(tx, filter, 2);
  if (ids.length !== 1) return null;
  const bounds = await findEntryBounds(tx, ids, dates.from, dates.before);
  const unbooked = isPostedOnly(filter) ? 0 : await countUnbooked(tx, bounds, dates.from, dates.before);
  return unbooked === 0 ? (bounds[0] ?? null) : null;
}

/** Entries have numbers: where nothing else is in the list they are counted and left out by arithmetic. */
async function alongAccounts(
  tx: Tx,
  filter: TransactionFilter,
  range: Range,
  bounds: readonly EntryBounds[],
  skip: number,
): Promise<ListSource> {
  const lookAt = (entries: readonly EntryBounds[]): ListSource["look"] =>
    lookAlongAccounts(tx, TRANSACTIONS, entries, range, conditionsOf(filter, true));
  if (!isPlain(filter)) return { look: lookAt(bounds) };
  const unbooked = isPostedOnly(filter) ? 0 : await countUnbooked(tx, bounds, filter.dates.from, filter.dates.before);
  const booked = bounds.reduce((sum, { first, last }) => sum + (last < first ? 0 : Number(last - first + 1n)), 0);
  const count = unbooked === null ? null : booked + unbooked;
  const [only] = bounds;
  if (skip === 0 || unbooked !== 0 || only === undefined || bounds.length > 1) return { look: lookAt(bounds), count };
  const left = range.newestFirst ? { ...only, last: only.last - BigInt(skip) } : { ...only, first: only.first + BigInt(skip) };
  return { look: lookAt([left]), skipped: skip, count };
}

/** 404 unless all of these accounts are the client's own. */
export async function refuseForeignAccounts(tx: Tx, accountIds: readonly string[], clientId: string, tenant: string | null): Promise<void> {
  const own = await findAccountIds(tx, { accounts: accountIds, clients: [clientId], tenant }, accountIds.length);
  if (own.length < accountIds.length) refusePlatform("notFound");
}

/** 404 for an account that the tenant may not see. */
export async function refuseUnknownAccount(tx: Tx, accountId: string, tenant: string | null): Promise<void> {
  const found = await findAccountIds(tx, { accounts: [accountId], clients: null, tenant }, 1);
  if (found.length === 0) refusePlatform("notFound");
}

/** Operation 29. */
export async function readTransaction(tx: Tx, id: string, tenant: string | null): Promise<TransactionRow> {
  const parts = parseTransactionId(id);
  if (parts === null) return refusePlatform("notFound");
  const slot = 2 * parts.lineNo + (parts.side === "credit" ? 1 : 0);
  if (!(await isVisible(tx, parts.paymentId, slot, tenant))) refusePlatform("notFound");
  const [row] = await findTransactions(tx, [{ paymentId: parts.paymentId, slot, sequence: 0n }]);
  return row ?? refusePlatform("notFound");
}
