// Countries by their ISO 3166-1 alpha-2 code. A table of our own: the package that has it takes 20 ms and 2 MB at start (it is the
// oracle of the test).

/** An assigned code, upper case. */
export type Country = string & { readonly __brand: "Country" };

/** Every assigned code, and XK, which is user-assigned but what banks and payment schemes use for Kosovo. */
const CODES = `
  AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI
  CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ
  GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS
  LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG
  PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK
  TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW`;

const codes: ReadonlySet<string> = new Set(CODES.trim().split(/\s+/));

/** Whether the text is a country's code, in any letter case: the documented import takes two characters and says nothing of their case. */
export function isCountry(code: string): boolean {
  return toCountry(code) !== null;
}

/** The code as we keep it, upper case; null when no country has it. */
export function toCountry(code: string): Country | null {
  // Bounded first, and ASCII only: upper case of other letters can fall into A to Z.
  const upper = /^[A-Za-z]{2}$/.test(code) ? code.toUpperCase() : "";
  return codes.has(upper) ? (upper as Country) : null;
}
