// How far the verification of a client has come, as staff sees it.

import type { ClientProfile } from "#client-profile";
import type { Tx } from "#platform/db.ts";
import { refusePlatform } from "#platform/problem.ts";
import * as applicants from "./applicant.store.ts";
import type { Verification } from "./contract.ts";
import { findLast } from "./event.store.ts";

/** Refuses with 404 for a client that `visibleTo` does not see. */
export async function viewVerification(
  tx: Tx,
  clients: Pick<ClientProfile, "verification">,
  clientId: string,
  visibleTo: string | null,
): Promise<Verification> {
  const client = (await clients.verification.findClient(tx, clientId, visibleTo)) ?? refusePlatform("notFound");
  const own = await applicants.findBySubject(tx, clientId);
  const relatedIndividuals = [];
  for (const row of await applicants.findPersons(tx, clientId)) {
    const person = await clients.verification.findPerson(tx, row.subjectId);
    if (person === null) continue;
    relatedIndividuals.push({ relatedIndividualId: row.subjectId, ...(await progressOf(tx, row, person.verificationStatus)) });
  }
  return { clientId, ...(await progressOf(tx, own, client.verificationStatus)), relatedIndividuals };
}

async function progressOf(
  tx: Tx,
  applicant: applicants.ApplicantRow | null,
  verificationStatus: Verification["verificationStatus"],
): Promise<Omit<Verification, "clientId" | "relatedIndividuals">> {
  const { applicantId = null, levelName = null, attention = null, lifecycle = "active" } = applicant ?? {};
  const last = applicantId === null ? null : await findLast(tx, applicantId);
  return {
    applicantId,
    levelName,
    verificationStatus,
    lastEvent:
      last === null
        ? null
        : { type: last.type, createdAt: last.eventAt.toISOString(), receivedAt: last.receivedAt.toISOString(), outcome: last.outcome },
    attention: [...(attention === null ? [] : [attention]), ...(lifecycle === "active" ? [] : [lifecycle])],
  };
}
