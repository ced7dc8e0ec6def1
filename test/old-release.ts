// A database as the release before clients were encrypted left it, filled by plain SQL: what an upgrade starts from.

import { randomBytes, randomUUID } from "node:crypto";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { migrate, MIGRATIONS_DIR } from "#platform/migrations.ts";
import pg from "pg";
import { inject } from "vitest";
import { withDatabase } from "./setup/database-url.ts";

/** The last migration that the release before clients were encrypted knew. */
const CLEAR_CLIENTS = "0015";

/** A client as its row was, by column. */
export type OldRow = Readonly<Record<string, string | boolean | null>> & { readonly id: string; readonly tenant: string };

export type OldDatabase = {
  readonly ownerUrl: string;
  readonly appUrl: string;
  readonly appRole: string | null;
  readonly owner: pg.Client;
  /** Stores clients with all that the release before stored of them. */
  addClients(rows: readonly OldRow[]): Promise<void>;
  drop(): Promise<void>;
};

/** A database as it was after that migration. */
export async function openOldDatabase(lastMigration = CLEAR_CLIENTS): Promise<OldDatabase> {
  const server = inject("testServer");
  const name = `${server.prefix}old_${randomBytes(6).toString("hex")}`;
  const root = new pg.Client({ connectionString: server.ownerUrl });
  await root.connect();
  await root.query(`create database ${name} template template0`);
  const ownerUrl = withDatabase(server.ownerUrl, name);
  await migrateAsBefore(ownerUrl, lastMigration);
  const owner = new pg.Client({ connectionString: ownerUrl });
  owner.on("error", () => undefined);
  await owner.connect();
  return {
    ownerUrl,
    appUrl: withDatabase(server.appUrl, name),
    appRole: server.appRole,
    owner,
    addClients: (rows) => addClients(owner, rows),
    async drop() {
      await owner.end();
      await root.query(`drop database ${name} with (force)`);
      await root.end();
    },
  };
}

async function migrateAsBefore(ownerUrl: string, lastMigration: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "finlego-old-release-"));
  try {
    for (const file of await readdir(MIGRATIONS_DIR)) {
      if (file.slice(0, lastMigration.length) <= lastMigration) await cp(new URL(file, MIGRATIONS_DIR), join(folder, file));
    }
    await migrate(ownerUrl, pathToFileURL(`${folder}/`));
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function addClients(owner: pg.Client, rows: readonly OldRow[]): Promise<void> {
  await owner.query("insert into client_profile.client select * from jsonb_populate_recordset(null::client_profile.client, $1)", [
    JSON.stringify(rows),
  ]);
  await owner.query(
    `insert into client_profile.client_status_history (client_id, at, status, verification_status, risk_level, reason, actor_kind, actor_id)
     select id, created_at, status, verification_status, risk_level, 'import', 'system', 'onboarding'
     from client_profile.client where id = any($1)`,
    [rows.map(({ id }) => id)],
  );
  await owner.query(
    `insert into platform.audit_entry (at, actor_kind, actor_id, tenant, action, subject, trace_id, detail)
     select created_at, 'system', 'onboarding', tenant, 'client.created', 'client:' || id, 'trace', '{}'
     from client_profile.client where id = any($1)`,
    [rows.map(({ id }) => id)],
  );
}

/** An individual with every optional member; what is named in `changes` is as it says. */
export function anOldRow(changes: Readonly<Record<string, string | boolean | null>> = {}): OldRow {
  return {
    id: randomUUID(),
    tenant: "default",
    external_id: `old-${randomBytes(4).toString("hex")}`,
    type: "individual",
    status: "active",
    verification_status: "approved",
    risk_level: "low",
    blocked_at: null,
    email: "zoe.canary@example.com",
    phone_number: "+37060000001",
    phone_is_e164: true,
    street_line1: "Canary Lane 7",
    street_line2: "Back entrance of the canary",
    city: "Canaryville",
    state: "Canary State",
    zip: "CNR-4711",
    country: "LT",
    first_name: "Zoecanary",
    last_name: "Examplecanary",
    date_of_birth: "1987-03-29",
    citizenship_country: "LV",
    residence_country: "EE",
    document_type: "passport",
    document_number: "CANARY0815",
    document_issued_by: "Canary Office",
    document_issued_country: "FI",
    document_issued_date: "2019-02-28",
    document_expiration_date: "2029-02-27",
    created_at: "2026-01-02T03:04:05.678Z",
    updated_at: "2026-02-03T04:05:06.789Z",
    ...changes,
  };
}

/** What the operation getClient answered of the row before, `plan` aside. */
export function answerOf(row: OldRow): Readonly<Record<string, unknown>> {
  return {
    clientId: row.id,
    externalId: row["external_id"],
    type: row["type"],
    status: row["status"],
    verificationStatus: row["verification_status"],
    riskLevel: row["risk_level"],
    email: row["email"],
    phoneNumber: row["phone_number"],
    address: {
      streetLine1: row["street_line1"],
      streetLine2: row["street_line2"],
      city: row["city"],
      state: row["state"],
      zip: row["zip"],
      country: row["country"],
    },
    individual: {
      firstName: row["first_name"],
      lastName: row["last_name"],
      dateOfBirth: row["date_of_birth"],
      citizenshipCountry: row["citizenship_country"],
      residenceCountry: row["residence_country"],
      identificationDocument: {
        issuedBy: row["document_issued_by"],
        expirationDate: row["document_expiration_date"],
        type: row["document_type"],
        number: row["document_number"],
        issuedCountryCode: row["document_issued_country"],
        issuedDate: row["document_issued_date"],
      },
    },
    company: null,
    blockReason: null,
    blockedAt: row["blocked_at"],
    createdAt: row["created_at"],
    updatedAt: row["updated_at"],
  };
}
