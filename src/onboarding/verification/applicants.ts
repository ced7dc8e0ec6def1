// Makes clients, and the persons of companies, known to the provider: once each, whatever fails between its answer and our commit. The
// intention is noted before the provider is asked, and what has been noted without an answer is asked about before anything is created.

import type { ClientProfile } from "#client-profile";
import { writeAudit } from "#platform/audit.ts";
import type { Actor, Database, Tx } from "#platform/db.ts";
import { enqueue, type Job, job } from "#platform/jobs.ts";
import { invariant, type Problem, problemOf, refusePlatform } from "#platform/problem.ts";
import { strictObject, Uuid } from "#platform/schema.ts";
import { type ApplicantOrder, ProviderFault, type VerificationProvider } from "../ports.ts";
import * as store from "./applicant.store.ts";
import { wakeWaiting } from "./event.store.ts";
import { refuse, verificationProblems } from "./problems.ts";

export type ApplicantsDeps = {
  readonly db: Database;
  readonly clients: Pick<ClientProfile, "verification">;
  readonly provider: VerificationProvider | null;
  readonly levelOf: (type: "individual" | "company") => string;
  /** Applies the events that came before the applicant was known. */
  readonly applying: Job<{ readonly applicantId: string }>;
  /** Makes the persons of a company known. */
  readonly introducing: Job<PersonNotice>;
};

export type PersonNotice = { readonly clientId: string; readonly relatedIndividualId: string };

/** For how long one process may ask the provider before another one may. Longer than all its tries take. */
const CREATION_SECONDS = 45;

/** The client's applicant, which is created where there is none. Refuses with verificationUnavailable, verificationRefused and 503 busy. */
export async function ensureApplicant(
  deps: ApplicantsDeps,
  actor: Actor,
  clientId: string,
  signal: AbortSignal,
): Promise<store.ApplicantRow> {
  const noted = await deps.db.write(actor, async (tx) => {
    const client = (await deps.clients.verification.findClient(tx, clientId, null)) ?? refusePlatform("notFound");
    return await note(tx, deps, { subjectId: clientId, clientId, relatedIndividualId: null, levelName: deps.levelOf(client.type) });
  });
  const applicant = await settle(deps, actor, noted, signal);
  await deps.db.write(actor, (tx) => introducePersons(tx, deps, clientId));
  return applicant;
}

type Noted = {
  readonly applicant: store.ApplicantRow;
  /** Nobody has asked the provider for it before. */
  readonly isNew: boolean;
  /** This process asks the provider, and no other does. */
  readonly mayCreate: boolean;
  /** Null: there is an applicant already. */
  readonly order: ApplicantOrder | null;
};

/** Notes in one transaction whom the provider is to know, and opens what it is to be told. */
async function note(tx: Tx, { clients }: ApplicantsDeps, wanted: store.NewApplicant): Promise<Noted> {
  const isNew = await store.insertApplicant(tx, wanted);
  const applicant = await store.findBySubject(tx, wanted.subjectId);
  invariant(applicant, "an applicant that was noted is not there");
  if (applicant.applicantId !== null) return { applicant, isNew: false, mayCreate: false, order: null };
  const mayCreate = await store.takeCreation(tx, wanted.subjectId, CREATION_SECONDS);
  return { applicant, isNew, mayCreate, order: await orderOf(tx, clients, applicant) };
}

async function settle(
  deps: ApplicantsDeps,
  actor: Actor,
  { applicant, isNew, mayCreate, order }: Noted,
  signal: AbortSignal,
): Promise<store.ApplicantRow> {
  if (order === null) return applicant;
  const provider = deps.provider ?? refuse("verificationUnavailable", { detail: "No verification provider is set." });
  const { subjectId } = applicant;
  try {
    // What was noted before may have been done before: first the question, then the order.
    const known = isNew ? null : await provider.findApplicant(subjectId, signal);
    if (known === null && !mayCreate) refusePlatform("busy", { headers: { "retry-after": "1" } });
    const { applicantId } = known ?? (await provider.createApplicant(order, signal));
    return await deps.db.write(actor, (tx) => link(tx, deps, subjectId, applicantId));
  } catch (error) {
    if (mayCreate) await deps.db.write(actor, (tx) => store.endCreation(tx, subjectId));
    throw error instanceof ProviderFault ? refusalOf(error) : error;
  }
}

/** From now on the applicant's events are this client's, those that came before among them. */
async function link(tx: Tx, { applying }: ApplicantsDeps, subjectId: string, applicantId: string): Promise<store.ApplicantRow> {
  const isLinked = await store.linkApplicant(tx, subjectId, applicantId);
  const applicant = await store.findBySubject(tx, subjectId);
  invariant(applicant, "an applicant that was noted is not there");
  // An event may have linked it meanwhile; another applicant under the same id is one too many, and nothing that we could decide.
  if (applicant.applicantId !== applicantId) refuse("verificationRefused", { detail: "The provider has two applicants for this client." });
  if (!isLinked) return applicant;
  await wakeWaiting(tx, applicantId);
  await enqueue(tx, applying, { applicantId }, { key: `verification ${applicantId}` });
  const { clientId, relatedIndividualId } = applicant;
  await writeAudit(tx, {
    action: "client.verificationStarted",
    subject: `client:${clientId}`,
    detail: { applicantId, relatedIndividualId },
  });
  return applicant;
}

