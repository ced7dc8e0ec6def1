// A connection of one's own for statements that are whole transactions (the ledger's writer): one round trip, one commit. A second
// statement may be sent behind one that runs: the server begins it the moment the first is committed, in that order, and what becomes
// of the one says nothing of the other. After any doubt the connection is thrown away and the next call opens a new one. What was sent over
// the old one may still be on its way, or wait in the server's inbox: the new one first ends that session, so that nothing is done behind
// the back of whoever asks again and gets an answer.

import pg from "pg";
import { invariant } from "./problem.ts";
import { endsConnection, isServerError, OutcomeUnknown, withoutServer } from "./db-errors.ts";
import { sessionOptions, type Sql, statementOf } from "./db.ts";
import { endSession } from "./lane.store.ts";
import { typeParsers } from "./db-types.ts";

const CONNECT_TIMEOUT_MS = 2_000;
const SILENCE_MS = 8_000;
/** Statements in flight: the one that runs, and the one behind it. */
export const LANE_DEPTH = 2;

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
  #connecting: Promise<pg.Client> | null = null;
  #inFlight = 0;
  /** Connections on which a commit was not confirmed. */
  readonly #doubted = new WeakSet<pg.Client>();
  /** Server processes of connections that were given up, until they are known to be gone. */
  readonly #givenUp = new Set<number>();

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  /**
   * Runs one statement as its own transaction. Throws OutcomeUnknown when the connection broke meanwhile: it may or may not have been
   * committed; DatabaseAway, or the server's refusal, when there was no connection to be had and nothing can have happened.
   */
  readonly sql: Sql = async <Row extends object>(strings: TemplateStringsArray, ...values: readonly unknown[]) => {
    invariant(this.#inFlight < LANE_DEPTH, "more statements on a lane than it may have in flight");
    this.#inFlight++;
    try {
      const client = this.#client ?? (await this.#connect());
      return await this.#run<Row>(client, { ...statementOf(strings), values: [...values] });
    } finally {
      this.#inFlight--;
    }
  };

  async close(): Promise<void> {
    const client = this.#client;
    this.#client = null;
    await client?.end();
  }

  async #run<Row extends object>(client: pg.Client, query: pg.QueryConfig): Promise<Row[]> {
    try {
      const result = await client.query<Row>(query);
      if (!this.#doubted.has(client)) return result.rows;
    } catch (error) {
      if (isServerError(error) && !endsConnection(error)) throw error;
      this.#discard(client);
      throw new OutcomeUnknown("the connection broke", { cause: error });
    }
    this.#discard(client);
    throw new OutcomeUnknown("the commit was not confirmed by the standby");
  }

  /** Two statements that find no connection wait for the same one. */
  #connect(): Promise<pg.Client> {
    this.#connecting ??= this.#open().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #open(): Promise<pg.Client> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: this.#options.silenceMs ?? SILENCE_MS,
      keepAlive: true,
      pipeline: true,
      application_name: this.#options.name,
      options: sessionOptions(this.#options.role),
      types: typeParsers,
    });
    // A connection that is lost while nobody uses it costs nothing: the next call opens a new one.
    client.on("error", () => this.#forget(client));
    await client.connect().catch((error: unknown) => {
      throw withoutServer(error);
    });
    try {
      await this.#endGivenUp(client);
    } catch (error) {
      destroy(client);
      throw withoutServer(error);
    }
    client.on("notice", (notice) => {
      if (notice.code === "01000") this.#doubted.add(client);
    });
    this.#client = client;
    return client;
  }

  /** Until the old sessions are gone there is no new one: a repeat would not know what it repeats. */
  async #endGivenUp(client: pg.Client): Promise<void> {
    for (const pid of this.#givenUp) {
      if (!(await endSession(client, { pid, name: this.#options.name }))) throw new Error("the session before does not end");
      this.#givenUp.delete(pid);
    }
  }

  #discard(client: pg.Client): void {
    this.#forget(client);
    const { processID } = client as unknown as { processID: number | null };
    if (processID !== null) this.#givenUp.add(processID);
    destroy(client);
  }

  #forget(client: pg.Client): void {
    if (this.#client === client) this.#client = null;
  }
}

/** end() waits for the server's goodbye, which a stuck server never says. */
function destroy(client: pg.Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}
