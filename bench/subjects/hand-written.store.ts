// SQL of the yardstick: the textbook's way to move money, one transaction per payment, in plain tables of its own. In two forms: as people
// write it, and tuned by somebody who counts round trips and has PostgreSQL keep the plans.

import type { Client, Pool, PoolClient } from "pg";
import type { Order } from "../load.ts";

export async function createTables(owner: Client, accounts: number, opening: number, appRole: string): Promise<void> {
  await owner.query(`
    create schema hand_written;
    create table hand_written.account (
      id bigint primary key, currency text not null, status text not null default 'active', balance bigint not null check (balance >= 0));
    create table hand_written.payment (
      id uuid primary key, idempotency_key text not null unique, debit_id bigint not null references hand_written.account,
      credit_id bigint not null references hand_written.account, amount bigint not null check (amount > 0), status text not null,
      created_at timestamptz not null default now());
    create table hand_written.entry (
      id bigint generated always as identity primary key, account_id bigint not null references hand_written.account,
      payment_id uuid not null references hand_written.payment, amount bigint not null, balance_after bigint not null,
      created_at timestamptz not null default now());
    create index entry_by_account on hand_written.entry (account_id, id);
    grant usage on schema hand_written to ${appRole};
    grant select, insert, update on all tables in schema hand_written to ${appRole}`);
  await owner.query(
    "insert into hand_written.account (id, currency, balance) select n, 'EUR', $2::bigint from generate_series(1, $1::int) n",
    [accounts, opening],
  );
}

/** `plain`: eight statements, none of them named. `prepared`: seven, all kept by the server under their names. */
export type Way = "plain" | "prepared";

/** A payment as it is written: ids of the tables above. */
type Booking = {
  readonly from: number;
  readonly to: number;
  readonly amount: number;
  readonly paymentId: string;
  readonly key: string;
};

/** begin; lock both accounts in id order; insert the payment, two entries; update both; commit. */
export async function transfer(pool: Pool, way: Way, order: Order, paymentId: string, key: string): Promise<void> {
  const client = await pool.connect();
  const booking = { from: order.debit + 1, to: order.credit + 1, amount: order.amount, paymentId, key };
  try {
    await client.query("begin");
    await (way === "plain" ? bookPlainly(client, booking) : bookPrepared(client, booking));
    await client.query("commit");
    client.release();
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    client.release();
    throw error;
  }
}

const LOCK = "select id, balance, status, currency from hand_written.account where id in ($1, $2) order by id for update";
const INSERT_PAYMENT =
  "insert into hand_written.payment (id, idempotency_key, debit_id, credit_id, amount, status) values ($1, $2, $3, $4, $5, 'posted')";
const INSERT_ENTRY = "insert into hand_written.entry (account_id, payment_id, amount, balance_after) values ($1, $2, $3, $4)";
const INSERT_ENTRIES = `insert into hand_written.entry (account_id, payment_id, amount, balance_after)
  values ($1, $3, -$4::bigint, $5), ($2, $3, $4, $6)`;
const UPDATE = "update hand_written.account set balance = balance + $2 where id = $1";

async function bookPlainly(client: PoolClient, booking: Booking): Promise<void> {
  const { from, to, amount, paymentId, key } = booking;
  const { rows } = await client.query<AccountRow>(LOCK, [from, to]);
  const after = judge(rows, booking);
  await client.query(INSERT_PAYMENT, [paymentId, key, from, to, amount]);
  await client.query(INSERT_ENTRY, [from, paymentId, -amount, after.debited]);
  await client.query(INSERT_ENTRY, [to, paymentId, amount, after.credited]);
  await client.query(UPDATE, [from, -amount]);
  await client.query(UPDATE, [to, amount]);
}

async function bookPrepared(client: PoolClient, booking: Booking): Promise<void> {
  const { from, to, amount, paymentId, key } = booking;
  const { rows } = await client.query<AccountRow>({ name: "lock", text: LOCK, values: [from, to] });
  const after = judge(rows, booking);
  await client.query({ name: "payment", text: INSERT_PAYMENT, values: [paymentId, key, from, to, amount] });
  await client.query({ name: "entries", text: INSERT_ENTRIES, values: [from, to, paymentId, amount, after.debited, after.credited] });
  await client.query({ name: "update", text: UPDATE, values: [from, -amount] });
  await client.query({ name: "update", text: UPDATE, values: [to, amount] });
}

type AccountRow = { id: string; balance: string; status: string; currency: string };

/** The balances that the payment leaves. */
function judge(rows: readonly AccountRow[], { from, to, amount }: Booking): { debited: number; credited: number } {
  const debited = rows.find(({ id }) => Number(id) === from);
  const credited = rows.find(({ id }) => Number(id) === to);
  if (!debited || !credited || debited.status !== "active" || credited.status !== "active" || Number(debited.balance) < amount) {
    throw new Error("a payment of the yardstick was refused");
  }
  return { debited: Number(debited.balance) - amount, credited: Number(credited.balance) + amount };
}
