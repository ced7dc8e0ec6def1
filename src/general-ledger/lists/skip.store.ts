// SQL of a look that leaves the first rows out: they are counted where they are, because most of what thousands of rows cost is to send them.

import type { Tx } from "#platform/db.ts";
import type { Found } from "./place.ts";
import type { Values } from "./statement.ts";

/** `last`: of all that were found, left out or not. */
export type Skipped = { readonly rows: readonly Found[]; readonly skipped: number; readonly last: Found | null };

/**
 * The rows of the statement in its order, without the first `skip`; and how many were left out. `columns`: what is made of a row `r`.
 * `isPlain`: there are few kinds of the text, so that it is kept.
 */
export async function readSkipping(
  tx: Tx,
  text: string,
  values: Values,
  { skip, isPlain, columns = "r.*" }: { readonly skip: number; readonly isPlain: boolean; readonly columns?: string },
): Promise<Skipped> {
  const run = isPlain ? tx.prepared : tx.query;
  if (skip === 0) {
    const rows = await run<Found>(`select ${columns} from (${text}) r`, values.list);
    return { rows, skipped: 0, last: rows.at(-1) ?? null };
  }
  const rows = await run<Found & { total: bigint }>(
    `with all_rows as materialized (${text})
     select ${columns}, t.total
     from (select count(*) as total from all_rows) t
     cross join lateral (select * from all_rows offset least(${values.bind(skip)}::bigint, greatest(t.total - 1, 0))) r`,
    values.list,
  );
  const total = Number(rows[0]?.total ?? 0n);
  const last = rows.at(-1) ?? null;
  return total <= skip ? { rows: [], skipped: total, last } : { rows, skipped: skip, last };
}
