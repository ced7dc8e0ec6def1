// SQL of a look that leaves the first rows out: they are counted where they are, because most of what thousands of rows cost is to send them.

import type { Tx } from "#platform/db.ts";
import type { Found } from "./place.ts";
import type { Values } from "./statement.ts";

/** The rows of the statement in its order, without the first `skip`; and how many were left out. */
export async function readSkipping(tx: Tx, text: string, values: Values, skip: number): Promise<{ rows: Found[]; skipped: number }> {
  if (skip === 0) return { rows: await tx.query<Found>(text, values.list), skipped: 0 };
  const rows = await tx.query<Found & { total: bigint }>(
    `with all_rows as materialized (${text})
     select r.*, t.total
     from (select count(*) as total from all_rows) t
     left join lateral (select * from all_rows offset ${values.bind(skip)}) r on true`,
    values.list,
  );
  const total = Number(rows[0]?.total ?? 0n);
  return total <= skip ? { rows: [], skipped: total } : { rows, skipped: skip };
}
