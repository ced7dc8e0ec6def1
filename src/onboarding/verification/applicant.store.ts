// SQL of applicants: whom of ours the provider knows.

import type { Tx } from "#platform/db.ts";
import type { Attention, Lifecycle } from "./verdict.ts";

export type ApplicantRow = {
  /** The client's id or the person's. */
  readonly subjectId: string;
  readonly clientId: string;
  readonly relatedIndividualId: string | null;
  readonly applicantId: string | null;
  readonly levelName: string;
  readonly personLinkedAt: Date | null;
  readonly appliedAt: Date | null;
  readonly appliedRank: number | null;
  readonly attention: Attention | null;
  readonly lifecycle: Lifecycle;
  readonly lifecycleAt: Date | null;
};

export type NewApplicant = Pick<ApplicantRow, "subjectId" | "clientId" | "relatedIndividualId" | "levelName">;

/** Until the transaction ends no other one settles events of that applicant. */
export async function lockApplicant(tx: Tx, applicantId: string): Promise<void> {
  await tx.sql`select pg_advisory_xact_lock(hashtextextended(${`onboarding.applicant ${applicantId}`}::text, 0)) is null as locked`;
}

export async function findBySubject(tx: Tx, subjectId: string): Promise<ApplicantRow | null> {
  const rows = await tx.sql<ApplicantRow>`
    select a.subject_id as "subjectId", a.client_id as "clientId", a.related_individual_id as "relatedIndividualId",
           a.applicant_id as "applicantId", a.level_name as "levelName", a.person_linked_at as "personLinkedAt", a.applied_at as "appliedAt",
           a.applied_rank as "appliedRank", a.attention, a.lifecycle, a.lifecycle_at as "lifecycleAt"
    from onboarding.applicant a
    where a.subject_id = ${subjectId}`;
  return rows[0] ?? null;
}

export async function findByApplicantId(tx: Tx, applicantId: string): Promise<ApplicantRow | null> {
  const rows = await tx.sql<{ subjectId: string }>`
    select a.subject_id as "subjectId" from onboarding.applicant a where a.applicant_id = ${applicantId}`;
  return rows[0] === undefined ? null : await findBySubject(tx, rows[0].subjectId);
}

/** The persons of a company that are to be, or are, known to the provider. */
export async function findPersons(tx: Tx, clientId: string): Promise<ApplicantRow[]> {
  const rows = await tx.sql<{ subjectId: string }>`
    select a.subject_id as "subjectId"
    from onboarding.applicant a
    where a.client_id = ${clientId} and a.related_individual_id is not null
    order by a.created_at, a.subject_id`;
  const persons: ApplicantRow[] = [];
  for (const { subjectId } of rows) {
    const person = await findBySubject(tx, subjectId);
    if (person !== null) persons.push(person);
  }
  return persons;
}

/** Notes that the provider is to know somebody; true: it was not noted before. */
export async function insertApplicant(tx: Tx, { subjectId, clientId, relatedIndividualId, levelName }: NewApplicant): Promise<boolean> {
  const rows = await tx.sql`
    insert into onboarding.applicant (subject_id, client_id, related_individual_id, level_name, created_at)
    values (${subjectId}, ${clientId}, ${relatedIndividualId}, ${levelName}, ${tx.now})
    on conflict (subject_id) do nothing
    returning subject_id`;
  return rows.length === 1;
}

/** Takes it on to ask the provider for an applicant. False: there is one, or another process is asking. */
export async function takeCreation(tx: Tx, subjectId: string, seconds: number): Promise<boolean> {
  const rows = await tx.sql`
    update onboarding.applicant
    set creating_until = clock_timestamp() + make_interval(secs => ${seconds})
    where subject_id = ${subjectId} and applicant_id is null and (creating_until is null or creating_until < clock_timestamp())
    returning subject_id`;
  return rows.length === 1;
}

export async function endCreation(tx: Tx, subjectId: string): Promise<void> {
  await tx.sql`update onboarding.applicant set creating_until = null where subject_id = ${subjectId} and creating_until is not null`;
}

/** Links the applicant, for ever. False: another one is linked, or this one to somebody else. */
export async function linkApplicant(tx: Tx, subjectId: string, applicantId: string): Promise<boolean> {
  const rows = await tx.sql`
    update onboarding.applicant a
    set applicant_id = ${applicantId}, linked_at = ${tx.now}, creating_until = null
    where a.subject_id = ${subjectId} and a.applicant_id is null
      and not exists (select from onboarding.applicant other where other.applicant_id = ${applicantId})
    returning a.subject_id`;
  return rows.length === 1;
}

export async function setPersonLinked(tx: Tx, subjectId: string): Promise<void> {
  await tx.sql`update onboarding.applicant set person_linked_at = ${tx.now} where subject_id = ${subjectId} and person_linked_at is null`;
}

export async function setApplied(
  tx: Tx,
  subjectId: string,
  { at, rank }: { readonly at: Date; readonly rank: number },
  attention: Attention | null,
): Promise<void> {
  await tx.sql`
    update onboarding.applicant set applied_at = ${at}, applied_rank = ${rank}, attention = ${attention} where subject_id = ${subjectId}`;
}

/** False: something newer is known. */
export async function setLifecycle(tx: Tx, subjectId: string, lifecycle: Lifecycle, at: Date): Promise<boolean> {
  const rows = await tx.sql`
    update onboarding.applicant
    set lifecycle = ${lifecycle}, lifecycle_at = ${at}
    where subject_id = ${subjectId} and (lifecycle_at is null or lifecycle_at < ${at})
    returning subject_id`;
  return rows.length === 1;
}
