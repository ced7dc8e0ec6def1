// Processor time of a server and of all of PostgreSQL's processes, to the microsecond: what a read costs whoever else uses the machine.
// From /proc (Linux); elsewhere it knows nothing.

import { readdirSync, readFileSync } from "node:fs";
import { processTime } from "../meter.ts";

export class WorkClock {
  readonly #postmaster: number | null;
  readonly #serving: number;
  #processes: number[] = [];

  constructor(postmaster: number | null, serving: number) {
    this.#postmaster = postmaster;
    this.#serving = serving;
  }

  /** Looks which processes there are. Connections are kept open, so that now and then is enough. */
  refresh(): void {
    if (this.#postmaster === null) return;
    const children = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => processTime(pid)?.parent === this.#postmaster);
    this.#processes = [this.#serving, this.#postmaster, ...children];
  }

  /** Microseconds used so far; null where that is not known. */
  read(): number | null {
    if (this.#processes.length === 0) return null;
    let sum = 0;
    for (const pid of this.#processes) sum += runTime(pid) ?? 0;
    return sum / 1000;
  }
}

/** Nanoseconds of the process' first thread, which is all of a PostgreSQL process and the JavaScript of a Node process. Null: it has gone. */
function runTime(pid: number): number | null {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "latin1").split(" ", 1)[0]);
  } catch {
    return null;
  }
}
