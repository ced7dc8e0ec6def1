// A connection of one's own for statements that are whole transactions (the ledger's writer): one statement at a time, one round
// trip, one commit. After any doubt the connection is thrown away and the next call opens a new one.

import pg from "pg";
import { invariant } from "./problem.ts";
import { endsConnection, isServerError, OutcomeUnknown, withoutServer } from "./db-errors.ts";
import { sessionOptions, type Sql, statementOf } from "./db.ts";
import { typeParsers } from "./db-types.ts";

const CONNECT_TIMEOUT_MS = 2_000;
const SILENCE_MS = 8_000;

export type LaneOptions = {
  readonly url: string;
  readonly role: string | null;
  readonly name: string;
  /** After how long without a word from the server the connection is given up. */
  readonly silenceMs?: number;
};

export class Lane {
  readonly #options: LaneOptions;
  #client: pg.Client | null = null;
  #busy = false;
  #warned = false;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /**
   * Runs one statement as its own transaction. Throws OutcomeUnknown when the connection broke meanwhile: it may or may not have been
   * committed; DatabaseAway, or the server's refusal, when there was no connection to be had and nothing can have happened.
   */
  readonly sql: Sql = async <Row extends object>(strings: TemplateStringsArray, ...values: readonly unknown[]) => {
    invariant(!this.#busy, "two statements at once on one lane");
    this.#busy = true;
    try {
      const client = this.#client ?? (await this.#connect());
      return await this.#run<Row>(client, { ...statementOf(strings), values: [...values] });
    } finally {
      this.#busy = false;
    }
  };

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }

  async #run<Row extends object>(client: pg.Client, query: pg.QueryConfig): Promise<Row[]> {
    this.#warned = false;
    try {
      const result = await client.query<Row>(query);
      if (!this.#warned) return result.rows;
    } catch (error) {
      if (isServerError(error) && !endsConnection(error)) throw error;
      this.#discard(client);
      throw new OutcomeUnknown("the connection broke", { cause: error });
    }
    this.#discard(client);
    throw new OutcomeUnknown("the commit was not confirmed by the standby");
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: this.#options.silenceMs ?? SILENCE_MS,
      keepAlive: true,
      application_name: this.#options.name,
      options: sessionOptions(this.#options.role),
      types: typeParsers,
    });
    client.on("notice", (notice) => {
      if (notice.code === "01000") this.#warned = true;
    });
    // A connection that is lost while nobody uses it costs nothing: the next call opens a new one.
    client.on("error", () => this.#forget(client));
    await client.connect().catch((error: unknown) => {
      throw withoutServer(error);
    });
    this.#client = client;
    return client;
  }

  #discard(client: pg.Client): void {
    this.#forget(client);
    // end() waits for the server's goodbye, which a stuck server never says.
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }

  #forget(client: pg.Client): void {
    if (this.#client === client) this.#client = null;
  }
}
