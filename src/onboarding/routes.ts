// Operations 99 and 100: a tenant's system hands over a client that it has verified.

import { type ClientProfile, clientProfileProblems, NewCompany, NewIndividual, readNewClient } from "#client-profile";
import { callerTenant } from "#platform/access.ts";
import { today } from "#platform/dates.ts";
import type { Tx } from "#platform/db.ts";
import { publish } from "#platform/events.ts";
import { type Call, type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { refusePlatform } from "#platform/problem.ts";
import { type Static, strictObject } from "#platform/schema.ts";
import { COMPANY_EXAMPLE, DryRun, IMPORT_EXAMPLE, ImportedClient, ImportedCompany } from "./contract.ts";
import { type ImportStatus, importedStanding } from "./imported-standing.ts";

const ImportIndividual = strictObject(NewIndividual.properties, { title: "ImportIndividualClientCommand", examples: [IMPORT_EXAMPLE] });
const ImportCompany = strictObject(NewCompany.properties, { title: "ImportCompanyClientCommand", examples: [COMPANY_EXAMPLE] });

/** What onboarding needs from the composition root; `importStatus` is the setting ONBOARDING_IMPORT_STATUS. */
export type OnboardingDeps = { readonly importStatus: ImportStatus; readonly clients: Pick<ClientProfile, "createClient"> };

const TAGS = ["Onboarding Integration / ClientsImport"];
const { duplicateExternalId } = clientProfileProblems;

/** Operations 99 and 100 of the contract. */
export function onboardingEndpoints(deps: OnboardingDeps): readonly Endpoint[] {
  return [importIndividual(deps), importCompany(deps)];
}

const importIndividual = (deps: OnboardingDeps): Endpoint =>
  endpoint({
    id: "importIndividualClient",
    method: "POST",
    path: "/integration/clients/individuals",
    tags: TAGS,
    summary: "Imports a new individual client from an integrated WL customer's onboarding system",
    description:
      "One externalId for each tenant (the token's `tenant`, else `default`); the same e-mail twice is allowed. Nothing documented is refused but a date that does not exist, a dateOfBirth in the future, an expirationDate before the issuedDate, and a country code that is not assigned. A client of riskLevel `prohibited` is stored as rejected.",
    audience: "integration",
    scope: "integration.import",
    query: DryRun,
    body: ImportIndividual,
    reply: ImportedClient,
    problems: { duplicateExternalId },
    isRehearsal: ({ query }) => query.dryRun === true,
    answerTellsOf: (_call, { clientId }) => clientId,
    work: "write",
    async handle(tx, call) {
      const { clientId } = await importClient(tx, deps, call);
      return { clientId, externalId: call.body.externalId };
    },
  });

const importCompany = (deps: OnboardingDeps): Endpoint =>
  endpoint({
    id: "importCompanyClient",
    method: "POST",
    path: "/integration/clients/companies",
    tags: TAGS,
    summary: "Imports a new company client from an integrated WL customer's onboarding system",
    description:
      "As the import of an individual; the persons of the company are judged like individuals, and each gets an id of its own. A registrationDate must not be in the future. Shares may sum to anything. Texts have no control characters and none that change the direction of writing.",
    audience: "integration",
    scope: "integration.import",
    query: DryRun,
    body: ImportCompany,
    reply: ImportedCompany,
    problems: { duplicateExternalId },
    isRehearsal: ({ query }) => query.dryRun === true,
    answerTellsOf: (_call, { clientId }) => clientId,
    work: "write",
    async handle(tx, call) {
      const { clientId, relatedIndividuals } = await importClient(tx, deps, call);
      return { clientId, externalId: call.body.externalId, relatedIndividuals: [...relatedIndividuals] };
    },
  });

type ImportCall = Pick<Call<unknown, unknown, Static<typeof ImportIndividual> | Static<typeof ImportCompany>>, "body" | "caller">;

async function importClient(
  tx: Tx,
  { importStatus, clients }: OnboardingDeps,
  { body, caller }: ImportCall,
): ReturnType<ClientProfile["createClient"]> {
  const read = readNewClient(body, today(tx.now, "UTC"));
  if ("errors" in read) return refusePlatform("validationFailed", { errors: read.errors });
  const tenant = callerTenant(caller);
  const { type } = read.client;
  const standing = importedStanding(body.riskLevel, importStatus);
  const created = await clients.createClient(tx, { tenant, ...read.client, ...standing, reason: "import" });
  const { clientId } = created;
  await publish(tx, { type: "client.imported", subject: `client:${clientId}`, tenant, data: { clientId, type, ...standing } });
  return created;
}
