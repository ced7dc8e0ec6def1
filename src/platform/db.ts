// The one place that begins, commits, rolls back and releases. Everything that reads or writes gets a Tx; nobody
// else touches a connection. The money-losing habits of drivers and pools are met here: a connection is never
// reused after a doubt, a COMMIT that did not say COMMIT is an unknown outcome and never a success, two statements
// never run at once on one connection, and a Tx that has ended cannot be used.

import pg from "pg";
import { Bug, invariant, platformProblems, problemOf, type Problem } from "./problem.ts";
import { typeParsers } from "./db-types.ts";

/** Who acts, for audit rows: a token's subject, or the job that runs. */
export type Actor = {
  readonly kind: "client" | "system" | "job";
  readonly id: string;
  readonly tenant: string | null;
  readonly traceId: string;
};

/** Runs one statement. Values become bind parameters; the text is prepared once per connection. */
export type Sql = <Row extends object>(text: TemplateStringsArray, ...values: readonly unknown[]) => Promise<Row[]>;

/** The unit of work: the SQL handle, one `now` (the database's clock at begin, UTC) and the actor. */
export type Tx = {
  readonly sql: Sql;
  /** A statement built elsewhere (lists with dynamic filters). Text is trusted, values are bound. */
  readonly query: <Row extends object>(text: string, values: readonly unknown[]) => Promise<Row[]>;
  readonly now: Date;
  readonly actor: Actor;
};

/** The COMMIT's fate is not known: the connection broke or the standby's confirmation was cancelled. Answered 503; the idempotency key settles it. */
export class OutcomeUnknown extends Error {}

export type DatabaseOptions = {
  readonly url: string;
  /** Role to act as when the URL's user is not the app's own (SET ROLE at connect). */
  readonly role: string | null;
  readonly poolSize: number;
  readonly name: string;
  readonly onConnectionError?: (error: Error) => void;
};

const ATTEMPTS_MAX = 5;
const POOL_WAIT_MS = 2_000;
const STATEMENT_TIMEOUT_MS = 5_000;
const LOCK_TIMEOUT_MS = 2_000;
const IDLE_IN_TRANSACTION_MS = 5_000;
/** The server ends a statement after 5 s; a client that hears nothing for longer has lost its server. */
const SILENCE_MS = 8_000;

type Statement = { readonly text: string; readonly name: string };
const statements = new WeakMap<TemplateStringsArray, Statement>();
let statementCount = 0;

/** Settings of every session, given at connect so that they cost no round trip and outlive errors. */
export function sessionOptions(role: string | null): string {
  const settings = [
    `statement_timeout=${STATEMENT_TIMEOUT_MS}`,
    `lock_timeout=${LOCK_TIMEOUT_MS}`,
    `idle_in_transaction_session_timeout=${IDLE_IN_TRANSACTION_MS}`,
    "timezone=UTC",
    ...(role === null ? [] : [`role=${role}`]),
  ];
  return settings.map((setting) => `-c ${setting}`).join(" ");
}

export class Database {
  readonly #pool: pg.Pool;

  constructor(options: DatabaseOptions) {
    this.#pool = new pg.Pool({
      connectionString: options.url,
      max: options.poolSize,
      connectionTimeoutMillis: POOL_WAIT_MS,
      idleTimeoutMillis: 60_000,
      query_timeout: SILENCE_MS,
      keepAlive: true,
      application_name: options.name,
      options: sessionOptions(options.role),
      types: typeParsers,
    });
    // Without a listener a dropped idle connection would end the process.
    this.#pool.on("error", (error) => options.onConnectionError?.(error));
    this.#pool.on("connect", (client) => client.on("error", () => undefined));
  }

  /** Runs `work` in one READ COMMITTED transaction; repeats it a bounded number of times after a deadlock or serialization failure. */
  write<T>(actor: Actor, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#transact("begin; select clock_timestamp() as now", actor, work);
  }

  /** Runs `work` on one snapshot, read only: several statements see the same instant. */
  read<T>(actor: Actor, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#transact("begin isolation level repeatable read read only; select clock_timestamp() as now", actor, work);
  }

  /** True when the database answers a trivial query within the pool's waiting time. */
  async isReachable(): Promise<boolean> {
    try {
      await this.#pool.query("select 1");
      return true;
    } catch {
      return false;
    }
  }

  stats(): { total: number; idle: number; waiting: number } {
    return { total: this.#pool.totalCount, idle: this.#pool.idleCount, waiting: this.#pool.waitingCount };
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #transact<T>(begin: string, actor: Actor, work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#once(begin, actor, work);
      } catch (error) {
        if (!isRetryable(error)) throw toBusy(error) ?? error;
        if (attempt === ATTEMPTS_MAX) throw busy("The same rows are in great demand.");
        await jitter(attempt);
      }
    }
  }

  async #once<T>(begin: string, actor: Actor, work: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw unavailable(error);
    });
    const session = new Session(client);
    // True until the connection is known to be outside any transaction: then it may be reused.
    let doubtful = true;
    try {
      const now = await session.begin(begin);
      const result = await work(session.tx(now, actor));
      await session.commit();
      doubtful = false;
      return result;
    } catch (error) {
      doubtful = !(await session.rollback(error));
      throw error;
    } finally {
      session.end();
      client.release(doubtful);
    }
  }
}