/** Without a provider, where events are simulated: an applicant of that id. */
export async function linkSimulated(
  deps: ApplicantsDeps,
  actor: Actor,
  clientId: string,
  applicantId: string,
): Promise<store.ApplicantRow> {
  return await deps.db.write(actor, async (tx) => {
    const client = (await deps.clients.verification.findClient(tx, clientId, null)) ?? refusePlatform("notFound");
    await store.insertApplicant(tx, { subjectId: clientId, clientId, relatedIndividualId: null, levelName: deps.levelOf(client.type) });
    const known = await store.findBySubject(tx, clientId);
    return known?.applicantId === null ? await link(tx, deps, clientId, applicantId) : (known ?? refusePlatform("notFound"));
  });
}

/** What the provider is told of somebody, read in the moment in which it is. */
async function orderOf(tx: Tx, clients: ApplicantsDeps["clients"], applicant: store.ApplicantRow): Promise<ApplicantOrder> {
  const { subjectId, clientId, relatedIndividualId, levelName } = applicant;
  const client = (await clients.verification.openClient(tx, clientId)) ?? refusePlatform("notFound");
  const about = { externalUserId: subjectId, levelName };
  if (relatedIndividualId === null) {
    const { email, phoneNumber, address, individual, company } = client;
    return { ...about, email, phoneNumber, address, individual, company };
  }
  const person = client.company?.relatedIndividuals.find((each) => each.relatedIndividualId === relatedIndividualId);
  if (person === undefined) return refusePlatform("notFound");
  const { email, phoneNumber, address } = person;
  return { ...about, email, phoneNumber, address, individual: person, company: null };
}

/** Adds a job for each person of the company whom the provider does not know yet. */
async function introducePersons(tx: Tx, { clients, introducing }: ApplicantsDeps, clientId: string): Promise<void> {
  const client = await clients.verification.openClient(tx, clientId);
  for (const { relatedIndividualId } of client?.company?.relatedIndividuals ?? []) {
    const known = await store.findBySubject(tx, relatedIndividualId);
    const key = `introduce ${relatedIndividualId}`;
    if ((known?.personLinkedAt ?? null) === null) await enqueue(tx, introducing, { clientId, relatedIndividualId }, { key });
  }
}

/** The job that makes one person of a company known: an applicant of its own, linked to the company's. */
export function personIntroducing(depsOf: () => ApplicantsDeps): Job<PersonNotice> {
  return job({
    name: "introduce_person_of_company",
    payload: strictObject({ clientId: Uuid, relatedIndividualId: Uuid }),
    run: async (notice, { actor, signal }) => await introducePerson(depsOf(), actor, notice, signal),
  });
}

async function introducePerson(
  deps: ApplicantsDeps,
  actor: Actor,
  { clientId, relatedIndividualId }: PersonNotice,
  signal: AbortSignal,
): Promise<void> {
  const levelName = deps.levelOf("individual");
  const found = await deps.db.write(actor, async (tx) => {
    const company = await store.findBySubject(tx, clientId);
    const client = await deps.clients.verification.openClient(tx, clientId);
    const person = client?.company?.relatedIndividuals.find((each) => each.relatedIndividualId === relatedIndividualId);
    // Nobody any more, or not yet: then whoever starts the company's verification asks again.
    if (person === undefined || company === null || company.applicantId === null || deps.provider === null) return null;
    const noted = await note(tx, deps, { subjectId: relatedIndividualId, clientId, relatedIndividualId, levelName });
    return {
      noted,
      roles: person.roles,
      sharePercent: person.sharePercent,
      companyApplicantId: company.applicantId,
      provider: deps.provider,
    };
  });
  if (found === null || found.noted.applicant.personLinkedAt !== null) return;
  const { noted, roles, sharePercent, companyApplicantId, provider } = found;
  const { applicantId } = await settle(deps, actor, noted, signal);
  invariant(applicantId, "an applicant without an id");
  await provider.linkPerson({ companyApplicantId, applicantId, roles, sharePercent }, signal);
  await deps.db.write(actor, (tx) => store.setPersonLinked(tx, relatedIndividualId));
}

/** The provider's fault as a problem. Its code is told, its words are not: they may repeat what it was sent. */
export function refusalOf(fault: ProviderFault): Problem {
  const { isRefusal, code, correlationId } = fault;
  const members = { providerCode: code, correlationId };
  return problemOf(verificationProblems, isRefusal ? "verificationRefused" : "verificationUnavailable", { members, cause: fault });
}
