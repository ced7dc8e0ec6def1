// What a run costs: processor time of the serving process and of PostgreSQL with all its processes, and bytes of write-ahead log.
// Processor time comes from /proc (Linux); elsewhere, and for a server on another machine, it is null and the tables show a dash.

import { readdirSync, readFileSync } from "node:fs";
import type { Client } from "pg";
import { readWalPosition } from "./server.store.ts";

export type Reading = {
  readonly atMs: number;
  /** Microseconds since the process began. */
  readonly serving: number | null;
  readonly database: number | null;
  /** Bytes written to the log since the server was made. */
  readonly wal: bigint | null;
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
      serving: this.#serving === process.pid ? ownTime() : (processTime(this.#serving)?.own ?? null),
      database: this.#postmaster === null ? null : familyTime(this.#postmaster),
      wal,
    };
  }
}

function ownTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

type ProcessTime = { readonly parent: number; readonly own: number; readonly children: number };

/** A server process, its living children, and those that have ended (which the kernel adds to the parent's account). */
function familyTime(parent: number): number | null {
  const first = processTime(parent);
  if (first === null) return null;
  let sum = first.own + first.children;
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
    return { parent, own: (user + system) * MICROSECONDS_PER_TICK, children: (endedUser + endedSystem) * MICROSECONDS_PER_TICK };
  } catch {
    return null;
  }
}
