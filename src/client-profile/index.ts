// The face of client profiles: who the bank's clients are and in what standing. Nothing else of this module may be imported.

export { clientProfileVerifiable } from "./checks.store.ts";
export { type ClientProfile, openClientProfile } from "./client-profile.ts";
export { openVault, Vault } from "./keys/vault.ts";
export { type Contact, lockClientForShare, type NewClient } from "./profiles/clients.ts";
export { ClientStatus, ExternalId, NewIndividual, RiskLevel, VerificationStatus } from "./profiles/contract.ts";
export { faultsOf, profileOf } from "./profiles/new-individual.ts";
export { clientProfileProblems } from "./problems.ts";
