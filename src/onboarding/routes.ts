// Operation 99: a tenant's system hands over a client that it has verified.

import { type ClientProfile, clientProfileProblems, NewIndividual, readNewClient } from "#client-profile";
import { callerTenant } from "#platform/access.ts";
import { today } from "#platform/dates.ts";
import { publish } from "#platform/events.ts";
import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { refusePlatform } from "#platform/problem.ts";
import { strictObject } from "#platform/schema.ts";
import { IMPORT_EXAMPLE, ImportedClient } from "./contract.ts";
import { type ImportStatus, importedStanding } from "./imported-standing.ts";

const ImportIndividual = strictObject(NewIndividual.properties, { title: "ImportIndividualClientCommand", examples: [IMPORT_EXAMPLE] });

/** What onboarding needs from the composition root; `importStatus` is the setting ONBOARDING_IMPORT_STATUS. */
export type OnboardingDeps = { readonly importStatus: ImportStatus; readonly clients: Pick<ClientProfile, "createClient"> };

/** Operation 99 of the contract. */
export function onboardingEndpoints({ importStatus, clients }: OnboardingDeps): readonly Endpoint[] {
  return [
    endpoint({
      id: "importIndividualClient",
      method: "POST",
      path: "/integration/clients/individuals",
      tags: ["Onboarding Integration / ClientsImport"],
      summary: "Imports a new individual client from an integrated WL customer's onboarding system",
      description:
        "One externalId for each tenant (the token's `tenant`, else `default`); the same e-mail twice is allowed. Nothing documented is refused but a date that does not exist, a dateOfBirth in the future, an expirationDate before the issuedDate, and a country code that is not assigned. A client of riskLevel `prohibited` is stored as rejected.",
      audience: "integration",
      scope: "integration.import",
      body: ImportIndividual,
      reply: ImportedClient,
      problems: clientProfileProblems,
      work: "write",
      async handle(tx, { body, caller }) {
        const tenant = callerTenant(caller);
        const read = readNewClient(body, today(tx.now, "UTC"));
        if ("errors" in read) return refusePlatform("validationFailed", { errors: read.errors });
        const standing = importedStanding(body.riskLevel, importStatus);
        const { clientId } = await clients.createClient(tx, { tenant, ...read.client, ...standing, reason: "import" });
        await publish(tx, {
          type: "client.imported",
          subject: `client:${clientId}`,
          tenant,
          data: { clientId, type: "individual", ...standing },
        });
        return { clientId, externalId: body.externalId };
      },
    }),
  ];
}
