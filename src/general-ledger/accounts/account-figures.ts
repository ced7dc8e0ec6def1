// Operations 24 and 27: figures of many accounts, each answer from one snapshot. Nothing is stored.

import type { Caller } from "#platform/access.ts";
import { isLocalDate, today } from "#platform/dates.ts";
import type { Tx } from "#platform/db.ts";
import { type FieldErrors, refusePlatform } from "#platform/problem.ts";
import { normalSide } from "../payments/payment.ts";
import { money } from "../views.ts";
import * as store from "./account-figures.store.ts";
import { ANY_ACCOUNT, someOf } from "./account-filter.store.ts";
import type { AggregateAccounts, AggregatedAmounts, CalculateBalances, CalculatedBalances } from "./read-contract.ts";

/** Sums by currency and category. Under load the sum over a closed system of accounts never moves. */
export async function aggregateAmounts(tx: Tx, query: AggregateAccounts, { tenant }: Caller): Promise<AggregatedAmounts> {
  const sums = await store.sumAccounts(tx, {
    ...ANY_ACCOUNT,
    tenant,
    clientIds: query.clientId === undefined ? null : [query.clientId],
    currencies: someOf(query.currencies),
    types: someOf(query.types),
    statuses: someOf(query.statuses),
  });
  return {
    items: sums.map(({ currency, category, accounts, ...sum }) => ({
      currency,
      category,
      accountsCount: Number(accounts),
      ...amounts(normalSide(BigInt(sum.balance), category), BigInt(sum.held), currency),
      pendingIncomingAmount: money(BigInt(sum.incoming), currency),
    })),
  };
}

/** Figures computed from the entries, at an instant or by value date. 404 names every account that there is not. */
export async function calculateBalances(
  tx: Tx,
  body: CalculateBalances,
  { tenant }: Caller,
  timeZone: string,
): Promise<CalculatedBalances> {
  const ids = [...new Set(body.accountIds)];
  const { at, bookedBefore } = readInstant(body.atDate ?? null, tx.now, body.basis);
  const valuedOn = body.basis === "booked" ? null : isLocalDate(body.atDate ?? "") ? (body.atDate ?? null) : today(at, timeZone);
  const figures = await store.findFigures(tx, ids, { tenant, bookedBefore, valuedOn });
  refuseAbsent(
    body.accountIds,
    figures.map(({ accountId }) => accountId),
  );
  return {
    items: figures.map(({ accountId, currency, creditNormal, balance, held }) => ({
      accountId,
      currency,
      ...amounts(normalSide(BigInt(balance), { creditNormal }), held, currency),
      atDate: at.toISOString(),
    })),
  };
}

/** 404 with a sentence for each place in the list that names no account of the caller's. */
export function refuseAbsent(asked: readonly string[], known: readonly string[]): void {
  const there = new Set(known);
  const errors: FieldErrors = {};
  for (const [at, id] of asked.entries()) if (!there.has(id)) errors[`accountIds.${at}`] = ["There is no such account."];
  if (Object.keys(errors).length > 0) refusePlatform("notFound", { errors });
}

/** Balance, what is held of it, and what is left. */
export function amounts(
  balance: bigint,
  held: bigint,
  currency: string,
): { balance: string; heldAmount: string; availableBalance: string } {
  return { balance: money(balance, currency), heldAmount: money(held, currency), availableBalance: money(balance - held, currency) };
}

const DAY_MS = 86_400_000;

/**
 * The instant asked for, and the first one whose bookings do not count: those of the instant itself do, and all of them stand at whole
 * milliseconds. Null: everything counts, also what was booked while we were looking.
 */
function readInstant(text: string | null, now: Date, basis: CalculateBalances["basis"]): { at: Date; bookedBefore: Date | null } {
  if (text === null) return { at: now, bookedBefore: null };
  const at = isLocalDate(text) ? new Date(Date.parse(`${text}T00:00:00Z`) + DAY_MS - 1) : new Date(Date.parse(text));
  if (at >= now) return { at: basis === "booked" ? now : at, bookedBefore: null };
  return { at, bookedBefore: new Date(at.getTime() + 1) };
}
