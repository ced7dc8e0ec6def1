// The list of payments: read among those that the filter names by itself where they are few, along an account, or along the journal.

import type { Tx } from "#platform/db.ts";
import { findEntryBounds, lookAlongAccounts } from "../lists/account-walk.store.ts";
import { type DateBounds, type DateQuery, readDates } from "../lists/bounds.ts";
import { lookAmong } from "../lists/chosen-walk.store.ts";
import { lookAlongJournal } from "../lists/journal-walk.store.ts";
import { PAYMENTS } from "../lists/list-view.store.ts";
import { type FoundPage, type ListRequest, type ListSource, readListPage } from "../lists/pages.ts";
import type { Range } from "../lists/walk.ts";
import type { PaymentState, PaymentType } from "../words.ts";
import type { Payment } from "./payment.ts";
import { findPayments } from "./payment.store.ts";
import { findChosenIds, paymentConditions } from "./payment-list.store.ts";

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

export type PaymentListQuery = ListRequest &
  DateQuery & {
    readonly externalId?: string;
    readonly accountId?: string;
    readonly clientId?: string;
    readonly states?: readonly PaymentState[];
    readonly types?: readonly PaymentType[];
  };

/** Prefix of the query's members that look into the metadata. */
export const METADATA_PREFIX = "metadata.";

/** As many payments are put in order on the spot. */
const CHOSEN_MAX = 5_000;

export type PaymentPage = FoundPage["page"] & { readonly payments: readonly Payment[] };

/** One page of payments, newest first unless asked otherwise: posted ones where they were posted, others where they were created. */
export async function readPayments(tx: Tx, query: PaymentListQuery, tenant: string | null): Promise<PaymentPage> {
  const filter = filterOf(query, tenant);
  const mark = `payments ${filter.accountId ?? "-"}`;
  const { found, page } = await readListPage(tx, query, mark, filter.dates, (range) => openSource(tx, filter, range));
  const payments = await findPayments(
    tx,
    found.map(({ paymentId }) => paymentId),
    null,
  );
  const byId = new Map(payments.map((payment) => [payment.id, payment]));
  return { ...page, payments: found.flatMap(({ paymentId }) => byId.get(paymentId) ?? []) };
}

function filterOf(query: PaymentListQuery, tenant: string | null): PaymentFilter {
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

async function openSource(tx: Tx, filter: PaymentFilter, range: Range): Promise<ListSource> {
  const chosen = await findChosenIds(tx, filter, CHOSEN_MAX);
  if (chosen !== null) return { look: lookAmong(tx, PAYMENTS, chosen, range, paymentConditions(filter, false)) };
  if (filter.accountId === null) return { look: lookAlongJournal(tx, PAYMENTS, range, paymentConditions(filter, false)) };
  // The tenant of a payment may differ from the account's: it is one of the conditions, here as everywhere.
  const bounds = await findEntryBounds(tx, [filter.accountId], filter.dates.from, filter.dates.before);
  return { look: lookAlongAccounts(tx, PAYMENTS, bounds, range, paymentConditions(filter, true)) };
}
