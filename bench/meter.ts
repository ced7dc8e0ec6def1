// What a run costs: processor time of the serving process and of PostgreSQL with all its processes, and bytes of write-ahead log.
// Processor time comes from /proc (Linux); elsewhere, and for a server on another machine, it is null and the tables show a dash.

import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "pg";
import { readWalPosition } from "./server.store.ts";

export type Reading = {
  readonly atMs: number;
  /** Microseconds since the process began. */
  readonly serving: number | null;
  readonly database: number | null;
  /** Bytes written to the log since the server was made. */
  readonly wal: bigint | null;
  /** Of this process, its ended children included; it makes the load. */
  readonly own: number;
  /** All processors together: what anybody used, and what there was. */
  readonly machine: { readonly busy: number; readonly all: number } | null;
};

/** Linux counts processor time for user programs in hundredths of a second. */
const MICROSECONDS_PER_TICK = 10_000;

export class Meter {
  readonly #client: Client | null;
  readonly #postmaster: number | null;
  readonly #serving: number | null;

  /** `serving`: the process whose time counts as the application's. */
  constructor(options: { readonly client: Client | null; readonly postmaster: number | null; readonly serving: number | null }) {
    this.#client = options.client;
    this.#postmaster = options.postmaster;
    this.#serving = options.serving;
  }

  async read(): Promise<Reading> {
    const wal = this.#client === null ? null : await readWalPosition(this.#client);
    return {
      atMs: performance.now(),
      serving: this.servesItself ? ownTime() : (processTime(this.#serving)?.own ?? null),
      database: this.#postmaster === null ? null : familyTime(this.#postmaster),
      wal,
      own: processTime(process.pid)?.all ?? 0,
      machine: machineTime(),
    };
  }

  /** Whether `own` is part of `serving` already. */
  get servesItself(): boolean {
    return this.#serving === process.pid;
  }
}

/** The part of the machine that others used between two readings: the neighbours of the bench. */
export function othersShare(before: Reading, after: Reading, servesItself: boolean): number | null {
  if (before.machine === null || after.machine === null || before.database === null || after.database === null) return null;
  const since = (from: number | null, to: number | null): number => (from === null || to === null ? 0 : to - from);
  const ours =
    since(before.database, after.database) + since(before.own, after.own) + (servesItself ? 0 : since(before.serving, after.serving));
  const busy = after.machine.busy - before.machine.busy;
  return Math.max(0, busy - ours) / (after.machine.all - before.machine.all);
}

/** Waits until others leave four fifths of the machine alone, but no longer than `mostMs`. */
export async function waitForCalm(mostMs: number): Promise<void> {
  const end = performance.now() + mostMs;
  let before = machineTime();
  while (before !== null && performance.now() < end) {
    await pause(CALM_MS);
    const after = machineTime();
    if (after === null || (after.busy - before.busy) / (after.all - before.all) < 0.2) return;
    before = after;
  }
}

const CALM_MS = 250;

function machineTime(): Reading["machine"] {
  try {
    const [first = ""] = readFileSync("/proc/stat", "latin1").split("\n", 1);
    const [user = 0, nice = 0, system = 0, idle = 0, waiting = 0, hard = 0, soft = 0, stolen = 0] = first
      .trim()
      .split(/\s+/)
      .slice(1)
      .map(Number);
    const busy = user + nice + system + hard + soft + stolen;
    return { busy: busy * MICROSECONDS_PER_TICK, all: (busy + idle + waiting) * MICROSECONDS_PER_TICK };
  } catch {
    return null;
  }
}

function ownTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** `all`: with the children that have ended. */
type ProcessTime = { readonly parent: number; readonly own: number; readonly all: number };

/** A server process, its living children, and those that have ended (which the kernel adds to the parent's account). */
function familyTime(parent: number): number | null {
  const first = processTime(parent);
  if (first === null) return null;
  let sum = first.all;
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const found = processTime(Number(name));
    if (found?.parent === parent) sum += found.own;
  }
  return sum;
}

/** Null when there is no such process, or no /proc. */
export function processTime(pid: number | null): ProcessTime | null {
  if (pid === null) return null;
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The name stands in brackets and may hold anything; the numbers begin behind the last one.
    const fields = text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .map(Number);
    const [, parent = 0] = fields;
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
    const own = (user + system) * MICROSECONDS_PER_TICK;
    return { parent, own, all: own + (endedUser + endedSystem) * MICROSECONDS_PER_TICK };
  } catch {
    return null;
  }
}
