// The wire words of onboarding (operation 99). What is told of a person is a client profile's own and comes from its face.

import { strictObject, Type, Uuid } from "#platform/schema.ts";

/** The answer to an import: the id by which the client is known from now on. */
export const ImportedClient = strictObject({
  clientId: Uuid,
  externalId: Type.String({ maxLength: 100, description: "Identifier in the tenant's own system, as it was sent" }),
});

/** The documented request, to be answered 200 as printed. */
export const IMPORT_EXAMPLE = {
  externalId: "string",
  riskLevel: "low",
  address: { streetLine1: "string", streetLine2: "string", city: "string", state: "string", zip: "string", country: "st" },
  phoneNumber: "string",
  email: "user@example.com",
  firstName: "string",
  lastName: "string",
  citizenshipCountry: "st",
  identificationDocument: {
    issuedBy: "string",
    expirationDate: "2019-08-24",
    type: "passport",
    number: "string",
    issuedCountryCode: "st",
    issuedDate: "2019-08-24",
  },
  residenceCountry: "st",
  dateOfBirth: "2019-08-24",
} as const;
