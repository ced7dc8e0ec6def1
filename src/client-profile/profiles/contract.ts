// The wire words of client profiles: the documented rules of a new individual client to the letter (contract 4.1 and operation 99),
// and the profile as it is answered (contract 4.3, decision 20). Lengths count code points. Patterns are the documented ones, written for the
// `u` flag, which allows no needless escapes.

import { DateText, DateTimeText, Email, enumOf, Nullable, type Static, strictObject, Type, Uuid } from "#platform/schema.ts";

const STREET = "^[A-Za-z0-9./,()\\-# ]+$";
const NAME = "^[A-Za-z\\-.' ]+$";

/** The name that a tenant's own system has for a client. */
export const ExternalId = Type.String({ minLength: 1, maxLength: 100, description: "The client's id in the tenant's own system." });

/** How the bank judges the risk of serving a client. A prohibited one can own no account. */
export const RiskLevel = enumOf(["low", "medium", "high", "prohibited"], { title: "RiskLevel" });
export type RiskLevel = Static<typeof RiskLevel>;

/** Where a client is in its life (contract 4.2). Only an active one can open accounts. */
export const ClientStatus = enumOf(["pending", "active", "blocked", "rejected", "closed"], { title: "ClientStatus" });
export type ClientStatus = Static<typeof ClientStatus>;

/** How far the check of who the client is has come (contract 4.2). */
export const VerificationStatus = enumOf(["notStarted", "pending", "onHold", "resubmissionRequested", "approved", "rejected"], {
  title: "VerificationStatus",
});
export type VerificationStatus = Static<typeof VerificationStatus>;

const Country = Type.String({
  minLength: 2,
  maxLength: 2,
  description: "ISO 3166-1 alpha-2 code, XK allowed. Any letter case in requests, upper case in answers.",
  examples: ["st"],
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

/** What is known of every new individual client, in the documented order. */
export const NewIndividual = strictObject({
  riskLevel: RiskLevel,
  address: Address,
  phoneNumber: Type.String({
    minLength: 5,
    maxLength: 17,
    description: "Phone number. One that is no E.164 number is stored; no code can be sent to it.",
  }),
  email: Email,
  firstName: Type.String({ minLength: 1, maxLength: 255, pattern: NAME }),
  lastName: Type.String({ minLength: 1, maxLength: 255, pattern: NAME }),
  citizenshipCountry: Country,
  identificationDocument: IdentificationDocument,
  residenceCountry: Country,
  dateOfBirth: DateText,
});
export type NewIndividual = Static<typeof NewIndividual>;

/** IndividualDto (contract 4.3). */
export const Individual = strictObject(
  {
    firstName: NewIndividual.properties.firstName,
    lastName: NewIndividual.properties.lastName,
    dateOfBirth: DateText,
    citizenshipCountry: Country,
    residenceCountry: Country,
    identificationDocument: IdentificationDocument,
  },
  { title: "IndividualDto" },
);

/** AddressDto as it is stored and answered: every member is there. */
export type StoredAddress = {
  readonly streetLine1: string;
  readonly streetLine2: string | null;
  readonly city: string;
  readonly state: string | null;
  readonly zip: string;
  readonly country: string;
};

export type Individual = Static<typeof Individual>;

/** CompanyDto (contract 4.3) without the persons of the company. */
export const Company = strictObject(
  {
    companyName: Type.String({ minLength: 1, maxLength: 255 }),
    registrationNumber: Type.String({ minLength: 1, maxLength: 50 }),
    registrationCountry: Country,
    registrationDate: DateText,
    legalForm: Nullable(Type.String({ maxLength: 100 })),
    taxNumber: Nullable(Type.String({ maxLength: 50 })),
    businessActivity: Nullable(Type.String({ maxLength: 500 })),
    website: Nullable(Type.String({ maxLength: 255 })),
    operatingAddress: Nullable(Address),
  },
  { title: "CompanyDto" },
);
export type Company = Static<typeof Company>;

const identity = {
  clientId: Uuid,
  externalId: Nullable(Type.String({ maxLength: 100 })),
  type: enumOf(["individual", "company"], { title: "ClientType" }),
  status: ClientStatus,
  verificationStatus: VerificationStatus,
};

const contact = {
  email: Type.String(),
  phoneNumber: Type.String(),
  address: Address,
  individual: Nullable(Individual),
  company: Nullable(Company),
  plan: Nullable(strictObject({ code: Type.String(), name: Type.String() })),
};

const times = { blockedAt: Nullable(DateTimeText), createdAt: DateTimeText, updatedAt: DateTimeText };

/** ClientDto (contract 4.3), as systems see it. */
export const Client = strictObject(
  { ...identity, riskLevel: RiskLevel, ...contact, blockReason: Nullable(Type.String()), ...times },
  { title: "ClientDto" },
);
export type Client = Static<typeof Client>;

/** ClientDto as the client sees it: how the bank judges it, and why it is blocked, stay with the bank (operation 1). */
export const OwnClient = strictObject({ ...identity, ...contact, ...times }, { title: "OwnClientDto" });
export type OwnClient = Static<typeof OwnClient>;
