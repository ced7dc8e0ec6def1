// Pure: by what a client can be found without its data standing in the clear. Each word that a search may name becomes a keyed 64-bit mark;
// a search asks for clients that have all marks of its words, and looks at each hit again after decryption.

import type { Profile } from "../profiles/profile.ts";

/** Makes a 64-bit mark of a normalized word: the vault's, under the bank's search key. */
export type Marker = { shortMark(kind: string, text: string): bigint };

const PHONE = /^[+\d\s().-]+$/;
const PHONE_DIGITS_MIN = 5;
const PREFIX_MIN = 3;
const PREFIX_MAX = 12;

/** The marks of a client: prefixes of each word of its names and externalId, its e-mail address and its phone number. Sorted, each once. */
export function searchMarksOf(marker: Marker, externalId: string | null, profile: Profile): bigint[] {
  const words = new Set<string>();
  for (const text of namesOf(profile)) for (const word of wordsOf(text)) addPrefixes(words, word);
  if (externalId !== null) for (const word of wordsOf(externalId)) addPrefixes(words, word);
  for (const word of wordsOf(profile.email)) addPrefixes(words, word);
  const digits = digitsOf(profile.phoneNumber);
  if (digits.length >= PREFIX_MIN) addPrefixes(words, digits);
  return [...new Set([...words].map((word) => marker.shortMark("search", word)))].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/**
 * The words of a search, as the marks know them: each cut to the length up to which prefixes are marked. A text that looks like a phone
 * number is one word of digits. Empty when it holds neither a letter nor a digit.
 */
export function searchedWords(text: string): string[] {
  const words = PHONE.test(text) && digitsOf(text).length >= PHONE_DIGITS_MIN ? [digitsOf(text)] : wordsOf(text);
  return [...new Set(words.map((word) => Array.from(word).slice(0, PREFIX_MAX).join("")))];
}

/** The marks that a client must have to be found by all these words. */
export function marksOfWords(marker: Marker, words: readonly string[]): bigint[] {
  return words.map((word) => marker.shortMark("search", word));
}

/** Words as they are compared: lower case, without accents, split where no letter or digit stands. */
export function wordsOf(text: string): string[] {
  return text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");
}

function namesOf({ individual, company }: Profile): string[] {
  return [...(individual === null ? [] : [individual.firstName, individual.lastName]), ...(company === null ? [] : [company.companyName])];
}

function digitsOf(text: string): string {
  return text.replace(/\D/g, "");
}

function addPrefixes(words: Set<string>, word: string): void {
  const letters = Array.from(word);
  for (let length = Math.min(PREFIX_MIN, letters.length); length <= Math.min(PREFIX_MAX, letters.length); length++) {
    words.add(letters.slice(0, length).join(""));
  }
}
