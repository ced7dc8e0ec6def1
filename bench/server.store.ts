// SQL about the server itself.

import type { Client } from "pg";

export async function readWalPosition(client: Client): Promise<bigint> {
  const { rows } = await client.query<{ position: string }>("select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::text as position");
  return BigInt(rows[0]?.position ?? 0);
}

/** Process id of this connection's server process; its parent is the server. */
export async function readBackendPid(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  return rows[0]?.pid ?? 0;
}

/** Version and the settings on which figures depend, and how this connection, as all others, reaches the server. */
export async function readServerSettings(client: Client): Promise<Record<string, string>> {
  const { rows } = await client.query<{ name: string; value: string }>(
    `select name, current_setting(name) as value from pg_settings
     where name in ('server_version', 'shared_buffers', 'max_wal_size', 'min_wal_size', 'checkpoint_timeout', 'max_connections', 'fsync', 'synchronous_commit',
                    'full_page_writes', 'wal_sync_method', 'wal_compression', 'data_checksums', 'jit')
     order by name`,
  );
  const { rows: addresses } = await client.query<{ address: string | null }>("select inet_client_addr()::text as address");
  const address = addresses[0]?.address ?? null;
  const connections = address === null ? "over its Unix socket" : `over TCP from ${address}`;
  return { ...Object.fromEntries(rows.map(({ name, value }) => [name, value])), connections };
}

export async function createDatabase(client: Client, name: string): Promise<void> {
  await client.query(`create database ${name} template template0`);
}

export async function databaseExists(client: Client, name: string): Promise<boolean> {
  const { rows } = await client.query("select from pg_database where datname = $1", [name]);
  return rows.length > 0;
}

export async function dropDatabase(client: Client, name: string): Promise<void> {
  await client.query(`drop database if exists ${name} with (force)`);
}

/** Writes through so many WAL files and hands them back: those that follow are used again instead of being made, as on any server that has run for a while. */
export async function useWalFiles(client: Client, files: number): Promise<void> {
  for (let used = 0; used < files; used++) {
    // Only a file with something in it is switched.
    await client.query("select pg_logical_emit_message(false, '', '')");
    await client.query("select pg_switch_wal()");
  }
  await client.query("checkpoint");
}

/** So that a checkpoint caused by preparing falls into no run. */
export async function settle(client: Client): Promise<void> {
  await client.query("vacuum analyze");
  await client.query("checkpoint");
}
