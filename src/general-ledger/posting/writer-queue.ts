// The writer's queue, pure: who may go into the next batch. Commands of one account keep their order, two batches side by side never
// share an account, no two in flight share a key or an externalId, and nothing is passed over for ever: what waits reserves its accounts
// and names against those behind it. (A batch that must be repeated after a fault may come after one that was sent behind it.)

import { isChange, type LedgerCommand, linesOf } from "./command.ts";

export type Waiting<T> = { readonly command: LedgerCommand; readonly sinceMs: number; readonly ticket: T };

/** The accounts of a batch, and what may stand in one batch only. */
type Names = { readonly accounts: Set<string>; readonly once: Set<string> };
/** A batch as it would be: what goes, what stays behind of the part that was looked through, and where that part ends. */
type Selection<T> = { readonly batch: Waiting<T>[]; readonly kept: readonly Waiting<T>[]; readonly next: number };

export class WriterQueue<T> {
  #waiting: Waiting<T>[] = [];
  /** The batches in flight, with their accounts and names once somebody asked for them. */
  readonly #inFlight = new Map<readonly Waiting<T>[], Names | null>();

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
   * Takes the next batch, at most `linesMax` lines (one command always fits), to be written beside those in flight. Looks through the whole
   * queue when it must: a quarter of a microsecond for each command that waits behind a busy account, and the queue is bounded.
   */
  take(linesMax: number): Waiting<T>[] {
    const others = [...this.#inFlight.keys()].map((batch) => this.#namesOf(batch));
    return this.#commit(this.#select(linesMax, others, null));
  }

  /**
   * Takes a batch to be written after `leader`, which is in flight, on the same connection: what waits for the leader's accounts, and only
   * that. Empty when these are fewer than `least` commands.
   */
  takeBehind(leader: readonly Waiting<T>[], linesMax: number, least: number): Waiting<T>[] {
    const others = [...this.#inFlight.keys()].filter((batch) => batch !== leader).map((batch) => this.#namesOf(batch));
    const selection = this.#select(linesMax, others, this.#namesOf(leader));
    return selection.batch.length < least ? [] : this.#commit(selection);
  }

  #select(linesMax: number, others: readonly Names[], leader: Names | null): Selection<T> {
    const batch: Waiting<T>[] = [];
    const kept: Waiting<T>[] = [];
    const mine: Names = { accounts: new Set(), once: new Set() };
    const reserved = new Set<string>();
    const waits = (name: string): boolean =>
      reserved.has(name) || others.some(({ accounts, once }) => accounts.has(name) || once.has(name));
    let isAlone = others.length === 0;
    let lines = 0;
    let index = 0;
    for (; index < this.#waiting.length; index++) {
      const entry = this.#waiting[index];
      if (entry === undefined) break;
      const size = linesOf(entry.command).length;
      if (batch.length > 0 && lines + size > linesMax) break;
      const accounts = accountsOf(entry.command);
      const once = namesOf(entry.command);
      const isBlocked = (!isAlone && (accounts.some(waits) || once.some(waits))) || once.some((name) => mine.once.has(name));
      if (isBlocked || (leader !== null && !follows(accounts, once, leader, mine))) {
        // Of two commands with one externalId the earlier is the one that counts, so names keep their order as accounts do.
        for (const name of [...accounts, ...once]) reserved.add(name);
        isAlone = false;
        kept.push(entry);
        continue;
      }
      for (const name of once) mine.once.add(name);
      if (leader !== null) for (const name of accounts) mine.accounts.add(name);
      lines += size;
      batch.push(entry);
    }
    return { batch, kept, next: index };
  }

  #commit({ batch, kept, next }: Selection<T>): Waiting<T>[] {
    if (batch.length === 0) return batch;
    this.#waiting = kept.length === 0 ? this.#waiting.slice(next) : [...kept, ...this.#waiting.slice(next)];
    this.#inFlight.set(batch, null);
    return batch;
  }

  #namesOf(batch: readonly Waiting<T>[]): Names {
    const names = this.#inFlight.get(batch) ?? gatherNames(batch);
    this.#inFlight.set(batch, names);
    return names;
  }

  /** The batch, one that was taken, has ended: its accounts and names are free. */
  release(batch: readonly Waiting<T>[]): void {
    this.#inFlight.delete(batch);
  }

  /** Removes what has waited since before `limitMs`. */
  removeOlderThan(limitMs: number): Waiting<T>[] {
    const old = this.#waiting.filter((entry) => entry.sinceMs < limitMs);
    if (old.length > 0) this.#waiting = this.#waiting.filter((entry) => entry.sinceMs >= limitMs);
    return old;
  }
}

/** What of a command belongs behind the leader: it waits for one of the leader's accounts, or of those that already wait so. */
function follows(accounts: readonly string[], once: readonly string[], leader: Names, mine: Names): boolean {
  return accounts.some((name) => leader.accounts.has(name) || mine.accounts.has(name)) && !once.some((name) => leader.once.has(name));
}

function gatherNames(batch: readonly Waiting<unknown>[]): Names {
  const names: Names = { accounts: new Set(), once: new Set() };
  for (const { command } of batch) {
    for (const name of accountsOf(command)) names.accounts.add(name);
    for (const name of namesOf(command)) names.once.add(name);
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
