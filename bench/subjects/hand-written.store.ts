// SQL of the yardstick: the textbook's way to move money, one transaction per payment, in plain tables of its own.

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

type AccountRow = { id: string; balance: string; status: string; currency: string };

/** begin; lock both accounts in id order; insert the payment, two entries; update both; commit. */
export async function transfer(pool: Pool, order: Order, paymentId: string, key: string): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("begin");
    await book(client, order, paymentId, key);
    await client.query("commit");
    client.release();
  } catch (error) {
    await client.query("rollback").catch(() => undefined);
    client.release();
    throw error;
  }
}

async function book(client: PoolClient, { debit, credit, amount }: Order, paymentId: string, key: string): Promise<void> {
  const [from, to] = [debit + 1, credit + 1];
  const { rows } = await client.query<AccountRow>({
    name: "lock",
    text: "select id, balance, status, currency from hand_written.account where id in ($1, $2) order by id for update",
    values: [from, to],
  });
  const debited = rows.find(({ id }) => Number(id) === from);
  const credited = rows.find(({ id }) => Number(id) === to);
  if (!debited || !credited || debited.status !== "active" || credited.status !== "active" || Number(debited.balance) < amount) {
    throw new Error("a payment of the yardstick was refused");
  }
  await client.query({
    name: "payment",
    text: "insert into hand_written.payment (id, idempotency_key, debit_id, credit_id, amount, status) values ($1, $2, $3, $4, $5, 'posted')",
    values: [paymentId, key, from, to, amount],
  });
  await client.query({
    name: "entries",
    text: `insert into hand_written.entry (account_id, payment_id, amount, balance_after)
           values ($1, $3, -$4::bigint, $5), ($2, $3, $4, $6)`,
    values: [from, to, paymentId, amount, Number(debited.balance) - amount, Number(credited.balance) + amount],
  });
  const update = { name: "update", text: "update hand_written.account set balance = balance + $2 where id = $1" };
  await client.query({ ...update, values: [from, -amount] });
  await client.query({ ...update, values: [to, amount] });
}
