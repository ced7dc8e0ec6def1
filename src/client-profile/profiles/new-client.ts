// Pure: a new client as integrated systems tell of it (operations 99 and 100), judged and made into what is stored.

import type { FieldErrors } from "#platform/problem.ts";
import { judgeCompany, judgePersons, type NewRelatedIndividual, storedCompany, storedRelated } from "./company-rules.ts";
import type { NewCompany, NewIndividual } from "./contract.ts";
import { judgeCountry, judgePerson, storedAddress, storedPerson } from "./person-rules.ts";
import type { Profile } from "./profile.ts";
import type { RiskLevel } from "./standing.contract.ts";

/** What a request tells of a new client: a part of `NewClient`. */
export type ToldClient = {
  readonly type: "individual" | "company";
  readonly riskLevel: RiskLevel;
  readonly profile: Profile;
  readonly relatedIndividuals: readonly NewRelatedIndividual[];
};

const isCompany = (told: NewIndividual | NewCompany): told is NewCompany => "companyName" in told;

/** Sentences by dotted field path; empty when the client may be stored. `today` is the day in UTC, YYYY-MM-DD. */
export function faultsOf(told: NewIndividual | NewCompany, today: string): FieldErrors {
  const errors: FieldErrors = {};
  judgeCountry(errors, "address.country", told.address.country);
  if (isCompany(told)) {
    judgeCompany(errors, "", told, today);
    judgePersons(errors, "", told.relatedIndividuals, today);
  } else judgePerson(errors, "", told, today);
  return errors;
}

/** What is stored of a client that `faultsOf` has nothing to say about. */
export function clientOf(told: NewIndividual | NewCompany): ToldClient {
  const { riskLevel, email, phoneNumber } = told;
  const contact = { email, phoneNumber, address: storedAddress(told.address) };
  if (isCompany(told)) {
    const profile = { ...contact, individual: null, company: storedCompany(told) };
    return { type: "company", riskLevel, profile, relatedIndividuals: told.relatedIndividuals.map(storedRelated) };
  }
  return { type: "individual", riskLevel, profile: { ...contact, individual: storedPerson(told), company: null }, relatedIndividuals: [] };
}
