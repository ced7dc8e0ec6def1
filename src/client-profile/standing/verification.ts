// What the verification of clients needs to know of them, and what it tells of the persons of a company. What it tells of a client itself is
// a change of standing (standing-changes.ts).

import { writeAudit } from "#platform/audit.ts";
import type { Tx } from "#platform/db.ts";
import { publish } from "#platform/events.ts";
import type { Vault } from "../keys/vault.ts";
import { findClient } from "../profiles/clients.ts";
import type { Client } from "../profiles/contract.ts";
import type { VerificationStatus } from "../profiles/standing.contract.ts";
import * as store from "./verification.store.ts";

/** For onboarding: whom it verifies. */
export type VerificationPort = {
  /** How the client stands; null where there is none that `visibleTo` may see (a tenant, or null for the bank itself), or it is erased. */
  findClient(tx: Tx, clientId: string, visibleTo: string | null): Promise<store.ClientRow | null>;
  /** What is known of the client, for whoever verifies it and no longer than that takes. */
  openClient(tx: Tx, clientId: string): Promise<Client | null>;
  /** A person whom its company still names. */
  findPerson(tx: Tx, relatedIndividualId: string): Promise<store.PersonRow | null>;
  /** Notes how far the verification of a person has come. The company's own is not changed by it. False: there is no such person any more. */
  setPersonStatus(tx: Tx, relatedIndividualId: string, status: VerificationStatus, reason: string): Promise<boolean>;
};

/** Over the vault that opens clients' data. */
export function verificationPort(vault: Vault): VerificationPort {
  return {
    findClient: store.findClient,
    openClient: (tx, clientId) => findClient(tx, vault, clientId, null),
    findPerson: store.findPerson,
    setPersonStatus,
  };
}

async function setPersonStatus(tx: Tx, relatedIndividualId: string, status: VerificationStatus, reason: string): Promise<boolean> {
  const person = await store.findPerson(tx, relatedIndividualId);
  const client = person === null ? null : await store.findClient(tx, person.clientId, null);
  if (person === null || client === null) return false;
  const { clientId, verificationStatus: from } = person;
  if (from === status) return true;
  if (!(await store.setPersonStatus(tx, relatedIndividualId, status))) return false;
  const detail = { clientId, relatedIndividualId, from, to: status, reason };
  const subject = `client:${clientId}`;
  await writeAudit(tx, { action: "client.personVerificationChanged", subject, detail });
  await publish(tx, { type: "client.personVerificationChanged", subject, tenant: client.tenant, data: detail });
  return true;
}
