// SQL of bulk imports.

import type { Tx } from "#platform/db.ts";
import type { FaultCode } from "./rows.ts";

export type RunRow = {
  readonly tenant: string;
  readonly importId: string;
  readonly rows: number;
  readonly created: number;
  readonly duplicates: number;
  readonly faulty: number;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  /** Somebody is sending it at present. */
  readonly isHeld: boolean;
};

/** How long a call holds a run without saying so again. */
export const HELD_SECONDS = 6;

/** Makes the run, held by that call. False: it is there already; waits for a twin that is making it. */
export async function insertRun(tx: Tx, tenant: string, importId: string, holder: string): Promise<boolean> {
  const rows = await tx.sql`
    insert into onboarding.import_run (tenant, id, started_at, updated_at, holder, held_until)
    values (${tenant}, ${importId}, ${tx.now}, ${tx.now}, ${holder}, clock_timestamp() + make_interval(secs => ${HELD_SECONDS}))
    on conflict (tenant, id) do nothing
    returning 1 as made`;
  return rows.length > 0;
}

/** Takes a run that nobody holds, or whose holder has not been heard of for too long. False: it is held, or finished. */
export async function takeRun(tx: Tx, tenant: string, importId: string, holder: string): Promise<boolean> {
  const rows = await tx.sql`
    update onboarding.import_run
    set holder = ${holder}, held_until = clock_timestamp() + make_interval(secs => ${HELD_SECONDS})
    where tenant = ${tenant} and id = ${importId} and finished_at is null and (holder is null or held_until < clock_timestamp())
    returning 1 as taken`;
  return rows.length > 0;
}

/** Goes on holding the run; does nothing where another has taken it. */
export async function holdRun(tx: Tx, tenant: string, importId: string, holder: string): Promise<void> {
  await tx.sql`
    update onboarding.import_run
    set held_until = clock_timestamp() + make_interval(secs => ${HELD_SECONDS})
    where tenant = ${tenant} and id = ${importId} and holder = ${holder}`;
}

export async function releaseRun(tx: Tx, tenant: string, importId: string, holder: string): Promise<void> {
  await tx.sql`
    update onboarding.import_run
    set holder = null, held_until = null
    where tenant = ${tenant} and id = ${importId} and holder = ${holder}`;
}

/** Rows that are settled, until the transaction ends. Null: another holder has taken the run. */
export async function lockRun(tx: Tx, tenant: string, importId: string, holder: string): Promise<{ readonly rows: number } | null> {
  const rows = await tx.sql<{ rows: number }>`
    select rows
    from onboarding.import_run
    where tenant = ${tenant} and id = ${importId} and holder = ${holder}
    for no key update`;
  return rows[0] ?? null;
}

export type Counts = { readonly created: number; readonly duplicates: number; readonly faulty: number };

export async function addToRun(tx: Tx, tenant: string, importId: string, { created, duplicates, faulty }: Counts): Promise<void> {
  await tx.sql`
    update onboarding.import_run
    set rows = rows + ${created + duplicates + faulty}::integer, created = created + ${created}::integer,
        duplicates = duplicates + ${duplicates}::integer, faulty = faulty + ${faulty}::integer, updated_at = ${tx.now},
        held_until = clock_timestamp() + make_interval(secs => ${HELD_SECONDS})
    where tenant = ${tenant} and id = ${importId}`;
}

export async function finishRun(tx: Tx, tenant: string, importId: string): Promise<void> {
  await tx.sql`
    update onboarding.import_run
    set finished_at = ${tx.now}, updated_at = ${tx.now}, holder = null, held_until = null
    where tenant = ${tenant} and id = ${importId}`;
}

/** A tenant of null sees every run; of two with one id that of the bank itself. */
export async function findRun(tx: Tx, tenant: string | null, importId: string): Promise<RunRow | null> {
  const rows = await tx.sql<RunRow>`
    select tenant, id as "importId", rows, created, duplicates, faulty, started_at as "startedAt", finished_at as "finishedAt",
           holder is not null and held_until > clock_timestamp() as "isHeld"
    from onboarding.import_run
    where id = ${importId} and (${tenant}::text is null or tenant = ${tenant})
    order by tenant <> 'default', tenant
    limit 1`;
  return rows[0] ?? null;
}

