// SQL that takes clients of earlier releases out of the clear. It is needed once for each database, by the owner, before anybody is served.

import type { Tx } from "#platform/db.ts";

/** The table that held them. */
export const OLD_TABLE = "client_profile.client";

/** A client as earlier releases stored it. Dates are calendar dates. */
export type OldClient = {
  readonly id: string;
  readonly externalId: string | null;
  readonly type: "individual" | "company";
  readonly email: string;
  readonly phoneNumber: string;
  readonly streetLine1: string;
  readonly streetLine2: string | null;
  readonly city: string;
  readonly state: string | null;
  readonly zip: string;
  readonly country: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly dateOfBirth: string;
  readonly citizenshipCountry: string;
  readonly residenceCountry: string;
  readonly documentType: "passport" | "driverLicense" | "idCard" | "other";
  readonly documentNumber: string;
  readonly documentIssuedBy: string;
  readonly documentIssuedCountry: string;
  readonly documentIssuedDate: string;
  readonly documentExpirationDate: string;
};

/** Whether the rules of this release hold for every row of the table: then nothing is left to do, now and for ever. */
export async function isSealed(tx: Tx): Promise<boolean> {
  const rows = await tx.sql<{ isSealed: boolean }>`
    select bool_and(convalidated) as "isSealed"
    from pg_constraint
    where conrelid = 'client_profile.client'::regclass
      and conname in ('client_has_no_plain_data', 'client_is_sealed_until_erased', 'client_closed_has_its_time', 'client_erased_was_closed',
        'client_email_mark_is_128_bits')`;
  return rows[0]?.isSealed === true;
}

/** Locks the next clients that stand in the clear, by id; leaves out those that another process has locked. */
export async function lockOldClients(tx: Tx, after: string, limit: number): Promise<OldClient[]> {
  return await tx.sql<OldClient>`
    select id, external_id as "externalId", type, email, phone_number as "phoneNumber", street_line1 as "streetLine1",
           street_line2 as "streetLine2", city, state, zip, country, first_name as "firstName", last_name as "lastName",
           to_char(date_of_birth, 'YYYY-MM-DD') as "dateOfBirth", citizenship_country as "citizenshipCountry",
           residence_country as "residenceCountry", document_type as "documentType", document_number as "documentNumber",
           document_issued_by as "documentIssuedBy", document_issued_country as "documentIssuedCountry",
           to_char(document_issued_date, 'YYYY-MM-DD') as "documentIssuedDate",
           to_char(document_expiration_date, 'YYYY-MM-DD') as "documentExpirationDate"
    from client_profile.client
    where id > ${after} and sealed_profile is null and erased_at is null
    order by id
    limit ${limit}
    for update skip locked`;
}

export type SealedClient = {
  readonly id: string;
  readonly sealedProfile: Buffer;
  readonly emailMark: Buffer;
  readonly searchMarks: readonly bigint[];
};

/** Locked clients, sealed: what stood in the clear is gone from their rows, and nothing else changes. */
export async function sealRows(tx: Tx, clients: readonly SealedClient[]): Promise<void> {
  // An array of arrays would have to be as wide everywhere: the marks of each travel as text.
  const marks = clients.map(({ searchMarks }) => `{${searchMarks.join(",")}}`);
  await tx.sql`
    update client_profile.client c
    set sealed_profile = s.sealed_profile, email_mark = s.email_mark, search_marks = s.search_marks::bigint[],
        closed_at = case c.status when 'closed' then coalesce(c.closed_at, c.updated_at) end,
        email = null, phone_number = null, street_line1 = null, street_line2 = null, city = null, state = null, zip = null, country = null,
        first_name = null, last_name = null, date_of_birth = null, citizenship_country = null, residence_country = null,
        document_type = null, document_number = null, document_issued_by = null, document_issued_country = null,
        document_issued_date = null, document_expiration_date = null
    from unnest(
      ${clients.map(({ id }) => id)}::uuid[], ${clients.map(({ sealedProfile }) => sealedProfile)}::bytea[],
      ${clients.map(({ emailMark }) => emailMark)}::bytea[], ${marks}::text[]
    ) as s (id, sealed_profile, email_mark, search_marks)
    where c.id = s.id`;
}

/** Whether a client is still to be sealed, also one that another process is at. */
export async function hasOldClients(tx: Tx): Promise<boolean> {
  // It reads the whole table, however large that is.
  await tx.sql`set local statement_timeout = 0`;
  const rows = await tx.sql<{ isLeft: boolean }>`
    select exists (select from client_profile.client where sealed_profile is null and erased_at is null) as "isLeft"`;
  return rows[0]?.isLeft === true;
}

/** From here on the database itself knows that no client stands in the clear. Fails when one does. */
export async function validateRules(tx: Tx): Promise<void> {
  await tx.sql`set local statement_timeout = 0`;
  await tx.sql`
    alter table client_profile.client
      validate constraint client_has_no_plain_data,
      validate constraint client_is_sealed_until_erased,
      validate constraint client_closed_has_its_time,
      validate constraint client_erased_was_closed,
      validate constraint client_email_mark_is_128_bits`;
}
