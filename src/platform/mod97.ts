// The remainder by 97 that account numbers and IBANs are checked with (ISO 7064 MOD 97-10).

/** Remainder of a number written in digits of any count. The caller has made sure that there are only digits. */
export function mod97(digits: string): number {
  let rest = 0;
  for (let i = 0; i < digits.length; i += 1) rest = (rest * 10 + digits.charCodeAt(i) - 0x30) % 97;
  return rest;
}

/** The two digits to put behind a number so that the whole leaves 1. */
export function mod97CheckDigits(digits: string): string {
  return String(98 - mod97(`${digits}00`)).padStart(2, "0");
}
