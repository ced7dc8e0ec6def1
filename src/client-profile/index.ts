// The face of client profiles: who the bank's clients are and in what standing. Nothing else of this module may be imported.

export { clientProfileVerifiable } from "./checks.store.ts";
export { ClientStatus, ExternalId, NewIndividual, RiskLevel, VerificationStatus } from "./contract.ts";
export { createClient, findContact, lockClientForShare, type NewClient } from "./clients.ts";
export { clientProfileProblems } from "./problems.ts";
export { clientProfileEndpoints } from "./routes.ts";
