// The wire words of client profiles: what is told of a new client (operations 3, 99 and 100), and the profile as it is answered (contract 4.3,
// decision 20).

import { DateTimeText, Email, enumOf, Nullable, type Static, strictObject, type TSchema, Type, Uuid } from "#platform/schema.ts";
import {
  companyFacts,
  Company,
  CompanyWithPersons,
  RELATED_INDIVIDUALS_MAX,
  RelatedIndividualBody,
  RelatedIndividualChange,
} from "./company.contract.ts";
import { Address, Individual, PhoneNumber } from "./person.contract.ts";
import { ClientStatus, RiskLevel, VerificationStatus } from "./standing.contract.ts";

export { ClientStatus, RiskLevel, VerificationStatus } from "./standing.contract.ts";

/** The name that a tenant's own system has for a client. */
const ExternalId = Type.String({ minLength: 1, maxLength: 100, description: "The client's id in the tenant's own system." });

const ClientType = enumOf(["individual", "company"], { title: "ClientType" });

/** An individual client as an integrated system tells of it, in the documented order (operation 99). */
export const NewIndividual = strictObject({
  externalId: ExternalId,
  riskLevel: RiskLevel,
  address: Address,
  phoneNumber: PhoneNumber,
  email: Email,
  firstName: Individual.properties.firstName,
  lastName: Individual.properties.lastName,
  citizenshipCountry: Individual.properties.citizenshipCountry,
  identificationDocument: Individual.properties.identificationDocument,
  residenceCountry: Individual.properties.residenceCountry,
  dateOfBirth: Individual.properties.dateOfBirth,
});
export type NewIndividual = Static<typeof NewIndividual>;

/** A company as an integrated system tells of it (operation 100). `address` is the registered one. */
export const NewCompany = strictObject({
  externalId: ExternalId,
  riskLevel: RiskLevel,
  address: Address,
  phoneNumber: PhoneNumber,
  email: Email,
  ...companyFacts,
  relatedIndividuals: Type.Array(RelatedIndividualBody, { minItems: 1, maxItems: RELATED_INDIVIDUALS_MAX }),
});
export type NewCompany = Static<typeof NewCompany>;

const told = { riskLevel: RiskLevel, email: Email, phoneNumber: PhoneNumber, address: Address };
const individual = Type.Optional(Nullable(Individual, { description: "Required for type individual, and only there." }));
const company = <P extends TSchema>(persons: P, description: string) =>
  Type.Optional(
    Nullable(
      strictObject({
        ...companyFacts,
        relatedIndividuals: Type.Optional(Nullable(Type.Array(persons, { maxItems: RELATED_INDIVIDUALS_MAX }), { description })),
      }),
      { description: "Required for type company, and only there." },
    ),
  );

/** Body of operation 3. */
export const CreateClient = strictObject(
  {
    type: ClientType,
    externalId: Type.Optional(Nullable(ExternalId)),
    ...told,
    individual,
    company: company(RelatedIndividualBody, "The persons who run, own or speak for the company. Default: none are known yet."),
  },
  { title: "CreateClientCommand" },
);
export type CreateClient = Static<typeof CreateClient>;

/** Answer of operation 3. */
export const CreatedClient = strictObject(
  { clientId: Uuid, externalId: Nullable(Type.String({ maxLength: 100 })) },
  { title: "CreateClientResult" },
);

/** Body of operation 7: the whole profile. */
export const UpdateClient = strictObject(
  {
    ...told,
    individual,
    company: company(
      RelatedIndividualChange,
      "All persons of the company: whoever is left out is removed. Without the member, or with null, they stay as they are.",
    ),
  },
  { title: "UpdateClientCommand" },
);
export type UpdateClient = Static<typeof UpdateClient>;

const identity = {
  clientId: Uuid,
  externalId: Nullable(Type.String({ maxLength: 100 })),
  type: ClientType,
  status: ClientStatus,
  verificationStatus: VerificationStatus,
};

const contact = { email: Type.String(), phoneNumber: Type.String(), address: Address, individual: Nullable(Individual) };
const plan = { plan: Nullable(strictObject({ code: Type.String(), name: Type.String() })) };
const times = { blockedAt: Nullable(DateTimeText), createdAt: DateTimeText, updatedAt: DateTimeText };
const judgement = { blockReason: Nullable(Type.String()), ...times };

/** ClientDto (contract 4.3), as systems see it. */
export const Client = strictObject(
  { ...identity, riskLevel: RiskLevel, ...contact, company: Nullable(CompanyWithPersons), ...plan, ...judgement },
  { title: "ClientDto" },
);
export type Client = Static<typeof Client>;

/** ClientDto in lists: without the persons of a company. */
export const ListedClient = strictObject(
  { ...identity, riskLevel: RiskLevel, ...contact, company: Nullable(Company), ...plan, ...judgement },
  { title: "ListedClientDto" },
);
export type ListedClient = Static<typeof ListedClient>;

/** ClientDto as the client sees it: how the bank judges it, and why it is blocked, stay with the bank (operation 1). */
export const OwnClient = strictObject(
  { ...identity, ...contact, company: Nullable(CompanyWithPersons), ...plan, ...times },
  { title: "OwnClientDto" },
);
export type OwnClient = Static<typeof OwnClient>;
