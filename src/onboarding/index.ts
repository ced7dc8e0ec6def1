// The face of onboarding: how clients come to the bank. Nothing else of this module may be imported.

export { importVerifiable } from "./import/checks.store.ts";
export { clientImports } from "./import/client-data.ts";
export { importEndpoints } from "./import/routes.ts";
export { type ImportStatus } from "./imported-standing.ts";
export { onboardingEndpoints } from "./routes.ts";
export { verificationVerifiable } from "./verification/checks.store.ts";
export { clientVerifications } from "./verification/client-data.ts";
export { openVerification, type Verification, type VerificationDeps } from "./verification/verification.ts";
