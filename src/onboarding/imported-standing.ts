// Pure: the standing an imported client begins with (contract decision 8). The tenant has verified it already; whoever it may not
// serve is stored all the same, so that nobody imports that person twice, and can own no account.

import type { NewClient } from "#client-profile";

/** ONBOARDING_IMPORT_STATUS: `pending` keeps imported clients from owning accounts until somebody has looked at them. */
export type ImportStatus = Extract<NewClient["status"], "active" | "pending">;

export function importedStanding(
  riskLevel: NewClient["riskLevel"],
  importStatus: ImportStatus,
): Pick<NewClient, "status" | "verificationStatus"> {
  if (riskLevel === "prohibited") return { status: "rejected", verificationStatus: "rejected" };
  return { status: importStatus, verificationStatus: "approved" };
}
