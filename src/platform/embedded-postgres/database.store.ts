// What the supervisor asks of its server: a role that may do nothing by itself for the application, and a database.

import type { Client } from "pg";
import { errorCode } from "../startup-error.ts";
import { APP, DATABASE } from "./home.ts";

/** Makes what a fresh cluster lacks. Harmless when it is there, and when two processes do it at once. Connect to `postgres` for it. */
export async function createRoleAndDatabase(client: Client): Promise<void> {
  await unlessThere(() => client.query(`create role ${APP} login nosuperuser nocreatedb nocreaterole noinherit nobypassrls`));
  await unlessThere(() => client.query(`create database ${DATABASE}`));
}

/** Whether the application's role is there; the database is, or nobody could ask. */
export async function hasAppRole(client: Client): Promise<boolean> {
  const { rowCount } = await client.query("select from pg_roles where rolname = $1", [APP]);
  return rowCount === 1;
}

// duplicate_object, duplicate_database, and the unique violation that a race shows.
const ALREADY_THERE = ["42710", "42P04", "23505"];

async function unlessThere(create: () => Promise<unknown>): Promise<void> {
  try {
    await create();
  } catch (error) {
    if (!ALREADY_THERE.includes(errorCode(error))) throw error;
  }
}
