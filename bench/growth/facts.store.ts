// SQL that looks up what grown books hold: whom to ask for, and how large they are.

import type { Client } from "pg";
import type { BookSize } from "./fill.store.ts";

/** What reads are made of: some of what is there. */
export type BookFacts = {
  /** All accounts of clients, the hottest one first. */
  readonly accounts: readonly string[];
  readonly clients: readonly string[];
  readonly payments: readonly { readonly id: string; readonly externalId: string; readonly accountId: string }[];
  readonly orders: readonly string[];
  /** Of the first and the last payment. */
  readonly from: Date;
  readonly until: Date;
  readonly lastSequence: number;
};

const SOME = 500;

export async function readFacts(owner: Client, size: BookSize): Promise<BookFacts> {
  const { rows: accounts } = await owner.query<{ id: string }>(
    "select p.account_id as id from general_ledger.account_profile p where p.client_id is not null order by p.number",
  );
  const { rows: clients } = await owner.query<{ id: string }>("select c.id from client_profile.client c order by random() limit $1", [
    SOME,
  ]);
  const { rows: payments } = await owner.query<{ id: string; externalId: string; accountId: string }>(
    `select p.id, p.external_id as "externalId", l.credit_account_id as "accountId"
     from general_ledger.payment p tablesample bernoulli (least(100, $1::real)) join general_ledger.payment_line l on l.payment_id = p.id limit $2`,
    [(100 * 3 * SOME) / size.payments, SOME],
  );
  const { rows: orders } = await owner.query<{ value: string }>(
    "select m.value from general_ledger.payment_metadata m tablesample bernoulli (least(100, $1::real)) where m.name = 'order' limit $2",
    [(100 * 60 * SOME) / size.payments, SOME],
  );
  const { rows: span } = await owner.query<{ from: Date; until: Date; last: string }>(
    `select (select min(p.posted_at) from general_ledger.payment p) as from, (select max(p.posted_at) from general_ledger.payment p) as until,
            (select h.last_sequence from general_ledger.ledger_head h) as last`,
  );
  const [first] = span;
  if (first === undefined) throw new Error("the books are empty");
  return {
    accounts: accounts.map(({ id }) => id),
    clients: clients.map(({ id }) => id),
    payments,
    orders: orders.map(({ value }) => value),
    from: first.from,
    until: first.until,
    lastSequence: Number(first.last),
  };
}

/** What a run that was broken off has left is not filled, and filling it again fails: remove the folder. */
export async function isFilled(owner: Client): Promise<boolean> {
  const { rows } = await owner.query<{ mark: string | null }>(`select shobj_description(d.oid, 'pg_database') as mark from pg_database d
    where d.datname = current_database()`);
  return rows[0]?.mark === FILLED;
}

/** Books that are kept say that they are whole. */
export async function markFilled(owner: Client): Promise<void> {
  await owner.query(`do $$ begin execute format('comment on database %I is %L', current_database(), '${FILLED}'); end $$`);
}

const FILLED = "filled and verified";

export type TableSize = { readonly table: string; readonly rows: number; readonly bytes: number };

/** The largest tables, with their indexes. */
export async function readSizes(owner: Client): Promise<TableSize[]> {
  const { rows } = await owner.query<{ table: string; rows: string; bytes: string }>(
    `select c.oid::regclass::text as table, c.reltuples::bigint as rows, pg_total_relation_size(c.oid) as bytes
     from pg_class c
     where c.relkind = 'r' and c.relnamespace::regnamespace::text in ('general_ledger', 'client_profile', 'platform')
     order by 3 desc limit 12`,
  );
  return rows.map(({ table, rows: count, bytes }) => ({ table, rows: Number(count), bytes: Number(bytes) }));
}
