// SQL of client profiles.

import type { Tx } from "#platform/db.ts";
import type { ClientStatus, NewIndividual, RiskLevel, VerificationStatus } from "./contract.ts";

export type NewClientRow = {
  readonly id: string;
  readonly tenant: string;
  readonly externalId: string | null;
  readonly status: ClientStatus;
  readonly verificationStatus: VerificationStatus;
  readonly phoneIsE164: boolean;
  readonly individual: NewIndividual;
};

/** Stores a person, whose country codes are in upper case already. */
export async function insertIndividual(tx: Tx, client: NewClientRow): Promise<void> {
  const { individual } = client;
  const { address, identificationDocument: document } = individual;
  await tx.sql`
    insert into client_profile.client (
      id, tenant, external_id, type, status, verification_status, risk_level,
      email, phone_number, phone_is_e164, street_line1, street_line2, city, state, zip, country,
      first_name, last_name, date_of_birth, citizenship_country, residence_country,
      document_type, document_number, document_issued_by, document_issued_country, document_issued_date, document_expiration_date,
      created_at, updated_at)
    values (
      ${client.id}, ${client.tenant}, ${client.externalId}, 'individual', ${client.status}, ${client.verificationStatus}, ${individual.riskLevel},
      ${individual.email}, ${individual.phoneNumber}, ${client.phoneIsE164},
      ${address.streetLine1}, ${address.streetLine2 ?? null}, ${address.city}, ${address.state ?? null}, ${address.zip}, ${address.country},
      ${individual.firstName}, ${individual.lastName}, ${individual.dateOfBirth},
      ${individual.citizenshipCountry}, ${individual.residenceCountry},
      ${document.type}, ${document.number}, ${document.issuedBy}, ${document.issuedCountryCode}, ${document.issuedDate}, ${document.expirationDate},
      ${tx.now}, ${tx.now})`;
}

export type Standing = { readonly status: ClientStatus; readonly verificationStatus: VerificationStatus; readonly riskLevel: RiskLevel };

/** Adds a line to the history of the client's standing; who and when come from `tx`. */
export async function insertStanding(tx: Tx, clientId: string, standing: Standing, reason: string): Promise<void> {
  await tx.sql`
    insert into client_profile.client_status_history (client_id, at, status, verification_status, risk_level, reason, actor_kind, actor_id)
    values (${clientId}, ${tx.now}, ${standing.status}, ${standing.verificationStatus}, ${standing.riskLevel}, ${reason}, ${tx.actor.kind}, ${tx.actor.id})`;
}

export type ClientRow = Standing & {
  readonly clientId: string;
  readonly externalId: string | null;
  readonly type: "individual" | "company";
  readonly email: string;
  readonly phoneNumber: string;
  readonly streetLine1: string;
  readonly streetLine2: string | null;
  readonly city: string;
  readonly state: string | null;
  readonly zip: string;
  readonly country: string;
  readonly blockReason: string | null;
  readonly blockedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
} & (PersonColumns | Record<keyof PersonColumns, null>);

type PersonColumns = {
  readonly firstName: string;
  readonly lastName: string;
  readonly dateOfBirth: string;
  readonly citizenshipCountry: string;
  readonly residenceCountry: string;
  readonly documentType: NewIndividual["identificationDocument"]["type"];
  readonly documentNumber: string;
  readonly documentIssuedBy: string;
  readonly documentIssuedCountry: string;
  readonly documentIssuedDate: string;
  readonly documentExpirationDate: string;
};

/** A tenant of null sees every client. Another tenant's client and one that never was are the same empty answer. */
export async function findClient(tx: Tx, clientId: string, tenant: string | null): Promise<ClientRow | null> {
  const rows = await tx.sql<ClientRow>`
    select id as "clientId", external_id as "externalId", type, status, verification_status as "verificationStatus", risk_level as "riskLevel",
           email, phone_number as "phoneNumber",
           street_line1 as "streetLine1", street_line2 as "streetLine2", city, state, zip, country,
           first_name as "firstName", last_name as "lastName", date_of_birth as "dateOfBirth",
           citizenship_country as "citizenshipCountry", residence_country as "residenceCountry",
           document_type as "documentType", document_number as "documentNumber", document_issued_by as "documentIssuedBy",
           document_issued_country as "documentIssuedCountry", document_issued_date as "documentIssuedDate",
           document_expiration_date as "documentExpirationDate",
           block_reason as "blockReason", blocked_at as "blockedAt", created_at as "createdAt", updated_at as "updatedAt"
    from client_profile.client
    where id = ${clientId} and (${tenant}::text is null or tenant = ${tenant})`;
  return rows[0] ?? null;
}

/** How the bank reaches a client; `phoneIsE164` false: no code can be sent to the number. */
export type Contact = { readonly email: string; readonly phoneNumber: string; readonly phoneIsE164: boolean };

export async function findContact(tx: Tx, clientId: string): Promise<Contact | null> {
  const rows = await tx.sql<Contact>`
    select email, phone_number as "phoneNumber", phone_is_e164 as "phoneIsE164" from client_profile.client where id = ${clientId}`;
  return rows[0] ?? null;
}

export type LockedClient = {
  readonly clientId: string;
  readonly tenant: string;
  readonly status: ClientStatus;
  readonly riskLevel: RiskLevel;
};

/** Until the transaction ends nobody can change the client's standing; others may hold the same lock. */
export async function lockForShare(tx: Tx, clientId: string): Promise<LockedClient | null> {
  const rows = await tx.sql<LockedClient>`
    select id as "clientId", tenant, status, risk_level as "riskLevel"
    from client_profile.client
    where id = ${clientId}
    for share`;
  return rows[0] ?? null;
}
