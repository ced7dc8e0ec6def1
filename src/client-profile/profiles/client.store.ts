// SQL of client profiles.

import type { Tx } from "#platform/db.ts";
import type { RelatedIndividualRole } from "./company.contract.ts";
import type { Standing } from "./new-client.store.ts";
import type { ClientStatus, RiskLevel, VerificationStatus } from "./standing.contract.ts";

export type ClientRow = Standing & {
  readonly clientId: string;
  readonly externalId: string | null;
  readonly type: "individual" | "company";
  readonly masterKey: string | null;
  readonly wrappedKey: Buffer | null;
  /** Null once the client is erased. */
  readonly sealedProfile: Buffer | null;
  readonly sealedBlockReason: Buffer | null;
  readonly blockedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly version: bigint;
  readonly planCode: string;
  readonly planName: string;
};

/** A tenant of null sees every client. Another tenant's client and one that never was are the same empty answer. */
export async function findClient(tx: Tx, clientId: string, tenant: string | null): Promise<ClientRow | null> {
  const rows = await tx.sql<ClientRow>`
    select c.id as "clientId", c.external_id as "externalId", c.type, c.status, c.verification_status as "verificationStatus",
           c.risk_level as "riskLevel", k.master_key as "masterKey", k.wrapped_key as "wrappedKey", c.sealed_profile as "sealedProfile",
           c.sealed_block_reason as "sealedBlockReason", c.blocked_at as "blockedAt", c.created_at as "createdAt", c.updated_at as "updatedAt",
           c.version, p.code as "planCode", v.name as "planName"
    from client_profile.client c
    join client_profile.client_key k on k.client_id = c.id
    join client_profile.plan p on p.code = c.plan_code
    join client_profile.plan_version v on v.code = p.code and v.version = p.version
    where c.id = ${clientId} and (${tenant}::text is null or c.tenant = ${tenant})`;
  return rows[0] ?? null;
}

/** The clients in the order given. */
export async function findClients(tx: Tx, clientIds: readonly string[]): Promise<ClientRow[]> {
  return await tx.sql<ClientRow>`
    select c.id as "clientId", c.external_id as "externalId", c.type, c.status, c.verification_status as "verificationStatus",
           c.risk_level as "riskLevel", k.master_key as "masterKey", k.wrapped_key as "wrappedKey", c.sealed_profile as "sealedProfile",
           c.sealed_block_reason as "sealedBlockReason", c.blocked_at as "blockedAt", c.created_at as "createdAt", c.updated_at as "updatedAt",
           c.version, p.code as "planCode", v.name as "planName"
    from unnest(${clientIds}::uuid[]) with ordinality u(id, place)
    cross join lateral (select * from client_profile.client c where c.id = u.id offset 0) c
    join client_profile.client_key k on k.client_id = c.id
    join client_profile.plan p on p.code = c.plan_code
    join client_profile.plan_version v on v.code = p.code and v.version = p.version
    order by u.place`;
}

export type ContactRow = Pick<ClientRow, "clientId" | "masterKey" | "wrappedKey" | "sealedProfile"> & { readonly phoneIsE164: boolean };

export async function findContact(tx: Tx, clientId: string): Promise<ContactRow | null> {
  const rows = await tx.sql<ContactRow>`
    select c.id as "clientId", k.master_key as "masterKey", k.wrapped_key as "wrappedKey", c.sealed_profile as "sealedProfile",
           c.phone_is_e164 as "phoneIsE164"
    from client_profile.client c
    join client_profile.client_key k on k.client_id = c.id
    where c.id = ${clientId}`;
  return rows[0] ?? null;
}

export type LockedClient = {
  readonly clientId: string;
  readonly tenant: string;
  readonly status: ClientStatus;
  readonly riskLevel: RiskLevel;
};

/** Until the transaction ends nobody can change the client's standing; others may hold the same lock. Null: there is none, or it is erased. */
export async function lockForShare(tx: Tx, clientId: string): Promise<LockedClient | null> {
  const rows = await tx.sql<LockedClient>`
    select id as "clientId", tenant, status, risk_level as "riskLevel"
    from client_profile.client
    where id = ${clientId} and erased_at is null
    for share`;
  return rows[0] ?? null;
}

export type RelatedRow = {
  readonly id: string;
  readonly roles: readonly RelatedIndividualRole[];
  /** Decimal text, with as many digits as the column keeps. */
  readonly sharePercent: string | null;
  readonly verificationStatus: VerificationStatus;
  readonly sealedProfile: Buffer;
};

/** The persons of a company as it names them now, in their order. */
export async function findRelatedIndividuals(tx: Tx, clientId: string): Promise<RelatedRow[]> {
  return await tx.sql<RelatedRow>`
    select id, roles, share_percent::text as "sharePercent", verification_status as "verificationStatus", sealed_profile as "sealedProfile"
    from client_profile.related_individual
    where client_id = ${clientId} and removed_at is null and sealed_profile is not null
    order by position, id`;
}
