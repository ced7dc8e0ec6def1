// The wire words that the lists of this module share (contract 3.5, decisions 14 and 20).

import { pageQuery } from "#platform/page.ts";
import { enumOf, Type } from "#platform/schema.ts";

/** Query members of every list of this module. */
export const listQuery = {
  sortDirection: enumOf(["asc", "desc"], { default: "desc", description: "desc: newest first." }),
  ...pageQuery,
  includeTotalCount: Type.Optional(
    Type.Boolean({
      description:
        "Ask for totalCount where it is not given anyway. It stays absent for more than 10 000 items, or where counting would read more than 20 000 rows.",
    }),
  ),
};

/** Sentences for the description of every list. */
export const LIST_RULES =
  "Filters that match little of a large ledger: a page by cursor looks at 2 500 rows at most and may hold fewer items than asked for, or none; go on while nextCursor is not null. " +
  "A walk by cursor, newest first, meets everything that was there when it began once, whatever is booked meanwhile.";
