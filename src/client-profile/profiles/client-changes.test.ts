import { expect, test } from "vitest";
import { changedFields, changesOf, isUnchanged, type PresentPerson } from "./client-changes.ts";
import type { PersonProfile, Profile } from "./profile.ts";

const address = { streetLine1: "1 Sample Street", streetLine2: null, city: "Sampleton", state: null, zip: "12345", country: "DE" };
const individual = {
  firstName: "Sample",
  lastName: "Person",
  dateOfBirth: "1990-01-31",
  citizenshipCountry: "DE",
  residenceCountry: "DE",
  identificationDocument: {
    issuedBy: "x",
    expirationDate: "2031-05-01",
    type: "passport",
    number: "1",
    issuedCountryCode: "DE",
    issuedDate: "2021-05-01",
  },
} as const;
const profile: Profile = { email: "a@b.c", phoneNumber: "12345", address, individual, company: null };
const person: PersonProfile = { ...individual, email: "a@b.c", phoneNumber: "12345", address };
const present = (id: string, more: Partial<PresentPerson> = {}): PresentPerson => {
  return { id, roles: ["director", "shareholder"], sharePercent: "12.5000", person, ...more };
};
const wanted = ({ id, ...rest }: PresentPerson) => ({ relatedIndividualId: id, ...rest });

test("the names of what differs are told, and nothing that does not differ, whatever the order of members", () => {
  expect(changedFields(profile, { ...profile })).toEqual([]);
  const { city, ...rest } = address;
  const turned = { ...individual, identificationDocument: Object.fromEntries(Object.entries(individual.identificationDocument).reverse()) };
  expect(changedFields(profile, { ...profile, address: { city, ...rest }, individual: turned as never })).toEqual([]);
  const other = {
    ...profile,
    email: "b@b.c",
    address: { ...address, city: "Elsewhere" },
    individual: { ...individual, lastName: "Renamed" },
  };
  expect(changedFields(profile, other)).toEqual(["email", "address", "individual.lastName"]);
});

test("a company's facts are told one by one", () => {
  const company = { companyName: "One", registrationNumber: "1", registrationCountry: "DE", registrationDate: "2015-03-02" };
  const nothing = { legalForm: null, taxNumber: null, businessActivity: null, website: null, operatingAddress: null };
  const before = { ...profile, individual: null, company: { ...company, ...nothing } };
  const after = { ...before, company: { ...before.company, companyName: "Two", operatingAddress: address } };
  expect(changedFields(before, after)).toEqual(["company.companyName", "company.operatingAddress"]);
});

test("persons that are told as they are stay as they are: a share may be written otherwise, roles stand in any order", () => {
  const persons = [present("a"), present("b", { sharePercent: null })];
  const told = [
    { ...wanted(present("a")), sharePercent: "12.5", roles: ["shareholder", "director"] as const },
    wanted(present("b", { sharePercent: null })),
  ];
  const found = changesOf(persons, told);
  expect("changes" in found && isUnchanged(found.changes)).toBe(true);
});

test("whoever has no id is added, whoever differs or moves is changed, whoever is left out is removed", () => {
  const { id: _none, ...fresh } = present("new");
  const found = changesOf(
    [present("a"), present("b"), present("c")],
    [wanted(present("b")), { relatedIndividualId: null, ...fresh }, { ...wanted(present("c")), sharePercent: null }],
  );
  expect(found).toMatchObject({
    changes: {
      added: [{ position: 1 }],
      changed: [
        { id: "b", position: 0 },
        { id: "c", position: 2 },
      ],
      removed: ["a"],
    },
  });
});

test("an id that the company does not have, or that stands in the list twice, is named by its place", () => {
  const found = changesOf([present("a")], [wanted(present("a")), wanted(present("x")), wanted(present("a"))]);
  expect("errors" in found && Object.keys(found.errors)).toEqual([
    "company.relatedIndividuals.1.relatedIndividualId",
    "company.relatedIndividuals.2.relatedIndividualId",
  ]);
});
