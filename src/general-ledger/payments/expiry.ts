// Drafted payments whose time is over are cancelled and give back what they hold. Every instance looks, once a second: that two find
// the same payment does no harm, because only one change of it is accepted. A post that comes first wins; from the instant of expiry no
// post is accepted, whether it was found yet or not.

import type { Actor, Database } from "#platform/db.ts";
import type { ChangeCommand, PaymentTerms } from "../posting/command.ts";
import type { Writer } from "../posting/writer.ts";
import { findExpired, forgetEnded } from "./expiry.store.ts";
import { findTerms } from "./payment.store.ts";

const LOOK_MS = 1_000;
const AT_ONCE_MAX = 500;
const ACTOR: Actor = { kind: "job", id: "payment-expiry", tenant: null, traceId: "payment-expiry" };

export type ExpiryOptions = { readonly db: Database; readonly writer: Writer; readonly onFault: (error: unknown) => void };

/** Cancels what has expired, for as long as it is not stopped. */
export class PaymentExpiry {
  readonly #options: ExpiryOptions;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<unknown> | null = null;

  constructor(options: ExpiryOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** One round: how many payments it has found. */
  async cancelExpired(): Promise<number> {
    const { db, writer } = this.#options;
    const expired = await db.read(ACTOR, async (tx) => await findTerms(tx, await findExpired(tx, AT_ONCE_MAX)));
    const ends = await Promise.allSettled(expired.map((payment) => writer.submit(expiryOf(payment))));
    if (expired.length > 0) {
      await db.write(ACTOR, (tx) =>
        forgetEnded(
          tx,
          expired.map(({ id }) => id),
        ),
      );
    }
    // One that cannot be cancelled now does not keep the others from it: it is met again in a later round.
    const failed = ends.find((end) => end.status === "rejected");
    if (failed !== undefined) this.#options.onFault(failed.reason);
    return expired.length;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  #look(): void {
    if (this.#running !== null) return;
    this.#running = this.cancelExpired()
      .catch(this.#options.onFault)
      .finally(() => {
        this.#running = null;
      });
  }
}

function expiryOf(payment: PaymentTerms): ChangeCommand {
  return {
    operation: "expire",
    payment,
    ownerTenant: "default",
    isConfined: false,
    createdBy: ACTOR.id,
    key: null,
    reason: "expired",
    valueDate: null,
    captures: null,
  };
}
