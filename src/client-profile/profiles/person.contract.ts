// The wire words of what is known of people and of where they live: the public documentation's rules to the letter (contract 4.1).
// Lengths count code points. Patterns are the documented ones, written for the `u` flag, which allows no needless escapes.

import { DateText, enumOf, Nullable, type Static, strictObject, Type } from "#platform/schema.ts";

const STREET = "^[A-Za-z0-9./,()\\-# ]+$";
const NAME = "^[A-Za-z\\-.' ]+$";

/** A country by its code; `faultsOf` knows which codes are assigned. */
export const Country = Type.String({
  minLength: 2,
  maxLength: 2,
  description: "ISO 3166-1 alpha-2 code, XK allowed. Any letter case in requests, upper case in answers.",
  examples: ["st"],
});

/** Bound by its length alone. */
export const PhoneNumber = Type.String({
  minLength: 5,
  maxLength: 17,
  description: "Phone number. One that is no E.164 number is stored; no code can be sent to it.",
});

/** AddressDto (contract 4.1). Answers have every member, null where nothing was given. */
export const Address = strictObject(
  {
    streetLine1: Type.String({ minLength: 1, maxLength: 255, pattern: STREET }),
    streetLine2: Type.Optional(Nullable(Type.String())),
    city: Type.String({ minLength: 1, maxLength: 255, pattern: STREET }),
    state: Type.Optional(Nullable(Type.String({ maxLength: 255 }))),
    zip: Type.String({ minLength: 1, maxLength: 255 }),
    country: Country,
  },
  { title: "AddressDto" },
);
export type Address = Static<typeof Address>;

/** AddressDto as it is stored and answered: every member is there. */
export type StoredAddress = {
  readonly streetLine1: string;
  readonly streetLine2: string | null;
  readonly city: string;
  readonly state: string | null;
  readonly zip: string;
  readonly country: string;
};

/** IdentificationDocumentDto (contract 4.1). An expired document is data, not an error. */
export const IdentificationDocument = strictObject(
  {
    issuedBy: Type.String({ minLength: 1, maxLength: 100 }),
    expirationDate: DateText,
    type: enumOf(["passport", "driverLicense", "idCard", "other"], { title: "IdentificationDocumentType" }),
    number: Type.String({ minLength: 1, maxLength: 30 }),
    issuedCountryCode: Country,
    issuedDate: DateText,
  },
  { title: "IdentificationDocumentDto" },
);

/** A first or a last name. */
export const PersonName = Type.String({ minLength: 1, maxLength: 255, pattern: NAME });

/** IndividualDto (contract 4.3). */
export const Individual = strictObject(
  {
    firstName: PersonName,
    lastName: PersonName,
    dateOfBirth: DateText,
    citizenshipCountry: Country,
    residenceCountry: Country,
    identificationDocument: IdentificationDocument,
  },
  { title: "IndividualDto" },
);
export type Individual = Static<typeof Individual>;
