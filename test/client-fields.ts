// What the contract says of each field of a client, as a table of values that are taken and values that are refused: every operation that takes
// such fields is held against it, wherever they stand in its body.

import { unique } from "./builders.ts";

/** A field by its dotted path, with values at its edges. A value of undefined: the field is left out. */
export type FieldCase = { readonly path: string; readonly taken: readonly unknown[]; readonly refused: readonly unknown[] };

const ASTRAL = "\u{1F600}";
const letters = (count: number): string => "a".repeat(count);
const WRONG_TYPES = [1, 0.5, true, [], ["a"], {}];
/** Controls, a separator of lines, an override, an isolate and an embedding. */
const DECEIVING = ["a\u0001b", "a\nb", "a\tb", "\u007fab", "ab\u0085", "a\u2028b", "a\u202eb", "a\u2066b", "ab\u202b"];
/** Scripts that are written the other way, marks that some of them need, and characters of more than one code unit. */
const FOREIGN = ["\u0634\u0631\u06a9\u0629", "\u05d7\u05d1\u05e8\u05d4\u200f", "\u0645\u06cc\u200c\u062e", "a\u00a0b", `a${ASTRAL}`];

type TextRule = { readonly isOptional?: boolean; readonly pattern?: "street" | "name"; readonly text?: (length: number) => string };

/** A text of that many characters, counted as people count them. */
function text(path: string, min: number, max: number, { isOptional = false, pattern, text: of = letters }: TextRule = {}): FieldCase {
  const isFree = pattern === undefined && of === letters;
  const lengths = [...new Set([min, min + 1, max - 1, max])].filter((length) => length > 0 || isOptional);
  const beyond = [min - 1, max + 1, max + 1000].filter((length) => length >= 0);
  const patterns = pattern === undefined ? [] : ["a\n", "a_b", "\u0430b", "a\u202eb", ...(pattern === "name" ? ["R2", "a,b"] : ["a:b"])];
  const filled = (words: readonly string[]): string[] => words.map((word) => word + letters(Math.max(0, min - Array.from(word).length)));
  const fitting = isFree ? filled(FOREIGN) : [];
  const deceiving = isFree ? filled(DECEIVING) : [];
  return {
    path,
    taken: [...lengths.map(of), ...fitting, ...(isFree ? [ASTRAL.repeat(max)] : []), ...(isOptional ? [null, undefined] : [])],
    refused: [
      ...beyond.map(of),
      ...deceiving,
      ...patterns,
      ...(isFree ? [ASTRAL.repeat(max + 1)] : []),
      ...WRONG_TYPES,
      ...(isOptional ? [] : [null, undefined]),
    ],
  };
}

const country = (path: string): FieldCase => ({
  path,
  taken: ["DE", "st", "sT", "XK"],
  refused: ["", "D", "DEU", "ZZ", "UK", "EU", "12", "D\n", "\u0130T", ASTRAL, ...WRONG_TYPES, null, undefined],
});

const NO_DATES = ["", "2023-02-30", "0000-01-01", "2019-13-01", "2019-08-24T00:00:00Z", "2019-8-24", " 2019-08-24", "10000-01-01"];
const day = (offset: number): string => new Date(Date.now() + offset * 86_400_000).toISOString().slice(0, 10);

const date = (path: string, taken: readonly string[], refused: readonly string[]): FieldCase => ({
  path,
  taken,
  refused: [...refused, ...NO_DATES, ...WRONG_TYPES, null, undefined],
});
const past = (path: string): FieldCase => date(path, ["0001-01-01", "2004-02-29", day(0)], [day(2), "9999-12-31"]);

const word = (path: string, words: readonly string[]): FieldCase => ({
  path,
  taken: words,
  refused: ["", "unknown", words[0]?.toUpperCase(), `${words[0]} `, ...WRONG_TYPES, null, undefined],
});

const object = (path: string): FieldCase => ({ path, taken: [], refused: [1, "a", true, [], null, undefined] });

