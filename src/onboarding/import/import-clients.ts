// One call that imports a file of clients: reads its rows at the pace at which they are settled.

import type { ImportReport } from "./contract.ts";
import type { FileRow } from "./import-file.ts";
import type { ImportRun, PendingRow } from "./import-run.ts";
import { BATCH_BYTES_MAX, BATCH_ROWS_MAX } from "./limits.ts";
import type { Judges } from "./rows.ts";
import { runView } from "./views.ts";

/** Settles all rows that are not yet, and gives the report. Whatever ends it early, what is settled stays so. */
export async function importRows(
  run: ImportRun,
  rows: AsyncIterator<FileRow>,
  judgesAt: (now: Date) => Judges,
): Promise<{ readonly report: ImportReport; readonly wasFinished: boolean }> {
  // A file whose first line is wrong begins no import.
  let next = await rows.next();
  await run.open();
  try {
    const judges = judgesAt(run.now);
    const batch = new Batch();
    let count = 0;
    try {
      for (; next.done !== true; next = await rows.next()) {
        const { value } = next;
        count = value.row;
        if (run.isSettled(value)) continue;
        batch.add({ row: value.row, mark: run.markOf(value.hash), ...value.judge(judges) }, value.size);
        if (batch.isFull) await run.settle(batch.take());
      }
    } finally {
      // What came whole is settled, also when the rest is refused or never comes.
      if (!batch.isEmpty) await run.settle(batch.take());
    }
    await run.finish(count);
    return { report: runView(await run.read()), wasFinished: run.isFinished };
  } finally {
    await run.close();
    // The rest of the file, where there is any, is nobody's any more.
    await rows.return?.();
  }
}

/** Rows that wait to be settled together. */
class Batch {
  #rows: PendingRow[] = [];
  #bytes = 0;

  add(row: PendingRow, bytes: number): void {
    this.#rows.push(row);
    this.#bytes += bytes;
  }

  get isEmpty(): boolean {
    return this.#rows.length === 0;
  }

  get isFull(): boolean {
    return this.#rows.length >= BATCH_ROWS_MAX || this.#bytes >= BATCH_BYTES_MAX;
  }

  take(): readonly PendingRow[] {
    const rows = this.#rows;
    this.#rows = [];
    this.#bytes = 0;
    return rows;
  }
}
