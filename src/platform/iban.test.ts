import fc from "fast-check";
import { extractIBAN, isValidBBAN, isValidIBAN } from "ibantools";
import { expect, test } from "vitest";
import { accountNumber, RUNNING_NUMBER_MAX } from "./account-number.ts";
import { composeIban, ibanCountries, ibanIssuerFault, isValidBic, isValidIban } from "./iban.ts";

const BANK_CODES: Readonly<Record<string, string>> = {
  AT: "19043",
  BG: "BNBG966110",
  CY: "00200128",
  DE: "37040044",
  EE: "22",
  ES: "21000418",
  FR: "2004101005",
  GB: "FLEG123456",
  GR: "0110125",
  IE: "AIBK931152",
  LT: "35000",
  LU: "001",
  LV: "BANK",
  MC: "1122200001",
  MT: "MALT01100",
  NL: "ABNA",
  PT: "00020123",
  SI: "26330",
};

const issuer = (country: string) => ({ country, bankCode: BANK_CODES[country] ?? "" });

test("every country we issue in is tried here", () => {
  expect(ibanCountries).toEqual(Object.keys(BANK_CODES));
});

test.each(ibanCountries)("IBANs of %s pass the checks of ibantools, national ones too, and carry the account number", (country) => {
  fc.assert(
    fc.property(fc.bigInt(1n, RUNNING_NUMBER_MAX), (running) => {
      const number = accountNumber(running);
      const iban = composeIban(issuer(country), number);
      expect([iban, isValidIBAN(iban), isValidBBAN(iban.slice(4), country), isValidIban(iban)]).toEqual([iban, true, true, true]);
      expect(extractIBAN(iban).countryCode).toBe(country);
      expect(iban).toContain(number.slice(0, 8));
    }),
    { numRuns: 300 },
  );
});

test.each([
  ["LT", "LT533500000000000195"],
  ["GB", "GB86FLEG12345600000001"],
  ["DE", "DE41370400440000000195"],
])("the first account's IBAN in %s is %s", (country, iban) => {
  expect(composeIban(issuer(country), "0000000195")).toBe(iban);
});

test("no two account numbers have one IBAN", () => {
  for (const country of ibanCountries) {
    const ibans = Array.from({ length: 2000 }, (_, i) => composeIban(issuer(country), accountNumber(BigInt(i * 37 + 1))));
    expect(new Set(ibans).size).toBe(2000);
  }
});

test("settings that cannot make an IBAN are explained to the operator", () => {
  expect(ibanIssuerFault({ country: "LT", bankCode: "35000" })).toBeNull();
  expect(ibanIssuerFault({ country: "LT", bankCode: "3500" })).toBe("The bank code for LT must be 5 digits.");
  expect(ibanIssuerFault({ country: "GB", bankCode: "FLEG12345" })).toBe(
    "The bank code for GB must be 4 letters and the 6 digits of the sort code.",
  );
  expect(ibanIssuerFault({ country: "NL", bankCode: "abna" })).toBe("The bank code for NL must be 4 letters.");
  expect(ibanIssuerFault({ country: "BE", bankCode: "539" })).toMatch(/^IBANs of the country BE cannot be issued; possible are AT, BG,/);
  expect(ibanIssuerFault({ country: "lt", bankCode: "35000" })).toMatch(/cannot be issued/);
});

test("nothing is made of wrong settings or a foreign account number", () => {
  expect(() => composeIban({ country: "LT", bankCode: "35" }, "0000000195")).toThrow(RangeError);
  expect(() => composeIban({ country: "BE", bankCode: "539" }, "0000000195")).toThrow(RangeError);
  expect(() => composeIban(issuer("LT"), "0000000196")).toThrow(RangeError);
});

test.each([
  "LT121000011101001000",
  "DE89370400440532013000",
  "GB29NWBK60161331926819",
  "NL91ABNA0417164300",
  "FR1420041010050500013M02606",
  "EE382200221020145685",
])("%s is a valid IBAN", (text) => {
  expect(isValidIban(text)).toBe(true);
});

test.each([
  "LT121000011101001001",
  "LT12100001110100100",
  "LT1210000111010010000",
  "lt121000011101001000",
  "LT12 1000 0111 0100 1000",
  "LT12-1000-0111-0100-1000",
  " LT121000011101001000",
  "LT121000011101001000\n",
  "DE121000011101001000",
  "ZZ121000011101001000",
  "EE382200221020145684",
  "",
  "L".repeat(1_000_000),
])("%.40j is no IBAN", (text) => {
  expect(isValidIban(text)).toBe(false);
});

test.each([
  ["DEUTDEFF", true],
  ["DEUTDEFF500", true],
  ["NWBKGB2LXXX", true],
  ["DEUTDEF", false],
  ["DEUTDEFF50", false],
  ["deutdeff", false],
  ["DEUTZZFF", false],
  ["DEUT DEFF", false],
  ["DEUTDEFF\r\n1", false],
  ["", false],
])("%j: is a BIC is %s", (text, valid) => {
  expect(isValidBic(text)).toBe(valid);
});
