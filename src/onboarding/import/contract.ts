// The wire words of bulk imports.

import { DateTimeText, enumOf, Nullable, type Static, strictObject, Type, Uuid } from "#platform/schema.ts";

/** Rows of one import. */
export const ROWS_MAX = 100_000;

const count = (description: string) => Type.Integer({ minimum: 0, maximum: ROWS_MAX, description });

const counts = {
  rows: count("Rows that are settled: created, duplicates and faulty together."),
  created: count("Clients that this import made."),
  duplicates: count("Rows whose externalId was in use, be the row the same or not."),
  faulty: count("Rows that make no client."),
};

/** `interrupted`: it waits to be sent again. */
export const ImportStatus = enumOf(["running", "interrupted", "finished"], { title: "ImportRunStatus" });

/** An import and how far it has come. */
export const ImportRun = strictObject(
  { importId: Uuid, status: ImportStatus, ...counts, startedAt: DateTimeText, finishedAt: Nullable(DateTimeText) },
  { title: "ImportRunDto" },
);
export type ImportRun = Static<typeof ImportRun>;

/** Why a row made no client. */
export const ImportFault = strictObject(
  {
    row: Type.Integer({
      minimum: 1,
      maximum: ROWS_MAX,
      description: "1 is the first row; neither blank lines nor the line with the names of columns count.",
    }),
    externalId: Nullable(Type.String({ maxLength: 100 })),
    code: enumOf(["validationFailed", "malformedRequest", "payloadTooLarge", "duplicateExternalId"], { title: "ImportFaultCode" }),
    clientId: Nullable(Uuid, { description: "Of a duplicate: who has the externalId already." }),
    errors: Type.Record(Type.String(), Type.Array(Type.String()), { description: "Sentences by field; never what stood in it." }),
  },
  { title: "ImportFaultDto" },
);
export type ImportFault = Static<typeof ImportFault>;

export const ImportFaults = strictObject(
  { items: Type.Array(ImportFault), nextCursor: Nullable(Type.String()) },
  { title: "ImportFaultsDto" },
);

/** The answer to an import; a rehearsal has no id and brings its first faults along. */
export const ImportReport = strictObject(
  {
    importId: Nullable(Uuid, { description: "null: a rehearsal (dryRun), of which nothing is stored." }),
    status: ImportStatus,
    ...counts,
    startedAt: DateTimeText,
    finishedAt: Nullable(DateTimeText),
    faults: Type.Optional(Type.Array(ImportFault, { description: "With dryRun=true: the first 1 000." })),
  },
  { title: "ImportReportDto" },
);
export type ImportReport = Static<typeof ImportReport>;

export const ImportQuery = strictObject({
  importId: Type.Optional(Uuid),
  dryRun: Type.Optional(Type.Boolean({ default: false, description: "true: judges every row and stores nothing." })),
});

export const FaultsQuery = strictObject({
  pageSize: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: "nextCursor of the page before; json only." })),
  format: enumOf(["json", "csv"], { default: "json", description: "csv: all faults as a file." }),
});
