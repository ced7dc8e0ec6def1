// What payments are looked for. Pure.

import { type DateBounds, type DateQuery, readDates } from "#platform/date-bounds.ts";
import type { PaymentState, PaymentType } from "../words.ts";

/** What payments are looked for; nulls and empty lists: whatever there is. */
export type PaymentFilter = {
  readonly tenant: string | null;
  readonly externalId: string | null;
  readonly accountId: string | null;
  readonly clientId: string | null;
  readonly states: readonly PaymentState[];
  readonly types: readonly PaymentType[];
  readonly dates: DateBounds;
  /** All of these values, by name. */
  readonly metadata: readonly (readonly [name: string, value: string])[];
};

export type PaymentQuery = DateQuery & {
  readonly externalId?: string;
  readonly accountId?: string;
  readonly clientId?: string;
  readonly states?: readonly PaymentState[];
  readonly types?: readonly PaymentType[];
};

/** Prefix of the query's members that look into the metadata. */
const METADATA_PREFIX = "metadata.";

/** Metadata stands among the other members, each value under a name of the caller. */
export function readPaymentFilter(query: PaymentQuery, tenant: string | null): PaymentFilter {
  const metadata = Object.entries(query).flatMap(([name, value]) =>
    name.startsWith(METADATA_PREFIX) && typeof value === "string" ? [[name.slice(METADATA_PREFIX.length), value] as const] : [],
  );
  return {
    tenant,
    externalId: query.externalId ?? null,
    accountId: query.accountId ?? null,
    clientId: query.clientId ?? null,
    states: query.states ?? [],
    types: query.types ?? [],
    dates: readDates(query),
    metadata,
  };
}
