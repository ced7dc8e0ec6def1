// SQL of lists over payments that were found by other means: few enough to be put in order on the spot.

import type { Tx } from "#platform/db.ts";
import { andAll } from "./conditions.store.ts";
import { type ListView, standsAt } from "./list-view.store.ts";
import type { Found } from "./place.ts";
import { type Filter, Values } from "./statement.ts";
import type { Look, Range } from "./walk.ts";

/** Looks among these payments. The whole of them is read each time: for a few thousand at most. */
export function lookAmong(tx: Tx, view: ListView, paymentIds: readonly string[], range: Range, filter: Filter): Look {
  return async (after, limit) => {
    if (paymentIds.length === 0) return { found: [], through: null };
    const { newestFirst } = range;
    const values = new Values();
    const pieces = [
      `p.sequence between ${values.bind(range.from)} and ${values.bind(range.through)}`,
      ...(after === null
        ? []
        : [`(p.sequence, m.slot) ${newestFirst ? "<" : ">"} (${values.bind(after.sequence)}, ${values.bind(after.slot)})`]),
      ...filter(values),
    ];
    const direction = newestFirst ? "desc" : "asc";
    const found = await tx.query<Found>(
      `select p.sequence, m.slot, m.payment_id as "paymentId"
       from ${view.name} m
       cross join lateral (select ${standsAt(values.bind(range.head))} as sequence) p
       where m.payment_id = any(${values.bind(paymentIds)})${andAll(pieces)}
       order by p.sequence ${direction}, m.slot ${direction}
       limit ${values.bind(limit)}`,
      values.list,
    );
    return { found, through: found.length < limit ? null : (found.at(-1) ?? null) };
  };
}
