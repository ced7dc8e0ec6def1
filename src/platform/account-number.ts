// The bank's own account numbers: 10 digits, the first 8 running, the last 2 check digits of ISO 7064 MOD 97-10, so that every single
// wrong digit and every swap of neighbours is found (contract decision 23). 99 999 999 numbers: long before the last one is given out
// a longer form is needed, most simply 10 running digits; it can live beside this one, as the lengths differ, but an IBAN whose
// account part has only 10 digits could not carry it.

import { mod97, mod97CheckDigits } from "./mod97.ts";

/** The last running number that fits. */
export const RUNNING_NUMBER_MAX = 99_999_999n;

/** The account number of a running number, which a sequence of the database gives out from 1. Throws RangeError when they are used up. */
export function accountNumber(running: bigint): string {
  if (running < 1n || running > RUNNING_NUMBER_MAX) throw new RangeError(`No account number has the running number ${running}.`);
  const digits = running.toString().padStart(8, "0");
  return digits + mod97CheckDigits(digits);
}

/** Whether the text has the form of our numbers, with right check digits. Says nothing about an account with that number. */
export function isAccountNumber(text: string): boolean {
  return text.length === 10 && /^[0-9]{10}$/.test(text) && mod97(text) === 1;
}

/** The 8 running digits, for a bank's IBAN that has no room for the check digits. */
export function runningDigits(number: string): string {
  if (!isAccountNumber(number)) throw new RangeError("Not an account number of this bank.");
  return number.slice(0, 8);
}
