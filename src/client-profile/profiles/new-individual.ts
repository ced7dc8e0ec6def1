// Pure: what an honest new client never has, beyond the documented forms (operation 99): a country that does not exist, a birth in the
// future, a document that expired before it was issued. Everything else that fits the forms is taken as it is: an expired document and a
// birth last week are data, not errors.

import { isCountry } from "#platform/country.ts";
import type { FieldErrors } from "#platform/problem.ts";
import { parsePhoneNumberFromString } from "libphonenumber-js";
import type { NewIndividual } from "./contract.ts";
import type { Profile } from "./profile.ts";

const NO_COUNTRY = "The field must be an assigned country code (ISO 3166-1 alpha-2).";

/** Sentences by field; empty when the client may be stored. `today` is the day in UTC, YYYY-MM-DD. */
export function faultsOf(individual: NewIndividual, today: string): FieldErrors {
  const { address, identificationDocument: document } = individual;
  const countries = {
    "address.country": address.country,
    citizenshipCountry: individual.citizenshipCountry,
    "identificationDocument.issuedCountryCode": document.issuedCountryCode,
    residenceCountry: individual.residenceCountry,
  };
  const errors: FieldErrors = {};
  for (const [field, code] of Object.entries(countries)) {
    if (!isCountry(code)) errors[field] = [NO_COUNTRY];
  }
  // Dates of one form compare as texts.
  if (individual.dateOfBirth > today) errors["dateOfBirth"] = ["The field must not be in the future."];
  if (document.expirationDate < document.issuedDate) {
    errors["identificationDocument.expirationDate"] = ["The field must not be before issuedDate."];
  }
  return errors;
}

/** What is stored of the person: every member there, country codes in upper case, so that no other spelling is ever read back. */
export function profileOf(individual: NewIndividual): Profile {
  const { address, identificationDocument: document } = individual;
  return {
    email: individual.email,
    phoneNumber: individual.phoneNumber,
    address: {
      streetLine1: address.streetLine1,
      streetLine2: address.streetLine2 ?? null,
      city: address.city,
      state: address.state ?? null,
      zip: address.zip,
      country: address.country.toUpperCase(),
    },
    individual: {
      firstName: individual.firstName,
      lastName: individual.lastName,
      dateOfBirth: individual.dateOfBirth,
      citizenshipCountry: individual.citizenshipCountry.toUpperCase(),
      residenceCountry: individual.residenceCountry.toUpperCase(),
      identificationDocument: { ...document, issuedCountryCode: document.issuedCountryCode.toUpperCase() },
    },
    company: null,
  };
}

/** Whether a code can be sent to the number: written as E.164 (+ and digits only), with a country's prefix and a length used there. */
export function isE164(phoneNumber: string): boolean {
  const parsed = parsePhoneNumberFromString(phoneNumber);
  return parsed?.number === phoneNumber && parsed.isPossible();
}
