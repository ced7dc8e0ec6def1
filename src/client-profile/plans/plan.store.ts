// SQL of plans. Versions, limits and fees are only ever added; a plan says which version holds.

import type { Currency } from "#platform/currency.ts";
import type { Tx } from "#platform/db.ts";
import type { Fee, Limit, Terms } from "./plan.ts";

export type PlanRow = {
  readonly code: string;
  readonly version: number;
  readonly name: string;
  readonly currency: Currency;
  readonly monthlyFeeMinor: bigint;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** Plans in the order of their codes, `after` the one of that code; an empty text: from the first one on. */
export async function findPlans(tx: Tx, after: string, skip: number, limit: number): Promise<PlanRow[]> {
  return await tx.sql<PlanRow>`
    select p.code, p.version, v.name, v.currency, v.monthly_fee_minor as "monthlyFeeMinor", p.created_at as "createdAt",
           p.updated_at as "updatedAt"
    from client_profile.plan p
    join client_profile.plan_version v on v.code = p.code and v.version = p.version
    where p.code collate "C" > ${after}
    order by p.code collate "C"
    limit ${limit} offset ${skip}`;
}

export async function findPlan(tx: Tx, code: string): Promise<PlanRow | null> {
  const rows = await tx.sql<PlanRow>`
    select p.code, p.version, v.name, v.currency, v.monthly_fee_minor as "monthlyFeeMinor", p.created_at as "createdAt",
           p.updated_at as "updatedAt"
    from client_profile.plan p
    join client_profile.plan_version v on v.code = p.code and v.version = p.version
    where p.code = ${code}`;
  return rows[0] ?? null;
}

/** The plan of a client; null where there is no such client that the tenant may see (null: any), or it is erased. */
export async function findPlanOfClient(tx: Tx, clientId: string, tenant: string | null): Promise<PlanRow | null> {
  const rows = await tx.sql<PlanRow>`
    select p.code, p.version, v.name, v.currency, v.monthly_fee_minor as "monthlyFeeMinor", p.created_at as "createdAt",
           p.updated_at as "updatedAt"
    from client_profile.client c
    join client_profile.plan p on p.code = c.plan_code
    join client_profile.plan_version v on v.code = p.code and v.version = p.version
    where c.id = ${clientId} and (${tenant}::text is null or c.tenant = ${tenant}) and c.erased_at is null`;
  return rows[0] ?? null;
}

export type LimitRow = {
  readonly code: string;
  readonly kind: Limit["kind"];
  readonly currency: Currency | null;
  readonly amountMinor: bigint | null;
  readonly accountsMax: number | null;
};

/** What the plans limit in the versions given. */
export async function findLimits(tx: Tx, plans: readonly Pick<PlanRow, "code" | "version">[]): Promise<LimitRow[]> {
  return await tx.sql<LimitRow>`
    select l.code, l.kind, l.currency, l.amount_minor as "amountMinor", l.accounts_max as "accountsMax"
    from unnest(${plans.map(({ code }) => code)}::text[], ${plans.map(({ version }) => version)}::integer[]) p(code, version)
    join client_profile.plan_limit l on l.code = p.code and l.version = p.version`;
}

export type FeeRow = {
  readonly code: string;
  readonly kind: Fee["kind"];
  readonly transferType: (Fee & { kind: "outgoingTransfer" })["transferType"] | null;
  readonly currency: Currency;
  readonly amountMinor: bigint | null;
  readonly millionths: number | null;
  readonly minimumMinor: bigint | null;
};

/** What the plans charge in the versions given. */
export async function findFees(tx: Tx, plans: readonly Pick<PlanRow, "code" | "version">[]): Promise<FeeRow[]> {
  return await tx.sql<FeeRow>`
    select f.code, f.kind, f.transfer_type as "transferType", f.currency, f.amount_minor as "amountMinor", f.millionths,
           f.minimum_minor as "minimumMinor"
    from unnest(${plans.map(({ code }) => code)}::text[], ${plans.map(({ version }) => version)}::integer[]) p(code, version)
    join client_profile.plan_fee f on f.code = p.code and f.version = p.version`;
}

/**
 * Makes the plan where there is none, with a version that is still to be inserted (checked at the commit), and holds it against every other
 * change until the transaction ends. Gives the version that holds; null: it is new.
 */
export async function holdPlan(tx: Tx, code: string): Promise<number | null> {
  const made = await tx.sql`
    insert into client_profile.plan (code, version, created_at, updated_at) values (${code}, 1, ${tx.now}, ${tx.now})
    on conflict (code) do nothing
    returning code`;
  if (made.length === 1) return null;
  const rows = await tx.sql<{ version: number }>`select version from client_profile.plan where code = ${code} for no key update`;
  return rows[0]?.version ?? null;
}

/** Adds a version with all that it says; who and when come from `tx`. */
export async function insertVersion(tx: Tx, code: string, version: number, { limits, fees, ...terms }: Terms): Promise<void> {
  await tx.sql`
    insert into client_profile.plan_version (code, version, name, currency, monthly_fee_minor, at, actor_kind, actor_id)
    values (${code}, ${version}, ${terms.name}, ${terms.currency}, ${terms.monthlyFeeMinor}, ${tx.now}, ${tx.actor.kind}, ${tx.actor.id})`;
  const amounts = limits.map((limit) => (limit.kind === "accounts" ? null : limit));
  await tx.sql`
    insert into client_profile.plan_limit (code, version, kind, currency, amount_minor, accounts_max)
    select ${code}, ${version}, l.*
    from unnest(${limits.map(({ kind }) => kind)}::text[], ${amounts.map((limit) => limit?.currency ?? null)}::text[],
                ${amounts.map((limit) => limit?.amountMinor ?? null)}::bigint[],
                ${limits.map((limit) => (limit.kind === "accounts" ? limit.accountsMax : null))}::integer[]) l`;
  const shares = fees.map((fee) => (fee.kind === "foreignExchange" ? fee : null));
  await tx.sql`
    insert into client_profile.plan_fee (code, version, kind, transfer_type, currency, amount_minor, millionths, minimum_minor)
    select ${code}, ${version}, f.*
    from unnest(${fees.map(({ kind }) => kind)}::text[],
                ${fees.map((fee) => (fee.kind === "outgoingTransfer" ? fee.transferType : null))}::text[],
                ${fees.map(({ currency }) => currency)}::text[],
                ${fees.map((fee) => (fee.kind === "foreignExchange" ? null : fee.amountMinor))}::bigint[],
                ${shares.map((fee) => fee?.millionths ?? null)}::integer[],
                ${shares.map((fee) => fee?.minimumMinor ?? null)}::bigint[]) f`;
}

/** From now on this version holds. */
export async function setVersion(tx: Tx, code: string, version: number): Promise<void> {
  await tx.sql`update client_profile.plan set version = ${version}, updated_at = ${tx.now} where code = ${code}`;
}

export type HeldClient = { readonly tenant: string; readonly status: string; readonly planCode: string; readonly isRestricted: boolean };

/** Holds the client against every other change, and against openings of accounts, until the transaction ends. */
export async function lockClient(tx: Tx, clientId: string, tenant: string | null): Promise<HeldClient | null> {
  const rows = await tx.sql<HeldClient>`
    select tenant, status, plan_code as "planCode", restricted_at is not null as "isRestricted"
    from client_profile.client
    where id = ${clientId} and (${tenant}::text is null or tenant = ${tenant}) and erased_at is null
    for no key update`;
  return rows[0] ?? null;
}

export async function setPlanOfClient(tx: Tx, clientId: string, code: string): Promise<void> {
  await tx.sql`
    update client_profile.client set plan_code = ${code}, version = version + 1, updated_at = ${tx.now} where id = ${clientId}`;
}
