// Pure: imports and their faults as the API tells of them.

import type { ImportFault, ImportRun } from "./contract.ts";
import type { FaultRow, RunRow } from "./import.store.ts";

export function runView(run: RunRow): ImportRun {
  const { importId, rows, created, duplicates, faulty, startedAt, finishedAt, isHeld } = run;
  const status = finishedAt !== null ? "finished" : isHeld ? "running" : "interrupted";
  return {
    importId,
    status,
    rows,
    created,
    duplicates,
    faulty,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt?.toISOString() ?? null,
  };
}

export function faultView({ row, externalId, code, clientId, errors }: FaultRow): ImportFault {
  return { row, externalId, code, clientId, errors: { ...errors } };
}
