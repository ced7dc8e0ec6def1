// Pure: what an honest client never has, beyond the documented forms (operation 99): a country that does not exist, a birth in the future, a
// document that expired before it was issued. Everything else that fits the forms is taken as it is: an expired document and a birth last
// week are data, not errors.

import { isCountry } from "#platform/country.ts";
import type { FieldErrors } from "#platform/problem.ts";
import { parsePhoneNumberFromString } from "libphonenumber-js";
import type { Address, Individual, StoredAddress } from "./person.contract.ts";
import type { PersonProfile } from "./profile.ts";

/** Adds a sentence to a field's. */
export function addFault(errors: FieldErrors, field: string, sentence: string): void {
  (errors[field] ??= []).push(sentence);
}

export function judgeCountry(errors: FieldErrors, field: string, code: string): void {
  if (!isCountry(code)) addFault(errors, field, "The field must be an assigned country code (ISO 3166-1 alpha-2).");
}

/** Dates of one form compare as texts. */
export function judgePastDay(errors: FieldErrors, field: string, day: string, today: string): void {
  if (day > today) addFault(errors, field, "The field must not be in the future.");
}

/** `path` is put before the names of the fields: "individual.", or "" where they stand at the top. */
export function judgePerson(errors: FieldErrors, path: string, person: Individual, today: string): void {
  const { identificationDocument: document } = person;
  judgeCountry(errors, `${path}citizenshipCountry`, person.citizenshipCountry);
  judgeCountry(errors, `${path}residenceCountry`, person.residenceCountry);
  judgeCountry(errors, `${path}identificationDocument.issuedCountryCode`, document.issuedCountryCode);
  judgePastDay(errors, `${path}dateOfBirth`, person.dateOfBirth, today);
  if (document.expirationDate < document.issuedDate) {
    addFault(errors, `${path}identificationDocument.expirationDate`, "The field must not be before issuedDate.");
  }
}

/** The address as it is stored: every member there, the country in upper case, so that no other spelling is ever read back. */
export function storedAddress(address: Address): StoredAddress {
  return {
    streetLine1: address.streetLine1,
    streetLine2: address.streetLine2 ?? null,
    city: address.city,
    state: address.state ?? null,
    zip: address.zip,
    country: address.country.toUpperCase(),
  };
}

/** What is stored of a person; country codes in upper case. */
export function storedPerson(person: Individual): Individual {
  const { identificationDocument: document } = person;
  return {
    firstName: person.firstName,
    lastName: person.lastName,
    dateOfBirth: person.dateOfBirth,
    citizenshipCountry: person.citizenshipCountry.toUpperCase(),
    residenceCountry: person.residenceCountry.toUpperCase(),
    identificationDocument: { ...document, issuedCountryCode: document.issuedCountryCode.toUpperCase() },
  };
}

/** What is stored of a person who can be reached by itself. */
export function storedContact(person: Individual & { email: string; phoneNumber: string; address: Address }): PersonProfile {
  const { email, phoneNumber, address } = person;
  return { ...storedPerson(person), email, phoneNumber, address: storedAddress(address) };
}

/** Whether a code can be sent to the number: written as E.164 (+ and digits only), with a country's prefix and a length used there. */
export function isE164(phoneNumber: string): boolean {
  const parsed = parsePhoneNumberFromString(phoneNumber);
  return parsed?.number === phoneNumber && parsed.isPossible();
}
