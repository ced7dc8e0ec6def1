// The shell of client profiles: a client comes into being, is found, and is held still while somebody decides about it.

import { onConstraint, type Tx } from "#platform/db.ts";
import { writeAudit } from "#platform/audit.ts";
import { today } from "#platform/dates.ts";
import { newId } from "#platform/new-id.ts";
import { refusePlatform } from "#platform/problem.ts";
import type { Client, ClientStatus, NewIndividual, VerificationStatus } from "./contract.ts";
import * as store from "./client.store.ts";
import { faultsOf, isE164, withUpperCaseCountries } from "./new-individual.ts";
import { refuse } from "./problems.ts";

/** A client to create: what is known of the person, whose client it is, and the standing it begins with. */
export type NewClient = {
  readonly tenant: string;
  readonly externalId: string | null;
  readonly status: ClientStatus;
  readonly verificationStatus: VerificationStatus;
  readonly individual: NewIndividual;
  /** Why the client begins so; first line of its history. */
  readonly reason: string;
};

/**
 * Creates a client and gives its id. Refuses with 400 validationFailed (operation 99's four exceptions) and with 409
 * duplicateExternalId when the tenant has a client of that externalId, also one that commits at the same moment.
 */
export async function createClient(tx: Tx, client: NewClient): Promise<{ readonly clientId: string }> {
  const errors = faultsOf(client.individual, today(tx.now, "UTC"));
  if (Object.keys(errors).length > 0) refusePlatform("validationFailed", { errors });

  const clientId = newId();
  const { status, verificationStatus } = client;
  const phoneIsE164 = isE164(client.individual.phoneNumber);
  const insert = store.insertIndividual(tx, {
    ...client,
    id: clientId,
    phoneIsE164,
    individual: withUpperCaseCountries(client.individual),
  });
  await onConstraint(insert, "client_external_id_once_per_tenant", () =>
    refuse("duplicateExternalId", { errors: { externalId: ["The value is in use."] } }),
  );
  await store.insertStanding(tx, clientId, { status, verificationStatus, riskLevel: client.individual.riskLevel }, client.reason);
  await writeAudit(tx, {
    action: "client.created",
    subject: `client:${clientId}`,
    detail: {
      tenant: client.tenant,
      type: "individual",
      status,
      verificationStatus,
      riskLevel: client.individual.riskLevel,
      reason: client.reason,
    },
  });
  return { clientId };
}

/** The client, or null where there is none that `visibleTo` may see: a tenant, or null for the bank itself, which sees all. */
export async function findClient(tx: Tx, clientId: string, visibleTo: string | null): Promise<Client | null> {
  const row = await store.findClient(tx, clientId, visibleTo);
  return row === null ? null : toClient(row);
}

/**
 * How the bank reaches the client; null where there is no such client. Read it when something is sent and keep no copy: contacts change,
 * and neither jobs nor events may hold them.
 */
export async function findContact(tx: Tx, clientId: string): Promise<store.Contact | null> {
  return await store.findContact(tx, clientId);
}

/** What decides whether money may move for a client. */
export type ClientStanding = store.LockedClient;

/**
 * The client's standing, which stays so until the transaction ends; null where there is no such client. Taken before own rows and
 * accounts are locked. Any number of transactions may hold it at once; a block waits for them.
 */
export async function lockClientForShare(tx: Tx, clientId: string): Promise<ClientStanding | null> {
  return await store.lockForShare(tx, clientId);
}

function toClient(row: store.ClientRow): Client {
  const { streetLine1, streetLine2, city, state, zip, country } = row;
  return {
    clientId: row.clientId,
    externalId: row.externalId,
    type: row.type,
    status: row.status,
    verificationStatus: row.verificationStatus,
    riskLevel: row.riskLevel,
    email: row.email,
    phoneNumber: row.phoneNumber,
    address: { streetLine1, streetLine2, city, state, zip, country },
    individual: toIndividual(row),
    company: null,
    plan: null,
    blockReason: row.blockReason,
    blockedAt: row.blockedAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

function toIndividual(row: store.ClientRow): Client["individual"] {
  // All or none of a person's columns are filled (client_individual_is_whole).
  if (row.firstName === null) return null;
  return {
    firstName: row.firstName,
    lastName: row.lastName,
    dateOfBirth: row.dateOfBirth,
    citizenshipCountry: row.citizenshipCountry,
    residenceCountry: row.residenceCountry,
    identificationDocument: {
      issuedBy: row.documentIssuedBy,
      expirationDate: row.documentExpirationDate,
      type: row.documentType,
      number: row.documentNumber,
      issuedCountryCode: row.documentIssuedCountry,
      issuedDate: row.documentIssuedDate,
    },
  };
}
