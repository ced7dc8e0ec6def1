// What the views of accounts, payments and transactions share: minor units become decimal text, metadata has one order. Pure.

import type { Currency } from "#platform/currency.ts";
import { formatAmount } from "#platform/money.ts";

/** Currencies in the books were checked when they came in. */
export function money(minor: bigint, currency: string): string {
  return formatAmount(minor, currency as Currency);
}

/** Metadata in one order, whether it comes from the request or from the database: a replay has equal bytes. */
export function sorted(metadata: Readonly<Record<string, string>> | null): Record<string, string> {
  return metadata === null ? {} : Object.fromEntries(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
}
