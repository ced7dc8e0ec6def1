// Filters as SQL: conditions on a row `m` of a list's view. Only what was asked for becomes a condition.

import type { DateBounds } from "#platform/date-bounds.ts";
import type { MinorBound } from "./bounds.ts";
import type { Values } from "./statement.ts";

/** The pieces as more conditions of a where clause. */
export function andAll(pieces: readonly string[]): string {
  return pieces.map((piece) => ` and (${piece})`).join("");
}

/** Whether nothing is asked but dates and tenant. Of such statements there are few kinds, and planning one takes longer than running it. */
export function isPlain(pieces: readonly string[]): boolean {
  return pieces.every((piece) => piece.startsWith("m.dated_at ") || piece.startsWith("m.tenant "));
}

/** The member is one of a list; none asked for: any. */
export function isOneOf(values: Values, column: string, wanted: readonly string[] | undefined, type = "text"): string[] {
  return wanted === undefined || wanted.length === 0 ? [] : [`${column} = any(${values.bind(wanted)}::${type}[])`];
}

/** What a list dates its rows by lies within the bounds. */
export function isDatedWithin(values: Values, { from, before }: DateBounds): string[] {
  return [
    ...(from === null ? [] : [`m.dated_at >= ${values.bind(from)}`]),
    ...(before === null ? [] : [`m.dated_at < ${values.bind(before)}`]),
  ];
}

/** The amount is at least (at most) the bound of its currency. */
export function isAmountWithin(values: Values, operator: ">=" | "<=", bounds: readonly MinorBound[]): string {
  const cases = bounds.map(({ codes, minor }) => `when m.currency = any(${values.bind(codes)}::text[]) then ${values.bind(minor)}::bigint`);
  return `m.amount_minor ${operator} case ${cases.join(" ")} end`;
}

/** One of the texts contains the wanted one, whatever the letter case. Nothing in it is a wildcard. */
export function contains(values: Values, columns: readonly string[], wanted: string): string {
  const text = `lower(${values.bind(wanted)}::text)`;
  return columns.map((column) => `position(${text} in lower(${column})) > 0`).join(" or ");
}

/** The metadata has this value under this name. */
export function hasMetadata(values: Values, name: string, value: string): string {
  return `m.metadata ->> ${values.bind(name)}::text = ${values.bind(value)}`;
}
