// The module as the composition root opens it, over the vault that opens clients' data.

import type { Tx } from "#platform/db.ts";
import type { Endpoint } from "#platform/http/endpoint.ts";
import type { Job } from "#platform/jobs.ts";
import type { Vault } from "./keys/vault.ts";
import { type Contact, createClient, findContact, type NewClient } from "./profiles/clients.ts";
import { profileEndpoints } from "./profiles/routes.ts";
import { applyVerification, type ClientAccounts, type StandingChange, type Verdict } from "./standing/standing-changes.ts";

/** What client profiles need from the composition root. */
export type ClientProfileDeps = {
  readonly vault: Vault;
  readonly accounts: ClientAccounts;
};

/** Client profiles, ready to be served. */
export type ClientProfile = {
  readonly endpoints: readonly Endpoint[];
  /** For the worker. */
  readonly jobs: readonly Job<unknown>[];
  /** Refuses with 409 duplicateExternalId. */
  readonly createClient: (tx: Tx, client: NewClient) => Promise<{ readonly clientId: string }>;
  /** How the bank reaches a client; null where there is none, or it is erased. Read it when something is sent and keep no copy. */
  readonly findContact: (tx: Tx, clientId: string) => Promise<Contact | null>;
  /** Lets a client follow the verdict of its verification. Null: no such client. The last thing of its transaction: it may hold the ledger's head. */
  readonly applyVerification: (tx: Tx, verdict: Verdict) => Promise<StandingChange | null>;
};

export function openClientProfile({ vault, accounts }: ClientProfileDeps): ClientProfile {
  return {
    endpoints: profileEndpoints({ vault }),
    jobs: [],
    createClient: (tx, client) => createClient(tx, vault, client),
    findContact: (tx, clientId) => findContact(tx, vault, clientId),
    applyVerification: (tx, verdict) => applyVerification(tx, { vault, accounts }, verdict),
  };
}
