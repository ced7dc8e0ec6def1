// The wire words of onboarding (operations 99 and 100). What is told of a client is a client profile's own and comes from its face.

import { strictObject, Type, Uuid } from "#platform/schema.ts";

/** The answer to an import: the id by which the client is known from now on. */
export const ImportedClient = strictObject({
  clientId: Uuid,
  externalId: Type.String({ maxLength: 100, description: "Identifier in the tenant's own system, as it was sent" }),
});

/** The answer to an import of a company: its persons in the order they were given. */
export const ImportedCompany = strictObject({
  ...ImportedClient.properties,
  relatedIndividuals: Type.Array(strictObject({ relatedIndividualId: Uuid, firstName: Type.String(), lastName: Type.String() })),
});

/** Query of both. */
export const DryRun = strictObject({
  dryRun: Type.Optional(
    Type.Boolean({
      description: "true: answers what would happen, with ids that nobody gets, and stores nothing; the idempotency key is ignored.",
    }),
  ),
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

const { externalId, riskLevel, address, phoneNumber, email, ...person } = IMPORT_EXAMPLE;

/** A company whose only person is the one of the documented request. */
export const COMPANY_EXAMPLE = {
  externalId,
  riskLevel,
  address,
  phoneNumber,
  email,
  companyName: "string",
  registrationNumber: "string",
  registrationCountry: "st",
  registrationDate: "2019-08-24",
  legalForm: "string",
  taxNumber: "string",
  businessActivity: "string",
  website: "https://example.com",
  operatingAddress: address,
  relatedIndividuals: [{ roles: ["director", "shareholder"], sharePercent: 25.5, ...person, address, email, phoneNumber }],
};
