// Our words in Sumsub's and back (docs.sumsub.com, "Create applicant"): countries of three letters, types of documents, addresses, and
// what an answer must look like before anything of it is believed. Nothing here speaks to anybody.

import type { AddressToVerify, ApplicantOrder, CompanyToVerify, PersonOfCompany, PersonToVerify } from "../onboarding/ports.ts";
import { buildAjv } from "#platform/ajv.ts";
import { toAlpha3 } from "#platform/country.ts";
import { Nullable, type Static, type TSchema, Type } from "#platform/schema.ts";

const DOCUMENT_TYPES: ReadonlyMap<string, string> = new Map([
  ["passport", "PASSPORT"],
  ["driverLicense", "DRIVERS"],
  ["idCard", "ID_CARD"],
]);

/** Sumsub's `idDocType`; OTHER for what it has no word for. */
export function documentTypeOf(type: string): string {
  return DOCUMENT_TYPES.get(type) ?? "OTHER";
}

const ROLES: ReadonlyMap<string, string> = new Map([
  ["director", "director"],
  ["shareholder", "shareholder"],
  ["ultimateBeneficialOwner", "ubo"],
  ["representative", "representative"],
]);

/** The body of "Create applicant". A phone number that is no E.164 number is not told: it would be refused with all the rest. */
export function applicantOf(order: ApplicantOrder): object {
  const { externalUserId, email, phoneNumber, address, individual, company } = order;
  return without({
    externalUserId,
    type: company === null ? "individual" : "company",
    email,
    phone: /^\+[1-9]\d{6,14}$/.test(phoneNumber) ? phoneNumber : null,
    fixedInfo: company === null ? (individual === null ? null : personOf(individual, address)) : { companyInfo: companyOf(company, order) },
  });
}

function personOf(person: PersonToVerify, address: AddressToVerify): object {
  return without({
    firstName: person.firstName,
    lastName: person.lastName,
    dob: person.dateOfBirth,
    nationality: toAlpha3(person.citizenshipCountry),
    country: toAlpha3(person.residenceCountry),
    addresses: [addressOf(address)],
  });
}

function companyOf(company: CompanyToVerify, { email, phoneNumber, address }: ApplicantOrder): object {
  return without({
    companyName: company.companyName,
    registrationNumber: company.registrationNumber,
    country: toAlpha3(company.registrationCountry),
    incorporatedOn: company.registrationDate,
    type: company.legalForm,
    taxId: company.taxNumber,
    website: company.website,
    email,
    phone: phoneNumber,
    address: addressOf(address),
  });
}

function addressOf({ streetLine1, streetLine2, city, state, zip, country }: AddressToVerify): object {
  return without({ street: streetLine1, subStreet: streetLine2, town: city, state, postCode: zip, country: toAlpha3(country) });
}

/** The body of "Link beneficiary to company". */
export function beneficiaryOf({ applicantId, roles, sharePercent }: PersonOfCompany): object {
  return without({ applicantId, types: roles.flatMap((role) => ROLES.get(role) ?? []), shareSize: sharePercent });
}

/** Sumsub takes an absent member for what is not known; null it takes for a wrong value. */
function without(members: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null && value !== undefined));
}

// Answers may have more members than these at any time; those that are read must be what they should.
const ajv = buildAjv();
const optional = (schema: TSchema): TSchema => Type.Optional(Nullable(schema));
const ApplicantId = Type.String({ pattern: "^[0-9a-f]{24}$" });

const ApplicantAnswer = Type.Object({ id: ApplicantId, externalUserId: Type.Optional(Nullable(Type.String({ maxLength: 500 }))) });
const StateAnswer = Type.Object({
  reviewStatus: Type.String({ maxLength: 100 }),
  reviewResult: Type.Optional(Nullable(Type.Object({ reviewAnswer: Type.Optional(Nullable(Type.String({ maxLength: 100 }))) }))),
});
const TokenAnswer = Type.Object({ token: Type.String({ minLength: 1, maxLength: 4_000, pattern: "^[\\x21-\\x7e]+$" }) });
const ErrorAnswer = Type.Object({
  code: optional(Type.Union([Type.Integer(), Type.String({ maxLength: 100 })])),
  errorCode: optional(Type.Union([Type.Integer(), Type.String({ maxLength: 100 })])),
  errorName: optional(Type.String({ maxLength: 200 })),
  description: optional(Type.String({ maxLength: 10_000 })),
  correlationId: optional(Type.String({ maxLength: 200 })),
});

const reader = <T extends TSchema>(schema: T): ((answer: unknown) => Static<T> | null) => {
  const check = ajv.compile(schema);
  return (answer) => (check(answer) ? (answer as Static<T>) : null);
};

/** Each gives null for an answer that is not what it should be. */
export const readApplicant = reader(ApplicantAnswer);
export const readState = reader(StateAnswer);
export const readToken = reader(TokenAnswer);

/** What an error says of itself, as far as it can be read. */
export function readError(answer: unknown): { code: string | null; description: string | null; correlationId: string | null } {
  const error = (readErrorAnswer(answer) ?? {}) as Readonly<Record<string, string | number | null | undefined>>;
  const text = (value: string | number | null | undefined): string | null => (value === null || value === undefined ? null : String(value));
  return {
    code: text(error["errorName"] ?? error["errorCode"] ?? error["code"]),
    description: text(error["description"]),
    correlationId: text(error["correlationId"]),
  };
}
const readErrorAnswer = reader(ErrorAnswer);
