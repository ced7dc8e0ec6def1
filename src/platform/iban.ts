// The IBANs of our own accounts (ISO 13616): which countries we can issue in, and how an account number is put into their national
// form. Checking what others send is ibantools' business.

import { isValidBIC, isValidIBAN } from "ibantools";
import { runningDigits } from "./account-number.ts";
import { mod97, mod97CheckDigits } from "./mod97.ts";

/** The bank that issues: country of the IBAN, and all of the national form that stands for bank and branch. */
export type IbanIssuer = { readonly country: string; readonly bankCode: string };

/** Whether the text is an IBAN in electronic form: upper case, no spaces, right length and check digits, national checks where known. */
export function isValidIban(text: string): boolean {
  return text.length <= 34 && isValidIBAN(text);
}

/** Whether the text is a BIC (ISO 9362): 8 or 11 characters, upper case. Says nothing about a bank with that code. */
export function isValidBic(text: string): boolean {
  return /^[A-Z0-9]{8}(?:[A-Z0-9]{3})?$/.test(text) && isValidBIC(text);
}

/** What is wrong with the settings of an issuer, as a sentence for the operator; null when IBANs can be made with it. Asked at start. */
export function ibanIssuerFault(issuer: IbanIssuer): string | null {
  const layout = LAYOUTS.get(issuer.country);
  if (!layout) return `IBANs of the country ${issuer.country} cannot be issued; possible are ${[...LAYOUTS.keys()].join(", ")}.`;
  if (!layout.bankCode.test(issuer.bankCode)) return `The bank code for ${issuer.country} must be ${layout.bankCodeRule}.`;
  return null;
}

/**
 * The IBAN of one of our account numbers. Its account part is the number, with zeros before it; where that part has 8 digits (BG, GB,
 * IE, SI) it is the number's 8 running digits, without the check digits: the IBAN has its own.
 * Throws RangeError for an issuer that `ibanIssuerFault` complains about and for what is no account number of ours.
 */
export function composeIban(issuer: IbanIssuer, accountNumber: string): string {
  const layout = LAYOUTS.get(issuer.country);
  const fault = ibanIssuerFault(issuer);
  if (!layout || fault !== null) throw new RangeError(fault ?? "");
  const running = runningDigits(accountNumber);
  const account = (layout.accountLength < accountNumber.length ? running : accountNumber).padStart(layout.accountLength, "0");
  const bban = layout.compose(issuer.bankCode, account);
  return issuer.country + mod97CheckDigits(toDigits(bban + issuer.country)) + bban;
}

/** How a country writes bank and account, its BBAN (SWIFT IBAN registry). */
type Layout = {
  readonly bankCode: RegExp;
  /** The same for a person. */
  readonly bankCodeRule: string;
  readonly accountLength: number;
  readonly compose: (bankCode: string, account: string) => string;
};

/**
 * Left out: BE (7 digits are too few for our numbers), HR and SK (checks over the account that they cannot meet), FI, IT and SM (checks
 * that nothing here could test).
 */
const LAYOUTS: ReadonlyMap<string, Layout> = new Map([
  ["AT", written(/^[0-9]{5}$/, "5 digits", 11)],
  ["BG", written(/^[A-Z]{4}[0-9]{6}$/, "4 letters, 4 digits of the branch and 2 of the account type", 8)],
  ["CY", written(/^[0-9]{8}$/, "3 digits of the bank and 5 of the branch", 16)],
  ["DE", written(/^[0-9]{8}$/, "8 digits", 10)],
  ["EE", written(/^[0-9]{2}$/, "2 digits", 13, estonian)],
  ["ES", written(/^[0-9]{8}$/, "4 digits of the bank and 4 of the branch", 10, spanish)],
  ["FR", written(/^[0-9]{10}$/, "5 digits of the bank and 5 of the branch", 11, french)],
  ["GB", written(/^[A-Z]{4}[0-9]{6}$/, "4 letters and the 6 digits of the sort code", 8)],
  ["GR", written(/^[0-9]{7}$/, "3 digits of the bank and 4 of the branch", 16)],
  ["IE", written(/^[A-Z]{4}[0-9]{6}$/, "4 letters and the 6 digits of the sort code", 8)],
  ["LT", written(/^[0-9]{5}$/, "5 digits", 11)],
  ["LU", written(/^[0-9]{3}$/, "3 digits", 13)],
  ["LV", written(/^[A-Z]{4}$/, "4 letters", 13)],
  ["MC", written(/^[0-9]{10}$/, "5 digits of the bank and 5 of the branch", 11, french)],
  ["MT", written(/^[A-Z]{4}[0-9]{5}$/, "4 letters and the 5 digits of the sort code", 18)],
  ["NL", written(/^[A-Z]{4}$/, "4 letters", 10)],
  ["PT", written(/^[0-9]{8}$/, "4 digits of the bank and 4 of the branch", 11, withMod97)],
  ["SI", written(/^[0-9]{5}$/, "5 digits", 8, withMod97)],
]);

/** Countries that IBANs can be issued in, ISO 3166-1 alpha-2. */
export const ibanCountries: readonly string[] = [...LAYOUTS.keys()];

function written(bankCode: RegExp, bankCodeRule: string, accountLength: number, compose = joined): Layout {
  return { bankCode, bankCodeRule, accountLength, compose };
}

/** Most countries have no check of their own inside. */
function joined(bankCode: string, account: string): string {
  return bankCode + account;
}

function withMod97(bankCode: string, account: string): string {
  return bankCode + account + mod97CheckDigits(bankCode + account);
}

/** The clé RIB: the whole, with it, is divisible by 97 under the weights 89, 15 and 3. */
function french(bankCode: string, account: string): string {
  const weighted = 89 * mod97(bankCode.slice(0, 5)) + 15 * mod97(bankCode.slice(5)) + 3 * mod97(account);
  return bankCode + account + String(97 - (weighted % 97)).padStart(2, "0");
}

/** Two check digits, of bank and account, stand between them: weights 1, 2, 4 ... modulo 11. */
function spanish(bankCode: string, account: string): string {
  return bankCode + mod11Digit(`00${bankCode}`) + mod11Digit(account) + account;
}

function mod11Digit(tenDigits: string): string {
  const check = 11 - (weightedSum(tenDigits, [1, 2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11);
  return String(check === 11 ? 0 : check === 10 ? 1 : check);
}

/** One check digit at the end, over the account: weights 7, 1, 3 modulo 10. */
function estonian(bankCode: string, account: string): string {
  const rest = weightedSum(account, [7, 1, 3]) % 10;
  return bankCode + account + String((10 - rest) % 10);
}

function weightedSum(digits: string, weights: readonly number[]): number {
  return Array.from(digits).reduce((sum, digit, i) => sum + Number(digit) * (weights[i % weights.length] ?? 0), 0);
}

/** Letters as two digits, A is 10 (ISO 7064). */
function toDigits(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55));
}
