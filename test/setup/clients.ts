// Client profiles to test, under keys that are the same in every test.

import { type ClientProfile, openClientProfile } from "#client-profile";
import { clientAccounts } from "#general-ledger";
import { liftCodeBlocks } from "#one-time-codes";
import { onboardingEndpoints } from "#onboarding";
import { Database } from "#platform/db.ts";
import type { Endpoint } from "#platform/http/endpoint.ts";
import { DataKey, developmentMasterKeys, KEY_BYTES } from "#platform/sealing.ts";
import { Vault } from "../../src/client-profile/keys/vault.ts";
import { PERSONAL_DATA } from "../../src/personal-data.ts";
import { memoryStore } from "./memory-store.ts";

export function aVault(): Vault {
  return new Vault(developmentMasterKeys(), new DataKey(Buffer.alloc(KEY_BYTES, 7)));
}

export type TestClientsOptions = {
  /** For files and documents: operations that open their own transactions. */
  readonly db?: Database;
  readonly retentionYears?: number;
  /** Default: documents in memory, no scanner, and a high quota. */
  readonly documents?: Partial<Parameters<typeof openClientProfile>[0]["documents"]>;
  /** Where lines of the erasure list go; default: nowhere. */
  readonly keepErasure?: (line: string) => Promise<void>;
};

export function openTestClients({
  db,
  documents,
  retentionYears = 5,
  keepErasure = async () => {},
}: TestClientsOptions = {}): ClientProfile {
  return openClientProfile({
    db: db ?? new Database({ url: "postgresql://nobody@127.0.0.1:1/nothing", role: null, poolSize: 1, name: "unused" }),
    vault: aVault(),
    accounts: clientAccounts,
    liftCodeBlocks,
    documents: { store: memoryStore(), scan: null, quota: 1_000, ...documents },
    privacy: { retentionYears, keepErasure, data: PERSONAL_DATA },
  });
}

/** All operations of clients and of their import. */
export function clientEndpoints(
  clients: ClientProfile = openTestClients(),
  importStatus: "active" | "pending" = "active",
): readonly Endpoint[] {
  return [...clients.endpoints, ...onboardingEndpoints({ importStatus, clients })];
}
