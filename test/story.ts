// The language of ledger stories: what a person would write on paper to explain a rule, played against the pure rules of posting.
//
//   open  NAME guarded|free [balance=…] [held=…] [limit=…] [currency=…] [status=…] [blocked=debit|credit] [tenant=…]
//   move  AMOUNT FROM TO, AMOUNT FROM TO … [by TENANT] -> posted, or the refusal
//   about NAME [AVAILABLE REQUIRED]       the last refusal: which account, and the figures
//   check NAME BALANCE [SPENDABLE]        credit positive; what may still be spent, where there is a floor
//
// A guarded account has a floor of zero, or of minus its limit. Amounts are EUR unless the account is in another currency; a move is in
// the currency of the account that is debited, unless it says `AMOUNT CODE FROM TO`.

import { type Currency, minorDigits } from "#platform/currency.ts";
import { formatAmount } from "#platform/money.ts";
import { expect } from "vitest";
import { type LedgerAccount, type Line, post, type Refusal, spendable } from "../src/general-ledger/posting/posting.ts";

type Books = { readonly accounts: Map<string, LedgerAccount>; refusal: Refusal | null };

/** Plays a story; fails at the first line that does not come out as told. Returns the books as they are at its end. */
export function play(story: string): ReadonlyMap<string, LedgerAccount> {
  const books: Books = { accounts: new Map(), refusal: null };
  const lines = story.split("\n").map((line) => line.trim());
  for (const line of lines.filter((each) => each !== "")) tell(books, line);
  return books.accounts;
}

function tell(books: Books, line: string): void {
  const [verb = "", ...words] = line.split(/\s+/);
  const rest = line.slice(verb.length).trim();
  if (verb === "open") open(books, words);
  else if (verb === "move") move(books, rest, line);
  else if (verb === "about") about(books, words, line);
  else if (verb === "check") check(books, words, line);
  else throw new Error(`no such verb: ${line}`);
}

function open({ accounts }: Books, [id = "", kind, ...terms]: string[]): void {
  const given = new Map(terms.map((term) => term.split("=") as [string, string]));
  const currency = given.get("currency") ?? "EUR";
  const money = (name: string): bigint => minor(given.get(name) ?? "0", currency);
  accounts.set(id, {
    id,
    tenant: given.get("tenant") ?? "default",
    clientId: null,
    currency,
    status: (given.get("status") ?? "active") as LedgerAccount["status"],
    debitBlocked: given.get("blocked") === "debit",
    creditBlocked: given.get("blocked") === "credit",
    clientBlocked: given.get("blocked") === "client",
    creditNormal: true,
    floorMinor: kind === "guarded" ? -money("limit") : null,
    balanceMinor: money("balance"),
    heldMinor: money("held"),
    incomingMinor: 0n,
    lastSeq: 0n,
    version: 1n,
  });
}

function move(books: Books, text: string, line: string): void {
  const [order = "", expected = ""] = text.split("->").map((part) => part.trim());
  const [moves = "", tenant = null] = order.split(/\s+by\s+/);
  const lines = moves.split(",").map((each) => readLine(books, each.trim().split(/\s+/)));
  const result = post({ lines, confinedTo: tenant }, books.accounts);
  expect(result.code === "accepted" ? "posted" : result.code, line).toBe(expected);
  books.refusal = result.code === "accepted" ? null : result;
  if (result.code === "accepted") for (const [id, account] of result.accounts) books.accounts.set(id, account);
}

function readLine({ accounts }: Books, words: string[]): Line {
  const [creditAccountId = "", debitAccountId = "", code, amount] = words.toReversed();
  const isNamed = amount !== undefined;
  const currency = isNamed ? (code ?? "") : (accounts.get(debitAccountId)?.currency ?? "EUR");
  return { debitAccountId, creditAccountId, currency, amountMinor: minor(isNamed ? amount : (code ?? ""), currency) };
}

function about({ accounts, refusal }: Books, [id = "", available, required]: string[], line: string): void {
  expect(refusal?.accountId, line).toBe(id);
  if (available === undefined) return;
  const currency = (accounts.get(id)?.currency ?? "EUR") as Currency;
  const figures = [refusal?.availableMinor, refusal?.requiredMinor];
  expect(
    figures.map((figure) => (figure === undefined ? undefined : formatAmount(figure, currency))),
    line,
  ).toEqual([available, required]);
}

function check({ accounts }: Books, [id = "", balance, left]: string[], line: string): void {
  const account = accounts.get(id);
  if (account === undefined) throw new Error(`no such account: ${line}`);
  const spend = spendable(account);
  const show = (figure: bigint | null): string | undefined =>
    figure === null ? undefined : formatAmount(figure, account.currency as Currency);
  expect([show(account.balanceMinor), show(spend)], line).toEqual([balance, left]);
}

/** Of either sign, with exactly the currency's digits: a story is exact. */
function minor(text: string, currency: string): bigint {
  const [whole = "", fraction = ""] = text.split(".");
  const digits = minorDigits(currency as Currency);
  if (text !== "0" && fraction.length !== digits) throw new Error(`${text} is no amount in ${currency}`);
  return BigInt(whole + fraction.padEnd(digits, "0")) * (text.startsWith("-0") ? -1n : 1n);
}