/** Of exactly that length, and not the same again where the length allows it. */
function anEmail(length: number): string {
  return length < 5 ? letters(length) : `${`${letters(length)}${unique("e")}`.slice(4 - length)}@b.c`;
}

const address = (place: string): readonly FieldCase[] => [
  text(`${place}.streetLine1`, 1, 255, { pattern: "street" }),
  { path: `${place}.streetLine2`, taken: [null, undefined, "", letters(10_000), ...FOREIGN], refused: [...DECEIVING, ...WRONG_TYPES] },
  text(`${place}.city`, 1, 255, { pattern: "street" }),
  text(`${place}.state`, 0, 255, { isOptional: true }),
  text(`${place}.zip`, 1, 255),
  country(`${place}.country`),
];

const ROLES = ["director", "shareholder", "ultimateBeneficialOwner", "representative"];

/** How a client, or a person of a company, is reached. */
export const CONTACT: readonly FieldCase[] = [
  object("address"),
  ...address("address"),
  text("phoneNumber", 5, 17),
  text("email", 5, 64, { text: anEmail }),
  {
    path: "email",
    taken: ["first.last+tag@sub.example.co"],
    refused: ["user.example.com", "user@", "a b@example.com", "user@example.com\r\nBcc: x@y.z", "a@b@c.de", "us\u202eer@example.com"],
  },
];

export const RISK: FieldCase = word("riskLevel", ["low", "medium", "high", "prohibited"]);

/** Who a person is. The document's dates stand between 2021-05-01 and 2031-05-01 unless they are what is looked at. */
export const PERSON: readonly FieldCase[] = [
  text("firstName", 1, 255, { pattern: "name" }),
  text("lastName", 1, 255, { pattern: "name" }),
  past("dateOfBirth"),
  country("citizenshipCountry"),
  country("residenceCountry"),
  object("identificationDocument"),
  text("identificationDocument.issuedBy", 1, 100),
  text("identificationDocument.number", 1, 30),
  country("identificationDocument.issuedCountryCode"),
  word("identificationDocument.type", ["passport", "driverLicense", "idCard", "other"]),
  date("identificationDocument.issuedDate", ["0001-01-01", "2031-05-01"], []),
  date("identificationDocument.expirationDate", ["2021-05-01", "9999-12-31"], ["2021-04-30", "0001-01-01"]),
];

/** What a company is. */
export const COMPANY: readonly FieldCase[] = [
  text("companyName", 1, 255),
  text("registrationNumber", 1, 50),
  country("registrationCountry"),
  past("registrationDate"),
  text("legalForm", 0, 100, { isOptional: true }),
  text("taxNumber", 0, 50, { isOptional: true }),
  text("businessActivity", 0, 500, { isOptional: true }),
  text("website", 0, 255, { isOptional: true }),
  { path: "website", taken: ["https://example.com", "not an address", "javascript:alert(1)"], refused: [] },
  { path: "operatingAddress", taken: [null, undefined], refused: [1, "a", true, []] },
  ...address("operatingAddress"),
];

/** A person of a company: as any person, and what it is to the company. */
export const RELATED: readonly FieldCase[] = [
  ...PERSON,
  ...CONTACT,
  {
    path: "roles",
    taken: [...ROLES.map((role) => [role]), ROLES, [...ROLES].reverse()],
    refused: [[], ["director", "director"], [...ROLES, "director"], null, undefined, "director", 1, {}],
  },
  { path: "roles.0", taken: [], refused: ["", "Director", "owner", 1, null] },
  {
    path: "sharePercent",
    taken: [null, undefined, 0, 100, 0.0001, 33.3333, 99.9999, 50],
    refused: [-0.0001, 100.0001, 0.00001, 33.33333, 101, -1, "50", "", true, [], {}],
  },
];

/** The cases as they stand in a body below a place. */
export function at(place: string, cases: readonly FieldCase[]): FieldCase[] {
  return cases.map((each) => ({ ...each, path: `${place}${each.path}` }));
}
