import { expect, test } from "vitest";
import { currencies, currencyName, currencyNumber, isCurrency, minorDigits } from "./currency.ts";

test.each([
  ["EUR", 2, "978", "Euro"],
  ["JPY", 0, "392", "Yen"],
  ["KWD", 3, "414", "Kuwaiti Dinar"],
  ["IQD", 3, "368", "Iraqi Dinar"],
  ["HUF", 2, "348", "Forint"],
  ["ISK", 0, "352", "Iceland Krona"],
  ["XCG", 2, "532", "Caribbean Guilder"],
  ["XOF", 0, "952", "CFA Franc BCEAO"],
  ["XAF", 0, "950", "CFA Franc BEAC"],
  ["XPF", 0, "953", "CFP Franc"],
  ["XCD", 2, "951", "East Caribbean Dollar"],
  ["ALL", 2, "008", "Lek"],
])("%s has %i digits and the number %s", (code, digits, number, name) => {
  if (!isCurrency(code)) throw new Error(`${code} is missing`);
  expect([minorDigits(code), currencyNumber(code), currencyName(code)]).toEqual([digits, number, name]);
});

test.each([
  "BGN",
  "HRK",
  "ANG",
  "ZWL",
  "SLL",
  "CUC",
  "DEM",
  "XXX",
  "XTS",
  "XAU",
  "XDR",
  "CHE",
  "CLF",
  "BTC",
  "eur",
  "EUR ",
  "€",
  "",
  "__proto__",
  "constructor",
])("%j is no currency", (code) => {
  expect(isCurrency(code)).toBe(false);
});

test("every currency that accounts may have is in the table", () => {
  const accountCurrencies =
    "AED AUD BHD BRL CAD CHF CNY CZK DKK EUR GBP GEL HKD HUF IDR ILS INR ISK JPY KWD KZT MXN NOK NZD PLN RON SAR SEK SGD THB TRY USD ZAR";
  expect(accountCurrencies.split(" ").filter((code) => !isCurrency(code))).toEqual([]);
});

test("the table is well formed: sorted codes, numbers used once, digits that ISO 4217 knows", () => {
  expect(currencies).toEqual([...currencies].sort());
  expect(currencies.filter((code) => !/^[A-Z]{3}$/.test(code))).toEqual([]);
  expect(new Set(currencies.map(currencyNumber)).size).toBe(currencies.length);
  expect(currencies.filter((code) => !/^[0-9]{3}$/.test(currencyNumber(code)))).toEqual([]);
  expect(new Set(currencies.map(minorDigits))).toEqual(new Set([0, 2, 3]));
});

test("no code is misspelt: the engine's own list knows every one but the second Venezuelan", () => {
  const known = new Set(Intl.supportedValuesOf("currency"));
  expect(currencies.filter((code) => !known.has(code))).toEqual(["VED"]);
});
