// The faults of an import, as a page or as a file.

import type { Actor, Database } from "#platform/db.ts";
import type { FileAnswer } from "#platform/http/endpoint.ts";
import { readPage, writeCursor } from "#platform/page.ts";
import { refusePlatform } from "#platform/problem.ts";
import { type Column, CSV_MEDIA_TYPE, csvFile } from "#platform/table-file.ts";
import type { FaultRow } from "./import.store.ts";
import * as store from "./import.store.ts";
import { faultView } from "./views.ts";

const ROWS_AT_ONCE = 1_000;

const COLUMNS: readonly Column<FaultRow>[] = [
  { name: "row", kind: "figure", value: ({ row }) => String(row) },
  { name: "externalId", kind: "text", value: ({ externalId }) => externalId },
  { name: "code", kind: "figure", value: ({ code }) => code },
  { name: "clientId", kind: "figure", value: ({ clientId }) => clientId },
  { name: "errors", kind: "text", value: ({ errors }) => sentences(errors) },
];

export type FaultsRequest = { readonly pageSize: number; readonly cursor?: string; readonly format: "json" | "csv" };

/** `visibleTo`: a tenant, or null for the bank itself. Refuses with 404 an import that it may not see. */
export async function readFaults(
  db: Database,
  actor: Actor,
  visibleTo: string | null,
  importId: string,
  { pageSize, cursor, format }: FaultsRequest,
): Promise<FileAnswer> {
  const tenant = await db.read(actor, async (tx) => (await store.findRun(tx, visibleTo, importId))?.tenant ?? refusePlatform("notFound"));
  const list = (after: number, limit: number) => db.read(actor, (tx) => store.listFaults(tx, tenant, importId, after, limit));
  if (format === "csv") {
    return { name: `import-${importId}-faults.csv`, mediaType: CSV_MEDIA_TYPE, content: csvFile(COLUMNS, allFaults(list)) };
  }
  const mark = `import-faults ${importId}`;
  const start = cursor === undefined ? { after: "0" } : readPage({ pageSize, cursor }, mark);
  const found = await list(rowOf("after" in start ? start.after : ""), pageSize + 1);
  const items = found.slice(0, pageSize);
  const last = found.length > pageSize ? items.at(-1) : undefined;
  const page = { items: items.map(faultView), nextCursor: last === undefined ? null : writeCursor(String(last.row), mark) };
  return {
    name: `import-${importId}-faults.json`,
    mediaType: "application/json; charset=utf-8",
    content: once(JSON.stringify(page)),
  };
}

async function* once(text: string): AsyncGenerator<string> {
  yield text;
}

function rowOf(position: string): number {
  if (/^\d{1,6}$/.test(position)) return Number(position);
  return refusePlatform("validationFailed", { errors: { cursor: ["The field must be a nextCursor of the same list."] } });
}

async function* allFaults(list: (after: number, limit: number) => Promise<readonly FaultRow[]>): AsyncGenerator<readonly FaultRow[]> {
  for (let after = 0; ; ) {
    const rows = await list(after, ROWS_AT_ONCE);
    if (rows.length > 0) yield rows;
    const last = rows.at(-1);
    if (rows.length < ROWS_AT_ONCE || last === undefined) return;
    after = last.row;
  }
}

function sentences(errors: FaultRow["errors"]): string {
  return Object.entries(errors)
    .map(([field, texts]) => `${field}: ${texts.join(" ")}`)
    .join("; ");
}
