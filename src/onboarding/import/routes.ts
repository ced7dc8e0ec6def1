// The operations of bulk imports (EXT).

import type { ClientProfile } from "#client-profile";
import { type Caller, callerTenant } from "#platform/access.ts";
import type { Actor, Database } from "#platform/db.ts";
import { today } from "#platform/dates.ts";
import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { newId } from "#platform/new-id.ts";
import { platformProblems, refusePlatform } from "#platform/problem.ts";
import { fileReply, strictObject, Type, Uuid } from "#platform/schema.ts";
import type { ImportStatus } from "../imported-standing.ts";
import { onboardingProblems } from "../problems.ts";
import { FaultsQuery, ImportFaults, ImportQuery, ImportReport, ImportRun as ImportRunDto, ROWS_MAX } from "./contract.ts";
import { readFaults } from "./faults.ts";
import { importRows } from "./import-clients.ts";
import { readRows } from "./import-file.ts";
import { ImportRun } from "./import-run.ts";
import { findRun } from "./import.store.ts";
import { COLUMNS, judgesOf } from "./judges.ts";
import { IMPORT_BYTES_MAX } from "./limits.ts";
import { rehearseImport } from "./rehearsal.ts";
import type { RecordForm } from "./records.ts";
import { runView } from "./views.ts";

export type ImportDeps = {
  readonly db: Database;
  readonly importStatus: ImportStatus;
  readonly clients: Pick<ClientProfile, "createClients" | "findClientIds" | "markOf">;
  /** The process stops: imports end between two rows, to go on elsewhere. Default: never. */
  readonly isStopping?: () => boolean;
  /** Fewer than ROWS_MAX: for tests. */
  readonly rowsMax?: number;
};

const TAGS = ["Onboarding Integration / ClientsImport"];
const ACCESS = { audience: "integration", scope: "integration.import" } as const;
const FORMS: Readonly<Record<string, RecordForm>> = { "application/x-ndjson": "lines", "text/csv": "csv" };
const { notFound, payloadTooLarge } = platformProblems;

const HOW =
  'A file of at most 100 000 rows and 256 MiB, settled while it arrives. application/x-ndjson: a line for each row, the body of importIndividualClient, or with `type` "company" that of importCompanyClient. text/csv (RFC 4180, UTF-8): ' +
  `individuals; the first line names the columns, in any order: ${COLUMNS.map(({ name }) => name).join(", ")}; an empty cell says nothing. ` +
  "Rows are judged by the rules of those operations, each by itself: one that is at fault, or whose externalId is in use (be the row the same or not), hinders no other and is told by the faults of the import. " +
  "What is settled stays so, whatever becomes of the call: the same importId sent again with the same content goes on behind the last settled row, and of a finished import gives its report again; other content is 409. " +
  "Without importId an Idempotency-Key names the import, and without either it has a new id. dryRun stores nothing.";

/** The import of a file, its progress, and its faults. */
export function importEndpoints(deps: ImportDeps): readonly Endpoint[] {
  return [importClients(deps), getImport(), listImportFaults(deps.db)];
}

function importClients(deps: ImportDeps): Endpoint {
  return endpoint({
    id: "importClients",
    method: "POST",
    path: "/integration/clients/import",
    tags: TAGS,
    summary: "Imports many clients from one file",
    description: HOW,
    ...ACCESS,
    query: ImportQuery,
    requestBody: { kind: "stream", mediaTypes: Object.keys(FORMS), limit: IMPORT_BYTES_MAX, mayTakeLong: true, schema: Type.String() },
    reply: ImportReport,
    problems: { ...onboardingProblems, payloadTooLarge },
    work: "own",
    async handle({ query, stream, caller, key, traceId }) {
      const form = formOf(stream.contentType, stream.parameters);
      const tenant = callerTenant(caller);
      const actor = actorOf(caller, traceId);
      const rows = readRows({
        form,
        body: stream.body,
        columns: COLUMNS,
        rowsMax: deps.rowsMax ?? ROWS_MAX,
        isStopping: deps.isStopping ?? (() => false),
      });
      const judgesAt = (now: Date) => judgesOf({ tenant, importStatus: deps.importStatus, today: today(now, "UTC") });
      if (query.dryRun === true) return { body: await rehearseImport(deps, actor, tenant, rows, judgesAt), replayed: false };
      const importId = query.importId ?? key?.id ?? newId();
      const { report, wasFinished } = await importRows(new ImportRun(deps, actor, { tenant, importId, key }), rows, judgesAt);
      return { body: report, replayed: wasFinished };
    },
  });
}

function formOf(contentType: string, { header, charset }: Readonly<Record<string, string>>): RecordForm {
  if (charset !== undefined && charset.toLowerCase() !== "utf-8")
    refusePlatform("unsupportedMediaType", { detail: "Files are read as UTF-8 only." });
  if (header?.toLowerCase() === "absent") refusePlatform("unsupportedMediaType", { detail: "The first line must name the columns." });
  return FORMS[contentType] ?? refusePlatform("unsupportedMediaType");
}

const importPath = strictObject({ importId: Uuid });

function getImport(): Endpoint {
  return endpoint({
    id: "getClientImport",
    method: "GET",
    path: "/integration/clients/imports/{importId}",
    tags: TAGS,
    summary: "How far an import of clients has come",
    description:
      "Also while it is running. interrupted: nobody is sending it at present, and it waits to be sent again. A token with a tenant sees the imports of that tenant only: the others answer 404.",
    ...ACCESS,
    params: importPath,
    reply: ImportRunDto,
    problems: { notFound },
    work: "read",
    async handle(tx, { params, caller }) {
      return runView((await findRun(tx, caller.tenant, params.importId)) ?? refusePlatform("notFound"));
    },
  });
}

function listImportFaults(db: Database): Endpoint {
  return endpoint({
    id: "listClientImportFaults",
    method: "GET",
    path: "/integration/clients/imports/{importId}/faults",
    tags: TAGS,
    summary: "Why rows of an import made no client",
    description:
      "In the order of the rows, also while the import is running. Faults name fields and rules, never what stood in a field. A member whose name cannot be one of ours stands as *. csv: all of them as a file; a text that a spreadsheet would take for a formula begins with an apostrophe.",
    ...ACCESS,
    params: importPath,
    query: FaultsQuery,
    reply: fileReply({ "application/json": ImportFaults, "text/csv": Type.String() }),
    problems: { notFound },
    work: "file",
    handle: ({ params, query, caller, traceId }) => readFaults(db, actorOf(caller, traceId), caller.tenant, params.importId, query),
  });
}

function actorOf(caller: Caller, traceId: string): Actor {
  return { kind: caller.kind, id: caller.subject, tenant: callerTenant(caller), traceId };
}
