// The shell of client profiles: a client comes into being, is found, and is held still while somebody decides about it.

import { onConstraint, type Tx } from "#platform/db.ts";
import { writeAudit } from "#platform/audit.ts";
import { newId } from "#platform/new-id.ts";
import type { DataKey } from "#platform/sealing.ts";
import { insertClientKey } from "../keys/key.store.ts";
import type { Vault } from "../keys/vault.ts";
import { refuse } from "../problems.ts";
import { searchMarksOf } from "../search/marks.ts";
import type { Client, ClientStatus, RiskLevel, VerificationStatus } from "./contract.ts";
import * as store from "./client.store.ts";
import { isE164 } from "./new-individual.ts";
import { openProfile, type Profile, sealProfile } from "./profile.ts";

/** A client to create: what is known of it, whose it is, and the standing it begins with. Judge the profile before. */
export type NewClient = {
  readonly tenant: string;
  readonly externalId: string | null;
  readonly type: "individual" | "company";
  readonly status: ClientStatus;
  readonly verificationStatus: VerificationStatus;
  readonly riskLevel: RiskLevel;
  readonly profile: Profile;
  /** Why the client begins so; first line of its history. A word of the program, not of a person. */
  readonly reason: string;
};

/**
 * Creates a client under a new key and gives its id. Refuses with 409 duplicateExternalId when the tenant has a client of that externalId,
 * also one that commits at the same moment.
 */
export async function createClient(tx: Tx, vault: Vault, client: NewClient): Promise<{ readonly clientId: string }> {
  const clientId = newId();
  const { tenant, type, status, verificationStatus, riskLevel, profile, reason } = client;
  const { key, wrapped } = vault.newClientKey(clientId);
  const insert = store.insertClient(tx, {
    ...client,
    id: clientId,
    phoneIsE164: isE164(profile.phoneNumber),
    sealedProfile: sealProfile(key, clientId, profile),
    emailMark: emailMarkOf(vault, profile.email),
    searchMarks: searchMarksOf(vault, client.externalId, profile),
  });
  await onConstraint(insert, "client_external_id_once_per_tenant", () =>
    refuse("duplicateExternalId", { errors: { externalId: ["The value is in use."] } }),
  );
  await insertClientKey(tx, clientId, wrapped);
  await store.insertStanding(tx, clientId, { status, verificationStatus, riskLevel }, reason);
  await writeAudit(tx, {
    action: "client.created",
    subject: `client:${clientId}`,
    detail: { tenant, type, status, verificationStatus, riskLevel, reason },
  });
  return { clientId };
}

/** The mark by which an e-mail address is found again; letter case and surrounding spaces do not count. */
export function emailMarkOf(vault: Vault, email: string): Buffer {
  return vault.mark("email", email.trim().toLowerCase());
}

/** The client, or null where there is none that `visibleTo` may see: a tenant, or null for the bank itself, which sees all. */
export async function findClient(tx: Tx, vault: Vault, clientId: string, visibleTo: string | null): Promise<Client | null> {
  const row = await store.findClient(tx, clientId, visibleTo);
  if (row === null) return null;
  const key = vault.openClientKey(row);
  return key === null ? null : toClient(row, key);
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

function toClient(row: store.ClientRow, key: DataKey): Client | null {
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
    plan: null,
    blockReason: row.sealedBlockReason === null ? null : key.unsealText(blockReasonPlace(clientId), row.sealedBlockReason),
    blockedAt: row.blockedAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}

/** Where the words of a block are sealed. */
export function blockReasonPlace(clientId: string): { table: string; column: string; row: string } {
  return { table: "client_profile.client", column: "sealed_block_reason", row: clientId };
}
