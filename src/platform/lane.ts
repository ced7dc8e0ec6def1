// A connection of one's own for statements that are whole transactions (the ledger's writer): one statement at a time, one round
// trip, one commit. After any doubt the connection is thrown away and the next call opens a new one.

import pg from "pg";
import { invariant } from "./problem.ts";
import { isServerError, OutcomeUnknown, sessionOptions, type Sql, statementOf } from "./db.ts";
import { typeParsers } from "./db-types.ts";

const CONNECT_TIMEOUT_MS = 2_000;
const SILENCE_MS = 8_000;

export type LaneOptions = { readonly url: string; readonly role: string | null; readonly name: string };

export class Lane {
  readonly #options: LaneOptions;
  #client: pg.Client | null = null;
  #busy = false;
  #warned = false;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /** Runs one statement as its own transaction. Throws OutcomeUnknown when the connection broke: it may or may not have been committed. */
  readonly sql: Sql = async <Row extends object>(strings: TemplateStringsArray, ...values: readonly unknown[]) => {
    invariant(!this.#busy, "two statements at once on one lane");
    this.#busy = true;
    try {
      const client = this.#client ?? (await this.#connect());
      this.#warned = false;
      const { name, text } = statementOf(strings);
      const result = await client.query<Row>({ name, text, values: [...values] });
      if (this.#warned) throw new OutcomeUnknown("the commit was not confirmed by the standby");
      return result.rows;
    } catch (error) {
      if (isServerError(error) && !/^(57P|08)/.test(error.code ?? "")) throw error;
      this.#discard();
      throw error instanceof NotConnected ? error.cause : new OutcomeUnknown("the connection broke", { cause: error });
    } finally {
      this.#busy = false;
    }
  };

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: SILENCE_MS,
      keepAlive: true,
      application_name: this.#options.name,
      options: sessionOptions(this.#options.role),
      types: typeParsers,
    });
    client.on("error", () => undefined);
    client.on("notice", (notice) => {
      if (notice.code === "01000") this.#warned = true;
    });
    try {
      await client.connect();
    } catch (error) {
      // Nothing was sent, so nothing can have happened.
      throw new NotConnected(error);
    }
    this.#client = client;
    return client;
  }

  #discard(): void {
    const client = this.#client;
    this.#client = null;
    // end() waits for the server's goodbye, which a stuck server never says.
    if (client !== null) (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }
}

class NotConnected extends Error {
  constructor(cause: unknown) {
    super("no connection", { cause });
  }
}
