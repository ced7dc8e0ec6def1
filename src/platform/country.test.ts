import countries from "i18n-iso-countries";
import { expect, test } from "vitest";
import { isCountry, toAlpha3, toCountry } from "./country.ts";

const LETTERS = Array.from("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
const pairs = LETTERS.flatMap((first) => LETTERS.map((second) => first + second));

test("of all pairs of letters exactly those are countries that the reference package knows", () => {
  const known = Object.keys(countries.getAlpha2Codes()).sort();
  expect(pairs.filter((pair) => isCountry(pair))).toEqual(known);
  expect(known).toHaveLength(250);
});

test("letter case means nothing, and is taken away", () => {
  expect([toCountry("lt"), toCountry("Lt"), toCountry("LT"), toCountry("xk")]).toEqual(["LT", "LT", "LT", "XK"]);
});

test.each(["ZZ", "EU", "UK", "XX", "AA", "", "L", "LTU", " LT", "LT\n", "L\u0131", "ﬀ", "1T", "\u0130E"])("%j is no country", (code) => {
  expect(isCountry(code)).toBe(false);
});

test("every country has the three letters that the reference package knows; Kosovo has those that banks use", () => {
  const known = { ...countries.getAlpha2Codes(), XK: "XKX" };
  expect(Object.fromEntries(Object.keys(known).map((code) => [code, toAlpha3(code)]))).toEqual(known);
  expect([toAlpha3("lt"), toAlpha3("ZZ"), toAlpha3("LTU")]).toEqual(["LTU", null, null]);
});
