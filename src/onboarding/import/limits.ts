// What one import may be.

import { refusePlatform } from "#platform/problem.ts";

/** Bytes of a whole import: a hundred thousand rows of two and a half kilobytes. */
export const IMPORT_BYTES_MAX = 256 * 1024 * 1024;

/** Rows that are settled in one transaction, and bytes of theirs that are in memory at once. */
export const BATCH_ROWS_MAX = 100;
export const BATCH_BYTES_MAX = 1024 * 1024;

/** The rows before are settled all the same. */
export function refuseTooManyRows(rowsMax: number): never {
  return refusePlatform("payloadTooLarge", {
    detail: `An import has at most ${rowsMax} rows. Send this one again without those behind, and them as another import.`,
    members: { row: rowsMax + 1 },
  });
}
