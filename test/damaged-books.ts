// Books to damage: filled once through the API, copied for each damage, which is done as a superuser would do it, past triggers and
// constraints. Exactly the named checks of `verify` must complain, at the named places.

import { clientProfileVerifiable } from "#client-profile";
import { ledgerVerifiable } from "#general-ledger";
import { importVerifiable, verificationVerifiable } from "#onboarding";
import { oneTimeCodesVerifiable } from "#one-time-codes";
import { platformVerifiable } from "#platform/platform-checks.store.ts";
import { type Report, verify } from "#platform/verify.ts";
import pg from "pg";
import { expect, inject } from "vitest";
import { bankVerifiable } from "../src/bank-checks.store.ts";
import { type LedgerApp, openLedgerApp } from "./setup/ledger.ts";
import { cloneTemplate, type TestDatabase } from "./setup/server.ts";

export type Place = Readonly<Record<string, string | number>>;

export type Damage<Books> = {
  readonly name: string;
  readonly done: (books: Books) => string | readonly string[];
  /** The checks that complain, each with the places they must name. */
  readonly found: (books: Books) => Readonly<Record<string, readonly Place[]>>;
};

export type FilledBooks<Books> = {
  readonly books: Books;
  /** A copy, damaged by somebody whom nothing stops. Drop it afterwards. */
  copy(...damage: readonly string[]): Promise<TestDatabase>;
  close(): Promise<void>;
};

export const rooms = [
  platformVerifiable,
  clientProfileVerifiable,
  ledgerVerifiable,
  oneTimeCodesVerifiable,
  verificationVerifiable,
  importVerifiable,
  bankVerifiable,
];

/** Opens a bank, has it filled, and cuts all connections to it: nobody may be connected to a database that is copied. */
export async function openBooks<Books>(fill: (bank: LedgerApp) => Promise<Books>): Promise<FilledBooks<Books>> {
  const bank = await openLedgerApp();
  const books = await fill(bank);
  const name = decodeURIComponent(new URL(bank.database.ownerUrl).pathname.slice(1));
  bank.owner.on("error", () => undefined);
  const admin = new pg.Client({ connectionString: inject("testServer").ownerUrl });
  await admin.connect();
  await admin.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()", [name]);
  await admin.end();
  const copy = async (...damage: readonly string[]): Promise<TestDatabase> => {
    const database = await cloneTemplate({ ...inject("testServer"), template: name });
    await doDamage(database, damage);
    return database;
  };
  return { books, copy, close: () => bank.close() };
}

async function doDamage(database: TestDatabase, damage: readonly string[]): Promise<void> {
  const owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  try {
    await owner.query("set session_replication_role = replica");
    for (const statement of damage) {
      const { rowCount } = await owner.query(statement);
      if (rowCount === 0) throw new Error(`nothing was damaged by: ${statement}`);
    }
  } finally {
    await owner.end();
  }
}

/** What `verify` says of a copy with that damage. */
export async function verifyCopy({ copy }: Pick<FilledBooks<unknown>, "copy">, ...damage: readonly string[]): Promise<Report> {
  const database = await copy(...damage);
  try {
    return await verify({ url: database.ownerUrl, mode: "development", rooms });
  } finally {
    await database.drop();
  }
}

/** Checks that found something; advice about the installation aside. */
export const complaintsOf = (report: Report): Report["checks"] => report.checks.filter(({ ok, severity }) => !ok && severity === "error");

/** Does the damage to a copy; the named checks and no others must name the places. */
export async function expectFound<Books>(filled: FilledBooks<Books>, { done, found }: Damage<Books>): Promise<void> {
  const damage = done(filled.books);
  const report = await verifyCopy(filled, ...(typeof damage === "string" ? [damage] : damage));
  const expected = found(filled.books);
  const complaints = complaintsOf(report);
  expect([...new Set(complaints.map(({ id }) => id))].sort(), JSON.stringify(complaints, null, 1)).toEqual(Object.keys(expected).sort());
  expect(report.ok).toBe(false);
  for (const [id, places] of Object.entries(expected)) {
    const named = complaints.filter((check) => check.id === id).flatMap(({ findings }) => findings.map(({ place }) => place));
    for (const place of places) expect(named).toContainEqual(expect.objectContaining(place));
  }
}
