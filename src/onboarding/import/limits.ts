// What one import may be.

import { busy } from "#platform/db-errors.ts";
import { refusePlatform } from "#platform/problem.ts";

/** Bytes of a whole import: a hundred thousand rows of two and a half kilobytes. */
export const IMPORT_BYTES_MAX = 256 * 1024 * 1024;

/** Rows that are settled in one transaction, and bytes of theirs that are in memory at once. */
export const BATCH_ROWS_MAX = 100;
export const BATCH_BYTES_MAX = 1024 * 1024;

/** The process stops: whoever sends the import again, elsewhere or later, loses nothing. */
export function refuseWhileStopping(): never {
  throw busy("This process is stopping. Send the import again: it goes on behind the last settled row.");
}

/** The rows before are settled all the same. */
export function refuseTooManyRows(rowsMax: number): never {
  return refusePlatform("payloadTooLarge", {
    detail: `An import has at most ${rowsMax} rows. Send this one again without those behind, and them as another import.`,
    members: { row: rowsMax + 1 },
  });
}
