// The module as the composition root opens it, over the vault that opens clients' data.

import type { Database, Tx } from "#platform/db.ts";
import type { Endpoint } from "#platform/http/endpoint.ts";
import type { AnswerSealer } from "#platform/http/idempotency.ts";
import type { Job } from "#platform/jobs.ts";
import { type DocumentDeps, openDocuments } from "./documents/open-documents.ts";
import { openAnswerSealer } from "./keys/answer-sealer.ts";
import type { Vault } from "./keys/vault.ts";
import type { LiftCodeBlocks } from "./ports.ts";
import type { KeepErasure, PersonalData } from "./privacy/ports.ts";
import { openPrivacy } from "./privacy/privacy.ts";
import { type Contact, findContact } from "./profiles/clients.ts";
import { findClientIds } from "./profiles/external-ids.store.ts";
import { createClient, createClients, type CreatedClient, type Creation, type NewClient } from "./profiles/new-clients.ts";
import { profileEndpoints } from "./profiles/routes.ts";
import { planEndpoints } from "./plans/routes.ts";
import { findPlanLimits, type PlanLimits } from "./plans/plans.ts";
import { clientListEndpoints } from "./search/routes.ts";
import { standingEndpoints } from "./standing/routes.ts";
import { applyVerification, type ClientAccounts, type StandingChange, type Verdict } from "./standing/standing-changes.ts";
import { type VerificationPort, verificationPort } from "./standing/verification.ts";

/** What client profiles need from the composition root. */
export type ClientProfileDeps = {
  readonly db: Database;
  readonly vault: Vault;
  readonly accounts: ClientAccounts;
  readonly liftCodeBlocks: LiftCodeBlocks;
  readonly documents: DocumentDeps;
  readonly privacy: {
    /** Whole years for which the data of a closed client are kept before they may be erased. */
    readonly retentionYears: number;
    readonly keepErasure: KeepErasure;
    /** What other rooms keep of clients, in the order in which an erasure takes it; what holds the ledger's rows comes last. */
    readonly data: readonly PersonalData[];
  };
};

/** Client profiles, ready to be served. */
export type ClientProfile = {
  readonly endpoints: readonly Endpoint[];
  /** For the worker. */
  readonly jobs: readonly Job<unknown>[];
  /** Adds to the queue what is done every hour and every day. Whoever starts a worker calls it; of many calls one counts. */
  readonly schedule: (tx: Tx) => Promise<void>;
  /** Seals answers that are kept and tell of a client. */
  readonly answerSealer: AnswerSealer;
  /** Refuses with 409 duplicateExternalId. */
  readonly createClient: (tx: Tx, client: NewClient) => Promise<CreatedClient>;
  /** Some hundred at once; says in their order what became of each. Whoever's externalId is in use is left out and hinders nobody else. */
  readonly createClients: (tx: Tx, clients: readonly NewClient[]) => Promise<readonly Creation[]>;
  /** Of a tenant's externalIds those that are in use, and by whom: null where that client is erased. */
  readonly findClientIds: (tx: Tx, tenant: string, externalIds: readonly string[]) => Promise<ReadonlyMap<string, string | null>>;
  /** A 64-bit mark of a text under the bank's search key: equal texts are known again, and nobody without the key can tell what they were. */
  readonly markOf: (kind: string, text: string) => bigint;
  /** How the bank reaches a client; null where there is none, or it is erased. Read it when something is sent and keep no copy. */
  readonly findContact: (tx: Tx, clientId: string) => Promise<Contact | null>;
  /** What the client's plan limits; null: no such client. Hold the client (`lockClientForShare`) where that must stay so. */
  readonly findPlanLimits: (tx: Tx, clientId: string) => Promise<PlanLimits | null>;
  /** Lets a client follow the verdict of its verification. Null: no such client. The last thing of its transaction: it may hold the ledger's head. */
  readonly applyVerification: (tx: Tx, verdict: Verdict) => Promise<StandingChange | null>;
  /** Whom a verification is about. */
  readonly verification: VerificationPort;
};

/** Opens the module. */
export function openClientProfile(deps: ClientProfileDeps): ClientProfile {
  const { db, vault, accounts, liftCodeBlocks, documents: documentDeps, privacy: settings } = deps;
  const documents = openDocuments(db, vault, documentDeps);
  const privacy = openPrivacy({ db, vault, ...settings });
  return {
    endpoints: [
      ...profileEndpoints({ vault, accounts }),
      ...clientListEndpoints({ vault }),
      ...standingEndpoints({ vault, accounts, liftCodeBlocks }),
      ...planEndpoints(vault),
      ...documents.endpoints,
      ...privacy.endpoints,
    ],
    jobs: [...documents.jobs, ...privacy.jobs],
    async schedule(tx) {
      await documents.schedule(tx);
      await privacy.schedule(tx);
    },
    answerSealer: openAnswerSealer(vault),
    createClient: (tx, client) => createClient(tx, vault, client),
    createClients: (tx, clients) => createClients(tx, vault, clients),
    findClientIds,
    markOf: (kind, text) => vault.shortMark(kind, text),
    findContact: (tx, clientId) => findContact(tx, vault, clientId),
    findPlanLimits,
    applyVerification: (tx, verdict) => applyVerification(tx, { vault, accounts }, verdict),
    verification: verificationPort(vault),
  };
}
