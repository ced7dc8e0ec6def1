import { expect, test } from "vitest";
import { importedStanding } from "./imported-standing.ts";

test.each(["low", "medium", "high"] as const)("a client of %s risk is verified and has the status of the setting", (riskLevel) => {
  expect(importedStanding(riskLevel, "active")).toEqual({ status: "active", verificationStatus: "approved" });
  expect(importedStanding(riskLevel, "pending")).toEqual({ status: "pending", verificationStatus: "approved" });
});

test.each(["active", "pending"] as const)("a prohibited client is rejected, whatever the setting says: %s", (importStatus) => {
  expect(importedStanding("prohibited", importStatus)).toEqual({ status: "rejected", verificationStatus: "rejected" });
});
