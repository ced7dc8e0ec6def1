// Bulk imports to test: an app that serves them, files of clients, and the calls of a tenant that sends them.

import { importEndpoints } from "#onboarding";
import { anIndividual } from "../builders.ts";
import { clientEndpoints, openTestClients } from "./clients.ts";
import { openTestApp, type TestAnswer, type TestApp } from "./http.ts";

export const IMPORT = "/integration/clients/import";
export const NDJSON = "application/x-ndjson";

export type Person = Record<string, unknown>;

/** An app that serves clients, their single imports and bulk imports. */
export function openImportApp({
  poolSize,
  ...limits
}: {
  readonly poolSize?: number;
  readonly rowsMax?: number;
  readonly isStopping?: () => boolean;
} = {}): Promise<TestApp> {
  const clients = openTestClients();
  return openTestApp(
    (db) => [...clientEndpoints(clients), ...importEndpoints({ db, clients, importStatus: "active", ...limits })],
    poolSize === undefined ? {} : { poolSize },
  );
}

export function manyPersons(count: number, change: (index: number) => Person = () => ({})): Person[] {
  return Array.from({ length: count }, (_, index) => anIndividual(change(index)));
}

export function ndjson(rows: readonly unknown[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

/** What a tenant asks of its imports. */
export function importer(bank: TestApp, tenant?: string) {
  const system = bank.callAs({
    kind: "system",
    scopes: ["integration.import", "clients.read"],
    ...(tenant === undefined ? {} : { tenant }),
  });
  return {
    send: (content: string | readonly unknown[], query = "", type = NDJSON, headers: Record<string, string> = {}): Promise<TestAnswer> =>
      system.post(`${IMPORT}${query}`, typeof content === "string" ? content : ndjson(content), { "content-type": type, ...headers }),
    get: (importId: unknown): Promise<TestAnswer> => system.get(`/integration/clients/imports/${String(importId)}`),
    faults: (importId: unknown, query = ""): Promise<TestAnswer> =>
      system.get(`/integration/clients/imports/${String(importId)}/faults${query}`),
    single: (person: Person): Promise<TestAnswer> => system.post("/integration/clients/individuals", person),
    client: (clientId: unknown): Promise<TestAnswer> => system.get(`/internal/Clients/${String(clientId)}`),
  };
}
