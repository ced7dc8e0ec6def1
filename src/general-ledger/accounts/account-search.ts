// Operations 26 and 50: searching accounts, among millions as fast as among hundreds. A search whose narrowest condition leaves at most
// LOOKS_MAX accounts is answered whole: any order, any page, and how many there are. A wider one is read in order of opening. Where that
// needs a look at each account (balance, a piece of text) it ends after LOOKS_MAX looks: the page may then be short, even empty, and its
// cursor leads on.

import type { Caller } from "#platform/access.ts";
import { isCurrency } from "#platform/currency.ts";
import { isUuid } from "#platform/ids.ts";
import { BALANCE_MINOR_MAX, parseSignedAmount } from "#platform/money.ts";
import { readPage, writeCursor } from "#platform/page.ts";
import type { Tx } from "#platform/db.ts";
import { type FieldErrors, refusePlatform } from "#platform/problem.ts";
import { readDates } from "#platform/date-bounds.ts";
import { type AccountFilter, LOOKS_MAX, narrowest, someOf } from "./account-filter.store.ts";
import * as store from "./account-search.store.ts";
import type { AccountOrder, AccountPosition, AccountSlice, FoundAccount } from "./account-search.store.ts";
import type { AccountDto } from "./contract.ts";
import type { AccountPage, SearchAccounts } from "./read-contract.ts";
import { toAccountDto } from "./views.ts";

/** What a way of reading came to: the slice, what is known of the whole, and where to go on when the slice is short. */
type Reading = { readonly found: readonly FoundAccount[]; readonly total: number | null; readonly end: FoundAccount | null };

/** A page of accounts. The caller's tenant confines it; a foreign id simply finds nothing. */
export async function searchAccounts(tx: Tx, query: SearchAccounts, { tenant }: Caller): Promise<AccountPage> {
  const filter = readFilter(query, tenant);
  const order: AccountOrder = { by: query.sortBy, descending: query.sortDirection === "desc" };
  const mark = `accounts ${query.sortBy} ${query.sortDirection}`;
  const start = readPage(query, mark);
  const after = "after" in start ? await readPosition(tx, start.after, order, tenant) : null;
  const skip = "skip" in start ? start.skip : 0;

  const { found, total, end } = await readSlice(tx, filter, order, { after, skip, limit: query.pageSize + 1 });
  const items = await readAccounts(tx, found.slice(0, query.pageSize), tenant);
  const next = found.length > query.pageSize ? found[query.pageSize - 1] : end;
  const totalCount = total ?? (query.includeTotalCount ? await store.countAccounts(tx, filter) : null);
  return {
    items,
    pageNumber: query.pageNumber ?? 1,
    pageSize: query.pageSize,
    nextCursor: next ? writeCursor(positionText(next, order), mark) : null,
    ...(totalCount === null ? {} : { totalCount }),
  };
}

/** Operation of 5.16: the accounts that have these numbers or IBANs, in the order of the list, each once. What nobody has is left out. */
export async function findAccountsByNumber(tx: Tx, numbers: readonly string[], { tenant }: Caller): Promise<AccountDto[]> {
  const ids = await store.findByNumbers(tx, lowerCase(numbers), tenant);
  return await readAccounts(
    tx,
    ids.map((accountId) => ({ accountId })),
    tenant,
  );
}

async function readAccounts(tx: Tx, found: readonly { readonly accountId: string }[], tenant: string | null): Promise<AccountDto[]> {
  if (found.length === 0) return [];
  const ids = found.map(({ accountId }) => accountId);
  const accounts = new Map((await store.findAccounts(tx, ids, tenant)).map((account) => [account.id, account]));
  return ids.flatMap((id) => accounts.get(id) ?? []).map(toAccountDto);
}

