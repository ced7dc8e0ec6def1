// The words for how a client stands with the bank (contract 4.2).

import { enumOf, type Static } from "#platform/schema.ts";

/** How the bank judges the risk of serving a client. A prohibited one can own no account. */
export const RiskLevel = enumOf(["low", "medium", "high", "prohibited"], { title: "RiskLevel" });
export type RiskLevel = Static<typeof RiskLevel>;

/** Where a client is in its life. Only an active one can open accounts. */
export const ClientStatus = enumOf(["pending", "active", "blocked", "rejected", "closed"], { title: "ClientStatus" });
export type ClientStatus = Static<typeof ClientStatus>;

/** How far the check of who the client is has come. */
export const VerificationStatus = enumOf(["notStarted", "pending", "onHold", "resubmissionRequested", "approved", "rejected"], {
  title: "VerificationStatus",
});
export type VerificationStatus = Static<typeof VerificationStatus>;
