// SQL of lists of clients. A list is merged from the kinds of client that its filter means, each of which stands in order in an index: what
// a page costs depends on its length and on how far it lies from the beginning, not on how many clients there are or how few match.

import type { Tx } from "#platform/db.ts";
import type { ClientFilter } from "./client-filter.ts";

/** What stands in the order of the list. `createdAt` is the database's text: it has microseconds. */
export type ListedPlace = { readonly id: string; readonly createdAt: string };

type Kind = { readonly type: string; readonly status: string; readonly verificationStatus: string; readonly riskLevel: string };

export type ListOrder = { readonly newestFirst: boolean; readonly after: ListedPlace | null };

/** Keeps the planner to the indexes that keep the order: statistics of columns one by one know nothing of their combinations. */
export async function keepToIndexes(tx: Tx): Promise<void> {
  await tx.sql`select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true)`;
}

/** The kinds of client that there are and that the filter means; found by one look-up each. */
export async function findKinds(tx: Tx, filter: ClientFilter): Promise<Kind[]> {
  const { tenant } = filter;
  const kinds =
    tenant === null
      ? await tx.sql<Kind>`
          with recursive kind as (
            (select type, status, verification_status, risk_level from client_profile.client where erased_at is null
             order by type, status, verification_status, risk_level limit 1)
            union all
            select n.* from kind k cross join lateral (
              select c.type, c.status, c.verification_status, c.risk_level from client_profile.client c
              where c.erased_at is null
                and (c.type, c.status, c.verification_status, c.risk_level) > (k.type, k.status, k.verification_status, k.risk_level)
              order by c.type, c.status, c.verification_status, c.risk_level limit 1) n)
          select type, status, verification_status as "verificationStatus", risk_level as "riskLevel" from kind`
      : await tx.sql<Kind>`
          with recursive kind as (
            (select type, status, verification_status, risk_level from client_profile.client where erased_at is null and tenant = ${tenant}
             order by type, status, verification_status, risk_level limit 1)
            union all
            select n.* from kind k cross join lateral (
              select c.type, c.status, c.verification_status, c.risk_level from client_profile.client c
              where c.erased_at is null and c.tenant = ${tenant}
                and (c.type, c.status, c.verification_status, c.risk_level) > (k.type, k.status, k.verification_status, k.risk_level)
              order by c.type, c.status, c.verification_status, c.risk_level limit 1) n)
          select type, status, verification_status as "verificationStatus", risk_level as "riskLevel" from kind`;
  const isAsked = (asked: readonly string[], value: string): boolean => asked.length === 0 || asked.includes(value);
  return kinds.filter(
    (kind) =>
      isAsked(filter.type === null ? [] : [filter.type], kind.type) &&
      isAsked(filter.statuses, kind.status) &&
      isAsked(filter.verificationStatuses, kind.verificationStatus) &&
      isAsked(filter.riskLevels, kind.riskLevel),
  );
}

/** The clients of these kinds in order, so many of them behind so many others. */
export async function readInOrder(
  tx: Tx,
  kinds: readonly Kind[],
  filter: ClientFilter,
  order: ListOrder,
  window: { readonly skip: number; readonly limit: number },
): Promise<ListedPlace[]> {
  if (kinds.length === 0) return [];
  const statement = new Statement();
  const direction = order.newestFirst ? "desc" : "asc";
  // Only a branch that is in order and short by itself is merged; others PostgreSQL would read whole, and sort.
  const most = statement.bind(window.skip + window.limit);
  const branches = branchesOf(statement, kinds, filter, order).map(
    (branch) => `(${branch} order by c.created_at ${direction}, c.id ${direction} limit ${most})`,
  );
  return await tx.query<ListedPlace>(
    `select u.id, u.created_at::text as "createdAt"
     from (${branches.join(" union all ")}) u
     order by u.created_at ${direction}, u.id ${direction}
     offset ${statement.bind(window.skip)} limit ${statement.bind(window.limit)}`,
    statement.values,
  );
}

/** As `readInOrder`, of the next so many clients those that have all the marks; and the last client that was looked at, null at the end. */
export async function lookForMarks(
  tx: Tx,
  kinds: readonly Kind[],
  filter: ClientFilter,
  order: ListOrder,
  marks: readonly bigint[],
  effort: number,
): Promise<{ readonly found: ListedPlace[]; readonly through: ListedPlace | null }> {
  const looked = await readInOrder(tx, kinds, filter, order, { skip: 0, limit: effort });
  const hits = await tx.sql<{ id: string }>`
    select c.id
    from unnest(${looked.map(({ id }) => id)}::uuid[]) u(id)
    cross join lateral (select * from client_profile.client c where c.id = u.id offset 0) c
    where c.search_marks @> ${marks}::bigint[] and c.restricted_at is null`;
  const ids = new Set(hits.map(({ id }) => id));
  return { found: looked.filter(({ id }) => ids.has(id)), through: looked.length < effort ? null : (looked.at(-1) ?? null) };
}

