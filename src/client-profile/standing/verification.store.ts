// SQL for the verification of clients and of the persons of companies.

import type { Tx } from "#platform/db.ts";
import type { ClientStatus, VerificationStatus } from "../profiles/standing.contract.ts";

export type ClientRow = {
  readonly clientId: string;
  readonly tenant: string;
  readonly type: "individual" | "company";
  readonly status: ClientStatus;
  readonly verificationStatus: VerificationStatus;
  /** It asked to be forgotten. */
  readonly isRestricted: boolean;
};

/** A tenant of null sees every client. Null: there is none, or it is erased. */
export async function findClient(tx: Tx, clientId: string, tenant: string | null): Promise<ClientRow | null> {
  const rows = await tx.sql<ClientRow>`
    select c.id as "clientId", c.tenant, c.type, c.status, c.verification_status as "verificationStatus",
           c.restricted_at is not null as "isRestricted"
    from client_profile.client c
    where c.id = ${clientId} and (${tenant}::text is null or c.tenant = ${tenant}) and c.erased_at is null`;
  return rows[0] ?? null;
}

export type PersonRow = {
  readonly relatedIndividualId: string;
  readonly clientId: string;
  readonly verificationStatus: VerificationStatus;
};

/** A person whom its company still names. */
export async function findPerson(tx: Tx, relatedIndividualId: string): Promise<PersonRow | null> {
  const rows = await tx.sql<PersonRow>`
    select p.id as "relatedIndividualId", p.client_id as "clientId", p.verification_status as "verificationStatus"
    from client_profile.related_individual p
    where p.id = ${relatedIndividualId} and p.removed_at is null and p.sealed_profile is not null`;
  return rows[0] ?? null;
}

/** False: the company does not name the person any more. */
export async function setPersonStatus(tx: Tx, relatedIndividualId: string, status: VerificationStatus): Promise<boolean> {
  const rows = await tx.sql`
    update client_profile.related_individual
    set verification_status = ${status}, updated_at = ${tx.now}
    where id = ${relatedIndividualId} and removed_at is null and sealed_profile is not null
    returning id`;
  return rows.length === 1;
}
