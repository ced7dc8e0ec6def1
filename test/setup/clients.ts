// Client profiles to test, under keys that are the same in every test.

import { type ClientProfile, openClientProfile, Vault } from "#client-profile";
import { clientAccounts } from "#general-ledger";
import { onboardingEndpoints } from "#onboarding";
import type { Endpoint } from "#platform/http/endpoint.ts";
import { DataKey, developmentMasterKeys, KEY_BYTES } from "#platform/sealing.ts";

export function aVault(): Vault {
  return new Vault(developmentMasterKeys(), new DataKey(Buffer.alloc(KEY_BYTES, 7)));
}

export function openTestClients(): ClientProfile {
  return openClientProfile({ vault: aVault(), accounts: clientAccounts });
}

/** All operations of clients and of their import. */
export function clientEndpoints(
  clients: ClientProfile = openTestClients(),
  importStatus: "active" | "pending" = "active",
): readonly Endpoint[] {
  return [...clients.endpoints, ...onboardingEndpoints({ importStatus, clients })];
}
