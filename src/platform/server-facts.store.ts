// What we ask a PostgreSQL server about itself before money is trusted to it.

import type { Client } from "pg";

export type ServerFacts = {
  /** 18 for 18.4. */
  readonly major: number;
  /** A standby, or a server in recovery: nothing can be written. */
  readonly readOnly: boolean;
  /** Whether this connection is encrypted. */
  readonly encrypted: boolean;
  /** By name, as this session sees them: a role or a database may have its own. */
  readonly settings: Readonly<Record<string, string>>;
};

const SETTINGS = [
  "fsync",
  "full_page_writes",
  "synchronous_commit",
  "data_checksums",
  "password_encryption",
  "log_parameter_max_length",
  "log_statement",
  "log_min_duration_statement",
];

export async function readServerFacts(client: Client): Promise<ServerFacts> {
  const { rows } = await client.query<{ version: number; readOnly: boolean; encrypted: boolean; settings: Record<string, string> }>(
    `select current_setting('server_version_num')::int as version,
            pg_is_in_recovery() or current_setting('transaction_read_only') = 'on' as "readOnly",
            coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as encrypted,
            (select json_object_agg(name, setting) from pg_settings where name = any($1)) as settings`,
    [SETTINGS],
  );
  const row = rows[0];
  if (row === undefined) throw new Error("a query without a condition gave no row");
  return { ...row, major: Math.trunc(row.version / 10_000) };
}
