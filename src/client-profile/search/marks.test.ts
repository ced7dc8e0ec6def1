import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DataKey } from "#platform/sealing.ts";
import type { Profile } from "../profiles/profile.ts";
import { marksOfWords, searchedWords, searchMarksOf, wordsOf } from "./marks.ts";

const key = new DataKey(Buffer.alloc(32, 1));
const marker = { shortMark: (kind: string, text: string) => key.mark(kind, text).readBigInt64BE() };

const address = { streetLine1: "1 Sample Street", streetLine2: null, city: "Sampleton", state: null, zip: "12345", country: "LT" };
const document = {
  issuedBy: "Office",
  expirationDate: "2031-05-01",
  type: "passport",
  number: "S0000001",
  issuedCountryCode: "LT",
  issuedDate: "2021-05-01",
} as const;

function aProfile(changes: { firstName?: string; lastName?: string; email?: string; phoneNumber?: string } = {}): Profile {
  const { firstName = "Sample", lastName = "Person", email = "someone@example.com", phoneNumber = "+37061234567" } = changes;
  const individual = {
    firstName,
    lastName,
    dateOfBirth: "1990-01-31",
    citizenshipCountry: "LT",
    residenceCountry: "LT",
    identificationDocument: document,
  };
  return { email, phoneNumber, address, individual, company: null };
}

const finds = (profile: Profile, externalId: string | null, search: string): boolean => {
  const words = searchedWords(search);
  const marks = new Set(searchMarksOf(marker, externalId, profile));
  return words.length > 0 && marksOfWords(marker, words).every((mark) => marks.has(mark));
};

test("whoever searches for the beginning of any word of a client, three characters or all of it, finds the client", () => {
  const name = fc.stringMatching(/^[A-Za-z]{1,20}( [A-Za-z]{1,20})?$/);
  fc.assert(
    fc.property(name, name, fc.nat(), fc.nat(), (firstName, lastName, which, length) => {
      const words = wordsOf(`${firstName} ${lastName}`);
      const word = words[which % words.length] ?? "";
      const beginning = word.slice(0, Math.max(3, length % (word.length + 1)));
      return finds(aProfile({ firstName, lastName }), null, beginning);
    }),
  );
});

test("a search finds nobody whose words all begin otherwise", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z]{3,12}$/), (word) => {
      const client = aProfile();
      const begins = wordsOf("Sample Person someone example com 37061234567").some((own) => own.startsWith(word));
      return finds(client, null, word) === begins;
    }),
  );
});

test("marks hold each word once, in order, and nothing of its text", () => {
  const marks = searchMarksOf(marker, "ext-1", aProfile({ firstName: "Person", lastName: "Person" }));
  expect(marks).toEqual([...new Set(marks)].toSorted((a, b) => (a < b ? -1 : 1)));
  const others = searchMarksOf(
    { shortMark: (kind, text) => new DataKey(Buffer.alloc(32, 2)).mark(kind, text).readBigInt64BE() },
    "ext-1",
    aProfile(),
  );
  expect(marks.filter((mark) => others.includes(mark))).toEqual([]);
});

describe("what is searched for", () => {
  test.each([
    ["Ada  KING-noel", ["ada", "king", "noel"]],
    ["Łukasz Żółć Zoë", ["łukasz", "zołc", "zoe"]],
    ["ada ada", ["ada"]],
    ["internationalization", ["internationa"]],
    ["countess@engines.example", ["countess", "engines", "example"]],
    ["+370 (612) 34-567", ["37061234567"]],
    ["+44 20 7946 0958 123456", ["442079460958"]],
    ["12 34", ["12", "34"]],
    ["?!", []],
    ["  ", []],
  ])("%j means the words %j", (text, words) => {
    expect(searchedWords(text)).toEqual(words);
  });
});
