// A closed loop: so many callers, each with one call at a time. Only what ends inside the measured window counts; the callers are
// running before it begins and go on until it has ended, so that neither start nor end flatters.

import { setTimeout as pause } from "node:timers/promises";
import { type Meter, othersShare, type Reading } from "./meter.ts";

/** What one run gave. Null: not known on this system. */
export type Sample = {
  readonly payments: number;
  readonly perSecond: number;
  /** Of one call, with all payments that it makes. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** Microseconds of processor time per payment. */
  readonly nodeMicros: number | null;
  readonly databaseMicros: number | null;
  /** Both together. */
  readonly workMicros: number | null;
  readonly walBytes: number | null;
  /** Part of the machine's processors that others used meanwhile, 0 to 1. */
  readonly others: number | null;
};

/** What of a sample stands in tables. */
export type Measure = Exclude<keyof Sample, "payments">;

export type Window = { readonly callers: number; readonly warmUpMs: number; readonly measureMs: number };

/** `pay` is one call of the caller with that number and gives the payments made; when it throws, the run has failed. */
export async function runClosedLoop(window: Window, meter: Meter, pay: (caller: number) => Promise<number>): Promise<Sample> {
  const state = { stop: false, failure: null as unknown, count: 0, measuring: false };
  const latencies: number[] = [];
  const callers = Array.from({ length: window.callers }, async (_, caller) => {
    while (!state.stop) {
      const began = performance.now();
      try {
        // In two steps: `+= await` would add to what the count was before the call.
        const made = await pay(caller);
        state.count += made;
      } catch (error) {
        state.failure ??= error;
        state.stop = true;
        return;
      }
      if (state.measuring) latencies.push(performance.now() - began);
    }
  });
  await pause(window.warmUpMs);
  const before = await meter.read();
  const countBefore = state.count;
  state.measuring = true;
  await pause(window.measureMs);
  const after = await meter.read();
  const payments = state.count - countBefore;
  state.measuring = false;
  state.stop = true;
  await Promise.all(callers);
  if (state.failure !== null) throw new Error("a payment of the run failed", { cause: state.failure });
  return { ...costs(payments, before, after, meter.servesItself), p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) };
}

/** Rates and costs per payment between two readings. */
export function costs(payments: number, before: Reading, after: Reading, servesItself: boolean): Omit<Sample, "p50Ms" | "p99Ms"> {
  const each = (from: number | bigint | null, to: number | bigint | null): number | null =>
    from === null || to === null || payments === 0 ? null : (Number(to) - Number(from)) / payments;
  const [nodeMicros, databaseMicros] = [each(before.serving, after.serving), each(before.database, after.database)];
  return {
    payments,
    perSecond: payments / ((after.atMs - before.atMs) / 1000),
    nodeMicros,
    databaseMicros,
    workMicros: nodeMicros === null || databaseMicros === null ? null : nodeMicros + databaseMicros,
    walBytes: each(before.wal, after.wal),
    others: othersShare(before, after, servesItself),
  };
}

/** Sorts the values it is given. Null when there are none. */
export function percentile(values: number[], part: number): number | null {
  if (values.length === 0) return null;
  values.sort((a, b) => a - b);
  return values[Math.min(values.length - 1, Math.floor(values.length * part))] ?? null;
}
