// Pure: what an honest company never has, beyond the forms of the contract, and how it and its persons are stored.

import { readDecimal } from "#platform/decimal.ts";
import type { FieldErrors } from "#platform/problem.ts";
import type { Company, RelatedIndividualBody, RelatedIndividualRole } from "./company.contract.ts";
import type { Address } from "./person.contract.ts";
import { addFault, judgeCountry, judgePastDay, judgePerson, storedAddress, storedContact } from "./person-rules.ts";
import type { PersonProfile } from "./profile.ts";

/** What a request tells of a company, without its persons. */
export type CompanyFacts = Omit<Company, "legalForm" | "taxNumber" | "businessActivity" | "website" | "operatingAddress"> & {
  legalForm?: string | null;
  taxNumber?: string | null;
  businessActivity?: string | null;
  website?: string | null;
  operatingAddress?: Address | null;
};

/** A person of a company, as it is stored. `sharePercent` is a decimal of at most 4 digits after the point, 0 to 100. */
export type NewRelatedIndividual = {
  readonly roles: readonly RelatedIndividualRole[];
  readonly sharePercent: string | null;
  readonly person: PersonProfile;
};

const SHARE_DIGITS_MAX = 4;

/** `path` is put before the names of the fields. */
export function judgeCompany(errors: FieldErrors, path: string, company: CompanyFacts, today: string): void {
  judgeCountry(errors, `${path}registrationCountry`, company.registrationCountry);
  judgePastDay(errors, `${path}registrationDate`, company.registrationDate, today);
  if (company.operatingAddress) judgeCountry(errors, `${path}operatingAddress.country`, company.operatingAddress.country);
}

/** Persons are named by their place in the list: `relatedIndividuals.3.dateOfBirth`. */
export function judgePersons(errors: FieldErrors, path: string, persons: readonly RelatedIndividualBody[], today: string): void {
  for (const [index, person] of persons.entries()) {
    const place = `${path}relatedIndividuals.${index}.`;
    judgePerson(errors, place, person, today);
    judgeCountry(errors, `${place}address.country`, person.address.country);
    // The number is exactly the one that was written (json-numbers.ts), so its text has the digits that were.
    const share = readDecimal(String(person.sharePercent ?? 0));
    if (share === null || -share.power > SHARE_DIGITS_MAX) {
      addFault(errors, `${place}sharePercent`, `The field must have at most ${SHARE_DIGITS_MAX} digits after the point.`);
    }
  }
}

/** What is stored of a company: every member there, country codes in upper case. */
export function storedCompany(company: CompanyFacts): Company {
  return {
    companyName: company.companyName,
    registrationNumber: company.registrationNumber,
    registrationCountry: company.registrationCountry.toUpperCase(),
    registrationDate: company.registrationDate,
    legalForm: company.legalForm ?? null,
    taxNumber: company.taxNumber ?? null,
    businessActivity: company.businessActivity ?? null,
    website: company.website ?? null,
    operatingAddress: company.operatingAddress ? storedAddress(company.operatingAddress) : null,
  };
}

export function storedRelated(body: RelatedIndividualBody): NewRelatedIndividual {
  const { roles, sharePercent } = body;
  const isTold = sharePercent !== undefined && sharePercent !== null;
  return { roles, sharePercent: isTold ? String(sharePercent) : null, person: storedContact(body) };
}
