// SQL of the comparison with pgledger: its two public functions.

import pg from "pg";

/** Loads the user's file into an empty database and opens accounts there. */
export async function installPgledger(url: string, sql: string, accounts: number): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
    await client.query("select count(pgledger_create_account('account ' || n, 'EUR')) from generate_series(1, $1::int) n", [accounts]);
  } finally {
    await client.end();
  }
}

export async function findAccounts(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ id: string }>("select id from pgledger_accounts_view order by id");
    return rows.map(({ id }) => id);
  } finally {
    await client.end();
  }
}

export async function createTransfer(pool: pg.Pool, from: string, to: string, amount: number): Promise<void> {
  await pool.query({ name: "transfer", text: "select id from pgledger_create_transfer($1, $2, $3::numeric)", values: [from, to, amount] });
}
