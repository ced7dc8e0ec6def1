// What the ledger does by itself, beside the calls: tells receivers of its changes, and ends payments whose time is over.

import type { Database } from "#platform/db.ts";
import { describeFault } from "#platform/fault.ts";
import type { WorkerLog } from "#platform/worker.ts";
import { Follower, type FollowerOptions } from "./journal/follower.ts";
import { PaymentExpiry } from "./payments/expiry.ts";
import type { Writer } from "./posting/writer.ts";

export type LedgerTasksOptions = {
  readonly db: Database;
  readonly writer: Writer;
  /** Sends one event to whoever wants to hear of every change; null: nobody does. */
  readonly deliver: FollowerOptions["deliver"] | null;
  readonly log: WorkerLog;
};

export type LedgerTasks = {
  /** Changes that this instance is still to send. */
  readonly behind: () => number;
  /** Ends when what is running has ended. Stop before the writer is closed. */
  stop(): Promise<void>;
};

/** Starts them; any number of instances may. */
export function startLedgerTasks({ db, writer, deliver, log }: LedgerTasksOptions): LedgerTasks {
  const follower = deliver === null ? null : new Follower({ db, deliver, log });
  const expiry = new PaymentExpiry({
    db,
    writer,
    onFault: (error) =>
      log.warn({ fault: describeFault(error) }, "payments whose time is over could not be cancelled; they will be tried again"),
  });
  return {
    behind: () => follower?.behind ?? 0,
    async stop() {
      await Promise.all([follower?.stop(), expiry.stop()]);
    },
  };
}
