// SQL of what a client is told of its verification.

import type { Tx } from "#platform/db.ts";

export type VerificationFact = {
  readonly eventId: string;
  /** Null: the client itself. */
  readonly relatedIndividualId: string | null;
  readonly levelName: string;
  readonly type: string;
  readonly receivedAt: Date;
  readonly eventAt: Date | null;
  readonly state: string;
  readonly outcome: string | null;
  readonly content: Readonly<Record<string, unknown>>;
};

/** Every event about the client and its persons, in the order in which they came. */
export async function findVerificationFacts(tx: Tx, clientId: string, after: string | null, limit: number): Promise<VerificationFact[]> {
  return await tx.sql<VerificationFact>`
    select e.id as "eventId", a.related_individual_id as "relatedIndividualId", a.level_name as "levelName", e.type, e.received_at as "receivedAt",
           e.event_at as "eventAt", e.state, e.outcome, e.content
    from onboarding.applicant a
    join onboarding.verification_event e on e.applicant_id = a.applicant_id
    where a.client_id = ${clientId} and (${after}::uuid is null or e.id > ${after}::uuid)
    order by e.id
    limit ${limit}`;
}

export type ApplicantFact = {
  readonly relatedIndividualId: string | null;
  readonly applicantId: string | null;
  readonly levelName: string;
  readonly createdAt: Date;
  readonly lifecycle: string;
};

/** As whom the provider knows the client and its persons. */
export async function findApplicantFacts(tx: Tx, clientId: string): Promise<ApplicantFact[]> {
  return await tx.sql<ApplicantFact>`
    select related_individual_id as "relatedIndividualId", applicant_id as "applicantId", level_name as "levelName", created_at as "createdAt", lifecycle
    from onboarding.applicant
    where client_id = ${clientId}
    order by created_at, subject_id`;
}
