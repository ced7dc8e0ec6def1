// The writer's queue, pure: who may go into the next batch. Commands of one account keep their order, two batches in flight never share
// an account, a key or an externalId, and nothing is passed over for ever: what waits reserves its accounts and names against those
// behind it.

import { isChange, type LedgerCommand, linesOf } from "./command.ts";

export type Waiting<T> = { readonly command: LedgerCommand; readonly sinceMs: number; readonly ticket: T };

export class WriterQueue<T> {
  #waiting: Waiting<T>[] = [];
  readonly #inFlight = new Set<readonly Waiting<T>[]>();
  /** Accounts, keys and externalIds of the batches in flight: gathered when another batch is to be made beside them, which is not often. */
  #taken: ReadonlySet<string> | null = null;

  get length(): number {
    return this.#waiting.length;
  }

  /** When the command that has waited longest came; 0 when none waits. */
  get oldestSinceMs(): number {
    return this.#waiting[0]?.sinceMs ?? 0;
  }

  add(entry: Waiting<T>): void {
    this.#waiting.push(entry);
  }

  /**
   * Takes the next batch, at most `linesMax` lines (one command always fits). Looks through the whole queue when it must: a quarter of a
   * microsecond for each command that waits behind a busy account, and the queue is bounded.
   */
  take(linesMax: number): Waiting<T>[] {
    const batch: Waiting<T>[] = [];
    const taken = (this.#taken ??= gatherNames(this.#inFlight));
    const names = new Set<string>();
    const reserved = new Set<string>();
    const kept: Waiting<T>[] = [];
    let lines = 0;
    let index = 0;
    for (; index < this.#waiting.length; index++) {
      const entry = this.#waiting[index];
      if (entry === undefined) break;
      const size = linesOf(entry.command).length;
      if (batch.length > 0 && lines + size > linesMax) break;
      const accounts = accountsOf(entry.command);
      const once = namesOf(entry.command);
      const waits = (name: string): boolean => taken.has(name) || reserved.has(name);
      const isAlone = taken.size === 0 && reserved.size === 0;
      if ((!isAlone && (accounts.some(waits) || once.some(waits))) || once.some((name) => names.has(name))) {
        // Of two commands with one externalId the earlier is the one that counts, so names keep their order as accounts do.
        for (const name of [...accounts, ...once]) reserved.add(name);
        kept.push(entry);
        continue;
      }
      for (const name of once) names.add(name);
      lines += size;
      batch.push(entry);
    }
    if (batch.length === 0) return batch;
    this.#waiting = kept.length === 0 ? this.#waiting.slice(index) : [...kept, ...this.#waiting.slice(index)];
    this.#inFlight.add(batch);
    this.#taken = null;
    return batch;
  }

  /** The batch, one that `take` gave, has ended: its accounts and names are free. */
  release(batch: readonly Waiting<T>[]): void {
    this.#inFlight.delete(batch);
    this.#taken = null;
  }

  /** Removes what has waited since before `limitMs`. */
  removeOlderThan(limitMs: number): Waiting<T>[] {
    const old = this.#waiting.filter((entry) => entry.sinceMs < limitMs);
    if (old.length > 0) this.#waiting = this.#waiting.filter((entry) => entry.sinceMs >= limitMs);
    return old;
  }
}

function gatherNames(batches: ReadonlySet<readonly Waiting<unknown>[]>): Set<string> {
  const names = new Set<string>();
  for (const batch of batches) {
    for (const { command } of batch) {
      for (const name of accountsOf(command)) names.add(name);
      for (const name of namesOf(command)) names.add(name);
    }
  }
  return names;
}

function accountsOf(command: LedgerCommand): string[] {
  const lines = linesOf(command);
  const [first] = lines;
  if (first !== undefined && lines.length === 1) return [first.debitAccountId, first.creditAccountId];
  return lines.flatMap((line) => [line.debitAccountId, line.creditAccountId]);
}

/** What may stand only once in a batch: the unique names of the command, the payment that it changes, and the one that it undoes. */
function namesOf(command: LedgerCommand): string[] {
  const subject = isChange(command) ? command.payment.id : `${command.ownerTenant}/${command.externalId}`;
  const { reversesPaymentId } = isChange(command) ? command.payment : command;
  const names = reversesPaymentId === null ? [subject] : [subject, reversesPaymentId];
  if (command.key !== null) names.push(command.key.id);
  return names;
}
