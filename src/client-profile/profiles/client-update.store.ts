// SQL that changes clients' profiles and the persons of companies.

import type { Tx } from "#platform/db.ts";
import type { RelatedIndividualRole } from "./company.contract.ts";
import type { RiskLevel, VerificationStatus } from "./standing.contract.ts";

export type HeldProfile = {
  readonly clientId: string;
  readonly tenant: string;
  readonly externalId: string | null;
  readonly type: "individual" | "company";
  readonly riskLevel: RiskLevel;
  readonly verificationStatus: VerificationStatus;
  readonly version: bigint;
  readonly restrictedAt: Date | null;
  readonly masterKey: string | null;
  readonly wrappedKey: Buffer | null;
  readonly sealedProfile: Buffer;
};

/** Holds the client against every other change until the transaction ends. A tenant of null sees every client. Null: there is none, or it is erased. */
export async function lockForUpdate(tx: Tx, clientId: string, tenant: string | null): Promise<HeldProfile | null> {
  const rows = await tx.sql<HeldProfile>`
    select c.id as "clientId", c.tenant, c.external_id as "externalId", c.type, c.risk_level as "riskLevel",
           c.verification_status as "verificationStatus", c.version,
           c.restricted_at as "restrictedAt", k.master_key as "masterKey", k.wrapped_key as "wrappedKey", c.sealed_profile as "sealedProfile"
    from client_profile.client c
    join client_profile.client_key k on k.client_id = c.id
    where c.id = ${clientId} and (${tenant}::text is null or c.tenant = ${tenant}) and c.sealed_profile is not null
    for no key update of c`;
  return rows[0] ?? null;
}

export type ProfileRow = {
  readonly phoneIsE164: boolean;
  readonly sealedProfile: Buffer;
  readonly emailMark: Buffer;
  readonly searchMarks: readonly bigint[];
};

/** Applies what was decided on `version`, and on no other. False: it is another version. */
export async function updateProfile(tx: Tx, { clientId, version }: HeldProfile, row: ProfileRow): Promise<boolean> {
  const rows = await tx.sql`
    update client_profile.client
    set phone_is_e164 = ${row.phoneIsE164}, sealed_profile = ${row.sealedProfile}, email_mark = ${row.emailMark},
        search_marks = ${row.searchMarks}, version = version + 1, updated_at = ${tx.now}
    where id = ${clientId} and version = ${version}
    returning id`;
  return rows.length === 1;
}

export type ChangedPersonRow = {
  readonly id: string;
  readonly position: number;
  readonly roles: readonly RelatedIndividualRole[];
  /** Decimal text. */
  readonly sharePercent: string | null;
  readonly sealedProfile: Buffer;
};

export async function updateRelatedIndividuals(tx: Tx, clientId: string, persons: readonly ChangedPersonRow[]): Promise<void> {
  if (persons.length === 0) return;
  const column = <K extends keyof ChangedPersonRow>(name: K): ChangedPersonRow[K][] => persons.map((person) => person[name]);
  await tx.sql`
    update client_profile.related_individual r
    set position = p.position, roles = p.roles::text[], share_percent = p.share_percent, sealed_profile = p.sealed_profile,
        updated_at = ${tx.now}
    from unnest(
      ${column("id")}::uuid[], ${column("position")}::smallint[], ${column("roles").map((roles) => `{${roles.join(",")}}`)}::text[],
      ${column("sharePercent")}::numeric[], ${column("sealedProfile")}::bytea[]
    ) as p (id, position, roles, share_percent, sealed_profile)
    where r.id = p.id and r.client_id = ${clientId}`;
}

/** No longer persons of the company; what is known of them is kept while the company's data are. */
export async function removeRelatedIndividuals(tx: Tx, clientId: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.sql`
    update client_profile.related_individual set removed_at = ${tx.now}, updated_at = ${tx.now}
    where client_id = ${clientId} and id = any(${ids}::uuid[])`;
}
