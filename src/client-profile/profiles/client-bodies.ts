// Pure: what staff tell of a client (operations 3 and 7), judged all at once and made into what is stored.

import type { FieldErrors } from "#platform/problem.ts";
import { judgeCompany, judgePersons, type NewRelatedIndividual, storedCompany, storedRelated } from "./company-rules.ts";
import type { CreateClient, UpdateClient } from "./contract.ts";
import type { NewClient } from "./new-clients.ts";
import { addFault, judgeCountry, judgePerson, storedAddress, storedPerson } from "./person-rules.ts";
import type { Profile } from "./profile.ts";
import { judgeTexts } from "./text-rules.ts";

type ClientType = NewClient["type"];

/** What operation 3 tells of a new client: a part of `NewClient`. */
export type ToldByStaff = Pick<NewClient, "type" | "externalId" | "riskLevel" | "profile" | "relatedIndividuals">;

/** A person of a company as it shall be; `relatedIndividualId` null: a new one. */
export type WantedPerson = NewRelatedIndividual & { readonly relatedIndividualId: string | null };

/** What operation 7 makes of a client. `persons` null: they stay as they are. */
export type WantedProfile = Pick<NewClient, "riskLevel" | "profile"> & { readonly persons: readonly WantedPerson[] | null };

/** `today` is the day in UTC, YYYY-MM-DD. */
export function readCreation(body: CreateClient, today: string): { readonly client: ToldByStaff } | { readonly errors: FieldErrors } {
  const { type, externalId, riskLevel } = body;
  const errors = faultsOf(body, type, today);
  if (Object.keys(errors).length > 0) return { errors };
  const relatedIndividuals = (body.company?.relatedIndividuals ?? []).map(storedRelated);
  return { client: { type, externalId: externalId ?? null, riskLevel, profile: profileOf(body), relatedIndividuals } };
}

/** `type` is the client's, which stays what it is. */
export function readUpdate(
  body: UpdateClient,
  type: ClientType,
  today: string,
): { readonly wanted: WantedProfile } | { readonly errors: FieldErrors } {
  const errors = faultsOf(body, type, today);
  if (Object.keys(errors).length > 0) return { errors };
  const persons = body.company?.relatedIndividuals?.map(({ relatedIndividualId = null, ...person }): WantedPerson => {
    return { relatedIndividualId, ...storedRelated(person) };
  });
  return { wanted: { riskLevel: body.riskLevel, profile: profileOf(body), persons: persons ?? null } };
}

function faultsOf(body: CreateClient | UpdateClient, type: ClientType, today: string): FieldErrors {
  const errors: FieldErrors = {};
  const other = type === "individual" ? "company" : "individual";
  if (!body[type]) addFault(errors, type, `The field is required for a client of type ${type}.`);
  if (body[other]) addFault(errors, other, `The field is allowed for a client of type ${other} only.`);
  judgeTexts(errors, body);
  judgeCountry(errors, "address.country", body.address.country);
  if (type === "individual" && body.individual) judgePerson(errors, "individual.", body.individual, today);
  if (type === "company" && body.company) {
    judgeCompany(errors, "company.", body.company, today);
    judgePersons(errors, "company.", body.company.relatedIndividuals ?? [], today);
  }
  return errors;
}

function profileOf({ email, phoneNumber, address, individual, company }: CreateClient | UpdateClient): Profile {
  return {
    email,
    phoneNumber,
    address: storedAddress(address),
    individual: individual ? storedPerson(individual) : null,
    company: company ? storedCompany(company) : null,
  };
}
