// Operation 3: staff register a client, who is nobody's customer yet: it waits for its verification.

import type { Tx } from "#platform/db.ts";
import { publish } from "#platform/events.ts";
import type { Vault } from "../keys/vault.ts";
import type { ToldByStaff } from "./client-bodies.ts";
import { claimEmail } from "./emails.ts";
import { createClient, type CreatedClient, type NewClient } from "./new-clients.ts";

/**
 * Creates a client that is to be verified; a prohibited one is stored as rejected, so that nobody registers that person twice. Refuses with
 * 409 duplicateEmail and duplicateExternalId.
 */
export async function registerClient(tx: Tx, vault: Vault, tenant: string, client: ToldByStaff): Promise<CreatedClient> {
  await claimEmail(tx, vault, tenant, client.profile.email, null);
  const standing = standingOf(client.riskLevel);
  const created = await createClient(tx, vault, { ...client, ...standing, tenant, reason: "registered" });
  const { clientId } = created;
  const { type } = client;
  await publish(tx, { type: "client.created", subject: `client:${clientId}`, tenant, data: { clientId, type, ...standing } });
  return created;
}

function standingOf(riskLevel: NewClient["riskLevel"]): Pick<NewClient, "status" | "verificationStatus"> {
  return { status: riskLevel === "prohibited" ? "rejected" : "pending", verificationStatus: "notStarted" };
}
