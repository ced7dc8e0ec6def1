// SQL that adds clients and the persons of companies: whole lists at once.

import type { Tx } from "#platform/db.ts";
import type { RelatedIndividualRole } from "./company.contract.ts";
import type { ClientStatus, RiskLevel, VerificationStatus } from "./standing.contract.ts";

export type Standing = { readonly status: ClientStatus; readonly verificationStatus: VerificationStatus; readonly riskLevel: RiskLevel };

export type NewClientRow = Standing & {
  readonly id: string;
  readonly tenant: string;
  readonly externalId: string | null;
  readonly type: "individual" | "company";
  readonly phoneIsE164: boolean;
  readonly sealedProfile: Buffer;
  readonly emailMark: Buffer;
  readonly searchMarks: readonly bigint[];
  readonly reason: string;
};

export type NewRelatedRow = {
  readonly id: string;
  readonly clientId: string;
  readonly position: number;
  readonly roles: readonly RelatedIndividualRole[];
  /** Decimal text. */
  readonly sharePercent: string | null;
  readonly verificationStatus: VerificationStatus;
  readonly sealedProfile: Buffer;
};

/** The ids of those that were added: the others' externalIds are in use. In the order of the externalIds, so that two lists cannot deadlock. */
export async function insertClients(tx: Tx, clients: readonly NewClientRow[]): Promise<ReadonlySet<string>> {
  const column = <K extends keyof NewClientRow>(name: K): NewClientRow[K][] => clients.map((client) => client[name]);
  const rows = await tx.sql<{ id: string }>`
    insert into client_profile.client (
      id, tenant, external_id, type, status, verification_status, risk_level, phone_is_e164, sealed_profile, email_mark, search_marks,
      created_at, updated_at)
    select c.id, c.tenant, c.external_id, c.type, c.status, c.verification_status, c.risk_level, c.phone_is_e164, c.sealed_profile, c.email_mark,
           c.search_marks::bigint[], ${tx.now}, ${tx.now}
    from unnest(
      ${column("id")}::uuid[], ${column("tenant")}::text[], ${column("externalId")}::text[], ${column("type")}::text[],
      ${column("status")}::text[], ${column("verificationStatus")}::text[], ${column("riskLevel")}::text[], ${column("phoneIsE164")}::boolean[],
      ${column("sealedProfile")}::bytea[], ${column("emailMark")}::bytea[], ${column("searchMarks").map(arrayText)}::text[]
    ) with ordinality as c (
      id, tenant, external_id, type, status, verification_status, risk_level, phone_is_e164, sealed_profile, email_mark, search_marks, place)
    order by c.tenant, c.external_id, c.place
    on conflict on constraint client_external_id_once_per_tenant do nothing
    returning id`;
  return new Set(rows.map(({ id }) => id));
}

/** The first line of each client's history; who and when come from `tx`. */
export async function insertFirstStandings(tx: Tx, clients: readonly NewClientRow[]): Promise<void> {
  if (clients.length === 0) return;
  const column = <K extends keyof NewClientRow>(name: K): NewClientRow[K][] => clients.map((client) => client[name]);
  await tx.sql`
    insert into client_profile.client_status_history (client_id, at, status, verification_status, risk_level, reason, actor_kind, actor_id)
    select c.id, ${tx.now}, c.status, c.verification_status, c.risk_level, c.reason, ${tx.actor.kind}, ${tx.actor.id}
    from unnest(
      ${column("id")}::uuid[], ${column("status")}::text[], ${column("verificationStatus")}::text[], ${column("riskLevel")}::text[],
      ${column("reason")}::text[]
    ) as c (id, status, verification_status, risk_level, reason)`;
}

export async function insertRelatedIndividuals(tx: Tx, persons: readonly NewRelatedRow[]): Promise<void> {
  if (persons.length === 0) return;
  const column = <K extends keyof NewRelatedRow>(name: K): NewRelatedRow[K][] => persons.map((person) => person[name]);
  await tx.sql`
    insert into client_profile.related_individual (
      id, client_id, position, roles, share_percent, verification_status, sealed_profile, created_at, updated_at)
    select p.id, p.client_id, p.position, p.roles::text[], p.share_percent, p.verification_status, p.sealed_profile, ${tx.now}, ${tx.now}
    from unnest(
      ${column("id")}::uuid[], ${column("clientId")}::uuid[], ${column("position")}::smallint[], ${column("roles").map(arrayText)}::text[],
      ${column("sharePercent")}::numeric[], ${column("verificationStatus")}::text[], ${column("sealedProfile")}::bytea[]
    ) as p (id, client_id, position, roles, share_percent, verification_status, sealed_profile)`;
}

/** Lists of different lengths cannot stand in one array: each goes as PostgreSQL writes it. Of numbers and plain words only. */
function arrayText(values: readonly (bigint | string)[]): string {
  return `{${values.join(",")}}`;
}
