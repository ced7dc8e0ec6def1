// The writer's queue, pure: who may go into the next batch. Commands of one account keep their order, two batches side by side never
// share an account, no two in flight share a key or an externalId, and nothing is passed over for ever: what waits reserves its accounts
// and names against those behind it. (A batch that must be repeated after a fault may come after one that was sent behind it.)

import { isChange, type LedgerCommand, linesOf } from "./command.ts";

export type Submitted<T> = { readonly command: LedgerCommand; readonly sinceMs: number; readonly ticket: T };
export type Waiting<T> = Submitted<T> & Names;

/** What a command names: accounts, and what may stand in one batch only. `all` are both. */
type Names = { readonly accounts: readonly Name[]; readonly once: readonly Name[]; readonly all: readonly Name[] };

/**
 * An account, or what may stand in one batch only, once for all commands that name it: a command is looked at many times while it waits, and
 * to look a text up in a set each time took a sixth of the server's time in large batches.
 */
type Name = {
  readonly text: string;
  /** How often commands name it that wait or are in flight; and those in flight alone. */
  uses: number;
  inFlight: number;
  /** The last look through the queue that left a command behind which names it, that took one, and that was for a batch behind one. */
  keptIn: number;
  takenIn: number;
  ledIn: number;
};

/** A batch as it would be: what goes, what stays behind of the part that was looked through, and where that part ends. */
type Selection<T> = { readonly batch: Waiting<T>[]; readonly kept: readonly Waiting<T>[]; readonly next: number };

export class WriterQueue<T> {
  #waiting: Waiting<T>[] = [];
  readonly #names = new Map<string, Name>();
  #looks = 0;

  get length(): number {
    return this.#waiting.length;
  }

  /** When the command that has waited longest came; 0 when none waits. */
  get oldestSinceMs(): number {
    return this.#waiting[0]?.sinceMs ?? 0;
  }

  /** Names that are kept: those of what waits and of what is in flight. */
  get nameCount(): number {
    return this.#names.size;
  }

  add({ command, sinceMs, ticket }: Submitted<T>): void {
    const accounts = accountsOf(command).map((text) => this.#use(text));
    const once = namesOf(command).map((text) => this.#use(text));
    this.#waiting.push({ command, sinceMs, ticket, accounts, once, all: [...accounts, ...once] });
  }

  /**
   * Takes the next batch, at most `linesMax` lines (one command always fits), to be written beside those in flight. Looks through the whole
   * queue when it must, and the queue is bounded.
   */
  take(linesMax: number): Waiting<T>[] {
    return this.#commit(this.#select(linesMax, null));
  }

  /**
   * Takes a batch to be written after `leader`, which is in flight, on the same connection: what waits for the leader's accounts, and only
   * that. Empty when these are fewer than `least` commands.
   */
  takeBehind(leader: readonly Waiting<T>[], linesMax: number, least: number): Waiting<T>[] {
    const selection = this.#select(linesMax, leader);
    return selection.batch.length < least ? [] : this.#commit(selection);
  }

  #select(linesMax: number, leader: readonly Waiting<T>[] | null): Selection<T> {
    const look = ++this.#looks;
    const batch: Waiting<T>[] = [];
    const kept: Waiting<T>[] = [];
    // What the leader holds blocks nobody who goes behind it.
    if (leader !== null) lead(leader, look);
    let lines = 0;
    let index = 0;
    for (; index < this.#waiting.length; index++) {
      const entry = this.#waiting[index];
      if (entry === undefined) break;
      const size = linesOf(entry.command).length;
      if (batch.length > 0 && lines + size > linesMax) break;
      if (mayGo(entry, look) && (leader === null || follows(entry, look))) {
        for (const name of entry.all) name.takenIn = look;
        lines += size;
        batch.push(entry);
      } else {
        // Of two commands with one externalId the earlier is the one that counts, so names keep their order as accounts do.
        for (const name of entry.all) name.keptIn = look;
        kept.push(entry);
      }
    }
    if (leader !== null) hold(leader);
    return { batch, kept, next: index };
  }

  #commit({ batch, kept, next }: Selection<T>): Waiting<T>[] {
    if (batch.length === 0) return batch;
    this.#waiting = kept.length === 0 ? this.#waiting.slice(next) : [...kept, ...this.#waiting.slice(next)];
    hold(batch);
    return batch;
  }

  /** The batch, one that was taken, has ended: its accounts and names are free. */
  release(batch: readonly Waiting<T>[]): void {
    for (const entry of batch) for (const name of entry.all) name.inFlight--;
    this.#forget(batch);
  }

  /** Removes what has waited since before `limitMs`. */
  removeOlderThan(limitMs: number): Waiting<T>[] {
    const old = this.#waiting.filter((entry) => entry.sinceMs < limitMs);
    if (old.length > 0) this.#waiting = this.#waiting.filter((entry) => entry.sinceMs >= limitMs);
    this.#forget(old);
    return old;
  }

  #use(text: string): Name {
    let name = this.#names.get(text);
    if (name === undefined) {
      name = { text, uses: 0, inFlight: 0, keptIn: 0, takenIn: 0, ledIn: 0 };
      this.#names.set(text, name);
    }
    name.uses++;
    return name;
  }

  #forget(entries: readonly Waiting<T>[]): void {
    for (const entry of entries) {
      for (const name of entry.all) if (--name.uses === 0) this.#names.delete(name.text);
    }
  }
}

/** Blocks everybody who shares a name with the batch. */
function hold(batch: readonly Names[]): void {
  for (const { all } of batch) for (const name of all) name.inFlight++;
}

/** The batch blocks nobody meanwhile, until it is held again: somebody is looked for to go behind it. */
function lead(batch: readonly Names[], look: number): void {
  for (const { all } of batch) {
    for (const name of all) {
      name.inFlight--;
      name.ledIn = look;
    }
  }
}

/** Nothing in flight and nothing that stays behind shares a name with it, and the batch has none that it may have once only. */
function mayGo({ all, once }: Names, look: number): boolean {
  return all.every(({ inFlight, keptIn }) => inFlight === 0 && keptIn !== look) && once.every(({ takenIn }) => takenIn !== look);
}

/** What of a command belongs behind the leader: it waits for one of the leader's accounts, or of those that already wait so. */
function follows({ accounts, once }: Names, look: number): boolean {
  return accounts.some(({ ledIn, takenIn }) => ledIn === look || takenIn === look) && once.every(({ ledIn }) => ledIn !== look);
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
