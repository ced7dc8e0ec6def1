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
export const PRODUCT_HOLDS = "product, hold and post";
export const PRODUCT_DRAFTS = "product, draft, pend and post";
export const HAND_WRITTEN = "hand-written";
export const HAND_WRITTEN_SINGLE = "hand-written, one connection";
export const PREPARED = "hand-written, prepared";
export const PREPARED_SINGLE = "hand-written, prepared, one connection";
export const PGLEDGER = "pgledger";
export const PGLEDGER_SINGLE = "pgledger, one connection";
export const TPCB = "pgbench TPC-B";
export const PRODUCT_HTTP = "product over HTTP";
export const PRODUCT_HTTP_HOLDS = "product over HTTP, hold and post";
export const HAND_WRITTEN_HTTP = "hand-written over HTTP";
export const PREPARED_HTTP = "hand-written, prepared, over HTTP";
export const BARE_HTTP = "Fastify without a database";

/** Batches: so many payments in a request, and as many requests in flight as suit that. */
export const BATCHES = [
  { size: 100, callers: 16 },
  { size: 1000, callers: 4 },
] as const;
export const batchName = (size: number): string => `product over HTTP, batches of ${size}`;

/** `name` is the one of the tables. */
export type Cell = { readonly name: string; readonly subject: Subject; readonly load: LoadName; readonly callers: number };

export const nameOf = (subject: string, load: LoadName, callers: number): string => `${subject}, ${load}, c${callers}`;

/** Does a run of that subject write the product's books? */
export function writesBooks(subject: string): boolean {
  return subject.startsWith(PRODUCT);
}

/** Peers gain nothing from more callers than this: their connections are far fewer. */
const PEER_CALLERS = 64;
/** Payments in several steps are measured where the goal for them is. */
const FLOW_CALLERS = 256;
/** pgbench's load is its own; one line of it stands among the uniform ones. */
const TPCB_CALLERS = [8, 16, 32];

/** `find` gives the subject for a load, or null when there is none here. */
export function planCells(options: Options, find: (name: string, load: LoadName) => Subject | null): Cell[] {
  const cells: Cell[] = [];
  const add = (name: string, load: LoadName, ...callers: readonly number[]): void => {
    const subject = find(name, load);
    if (subject !== null) for (const count of callers) cells.push({ name, subject, load, callers: count });
  };
  for (const load of options.loads) {
    if (options.inProcess) {
      const peerCallers = load === "uniform" && options.callers.includes(1) ? [1, PEER_CALLERS] : [PEER_CALLERS];
      add(HAND_WRITTEN, load, ...peerCallers);
      add(PREPARED, load, ...peerCallers);
      add(PGLEDGER, load, PEER_CALLERS);
      add(PRODUCT, load, ...options.callers);
      if (load === "hot") for (const name of [HAND_WRITTEN_SINGLE, PREPARED_SINGLE, PGLEDGER_SINGLE]) add(name, load, PEER_CALLERS);
      if (load === "uniform") add(TPCB, load, ...TPCB_CALLERS);
      if (load !== "zipf") for (const name of [PRODUCT_HOLDS, PRODUCT_DRAFTS]) add(name, load, FLOW_CALLERS);
    }
    if (options.http) {
      add(HAND_WRITTEN_HTTP, load, PEER_CALLERS);
      add(PREPARED_HTTP, load, PEER_CALLERS);
      add(PRODUCT_HTTP, load, ...options.callers);
      if (load === "uniform") {
        add(BARE_HTTP, load, PEER_CALLERS);
        add(PRODUCT_HTTP_HOLDS, load, PEER_CALLERS);
        for (const { size, callers } of BATCHES) add(batchName(size), load, callers);
      }
    }
  }
  return cells;
}
