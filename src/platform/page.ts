// Lists (contract 3.5, decision 14): pages by number within the first 10 000 rows, by cursor beyond. A cursor is opaque to callers; it
// holds where the next page begins and a mark of the list it belongs to.

import { type FieldErrors, refusePlatform } from "./problem.ts";
import type { TObject } from "typebox";
import { Nullable, strictObject, Type } from "./schema.ts";

export const PAGE_ROWS_MAX = 10_000;

/** Query members of every list. */
export const pageQuery = {
  pageNumber: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000_000_000, description: "Default 1. Within the first 10 000 rows; use the cursor beyond." }),
  ),
  pageSize: Type.Integer({ minimum: 1, maximum: 100, default: 20 }),
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: "nextCursor of the page before; not together with pageNumber." }),
  ),
};

/** The page of contract 3.5 with decision 14's cursor. */
export function pageOf<T extends TObject>(item: T) {
  return strictObject({
    items: Type.Array(item),
    pageNumber: Type.Integer({ minimum: 1 }),
    pageSize: Type.Integer({ minimum: 1 }),
    nextCursor: Nullable(Type.String({ description: "Null at the end." })),
    totalCount: Type.Optional(Type.Integer({ minimum: 0 })),
  });
}

export type PageRequest = { readonly pageNumber?: number; readonly pageSize: number; readonly cursor?: string };

/** Where a page begins: so many rows after the start, or behind the position of a cursor. */
export type PageStart = { readonly skip: number } | { readonly after: string };

/** Reads number or cursor. `mark` names list and order: a cursor of another list is refused. */
export function readPage(request: PageRequest, mark: string): PageStart {
  const errors: FieldErrors = {};
  if (request.cursor !== undefined) {
    if (request.pageNumber !== undefined) errors["cursor"] = ["The field must not be given together with pageNumber."];
    const position = readCursor(request.cursor, mark);
    if (position === null) errors["cursor"] = ["The field must be a nextCursor of the same list."];
    else if (Object.keys(errors).length === 0) return { after: position };
  }
  const skip = ((request.pageNumber ?? 1) - 1) * request.pageSize;
  if (skip + request.pageSize > PAGE_ROWS_MAX && skip > 0) errors["pageNumber"] = ["Pages by number end at row 10 000; use cursor beyond."];
  if (Object.keys(errors).length > 0) refusePlatform("validationFailed", { errors });
  return { skip };
}

export function writeCursor(position: string, mark: string): string {
  return Buffer.from(`${mark} ${position}`).toString("base64url");
}

function readCursor(cursor: string, mark: string): string | null {
  const text = Buffer.from(cursor, "base64url").toString();
  return text.startsWith(`${mark} `) ? text.slice(mark.length + 1) : null;
}
