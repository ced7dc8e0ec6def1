// SQL of the list of payments: the few that a filter names by itself, and the conditions on the others.

import type { Tx } from "#platform/db.ts";
import { hasMetadata, isDatedWithin, isOneOf } from "../lists/conditions.store.ts";
import { type Filter, Values } from "../lists/statement.ts";
import { findPaymentIdsByExternalId } from "./payment.store.ts";
import type { PaymentFilter } from "./payment-filter.ts";

/** The ids of the payments that an index finds by the filter's rarest part; null when there is no such part, or more than `limit`. */
export async function findChosenIds(tx: Tx, filter: PaymentFilter, limit: number): Promise<string[] | null> {
  const { externalId, metadata, states, tenant } = filter;
  if (externalId !== null) return await findPaymentIdsByExternalId(tx, externalId, tenant);
  const isOpen = states.length > 0 && states.every((state) => state === "draft" || state === "pending");
  return (
    (metadata.length > 0 ? await byMetadata(tx, metadata, limit) : null) ??
    (isOpen ? await byOpenState(tx, states, limit) : null) ??
    // The bank's own payments are in no such index.
    (tenant !== null && tenant !== "default" ? await byTenant(tx, tenant, limit) : null)
  );
}

async function byTenant(tx: Tx, tenant: string, limit: number): Promise<string[] | null> {
  return idsOf(
    await tx.sql<{ id: string }>`
      select id from general_ledger.payment where tenant = ${tenant} and tenant <> 'default' limit ${limit + 1}`,
    limit,
  );
}

async function byMetadata(tx: Tx, metadata: PaymentFilter["metadata"], limit: number): Promise<string[] | null> {
  const values = new Values();
  const tables = metadata.map(([name, value], index) => {
    const pair = `m${index}.name = ${values.bind(name)} and m${index}.value = ${values.bind(value)}`;
    return index === 0
      ? pair
      : `exists (select from general_ledger.payment_metadata m${index} where m${index}.payment_id = m0.payment_id and ${pair})`;
  });
  const text = `select m0.payment_id as id from general_ledger.payment_metadata m0 where ${tables.join(" and ")} limit ${values.bind(limit + 1)}`;
  return idsOf(await tx.query<{ id: string }>(text, values.list), limit);
}

async function byOpenState(tx: Tx, states: readonly string[], limit: number): Promise<string[] | null> {
  // Each payment by key, also where the planner knows nothing of the tables yet.
  return idsOf(
    await tx.sql<{ id: string }>`
      select o.payment_id as id from general_ledger.open_payment o
      cross join lateral (select p.state from general_ledger.payment p where p.id = o.payment_id offset 0) p
      where p.state = any(${states}::general_ledger.payment_state[]) limit ${limit + 1}`,
    limit,
  );
}

function idsOf(rows: readonly { id: string }[], limit: number): string[] | null {
  return rows.length > limit ? null : rows.map(({ id }) => id);
}

/** The filter's conditions. Accounts are a condition only where the walk is not along them; the tenant is one always. */
export function paymentConditions(filter: PaymentFilter, isAlongAccounts: boolean): Filter {
  return (values) => [
    ...isOneOf(values, "m.tenant", filter.tenant === null ? [] : [filter.tenant]),
    ...isOneOf(values, "m.external_id", filter.externalId === null ? [] : [filter.externalId]),
    ...isOneOf(values, "m.client_id", filter.clientId === null ? [] : [filter.clientId], "uuid"),
    ...(isAlongAccounts || filter.accountId === null
      ? []
      : [
          `exists (select from general_ledger.payment_line o where o.payment_id = m.payment_id and ${values.bind(filter.accountId)}::uuid in (o.debit_account_id, o.credit_account_id))`,
        ]),
    ...isDatedWithin(values, filter.dates),
    ...isOneOf(values, "m.type", filter.types, "general_ledger.payment_type"),
    ...isOneOf(values, "m.state", filter.states),
    ...filter.metadata.map(([name, value]) => hasMetadata(values, name, value)),
  ];
}
