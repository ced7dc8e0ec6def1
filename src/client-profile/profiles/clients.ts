// The shell of client profiles: a client is found, and is held still while somebody decides about it. How one comes into being stands in
// new-clients.ts, how one changes in client-update.ts.

import type { Tx } from "#platform/db.ts";
import type { DataKey } from "#platform/sealing.ts";
import type { Vault } from "../keys/vault.ts";
import { maskDocumentNumber } from "../privacy/mask.ts";
import * as store from "./client.store.ts";
import type { RelatedIndividual } from "./company.contract.ts";
import type { Client, ListedClient } from "./contract.ts";
import type { Individual } from "./person.contract.ts";
import { openPerson, openProfile } from "./profile.ts";

/** The client, or null where there is none that `visibleTo` may see: a tenant, or null for the bank itself, which sees all. */
export async function findClient(tx: Tx, vault: Vault, clientId: string, visibleTo: string | null): Promise<Client | null> {
  return (await findClientVersion(tx, vault, clientId, visibleTo))?.client ?? null;
}

/** As `findClient`, and which version of it that is. */
export async function findClientVersion(
  tx: Tx,
  vault: Vault,
  clientId: string,
  visibleTo: string | null,
): Promise<{ readonly client: Client; readonly version: bigint } | null> {
  const row = await store.findClient(tx, clientId, visibleTo);
  const key = row === null ? null : vault.openClientKey(row);
  if (row === null || key === null) return null;
  const persons = row.type === "company" ? await store.findRelatedIndividuals(tx, clientId) : [];
  const client = toClient(row, key, persons);
  return client === null ? null : { client, version: row.version };
}

/** How the bank reaches a client; `phoneIsE164` false: no code can be sent to the number. */
export type Contact = { readonly email: string; readonly phoneNumber: string; readonly phoneIsE164: boolean };

/**
 * How the bank reaches the client; null where there is no such client, or it is erased. Read it when something is sent and keep no copy:
 * contacts change, and neither jobs nor events may hold them.
 */
export async function findContact(tx: Tx, vault: Vault, clientId: string): Promise<Contact | null> {
  const row = await store.findContact(tx, clientId);
  const key = row === null ? null : vault.openClientKey(row);
  if (row === null || row.sealedProfile === null || key === null) return null;
  const { email, phoneNumber } = openProfile(key, clientId, row.sealedProfile);
  return { email, phoneNumber, phoneIsE164: row.phoneIsE164 };
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

/** The clients in the order given, as lists show them: without the persons of companies, documents' numbers masked. Erased ones are left out. */
export async function findListedClients(tx: Tx, vault: Vault, clientIds: readonly string[]): Promise<ListedClient[]> {
  if (clientIds.length === 0) return [];
  const rows = await store.findClients(tx, clientIds);
  return rows.flatMap((row) => {
    const key = vault.openClientKey(row);
    const client = key === null ? null : toListedClient(row, key);
    return client === null ? [] : [{ ...client, individual: client.individual === null ? null : withMaskedNumber(client.individual) }];
  });
}

function withMaskedNumber(individual: Individual): Individual {
  const { identificationDocument: document } = individual;
  return { ...individual, identificationDocument: { ...document, number: maskDocumentNumber(document.number) } };
}

function toClient(row: store.ClientRow, key: DataKey, persons: readonly store.RelatedRow[]): Client | null {
  const client = toListedClient(row, key);
  if (client === null) return null;
  const { company } = client;
  return {
    ...client,
    company: company === null ? null : { ...company, relatedIndividuals: persons.map((person) => toRelatedIndividual(person, key)) },
  };
}

function toListedClient(row: store.ClientRow, key: DataKey): ListedClient | null {
  if (row.sealedProfile === null) return null;
  const { clientId, externalId, type, status, verificationStatus, riskLevel } = row;
  const { email, phoneNumber, address, individual, company } = openProfile(key, clientId, row.sealedProfile);
  return {
    clientId,
    externalId,
    type,
    status,
    verificationStatus,
    riskLevel,
    email,
    phoneNumber,
    address,
    individual,
    company,
    plan: { code: row.planCode, name: row.planName },
    blockReason: row.sealedBlockReason === null ? null : key.unsealText(blockReasonPlace(clientId), row.sealedBlockReason),
    blockedAt: row.blockedAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

function toRelatedIndividual(row: store.RelatedRow, key: DataKey): RelatedIndividual {
  const { id, roles, sharePercent, verificationStatus, sealedProfile } = row;
  return {
    relatedIndividualId: id,
    roles: [...roles],
    sharePercent: sharePercent === null ? null : Number(sharePercent),
    ...openPerson(key, id, sealedProfile),
    verificationStatus,
  };
}

/** Where the words of a block are sealed. */
export function blockReasonPlace(clientId: string): { table: string; column: string; row: string } {
  return { table: "client_profile.client", column: "sealed_block_reason", row: clientId };
}
