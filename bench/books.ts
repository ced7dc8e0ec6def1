// The books that payments are made in: opened and funded before the first run, proved after every run of the product.

import { clientProfileVerifiable } from "#client-profile";
import { ledgerVerifiable } from "#general-ledger";
import { newId } from "#platform/new-id.ts";
import { platformVerifiable } from "#platform/platform-checks.store.ts";
import { verify } from "#platform/verify.ts";
import { findBrokenRules, openAccounts } from "./books.store.ts";
import { type Books, withClient } from "./servers.ts";
import { createTables } from "./subjects/hand-written.store.ts";
import { fundAccounts } from "./subjects/product.ts";

/** Enough that no run ends for want of money: 10 million in minor units of two decimals. */
const OPENING_MINOR = 1_000_000_000;

/** Accounts of the product and of the hand-written tables; gives the product's ids. */
export async function prepareBooks(books: Books, count: number): Promise<string[]> {
  const accounts = Array.from({ length: count }, newId);
  const bank = newId();
  await withClient(books.ownerUrl, async (owner) => {
    await openAccounts(owner, accounts, bank);
    await createTables(owner, count, OPENING_MINOR, "finlego_app");
  });
  await fundAccounts({ url: books.appUrl, role: books.appRole, accounts }, bank, OPENING_MINOR);
  return accounts;
}

/** The sums and numbers of the whole ledger, in a second or so. Throws when one is wrong. */
export async function proveBooks(books: Books, title: string): Promise<void> {
  const broken = await withClient(books.ownerUrl, findBrokenRules);
  if (broken.length > 0) throw new Error(`After "${title}" the books are wrong. ${broken.join("; ")}`);
}

/** Everything that `npm run cli verify` checks. */
export async function verifyBooks(books: Books): Promise<void> {
  const report = await verify({
    url: books.ownerUrl,
    mode: "development",
    rooms: [platformVerifiable, clientProfileVerifiable, ledgerVerifiable],
  });
  const wrong = report.checks.filter(({ ok, severity }) => !ok && severity === "error");
  if (wrong.length > 0) throw new Error(`verify found: ${JSON.stringify(wrong, null, 1)}`);
}