/** At most so many of the clients that have all the marks and fit the filter, in no order. */
export async function findMarked(tx: Tx, filter: ClientFilter, marks: readonly bigint[], limit: number): Promise<ListedPlace[]> {
  const statement = new Statement();
  const conditions = [`c.search_marks @> ${statement.bind(marks)}::bigint[]`, ...plainConditions(statement, filter)];
  return await tx.query<ListedPlace>(
    `select c.id, c.created_at::text as "createdAt"
     from client_profile.client c
     where c.erased_at is null and c.restricted_at is null and ${conditions.join(" and ")}
     limit ${statement.bind(limit)}`,
    statement.values,
  );
}

/** The clients of that externalId that fit the filter: one of each tenant. */
export async function findByExternalId(tx: Tx, filter: ClientFilter, externalId: string, limit: number): Promise<ListedPlace[]> {
  const statement = new Statement();
  const conditions = [`c.external_id = ${statement.bind(externalId)}`, ...plainConditions(statement, filter)];
  return await tx.query<ListedPlace>(
    `select c.id, c.created_at::text as "createdAt" from client_profile.client c
     where c.erased_at is null and ${conditions.join(" and ")}
     limit ${statement.bind(limit)}`,
    statement.values,
  );
}

/** Counts the clients of these kinds, up to a limit. */
export async function countInOrder(tx: Tx, kinds: readonly Kind[], filter: ClientFilter, limit: number): Promise<number> {
  if (kinds.length === 0) return 0;
  const statement = new Statement();
  const most = statement.bind(limit);
  const all = branchesOf(statement, kinds, filter, { newestFirst: true, after: null }).map((branch) => `(${branch} limit ${most})`);
  const rows = await tx.query<{ count: number }>(
    `select count(*)::integer as count from (select from (${all.join(" union all ")}) u limit ${most}) few`,
    statement.values,
  );
  return rows[0]?.count ?? 0;
}

/** Collects the values of a statement. */
class Statement {
  readonly values: unknown[] = [];

  /** The placeholder of a value. */
  bind(value: unknown): string {
    return `$${this.values.push(value)}`;
  }
}

/** One branch for each kind, which is a range of an index. */
function branchesOf(
  statement: Statement,
  kinds: readonly Kind[],
  { tenant, dates }: ClientFilter,
  { newestFirst, after }: ListOrder,
): string[] {
  const shared = [
    "c.erased_at is null",
    ...(tenant === null ? [] : [`c.tenant = ${statement.bind(tenant)}`]),
    ...(dates.from === null ? [] : [`c.created_at >= ${statement.bind(dates.from)}`]),
    ...(dates.before === null ? [] : [`c.created_at < ${statement.bind(dates.before)}`]),
    ...(after === null
      ? []
      : [
          `(c.created_at, c.id) ${newestFirst ? "<" : ">"} (${statement.bind(after.createdAt)}::timestamptz, ${statement.bind(after.id)}::uuid)`,
        ]),
  ].join(" and ");
  return kinds.map((kind) => {
    const own = [
      `c.type = ${statement.bind(kind.type)}`,
      `c.status = ${statement.bind(kind.status)}`,
      `c.verification_status = ${statement.bind(kind.verificationStatus)}`,
      `c.risk_level = ${statement.bind(kind.riskLevel)}`,
    ].join(" and ");
    return `select c.id, c.created_at from client_profile.client c where ${own} and ${shared}`;
  });
}

function plainConditions(statement: Statement, filter: ClientFilter): string[] {
  const { tenant, type, statuses, verificationStatuses, riskLevels, externalId, dates } = filter;
  const isOneOf = (column: string, values: readonly string[]): string[] =>
    values.length === 0 ? [] : [`c.${column} = any(${statement.bind(values)}::text[])`];
  return [
    ...(tenant === null ? [] : [`c.tenant = ${statement.bind(tenant)}`]),
    ...isOneOf("type", type === null ? [] : [type]),
    ...isOneOf("status", statuses),
    ...isOneOf("verification_status", verificationStatuses),
    ...isOneOf("risk_level", riskLevels),
    ...isOneOf("external_id", externalId === null ? [] : [externalId]),
    ...(dates.from === null ? [] : [`c.created_at >= ${statement.bind(dates.from)}`]),
    ...(dates.before === null ? [] : [`c.created_at < ${statement.bind(dates.before)}`]),
  ];
}
