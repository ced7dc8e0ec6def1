// How PostgreSQL's types arrive in JavaScript. bigint comes as BigInt and never as a double; a calendar date stays
// text, because a Date object would move it between time zones.

import pg from "pg";

const INT8 = 20;
const INT8_ARRAY = 1016;
const DATE = 1082;

type Parser = (text: string) => unknown;

const parsers = new Map<number, Parser>([
  [INT8, BigInt],
  [INT8_ARRAY, parseBigintArray],
  [DATE, (text) => text],
]);

export const typeParsers: pg.CustomTypesConfig = {
  getTypeParser: (oid, format): Parser =>
    (format === "binary" ? undefined : parsers.get(oid)) ?? (pg.types.getTypeParser(oid, format) as Parser),
};

/** "{1,NULL,3}" to bigints; NULL becomes null. */
export function parseBigintArray(text: string): (bigint | null)[] {
  if (text.length <= 2) return [];
  return text
    .slice(1, -1)
    .split(",")
    .map((item) => (item === "NULL" ? null : BigInt(item)));
}
