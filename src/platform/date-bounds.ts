// Bounds of a list in time: from the caller's texts to instants. Pure.

import { isLocalDate } from "./dates.ts";

/** `from` is included, `before` is not. */
export type DateBounds = { readonly from: Date | null; readonly before: Date | null };

export type DateQuery = { readonly dateFrom?: string | null; readonly dateTo?: string | null };

/** Contract 3.5: from is inclusive, to exclusive; a bare date means the whole day (UTC). */
export function readDates({ dateFrom, dateTo }: DateQuery): DateBounds {
  return { from: dateFrom == null ? null : startOf(dateFrom), before: dateTo == null ? null : endOf(dateTo) };
}

const DAY_MS = 86_400_000;

function startOf(text: string): Date {
  return isLocalDate(text) ? new Date(midnight(text)) : instantOf(text);
}

function endOf(text: string): Date {
  return isLocalDate(text) ? new Date(midnight(text) + DAY_MS) : instantOf(text);
}

function midnight(date: string): number {
  return Date.parse(`${date}T00:00:00Z`);
}

/** What is booked stands at whole milliseconds: at or after, and before, an instant between two of them is at or after, and before, the later. */
function instantOf(text: string): Date {
  const isBetween = /\.[0-9]{3}[0-9]*[1-9]/.test(text);
  return new Date(Date.parse(text) + (isBetween ? 1 : 0));
}
