// Decimal numbers as text, of any size, never as floating point: the one grammar that JSON numbers and amounts are read by.

/** Value = (-1 if negative) x significant x 10^power. `significant` has no zeros at either end; it is "" for zero. */
export type Decimal = {
  readonly negative: boolean;
  readonly significant: string;
  readonly power: number;
  readonly hasExponent: boolean;
};

/** The number grammar of JSON (RFC 8259, section 6). Linear in the text's length. */
const DECIMAL = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;

/** Reads a decimal; null when the text is none. An exponent beyond all bounds gives an infinite `power`: bound it before use. */
export function readDecimal(text: string): Decimal | null {
  const parts = DECIMAL.exec(text);
  if (!parts) return null;
  const fraction = parts[3] ?? "";
  const digits = parts[2] + fraction;
  let start = 0;
  let end = digits.length;
  while (start < end && digits[start] === "0") start += 1;
  while (end > start && digits[end - 1] === "0") end -= 1;
  return {
    negative: parts[1] !== "",
    significant: digits.slice(start, end),
    power: Number(parts[4] ?? 0) - fraction.length + (digits.length - end),
    hasExponent: parts[4] !== undefined,
  };
}

/** The text without its exponent, the value unchanged ("1.5e2" is "150"); null when it is no decimal or would get longer than `lengthMax`. */
export function plainDecimal(text: string, lengthMax: number): string | null {
  const decimal = text.length <= lengthMax ? readDecimal(text) : null;
  if (!decimal?.hasExponent) return decimal && text;
  const { negative, significant, power } = decimal;
  const sign = negative ? "-" : "";
  if (significant === "") return `${sign}0`;
  // Sign, point and a leading zero are the three more that may come on top.
  if (significant.length + Math.abs(power) + 3 > lengthMax) return null;
  if (power >= 0) return sign + significant + "0".repeat(power);
  const digits = significant.padStart(1 - power, "0");
  return `${sign}${digits.slice(0, power)}.${digits.slice(power)}`;
}

/** Whether two texts have the same value, however they write it ("1.50" and "15e-1"). Texts that are no decimals never do. */
export function sameDecimal(a: string, b: string): boolean {
  const x = readDecimal(a);
  const y = readDecimal(b);
  if (!x || !y || x.significant !== y.significant) return false;
  return x.significant === "" || (x.power === y.power && x.negative === y.negative);
}
