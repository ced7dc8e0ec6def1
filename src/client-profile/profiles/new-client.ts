// Pure: a new client as integrated systems tell of it (operations 99 and 100), judged and made into what is stored.

import type { FieldErrors } from "#platform/problem.ts";
import { judgeCompany, judgePersons, storedCompany, storedRelated } from "./company-rules.ts";
import type { NewCompany, NewIndividual } from "./contract.ts";
import type { NewClient } from "./new-clients.ts";
import { judgeCountry, judgePerson, storedAddress, storedPerson } from "./person-rules.ts";
import { judgeTexts } from "./text-rules.ts";

/** What a request tells of a new client: a part of `NewClient`. */
export type ToldClient = Pick<NewClient, "type" | "riskLevel" | "profile" | "relatedIndividuals"> & { readonly externalId: string };

const isCompany = (told: NewIndividual | NewCompany): told is NewCompany => "companyName" in told;

/**
 * Judges what an integrated system tells: the client as it is stored, or sentences by dotted field path. `today` is the day in UTC,
 * YYYY-MM-DD.
 */
export function readNewClient(
  told: NewIndividual | NewCompany,
  today: string,
): { readonly client: ToldClient } | { readonly errors: FieldErrors } {
  const errors = faultsOf(told, today);
  return Object.keys(errors).length > 0 ? { errors } : { client: clientOf(told) };
}

function faultsOf(told: NewIndividual | NewCompany, today: string): FieldErrors {
  const errors: FieldErrors = {};
  judgeCountry(errors, "address.country", told.address.country);
  if (isCompany(told)) {
    // The public documentation gives an individual's texts in full, and with them every character; it says nothing of a company's.
    judgeTexts(errors, told);
    judgeCompany(errors, "", told, today);
    judgePersons(errors, "", told.relatedIndividuals, today);
  } else judgePerson(errors, "", told, today);
  return errors;
}

function clientOf(told: NewIndividual | NewCompany): ToldClient {
  const { externalId, riskLevel, email, phoneNumber } = told;
  const contact = { email, phoneNumber, address: storedAddress(told.address) };
  if (isCompany(told)) {
    const profile = { ...contact, individual: null, company: storedCompany(told) };
    return { type: "company", externalId, riskLevel, profile, relatedIndividuals: told.relatedIndividuals.map(storedRelated) };
  }
  const profile = { ...contact, individual: storedPerson(told), company: null };
  return { type: "individual", externalId, riskLevel, profile, relatedIndividuals: [] };
}
