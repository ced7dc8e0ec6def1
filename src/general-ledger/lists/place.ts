// Where things stand in a list of the ledger. A place is a sequence and, within one payment, a slot (2 x line, plus 1 for the credit
// side). A booked line stands at the change that booked it, any other at the change that created its payment. Pure.
//
// A walk remembers the head of the ledger at which it began: what is booked later keeps, for this walk, the place where it stood then.
// So a walk meets everything that was there when it began once and only once, whatever is booked, pended or cancelled meanwhile.

import { refusePlatform } from "#platform/problem.ts";

export type Place = { readonly sequence: bigint; readonly slot: number };

/** Something of a payment, where it stands. */
export type Found = Place & { readonly paymentId: string };

/** Before and behind every slot of a sequence. */
export const FIRST_SLOT = 0;
export const LAST_SLOT = 127;

/** Order of places as for Array.sort: the one to be met first is the smaller one. */
export function comparePlaces(a: Place, b: Place, newestFirst: boolean): number {
  const order = a.sequence === b.sequence ? a.slot - b.slot : a.sequence < b.sequence ? -1 : 1;
  return newestFirst ? -order : order;
}

/** The text of a cursor: the walk's head, and the place behind which the next page begins. */
export function placeText(head: bigint, place: Place): string {
  return `${head}.${place.sequence}.${place.slot}`;
}

/** Reads it back; 400 for a text that no cursor holds. */
export function readPlace(text: string): { readonly head: bigint; readonly after: Place } {
  const parts = /^([0-9]{1,18})\.([0-9]{1,18})\.([0-9]{1,3})$/.exec(text);
  if (!parts) return refusePlatform("validationFailed", { errors: { cursor: ["The field must be a nextCursor of the same list."] } });
  return { head: BigInt(parts[1] ?? ""), after: { sequence: BigInt(parts[2] ?? ""), slot: Number(parts[3]) } };
}
