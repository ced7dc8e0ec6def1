// The face of client profiles: who the bank's clients are and in what standing. Nothing else of this module may be imported.

export { clientProfileVerifiable } from "./checks.store.ts";
export { type ClientProfile, openClientProfile } from "./client-profile.ts";
export { clientKeys } from "./keys/client-keys.ts";
export { clientErasures } from "./privacy/erasures.ts";
export { lockClientForShare } from "./profiles/clients.ts";
export { NewCompany, NewIndividual } from "./profiles/contract.ts";
export { readNewClient } from "./profiles/new-client.ts";
export { type NewClient } from "./profiles/new-clients.ts";
export { VerificationStatus } from "./profiles/standing.contract.ts";
export { clientProfileProblems } from "./problems.ts";
