import { expect, test } from "vitest";
import type { FieldErrors } from "#platform/problem.ts";
import type { RelatedIndividualBody } from "./company.contract.ts";
import { type CompanyFacts, judgeCompany, judgePersons, storedCompany, storedRelated } from "./company-rules.ts";

const TODAY = "2026-11-23";
const address = { streetLine1: "1 Sample Street", city: "Sampleton", zip: "12345", country: "st" };
const company: CompanyFacts = {
  companyName: "Sample Works",
  registrationNumber: "1",
  registrationCountry: "st",
  registrationDate: TODAY,
};
const person: RelatedIndividualBody = {
  roles: ["director"],
  firstName: "Sample",
  lastName: "Person",
  dateOfBirth: "1990-01-31",
  citizenshipCountry: "st",
  residenceCountry: "xk",
  identificationDocument: {
    issuedBy: "x",
    expirationDate: "2019-08-24",
    type: "other",
    number: "1",
    issuedCountryCode: "de",
    issuedDate: "2019-08-24",
  },
  email: "sample.person@example.com",
  phoneNumber: "+4915123456789",
  address,
};

const judged = (judge: (errors: FieldErrors) => void): string[] => {
  const errors: FieldErrors = {};
  judge(errors);
  return Object.keys(errors);
};

test("a company may be registered today, but not tomorrow, and only in countries that exist", () => {
  expect(judged((errors) => judgeCompany(errors, "", company, TODAY))).toEqual([]);
  expect(judged((errors) => judgeCompany(errors, "", { ...company, operatingAddress: null }, TODAY))).toEqual([]);
  const faulty = { ...company, registrationDate: "2026-11-24", registrationCountry: "ZZ", operatingAddress: { ...address, country: "EU" } };
  expect(judged((errors) => judgeCompany(errors, "company.", faulty, TODAY))).toEqual([
    "company.registrationCountry",
    "company.registrationDate",
    "company.operatingAddress.country",
  ]);
});

test("each person is judged like any person, and named by its place", () => {
  const faulty = { ...person, dateOfBirth: "2026-11-24", address: { ...address, country: "ZZ" }, sharePercent: 0.00001 };
  expect(judged((errors) => judgePersons(errors, "company.", [person, faulty], TODAY))).toEqual([
    "company.relatedIndividuals.1.dateOfBirth",
    "company.relatedIndividuals.1.address.country",
    "company.relatedIndividuals.1.sharePercent",
  ]);
});

test.each([
  [0, true],
  [100, true],
  [25.5, true],
  [33.3333, true],
  [0.0001, true],
  [99.9999, true],
  [33.33333, false],
  [0.00001, false],
  [1e-7, false],
])("a share of %s has at most four digits after the point: %s", (sharePercent, isTaken) => {
  expect(judged((errors) => judgePersons(errors, "", [{ ...person, sharePercent }], TODAY)).length === 0).toBe(isTaken);
});

test("shares may sum to more than the whole", () => {
  const persons = [80, 80, 100].map((sharePercent) => ({ ...person, sharePercent }));
  expect(judged((errors) => judgePersons(errors, "", persons, TODAY))).toEqual([]);
});

test("what is stored has every member, and country codes in upper case", () => {
  const nothing = { legalForm: null, taxNumber: null, businessActivity: null, website: null, operatingAddress: null };
  expect(storedCompany(company)).toEqual({ ...company, registrationCountry: "ST", ...nothing });
  const stored = { ...address, streetLine2: null, state: null, country: "ST" };
  expect(storedCompany({ ...company, operatingAddress: address }).operatingAddress).toEqual(stored);
  const { roles, ...facts } = person;
  expect(storedRelated(person)).toEqual({
    roles,
    sharePercent: null,
    person: {
      ...facts,
      citizenshipCountry: "ST",
      residenceCountry: "XK",
      identificationDocument: { ...person.identificationDocument, issuedCountryCode: "DE" },
      address: stored,
    },
  });
});

test("a share is stored as the text of the number that was sent, nothing as nothing", () => {
  const stored = [0, 12.25, 100, null, undefined].map((share) =>
    storedRelated(share === undefined ? person : { ...person, sharePercent: share }),
  );
  expect(stored.map(({ sharePercent }) => sharePercent)).toEqual(["0", "12.25", "100", null, null]);
});
