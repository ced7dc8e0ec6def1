// A bank of one's own for one suite: a fresh data folder, its database, any number of server processes on it, tokens, and builders.
// The suite itself holds the embedded database server open, so that it survives the servers that are killed; `held: false` leaves it
// to the servers alone, as with `npm start`.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DevelopmentIssuer, openDevelopmentIssuer, type TokenRequest } from "#platform/development-issuer.ts";
import { type EmbeddedPostgres, startEmbeddedPostgres } from "#platform/embedded-postgres/index.ts";
import { DEVELOPMENT_ISSUER } from "#platform/settings.ts";
import pg from "pg";
import { anIndividual, unique } from "../builders.ts";
import { type Answer, call, get, type Headers, post } from "./calls.ts";
import { freePort, type Server, startServer } from "./server.ts";

const SYSTEM_SCOPES = "ledger.read ledger.write ledger.admin integration.import clients.read clients.write";

export type NewServer = { readonly port?: number; readonly env?: Readonly<Record<string, string>> };

export class Bank {
  readonly data: string;
  readonly #issuer: DevelopmentIssuer;
  readonly #postgres: EmbeddedPostgres | null;
  readonly #servers = new Set<Server>();
  /** A system token with every scope that the suites need. */
  readonly token: string;

  constructor(parts: { data: string; issuer: DevelopmentIssuer; postgres: EmbeddedPostgres | null; token: string }) {
    this.data = parts.data;
    this.#issuer = parts.issuer;
    this.#postgres = parts.postgres;
    this.token = parts.token;
  }

  /** Starts one more server process, or the one of before again (same port), and waits until it serves. */
  async start({ port, env }: NewServer = {}): Promise<Server> {
    const server = await startServer({ data: this.data, port: port ?? (await freePort()), ...(env === undefined ? {} : { env }) });
    this.#servers.add(server);
    return server;
  }

  async restart(server: Server): Promise<Server> {
    this.#servers.delete(server);
    const { port, env } = server.options;
    return await this.start({ port, ...(env === undefined ? {} : { env }) });
  }

  async mint(request: Partial<TokenRequest> = {}): Promise<string> {
    return await this.#issuer.mint({ audience: "system", scope: SYSTEM_SCOPES, ...request }, Date.now());
  }

  /** Reads the database as its owner, whatever state the servers are in. */
  async query<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.ownerUrl, connectionTimeoutMillis: 10_000 });
    client.on("error", () => undefined);
    await client.connect();
    try {
      return (await client.query<Row>(text, [...values])).rows;
    } finally {
      await client.end();
    }
  }

  get ownerUrl(): string {
    if (this.#postgres === null) throw new Error("this bank's database is not held by the suite");
    return this.#postgres.ownerUrl;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#servers].map((server) => server.kill()));
    await this.#postgres?.stop();
    await rm(this.data, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

export async function openBank({ held = true }: { readonly held?: boolean } = {}): Promise<Bank> {
  const data = await mkdtemp(join(tmpdir(), "finlego-faults-"));
  const postgres = held ? await startEmbeddedPostgres({ dataDir: join(data, "postgres"), log: () => undefined }) : null;
  const issuer = await openDevelopmentIssuer({ dataDir: data, issuer: DEVELOPMENT_ISSUER, audience: "finlego", mode: "development" });
  const token = await issuer.mint({ audience: "system", scope: SYSTEM_SCOPES }, Date.now());
  return new Bank({ data, issuer, postgres, token });
}

/** Runs a suite's work on a bank of its own and takes everything down afterwards. */
export async function withBank<T>(work: (bank: Bank) => Promise<T>, options: { readonly held?: boolean } = {}): Promise<T> {
  const bank = await openBank(options);
  try {
    return await work(bank);
  } finally {
    await bank.close();
  }
}

/** One caller at one server. */
export class Caller {
  readonly port: number;
  readonly token: string;

  constructor(port: number, token: string) {
    this.port = port;
    this.token = token;
  }

  async post(path: string, body: unknown, key?: string, headers?: Headers): Promise<Answer> {
    return await post(path, body, { port: this.port, token: this.token, key, headers });
  }

  async get(path: string): Promise<Answer> {
    return await get(path, { port: this.port, token: this.token });
  }

  async call(method: string, path: string, body: unknown, headers?: Headers): Promise<Answer> {
    return await call(method, path, body, { port: this.port, token: this.token, headers });
  }

  /** The id in a 200 answer; throws otherwise. For what a suite needs and does not judge. */
  async make(path: string, body: unknown, field = "id"): Promise<string> {
    const answer = await this.post(path, body);
    if (answer.status !== 200) throw new Error(`POST ${path} answered ${answer.status}: ${answer.text}`);
    return String(answer.body[field]);
  }

  async settlement(currency = "EUR"): Promise<string> {
    return await this.make(ACCOUNTS, { type: "settlement", currency, name: "Settlement" });
  }

  async client(): Promise<string> {
    return await this.make(IMPORTS, anIndividual(), "clientId");
  }

  /** A guarded account of a client, empty. */
  async account(clientId: string, currency = "EUR"): Promise<string> {
    return await this.make(ACCOUNTS, { clientId, type: "client", currency, name: "Everyday" });
  }

  async fund(from: string, to: string, amount: string): Promise<void> {
    await this.make(TRANSFER, transferOf(from, to, amount, { type: "deposit" }));
  }

  /** Balance and number of entries of an account, as the API tells them. */
  async balance(accountId: string): Promise<string> {
    const answer = await this.get(`/v2/ledger/internal/Accounts/${accountId}`);
    if (answer.status !== 200) throw new Error(`reading account ${accountId} answered ${answer.status}: ${answer.text}`);
    return String(answer.body["balance"]);
  }
}

export const TRANSFER = "/v2/internal/Payments/transfer";
export const PAYMENTS = "/v2/internal/Payments";
export const BATCH = "/v2/internal/Payments/batch";
export const ACCOUNTS = "/v2/internal/Accounts";
export const IMPORTS = "/integration/clients/individuals";

export type Transfer = {
  readonly externalId: string;
  readonly type: string;
  readonly debitAccountId: string;
  readonly creditAccountId: string;
  readonly amount: string;
  readonly currency: string;
};

/** A transfer with an externalId of its own. */
export function transferOf(debitAccountId: string, creditAccountId: string, amount: string, changes: Partial<Transfer> = {}): Transfer {
  return { externalId: unique("pay"), type: "transfer", debitAccountId, creditAccountId, amount, currency: "EUR", ...changes };
}

/** A payment to be drafted, with an externalId of its own. */
export function draftOf(debitAccountId: string, creditAccountId: string, amount: string): { externalId: string; transactions: object[] } {
  return { externalId: unique("draft"), transactions: [{ debitAccountId, creditAccountId, amount, currency: "EUR" }] };
}

/** Runs `work` for 0 … n−1, all at once, and gives the results in order. */
export async function atOnce<T>(n: number, work: (index: number) => Promise<T>): Promise<T[]> {
  return await Promise.all(Array.from({ length: n }, (_, index) => work(index)));
}
