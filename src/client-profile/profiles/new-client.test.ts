import { expect, test } from "vitest";
import type { NewIndividual } from "./contract.ts";
import { readNewClient } from "./new-client.ts";
import { isE164 } from "./person-rules.ts";

const TODAY = "2026-11-23";
const sound: NewIndividual = {
  externalId: "P-1",
  riskLevel: "low",
  address: { streetLine1: "1 Sample Street", city: "Sampleton", zip: "12345", country: "st" },
  phoneNumber: "+4915123456789",
  email: "sample.person@example.com",
  firstName: "Sample",
  lastName: "Person",
  citizenshipCountry: "st",
  identificationDocument: {
    issuedBy: "x",
    expirationDate: "2019-08-24",
    type: "other",
    number: "1",
    issuedCountryCode: "st",
    issuedDate: "2019-08-24",
  },
  residenceCountry: "st",
  dateOfBirth: "2019-08-24",
};

const faultsOf = (told: NewIndividual, today: string): object => {
  const read = readNewClient(told, today);
  return "errors" in read ? read.errors : {};
};

test("an expired document and a young client are data, not errors", () => {
  expect(faultsOf(sound, TODAY)).toEqual({});
  expect(faultsOf({ ...sound, dateOfBirth: TODAY }, TODAY)).toEqual({});
});

test("every fault of meaning is told, each at its field", () => {
  const faulty: NewIndividual = {
    ...sound,
    address: { ...sound.address, country: "ZZ" },
    citizenshipCountry: "EU",
    identificationDocument: { ...sound.identificationDocument, issuedCountryCode: "12", expirationDate: "2019-08-23" },
    residenceCountry: "UK",
    dateOfBirth: "2026-11-24",
  };
  expect(Object.keys(faultsOf(faulty, TODAY)).sort()).toEqual([
    "address.country",
    "citizenshipCountry",
    "dateOfBirth",
    "identificationDocument.expirationDate",
    "identificationDocument.issuedCountryCode",
    "residenceCountry",
  ]);
});

test("what is stored has every member, and country codes in upper case", () => {
  const { externalId, riskLevel, email, phoneNumber, address, ...person } = sound;
  const individual = JSON.parse(JSON.stringify(person).replaceAll('"st"', '"ST"')) as unknown;
  const profile = {
    email,
    phoneNumber,
    address: { ...address, streetLine2: null, state: null, country: "ST" },
    individual,
    company: null,
  };
  expect(readNewClient(sound, TODAY)).toEqual({ client: { type: "individual", externalId, riskLevel, profile, relatedIndividuals: [] } });
});

test.each([
  ["+4915123456789", true],
  ["+14155552671", true],
  ["+442071838750", true],
  ["4915123456789", false],
  ["+49 1512 3456789", false],
  ["+4915123456789 ", false],
  ["0049151234567", false],
  ["+999123456789", false],
  ["+491", false],
  ["+", false],
  ["phone", false],
])("%j can be sent a code: %s", (phoneNumber, expected) => {
  expect(isE164(phoneNumber)).toBe(expected);
});