export async function insertBatch(tx: Tx, tenant: string, importId: string, firstRow: number, marks: Buffer): Promise<void> {
  await tx.sql`
    insert into onboarding.import_batch (tenant, import_id, first_row, marks)
    values (${tenant}, ${importId}, ${firstRow}, ${marks})`;
}

/** The marks of all settled rows, in their order. */
export async function readMarks(tx: Tx, tenant: string, importId: string): Promise<Buffer> {
  const rows = await tx.sql<{ marks: Buffer | null }>`
    select string_agg(marks, ''::bytea order by first_row) as marks
    from onboarding.import_batch
    where tenant = ${tenant} and import_id = ${importId}`;
  return rows[0]?.marks ?? Buffer.alloc(0);
}

export type FaultRow = {
  readonly row: number;
  readonly externalId: string | null;
  readonly code: FaultCode;
  readonly clientId: string | null;
  readonly errors: Readonly<Record<string, string[]>>;
};

export async function insertFaults(tx: Tx, tenant: string, importId: string, faults: readonly FaultRow[]): Promise<void> {
  if (faults.length === 0) return;
  await tx.sql`
    insert into onboarding.import_fault (tenant, import_id, row, external_id, code, client_id, errors)
    select ${tenant}, ${importId}, f.row, f.external_id, f.code, f.client_id, f.errors::jsonb
    from unnest(
      ${faults.map(({ row }) => row)}::integer[], ${faults.map(({ externalId }) => externalId)}::text[],
      ${faults.map(({ code }) => code)}::text[], ${faults.map(({ clientId }) => clientId)}::uuid[],
      ${faults.map(({ errors }) => JSON.stringify(errors))}::text[]
    ) as f (row, external_id, code, client_id, errors)`;
}

/** Faults behind a row, in the order of the rows. */
export async function listFaults(tx: Tx, tenant: string, importId: string, afterRow: number, limit: number): Promise<FaultRow[]> {
  return await tx.sql<FaultRow>`
    select row, external_id as "externalId", code, client_id as "clientId", errors
    from onboarding.import_fault
    where tenant = ${tenant} and import_id = ${importId} and row > ${afterRow}
    order by row
    limit ${limit}`;
}

/** A row of somebody's import that named a client who was there already. */
export type FaultOfClient = { readonly importId: string; readonly row: number; readonly externalId: string | null; readonly at: Date };

/** Faults that name the client, behind a position ("importId row"), in its order. */
export async function listFaultsOfClient(tx: Tx, clientId: string, after: string | null, limit: number): Promise<FaultOfClient[]> {
  const [importId = null, row = null] = after?.split(" ") ?? [];
  return await tx.sql<FaultOfClient>`
    select f.import_id as "importId", f.row, f.external_id as "externalId", r.started_at as at
    from onboarding.import_fault f
    join onboarding.import_run r on (r.tenant, r.id) = (f.tenant, f.import_id)
    where f.client_id = ${clientId} and (${importId}::uuid is null or (f.import_id, f.row) > (${importId}::uuid, ${row}::integer))
    order by f.import_id, f.row
    limit ${limit}`;
}

/**
 * Forgets what the client's tenant called it: in the rows that named the client again, and in those that were refused before one with that
 * externalId was taken. Tells in how many faults it stood.
 */
export async function forgetExternalIds(
  tx: Tx,
  clientId: string,
  { tenant, externalId }: { readonly tenant: string; readonly externalId: string | null },
): Promise<number> {
  const rows = await tx.sql`
    update onboarding.import_fault
    set external_id = null
    where external_id is not null and (client_id = ${clientId} or (tenant = ${tenant} and external_id = ${externalId}))
    returning 1 as forgotten`;
  return rows.length;
}