/** One connection during one transaction. */
class Session {
  readonly #client: pg.PoolClient;
  #running = false;
  #ended = false;

  constructor(client: pg.PoolClient) {
    this.#client = client;
  }

  tx(now: Date, actor: Actor): Tx {
    return {
      sql: <Row extends object>(strings: TemplateStringsArray, ...values: readonly unknown[]) => {
        const { name, text } = statementOf(strings);
        return this.#run<Row>({ name, text, values: [...values] });
      },
      query: <Row extends object>(text: string, values: readonly unknown[]) => this.#run<Row>({ text, values: [...values] }),
      now,
      actor,
    };
  }

  async begin(text: string): Promise<Date> {
    const results: unknown = await this.#client.query(text);
    const last = Array.isArray(results) ? (results.at(-1) as pg.QueryResult<{ now: Date }>) : undefined;
    const now = last?.rows[0]?.now;
    invariant(now instanceof Date, "begin did not tell the time");
    return now;
  }

  async commit(): Promise<void> {
    invariant(!this.#running, "commit while a statement is running");
    let warned = false;
    const onNotice = (notice: { code?: string | undefined }): void => {
      // 01000 at commit: the wait for a synchronous standby was cancelled, so the promise of durability is not given.
      if (notice.code === "01000") warned = true;
    };
    this.#client.on("notice", onNotice);
    try {
      const result = await this.#client.query("commit").catch((error: unknown) => {
        if (isServerError(error)) throw error;
        throw new OutcomeUnknown("the connection broke during COMMIT", { cause: error });
      });
      if (warned) throw new OutcomeUnknown("COMMIT was not confirmed by the standby");
      // An aborted transaction answers COMMIT with ROLLBACK and no error.
      if (result.command !== "COMMIT") throw new Bug("a failed transaction was committed; it was rolled back");
    } finally {
      this.#client.off("notice", onNotice);
    }
  }

  /** Rolls back; false when the connection must not be used again. */
  async rollback(cause: unknown): Promise<boolean> {
    if (cause instanceof OutcomeUnknown || this.#running) return false;
    try {
      await this.#client.query("rollback");
      return true;
    } catch {
      return false;
    }
  }

  end(): void {
    this.#ended = true;
  }

  async #run<Row extends object>(config: pg.QueryConfig): Promise<Row[]> {
    invariant(!this.#ended, "a transaction was used after its end");
    invariant(!this.#running, "two statements at once in one transaction");
    this.#running = true;
    try {
      const result = await this.#client.query<Row>(config);
      this.#running = false;
      return result.rows;
    } catch (error) {
      // A server's error leaves the connection in a known state; anything else (time-out, broken socket) does not.
      this.#running = !isServerError(error);
      throw error;
    }
  }
}

/** The prepared statement of a template: its text with $1, $2 … and a name that is stable for the life of the process. */
export function statementOf(strings: TemplateStringsArray): Statement {
  const known = statements.get(strings);
  if (known) return known;
  const text = strings.reduce((before, part, index) => `${before}$${index}${part}`);
  const statement = { text, name: `s${++statementCount}` };
  statements.set(strings, statement);
  return statement;
}

export function isServerError(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError;
}

/** SQLSTATE of a database error, or null. */
export function sqlState(error: unknown): string | null {
  return isServerError(error) ? (error.code ?? null) : null;
}

/** Deadlock or serialization failure: the transaction had no effect and may run again. */
export function isRetryable(error: unknown): boolean {
  const state = sqlState(error);
  return state === "40001" || state === "40P01";
}

/** Turns a violated constraint, by its name, into a refusal at the statement that can raise it. */
export async function onConstraint<T>(work: Promise<T>, constraint: string, refuse: () => never): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isServerError(error) && error.constraint === constraint) return refuse();
    throw error;
  }
}

export function busy(detail: string): Problem {
  return problemOf(platformProblems, "busy", { detail, headers: { "retry-after": "1" } });
}

/** Lock and statement time-outs, a server that goes away and an unknown outcome are all "not now" (503), never a refusal. */
export function toBusy(error: unknown): Problem | null {
  if (error instanceof OutcomeUnknown) return busy("The outcome is not known yet. Repeat the call with the same key to learn it.");
  const state = sqlState(error);
  if (state !== null) {
    if (state === "55P03" || state === "57014") return busy("A needed row is locked by another call.");
    if (/^(57P0|08|53)/.test(state) || state === "25P03" || state === "25006") return busy("The database is not available.");
    return null;
  }
  return isConnectionError(error) ? busy("The database is not available.") : null;
}

function unavailable(error: unknown): unknown {
  const state = sqlState(error);
  if (state !== null && !/^(57P0|08|53)/.test(state)) return error;
  return busy("No database connection is free.");
}

const CONNECTION_ERRORS = /terminat|timeout|ECONN|EPIPE|ENOENT|ETIMEDOUT|socket|not queryable|closed/i;

function isConnectionError(error: unknown): boolean {
  return (
    error instanceof Error &&
    !(error instanceof Bug) &&
    CONNECTION_ERRORS.test(`${error.message} ${"code" in error ? String(error.code) : ""}`)
  );
}

function jitter(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** attempt));
}
