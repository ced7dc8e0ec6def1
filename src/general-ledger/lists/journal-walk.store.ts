// SQL of walks along the whole journal: for lists of no account in particular. Sequences have no gaps, so a stretch of so many changes is
// a range of sequences, and rows are read lazily in their order.

import type { Tx } from "#platform/db.ts";
import { andAll, isPlain } from "./conditions.store.ts";
import { type ListView, postedAt } from "./list-view.store.ts";
import { readSkipping } from "./skip.store.ts";
import { FIRST_SLOT, LAST_SLOT } from "./place.ts";
import { type Filter, Values } from "./statement.ts";
import type { Look, Range } from "./walk.ts";

/**
 * Begins the reading of a list: tells where the ledger's head stands on this snapshot, the number of its last change. From here on to its
 * end the transaction reads row by row along indexes and stops where it has enough: what the planner may not do is read whole tables, or
 * all of a stretch to sort it, because it takes a filter that matches much for one that matches nothing.
 */
export async function beginList(tx: Tx): Promise<bigint> {
  const rows = await tx.sql<{ head: bigint }>`
    select last_sequence as head, set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true),
           set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true),
           set_config('plan_cache_mode', 'force_generic_plan', true)
    from general_ledger.ledger_head where id = 1`;
  return rows[0]?.head ?? 0n;
}

/** How many changes were committed before the instant: none of them is dated at or after it. */
export async function countChangesBefore(tx: Tx, before: Date): Promise<bigint> {
  const rows = await tx.sql<{ count: bigint }>`select general_ledger.count_changes_before(${before}) as count`;
  return rows[0]?.count ?? 0n;
}

/** The last change up to `limit` that is dated before the instant, or one behind it. */
export async function lastChangeDatedBefore(tx: Tx, before: Date, limit: bigint): Promise<bigint> {
  const rows = await tx.sql<{ last: bigint }>`select general_ledger.last_change_dated_before(${before}, ${limit}) as last`;
  return rows[0]?.last ?? 0n;
}

/** The change `u` brought its payment into the books. */
const IS_CREATION = `(u.change = 'payment.drafted' or u.change = 'payment.pending' and exists (
           select from general_ledger.payment_change c where c.payment_id = u.subject and c.change_no = 1 and c.change = 'payment.pending'))`;

/** Looks along the journal. */
export function lookAlongJournal(tx: Tx, view: ListView, range: Range, filter: Filter): Look {
  return async (after, limit, effort, skip) => {
    const { newestFirst, head } = range;
    const size = BigInt(effort);
    const high = newestFirst
      ? smaller(range.through, after?.sequence)
      : smaller(range.through, larger(range.from, after?.sequence) + size - 1n);
    const low = newestFirst ? larger(range.from, high - size + 1n) : larger(range.from, after?.sequence);
    if (low > high) return { found: [], through: null };

    const values = new Values();
    const [lowest, highest] = [values.bind(low), values.bind(high)];
    const pieces = filter(values);
    const filters = andAll(pieces);
    const behind =
      after === null
        ? ""
        : ` and (u.sequence, m.slot) ${newestFirst ? "<" : ">"} (${values.bind(after.sequence)}, ${values.bind(after.slot)})`;
    const direction = newestFirst ? "desc" : "asc";
    // What was posted since the walk began stands where its payment was created.
    const began = range.isCurrent ? null : values.bind(head);
    const isSettled = began === null || high <= head ? "" : ` and (u.sequence <= ${began} or m.is_one_step)`;
    const isUnsettled = began === null ? "not m.is_booked" : `(not m.is_booked or ${postedAt("m.payment_id")} > ${began})`;
    const { rows, skipped } = await readSkipping(
      tx,
      `select u.sequence, m.slot, m.payment_id as "paymentId"
       from general_ledger.journal j
       cross join lateral (
         select j.first_sequence + c.place - 1 as sequence, c.change, c.subject, c.place
         from unnest(j.changes, j.subjects) with ordinality c(change, subject, place)) u
       cross join lateral (
         select m.payment_id, m.slot from ${view.changed} m
         where u.change = 'payment.posted' and ${view.isPosted}${isSettled}${filters}
         union all
         select m.payment_id, m.slot from ${view.changed} m
         where ${IS_CREATION} and ${view.isListed} and ${isUnsettled}${filters}) m
       where j.first_sequence >= (select coalesce(max(b.first_sequence), 0) from general_ledger.journal b where b.first_sequence <= ${lowest})
         and j.first_sequence <= ${highest} and u.sequence between ${lowest} and ${highest}
         and u.change in ('payment.posted', 'payment.drafted', 'payment.pending')${behind}
       order by j.first_sequence ${direction}, u.place ${direction}, m.slot ${direction}
       limit ${values.bind(limit)}`,
      values,
      { skip, isPlain: isPlain(pieces) },
    );
    const isEnd = newestFirst ? low === range.from : high === range.through;
    const through = newestFirst ? { sequence: low, slot: FIRST_SLOT } : { sequence: high, slot: LAST_SLOT };
    return { found: rows, skipped, through: isEnd && skipped + rows.length < limit ? null : through };
  };
}

function smaller(a: bigint, b: bigint | undefined): bigint {
  return b === undefined || a < b ? a : b;
}

function larger(a: bigint, b: bigint | undefined): bigint {
  return b === undefined || a > b ? a : b;
}
