// The one place that begins, commits, rolls back and releases. Everything that reads or writes gets a Tx; nobody
// else touches a connection. The money-losing habits of drivers and pools are met here: a connection is never
// reused after a doubt, a COMMIT that did not say COMMIT is an unknown outcome and never a success, two statements
// never run at once on one connection, and a Tx that has ended cannot be used.

import pg from "pg";
import { busy, endsConnection, isRetryable, isServerError, OutcomeUnknown, sqlState, toBusy, withoutServer } from "./db-errors.ts";
import { typeParsers } from "./db-types.ts";
import { Bug, invariant } from "./problem.ts";

export { busy, isRetryable, isServerError, onConstraint, OutcomeUnknown, sqlState } from "./db-errors.ts";

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
  /** The same for a text of which there are few kinds: it is prepared once per connection, like `sql`, and kept; too many are not. */
  readonly prepared: <Row extends object>(text: string, values: readonly unknown[]) => Promise<Row[]>;
  readonly now: Date;
  readonly actor: Actor;
};

export type DatabaseOptions = {
  readonly url: string;
  /** Role to act as when the URL's user is not the app's own (SET ROLE at connect). */
  readonly role: string | null;
  readonly poolSize: number;
  readonly name: string;
  readonly onConnectionError?: (error: Error) => void;
  /** After how long without a word from the server a connection is given up. */
  readonly silenceMs?: number;
};

const ATTEMPTS_MAX = 5;
const POOL_WAIT_MS = 2_000;
const BEGIN_TIMEOUT_MS = 2_000;
const STATEMENT_TIMEOUT_MS = 5_000;
/** How long a statement waits for a row that another transaction holds. */
export const LOCK_TIMEOUT_MS = 2_000;
const IDLE_IN_TRANSACTION_MS = 5_000;
/** The server ends a statement after 5 s; a client that hears nothing for longer has lost its server. */
const SILENCE_MS = 8_000;

const BEGIN_WRITE = "begin; select clock_timestamp() as now";
const BEGIN_READ = "begin isolation level repeatable read read only; select clock_timestamp() as now";

// The driver takes a time-out for one query; its types do not say so.
const PROBE = { text: "select 1", query_timeout: BEGIN_TIMEOUT_MS };

type Statement = { readonly text: string; readonly name: string };
const statements = new WeakMap<TemplateStringsArray, Statement>();
const builtNames = new Map<string, string>();
/** Each takes some hundred kilobytes of every connection. */
const BUILT_MAX = 60;
let statementCount = 0;

/** Settings of every session, given at connect so that they cost no round trip and outlive errors. */
export function sessionOptions(role: string | null): string {
  const settings = [
    `statement_timeout=${STATEMENT_TIMEOUT_MS}`,
    `lock_timeout=${LOCK_TIMEOUT_MS}`,
    `idle_in_transaction_session_timeout=${IDLE_IN_TRANSACTION_MS}`,
    "timezone=UTC",
    // Statements here read little by index: compiling them would take longer than running them.
    "jit=off",
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
      query_timeout: options.silenceMs ?? SILENCE_MS,
      keepAlive: true,
      application_name: options.name,
      // A plan that was kept from when a table was empty reads it whole for ever: lists and look-ups are planned for their values.
      options: `${sessionOptions(options.role)} -c plan_cache_mode=force_custom_plan`,
      types: typeParsers,
    });
    // Without a listener a dropped idle connection would end the process.
    this.#pool.on("error", (error) => options.onConnectionError?.(error));
    this.#pool.on("connect", (client) => client.on("error", () => undefined));
  }

  /** Runs `work` in one READ COMMITTED transaction; repeats it a bounded number of times after a deadlock or serialization failure. */
  write<T>(actor: Actor, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#transact(BEGIN_WRITE, actor, work);
  }

  /** Runs `work` on one snapshot, read only: several statements see the same instant. */
  read<T>(actor: Actor, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#transact(BEGIN_READ, actor, work);
  }

  /** As `write`, but everything is taken back at the end: what would happen. */
  async rehearse<T>(actor: Actor, work: (tx: Tx) => Promise<T>): Promise<T> {
    const end = new EndOfRehearsal();
    const results: T[] = [];
    try {
      await this.write(actor, async (tx) => {
        results.splice(0, Infinity, await work(tx));
        throw end;
      });
    } catch (error) {
      if (error !== end) throw error;
    }
    const [result] = results;
    invariant(result !== undefined, "a rehearsal without a result");
    return result;
  }

  /** True when the database answers a trivial query; false after 2 s at the latest for a connection and 2 s for the answer. */
  async isReachable(): Promise<boolean> {
    try {
      await this.#pool.query(PROBE);
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
        // In a transaction of our own asking it says nothing about the server: a read has tried to write.
        if (begin === BEGIN_READ && sqlState(error) === "25006") throw new Bug("a read tried to write", { cause: error });
        if (!isRetryable(error)) throw toBusy(error) ?? error;
        if (attempt === ATTEMPTS_MAX) throw busy("The same rows are in great demand.", error);
        await jitter(attempt);
      }
    }
  }

  async #once<T>(begin: string, actor: Actor, work: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw withoutServer(error);
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

/** Thrown to roll a rehearsal back. */
class EndOfRehearsal extends Error {}

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
      prepared: <Row extends object>(text: string, values: readonly unknown[]) =>
        this.#run<Row>({ ...named(text), text, values: [...values] }),
      now,
      actor,
    };
  }

  async begin(text: string): Promise<Date> {
    // Where this takes long the server is stuck, and nothing has been asked of it yet that could take long.
    const begin = { text, query_timeout: BEGIN_TIMEOUT_MS };
    const results: unknown = await this.#guard(() => this.#client.query(begin));
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
        if (isServerError(error) && !endsConnection(error)) throw error;
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
    return (await this.#guard(() => this.#client.query<Row>(config))).rows;
  }

  async #guard<T>(send: () => Promise<T>): Promise<T> {
    this.#running = true;
    try {
      const result = await send();
      this.#running = false;
      return result;
    } catch (error) {
      // A server's error leaves the connection in a known state; anything else (time-out, broken socket) does not.
      this.#running = !isServerError(error);
      throw withoutServer(error);
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

/** A statement that was built of pieces gets a name as stable, until there are too many. */
function named(text: string): { name?: string } {
  const known = builtNames.get(text);
  if (known !== undefined) return { name: known };
  if (builtNames.size >= BUILT_MAX) return {};
  const name = `s${++statementCount}`;
  builtNames.set(text, name);
  return { name };
}

function jitter(attempt: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.random() * 10 * 2 ** attempt));
}
