// Earlier releases stored clients in the clear. The first start of this release seals them, before anybody is served: in batches, each a
// transaction of its own, so that a start that is killed goes on where it was.

import { setTimeout as pause } from "node:timers/promises";
import { writeAudit } from "#platform/audit.ts";
import type { Database, Tx } from "#platform/db.ts";
import { emailMarkOf } from "../profiles/new-clients.ts";
import { type Profile, sealProfile } from "../profiles/profile.ts";
import { searchMarksOf } from "../search/marks.ts";
import { insertClientKeys } from "./key.store.ts";
import * as store from "./old-client.store.ts";
import type { Vault } from "./vault.ts";

const BATCH = 500;
const FIRST_ID = "00000000-0000-0000-0000-000000000000";
const LOOK_AGAIN_MS = 200;
const ACTOR = { kind: "job", id: "seal_old_clients", tenant: null, traceId: "" } as const;

export type OldClientsWork = {
  /** Connects as the owner of the tables, and is patient with statements that read them whole. */
  readonly db: Database;
  readonly vault: Vault;
  /** Rewrites a table, so that none of its old row versions and statistics are left. */
  readonly rewrite: (table: string) => Promise<void>;
  /** Hears after each batch how many clients this process has sealed. */
  readonly onProgress: (sealed: number) => void;
};

/** False when there is nothing to seal: one short look into the catalogue. */
export async function hasUnsealedClients(db: Database): Promise<boolean> {
  return !(await db.read(ACTOR, store.isSealed));
}

/** Seals every client that stands in the clear. Afterwards the database refuses any that would. */
export async function sealOldClients({ db, vault, rewrite, onProgress }: OldClientsWork): Promise<void> {
  let sealed = 0;
  for (let isLeft = true; isLeft; ) {
    for (let after: string | null = FIRST_ID; after !== null; ) {
      const from: string = after;
      const batch = await db.write(ACTOR, (tx) => sealBatch(tx, vault, from));
      sealed += batch.sealed;
      if (batch.sealed > 0) onProgress(sealed);
      after = batch.last;
    }
    isLeft = await db.write(ACTOR, store.hasOldClients);
    // Another process has them locked, or had and was killed.
    if (isLeft) await pause(LOOK_AGAIN_MS);
  }
  // Before the rules are declared to hold: a start that is killed in between does this again.
  await rewrite(store.OLD_TABLE);
  await db.write(ACTOR, store.validateRules);
}

async function sealBatch(tx: Tx, vault: Vault, after: string): Promise<{ readonly sealed: number; readonly last: string | null }> {
  const clients = await store.lockOldClients(tx, after, BATCH);
  const last = clients.at(-1);
  if (last === undefined) return { sealed: 0, last: null };
  const drafts = clients.map((client) => draftOf(vault, client));
  await insertClientKeys(
    tx,
    drafts.map(({ key }) => key),
  );
  await store.sealRows(
    tx,
    drafts.map(({ row }) => row),
  );
  await writeAudit(tx, { action: "clients.sealed", subject: "client", detail: { clients: clients.length, last: last.id } });
  return { sealed: clients.length, last: last.id };
}

function draftOf(vault: Vault, client: store.OldClient) {
  const { key, wrapped } = vault.newClientKey(client.id);
  const profile = profileOf(client);
  const row = {
    id: client.id,
    sealedProfile: sealProfile(key, client.id, profile),
    emailMark: emailMarkOf(vault, profile.email),
    searchMarks: searchMarksOf(vault, client.externalId, profile),
  };
  return { key: { clientId: client.id, ...wrapped }, row };
}

function profileOf(client: store.OldClient): Profile {
  const { streetLine1, streetLine2, city, state, zip, country } = client;
  return {
    email: client.email,
    phoneNumber: client.phoneNumber,
    address: { streetLine1, streetLine2, city, state, zip, country },
    individual: client.type === "individual" ? individualOf(client) : null,
    company: null,
  };
}

function individualOf(client: store.OldClient): NonNullable<Profile["individual"]> {
  const { firstName, lastName, dateOfBirth, citizenshipCountry, residenceCountry } = client;
  return {
    firstName,
    lastName,
    dateOfBirth,
    citizenshipCountry,
    residenceCountry,
    identificationDocument: {
      issuedBy: client.documentIssuedBy,
      expirationDate: client.documentExpirationDate,
      type: client.documentType,
      number: client.documentNumber,
      issuedCountryCode: client.documentIssuedCountry,
      issuedDate: client.documentIssuedDate,
    },
  };
}
