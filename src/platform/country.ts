// Countries by their ISO 3166-1 codes: of two letters here, of three for those who speak so. Tables of our own: the package that has them
// takes 20 ms and 2 MB at start (it is the oracle of the test).

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

/** The codes of three letters, in the order of `CODES`. */
const CODES_ALPHA3 = `
  AND ARE AFG ATG AIA ALB ARM AGO ATA ARG ASM AUT AUS ABW ALA AZE BIH BRB BGD BEL BFA BGR BHR BDI BEN BLM BMU BRN BOL BES BRA BHS BTN
  BVT BWA BLR BLZ CAN CCK COD CAF COG CHE CIV COK CHL CMR CHN COL CRI CUB CPV CUW CXR CYP CZE DEU DJI DNK DMA DOM DZA ECU EST EGY ESH
  ERI ESP ETH FIN FJI FLK FSM FRO FRA GAB GBR GRD GEO GUF GGY GHA GIB GRL GMB GIN GLP GNQ GRC SGS GTM GUM GNB GUY HKG HMD HND HRV HTI
  HUN IDN IRL ISR IMN IND IOT IRQ IRN ISL ITA JEY JAM JOR JPN KEN KGZ KHM KIR COM KNA PRK KOR KWT CYM KAZ LAO LBN LCA LIE LKA LBR LSO
  LTU LUX LVA LBY MAR MCO MDA MNE MAF MDG MHL MKD MLI MMR MNG MAC MNP MTQ MRT MSR MLT MUS MDV MWI MEX MYS MOZ NAM NCL NER NFK NGA NIC
  NLD NOR NPL NRU NIU NZL OMN PAN PER PYF PNG PHL PAK POL SPM PCN PRI PSE PRT PLW PRY QAT REU ROU SRB RUS RWA SAU SLB SYC SDN SWE SGP
  SHN SVN SJM SVK SLE SMR SEN SOM SUR SSD STP SLV SXM SYR SWZ TCA TCD ATF TGO THA TJK TKL TLS TKM TUN TON TUR TTO TUV TWN TZA UKR UGA
  UMI USA URY UZB VAT VCT VEN VGB VIR VNM VUT WLF WSM XKX YEM MYT ZAF ZMB ZWE`;

const list = (codes: string): readonly string[] => codes.trim().split(/\s+/);
const codes: ReadonlySet<string> = new Set(list(CODES));
const alpha3: ReadonlyMap<string, string> = new Map(list(CODES).map((code, index) => [code, list(CODES_ALPHA3)[index] ?? ""]));

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

/** The country's code of three letters: ISO 3166-1 alpha-3, and XKX for Kosovo, which is as little assigned as XK is. Null: no country. */
export function toAlpha3(code: string): string | null {
  const country = toCountry(code);
  return country === null ? null : (alpha3.get(country) ?? null);
}
