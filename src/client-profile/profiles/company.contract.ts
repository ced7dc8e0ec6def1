// The wire words of companies and of the people who run, own or speak for them (contract 4.3, operation 100).

import { DateText, Email, enumOf, Nullable, type Static, strictObject, Type, Uuid } from "#platform/schema.ts";
import { Address, Country, Individual, PhoneNumber } from "./person.contract.ts";
import { VerificationStatus } from "./standing.contract.ts";

/** Most persons that one company may name. */
export const RELATED_INDIVIDUALS_MAX = 50;

const ROLES = ["director", "shareholder", "ultimateBeneficialOwner", "representative"] as const;

/** What somebody is to a company. */
export const RelatedIndividualRole = enumOf(ROLES, { title: "RelatedIndividualRole" });
export type RelatedIndividualRole = Static<typeof RelatedIndividualRole>;

const Roles = Type.Array(RelatedIndividualRole, { minItems: 1, maxItems: ROLES.length, uniqueItems: true });

const SharePercent = Type.Number({
  minimum: 0,
  maximum: 100,
  description:
    "Share of the company in percent, at most 4 digits after the point. Shares of all persons need not sum to 100, nor stay below: what a company tells of itself is data.",
  examples: [25.5],
});

const facts = {
  companyName: Type.String({ minLength: 1, maxLength: 255 }),
  registrationNumber: Type.String({ minLength: 1, maxLength: 50 }),
  registrationCountry: Country,
  registrationDate: DateText,
};

const moreFacts = {
  legalForm: Nullable(Type.String({ maxLength: 100 })),
  taxNumber: Nullable(Type.String({ maxLength: 50 })),
  businessActivity: Nullable(Type.String({ maxLength: 500 })),
  website: Nullable(Type.String({ maxLength: 255, description: "Kept as it is given; nothing here ever fetches it." })),
  operatingAddress: Nullable(Address),
};

/** CompanyDto without the persons of the company: as it is stored, and as lists answer it. */
export const Company = strictObject({ ...facts, ...moreFacts }, { title: "CompanyDto" });
export type Company = Static<typeof Company>;

const person = { ...Individual.properties, email: Email, phoneNumber: PhoneNumber, address: Address };

/** RelatedIndividualDto (contract 4.3). */
export const RelatedIndividual = strictObject(
  { relatedIndividualId: Uuid, roles: Roles, sharePercent: Nullable(SharePercent), ...person, verificationStatus: VerificationStatus },
  { title: "RelatedIndividualDto" },
);
export type RelatedIndividual = Static<typeof RelatedIndividual>;

/** CompanyDto (contract 4.3), as answers about one client have it. */
export const CompanyWithPersons = strictObject(
  { ...facts, ...moreFacts, relatedIndividuals: Type.Array(RelatedIndividual) },
  { title: "CompanyDto" },
);

/** A person of a company, as it is told for the first time. */
export const RelatedIndividualBody = strictObject(
  { roles: Roles, sharePercent: Type.Optional(Nullable(SharePercent)), ...person },
  { title: "NewRelatedIndividual" },
);
export type RelatedIndividualBody = Static<typeof RelatedIndividualBody>;

/** A person of a company that is told of again, or for the first time. */
export const RelatedIndividualChange = strictObject(
  {
    relatedIndividualId: Type.Optional(
      Nullable(Uuid, { description: "Of a person the company has already; without it a new one is added." }),
    ),
    ...RelatedIndividualBody.properties,
  },
  { title: "RelatedIndividualChange" },
);
export type RelatedIndividualChange = Static<typeof RelatedIndividualChange>;

/** What is told of every new company, without the persons. */
export const companyFacts = {
  ...facts,
  legalForm: Type.Optional(moreFacts.legalForm),
  taxNumber: Type.Optional(moreFacts.taxNumber),
  businessActivity: Type.Optional(moreFacts.businessActivity),
  website: Type.Optional(moreFacts.website),
  operatingAddress: Type.Optional(moreFacts.operatingAddress),
};
