// The terms of drafted payments, for the commands that change them: they never change, so they are kept; those asked for in the same
// turn of the event loop are read in one statement. Whether a caller may change a payment is not judged here but by post_batch.

import type { Actor, Database } from "#platform/db.ts";
import type { PaymentTerms } from "../posting/command.ts";
import type { Payment } from "./payment.ts";
import { findTerms } from "./payment.store.ts";

/** Lines of all kept payments together. */
const KEPT_LINES_MAX = 50_000;
const READER: Actor = { kind: "system", id: "payment-terms", tenant: null, traceId: "" };

type Asking = { readonly resolve: (terms: PaymentTerms | null) => void; readonly reject: (error: unknown) => void };

export class PaymentTermsLoader {
  readonly #db: Database;
  /** In the order of their last use: the first one is forgotten first. */
  readonly #kept = new Map<string, PaymentTerms>();
  #keptLines = 0;
  #asked = new Map<string, Asking[]>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** Keeps what a command has just made, before anybody asks. */
  keep(payment: Payment): void {
    const { sequence: _sequence, accounts: _accounts, state: _state, reason: _reason, ...terms } = payment;
    this.#remember({ ...terms, lines: payment.lines.map((line) => ({ ...line, postedMinor: null })) });
  }

  /** Null when there is no such payment. */
  async find(id: string): Promise<PaymentTerms | null> {
    const kept = this.#kept.get(id);
    if (kept !== undefined) {
      this.#remember(kept);
      return kept;
    }
    return await new Promise((resolve, reject) => {
      const others = this.#asked.get(id);
      if (others !== undefined) others.push({ resolve, reject });
      else this.#asked.set(id, [{ resolve, reject }]);
      if (others === undefined && this.#asked.size === 1) setImmediate(() => void this.#load());
    });
  }

  async #load(): Promise<void> {
    const asked = this.#asked;
    this.#asked = new Map();
    try {
      const found = await this.#db.read(READER, (tx) => findTerms(tx, [...asked.keys()]));
      const byId = new Map(found.map((terms) => [terms.id, terms]));
      for (const terms of found) this.#remember(terms);
      for (const [id, waiting] of asked) for (const { resolve } of waiting) resolve(byId.get(id) ?? null);
    } catch (error) {
      for (const waiting of asked.values()) for (const { reject } of waiting) reject(error);
    }
  }

  #remember(terms: PaymentTerms): void {
    if (!this.#kept.delete(terms.id)) this.#keptLines += terms.lines.length;
    this.#kept.set(terms.id, terms);
    for (const [id, { lines }] of this.#kept) {
      if (this.#keptLines <= KEPT_LINES_MAX) break;
      this.#kept.delete(id);
      this.#keptLines -= lines.length;
    }
  }
}
