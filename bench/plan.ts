// Which runs one repetition consists of, and in which order: every subject meets every phase of a noisy machine.

import type { LoadName } from "./load.ts";
import type { Subject } from "./subject.ts";

export type Options = {
  readonly inProcess: boolean;
  readonly http: boolean;
  readonly callers: readonly number[];
  readonly loads: readonly LoadName[];
  readonly repetitions: number;
  readonly seconds: number;
  readonly accounts: number;
  /** Seconds that a run may wait for its neighbours to be quiet. */
  readonly calm: number;
};

/** The names under which figures stand in the tables. */
export const PRODUCT = "product";
export const HAND_WRITTEN = "hand-written";
export const PGLEDGER = "pgledger";
export const TPCB = "pgbench TPC-B";
export const PRODUCT_HTTP = "product over HTTP";
export const HAND_WRITTEN_HTTP = "hand-written over HTTP";
export const BARE_HTTP = "Fastify without a database";

export type Cell = { readonly subject: Subject; readonly load: LoadName; readonly callers: number };

export const nameOf = (subject: string, load: LoadName, callers: number): string => `${subject}, ${load}, c${callers}`;

/** Peers gain nothing from more callers than this: their connections are far fewer. */
const PEER_CALLERS = 64;
/** pgbench's load is its own; one line of it stands among the uniform ones. */
const TPCB_CALLERS = [8, 16, 32];

/** `find` gives the subject for a load, or null when there is none here. */
export function planCells(options: Options, find: (name: string, load: LoadName) => Subject | null): Cell[] {
  const cells: Cell[] = [];
  const add = (name: string, load: LoadName, callers: readonly number[]): void => {
    const subject = find(name, load);
    if (subject !== null) for (const count of callers) cells.push({ subject, load, callers: count });
  };
  const peerCallers = options.callers.includes(1) ? [1, PEER_CALLERS] : [PEER_CALLERS];
  for (const load of options.loads) {
    if (options.inProcess) {
      add(HAND_WRITTEN, load, load === "uniform" ? peerCallers : [PEER_CALLERS]);
      add(PGLEDGER, load, [PEER_CALLERS]);
      add(PRODUCT, load, options.callers);
      if (load === "uniform") add(TPCB, load, TPCB_CALLERS);
    }
    if (options.http) {
      add(HAND_WRITTEN_HTTP, load, [PEER_CALLERS]);
      add(PRODUCT_HTTP, load, options.callers);
      if (load === "uniform") add(BARE_HTTP, load, [PEER_CALLERS]);
    }
  }
  return cells;
}