async function readSlice(tx: Tx, filter: AccountFilter, order: AccountOrder, slice: AccountSlice): Promise<Reading> {
  const few = await store.gather(tx, narrowest(filter), filter, order, slice);
  if (few !== null) return { ...few, end: null };
  const hasPieces = filter.search !== null && filter.search.length >= PIECE_LENGTH;
  if (order.by !== "createdAt") {
    const some = hasPieces ? await store.gather(tx, "pieces", filter, order, slice) : null;
    return some === null ? refuseOrder() : { ...some, end: null };
  }
  if (filter.clientIds !== null) return { found: await store.mergeClients(tx, filter, order, slice), total: null, end: null };
  if (filter.search === null && filter.balanceFrom === null && filter.balanceTo === null) {
    return { found: await store.mergeKinds(tx, filter, order, slice), total: null, end: null };
  }
  // What many accounts have is met within a few looks; what few have is found by its pieces.
  if (hasPieces) {
    const glance = await store.walk(tx, filter, order, slice, GLANCE);
    if (glance.isWhole) return { ...glance, total: null };
    const some = await store.gather(tx, "pieces", filter, order, slice);
    if (some !== null) return { ...some, end: null };
  }
  const walked = await store.walk(tx, filter, order, slice, LOOKS_MAX);
  if (!walked.isWhole && slice.skip > 0) refusePage();
  return { ...walked, total: null };
}

/** Shorter texts have no pieces to be found by. */
const PIECE_LENGTH = 3;
const GLANCE = 1_000;

function refuseOrder(): never {
  return refusePlatform("validationFailed", {
    errors: { sortBy: [`More than ${LOOKS_MAX} accounts could be found: filter more narrowly, or sort by createdAt.`] },
  });
}

function refusePage(): never {
  return refusePlatform("validationFailed", {
    errors: { pageNumber: [`More than ${LOOKS_MAX} accounts would be looked at: filter more narrowly, or use cursor.`] },
  });
}

function readFilter(query: SearchAccounts, tenant: string | null): AccountFilter {
  const errors: FieldErrors = {};
  const created = readDates({ dateFrom: query.createdFrom ?? null, dateTo: query.createdTo ?? null });
  const filter: AccountFilter = {
    tenant,
    accountIds: someOf(query.accountIds),
    numbers: someOf(query.accountNumbers && lowerCase(query.accountNumbers)),
    clientIds: someOf(query.clientIds),
    currencies: someOf(query.currencies),
    types: someOf(query.types),
    statuses: someOf(query.statuses),
    search: query.search ?? null,
    balanceFrom: readBalance("balanceFrom", query, errors),
    balanceTo: readBalance("balanceTo", query, errors),
    createdFrom: created.from,
    createdBefore: created.before,
  };
  if (Object.keys(errors).length > 0) refusePlatform("validationFailed", { errors });
  return filter;
}

function lowerCase(numbers: readonly string[]): string[] {
  return numbers.map((number) => number.toLowerCase());
}

function readBalance(name: "balanceFrom" | "balanceTo", query: SearchAccounts, errors: FieldErrors): bigint | null {
  const text = query[name];
  if (text === undefined) return null;
  const [currency, ...others] = new Set(query.currencies ?? []);
  if (currency === undefined || others.length > 0) {
    errors[name] = ["The field needs exactly one currency in currencies."];
    return null;
  }
  if (!isCurrency(currency)) {
    errors["currencies.0"] = ["The field must be an active ISO 4217 currency."];
    return null;
  }
  const minor = parseSignedAmount(text, currency);
  if (typeof minor === "bigint") return minor;
  errors[name] = [minor.rule];
  return null;
}

/** Balances move: their cursor holds the balance itself. Of the other keys it holds none, as the account still has it. */
function positionText({ accountId, key }: FoundAccount, order: AccountOrder): string {
  return order.by === "balance" ? `${key}:${accountId}` : accountId;
}

async function readPosition(tx: Tx, text: string, order: AccountOrder, tenant: string | null): Promise<AccountPosition> {
  const [accountId = "", key = ""] = text.split(":").reverse();
  const isSound = order.by === "balance" ? isBalance(key) && text === `${key}:${accountId}` : text === accountId;
  const position = isSound && isUuid(accountId) ? await positionOf(tx, accountId, key, order, tenant) : null;
  return position ?? refusePlatform("validationFailed", { errors: { cursor: ["The field must be a nextCursor of the same list."] } });
}

async function positionOf(
  tx: Tx,
  accountId: string,
  key: string,
  { by }: AccountOrder,
  tenant: string | null,
): Promise<AccountPosition | null> {
  return by === "balance" ? { key, accountId } : await store.findPosition(tx, accountId, by, tenant);
}

function isBalance(text: string): boolean {
  return /^-?[0-9]{1,19}$/.test(text) && BigInt(text.replace("-", "")) <= BALANCE_MINOR_MAX;
}
