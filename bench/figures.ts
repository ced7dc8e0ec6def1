// From samples to figures: medians with their range, and ratios taken within each repetition, because the machine's mood moves both
// sides of a ratio alike.

import type { Sample } from "./closed-loop.ts";
import { BARE_HTTP, HAND_WRITTEN, HAND_WRITTEN_HTTP, nameOf, PGLEDGER, PRODUCT, PRODUCT_HTTP, TPCB } from "./plan.ts";

/** By the name of the cell, one sample per repetition. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

export type Spread = { readonly median: number; readonly least: number; readonly most: number };

export type Measure = "perSecond" | "p50Ms" | "p99Ms" | "nodeMicros" | "databaseMicros" | "walBytes" | "others";

export function spreadOf(values: readonly number[]): Spread | null {
  const sorted = [...values].sort((a, b) => a - b);
  const [least] = sorted;
  const most = sorted.at(-1);
  if (least === undefined || most === undefined) return null;
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? least;
  return { median: sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2, least, most };
}

/** Spread of one measure; null where it is not known in any repetition. */
export function measure(samples: readonly Sample[], name: Measure): Spread | null {
  return spreadOf(samples.flatMap((sample) => sample[name] ?? []));
}

export type Ratio = { readonly title: string; readonly spread: Spread; readonly goal: number | null };

type Term = { readonly cells: readonly string[]; readonly of: Measure };
const term = (of: Measure, ...cells: string[]): Term => ({ cells, of });

/** The ratios that matter; each line is "this ÷ that", and the goal it is to reach. */
const RATIOS: readonly { title: string; above: Term; below: Term; goal: number | null }[] = [
  ratio("in process, 256 callers, uniform ÷ hand-written", PRODUCT, "uniform", 256, HAND_WRITTEN, "uniform", 64, 8),
  ratio("in process, 256 callers, Zipf ÷ hand-written", PRODUCT, "zipf", 256, HAND_WRITTEN, "zipf", 64, null),
  ratio("in process, 256 callers, hot ÷ hand-written", PRODUCT, "hot", 256, HAND_WRITTEN, "hot", 64, 30),
  ratio("in process, 64 callers, uniform ÷ hand-written", PRODUCT, "uniform", 64, HAND_WRITTEN, "uniform", 64, null),
  ratio("in process, 1 caller ÷ hand-written, 1 caller", PRODUCT, "uniform", 1, HAND_WRITTEN, "uniform", 1, 1),
  ratio("in process, 256 callers, hot ÷ uniform", PRODUCT, "hot", 256, PRODUCT, "uniform", 256, 1),
  ratio("in process, 256 callers, uniform ÷ pgledger", PRODUCT, "uniform", 256, PGLEDGER, "uniform", 64, 8),
  ratio("in process, 256 callers, hot ÷ pgledger", PRODUCT, "hot", 256, PGLEDGER, "hot", 64, 30),
  {
    title: "in process, 256 callers, uniform ÷ best pgbench TPC-B",
    above: term("perSecond", nameOf(PRODUCT, "uniform", 256)),
    below: term("perSecond", ...[8, 16, 32].map((callers) => nameOf(TPCB, "uniform", callers))),
    goal: 6,
  },
  ratio("over HTTP, 64 callers, uniform ÷ hand-written over HTTP", PRODUCT_HTTP, "uniform", 64, HAND_WRITTEN_HTTP, "uniform", 64, 5),
  ratio("over HTTP, 256 callers, uniform ÷ hand-written over HTTP", PRODUCT_HTTP, "uniform", 256, HAND_WRITTEN_HTTP, "uniform", 64, null),
  ratio("over HTTP, 64 callers, hot ÷ hand-written over HTTP", PRODUCT_HTTP, "hot", 64, HAND_WRITTEN_HTTP, "hot", 64, null),
  ratio("over HTTP, 64 callers, hot ÷ uniform", PRODUCT_HTTP, "hot", 64, PRODUCT_HTTP, "uniform", 64, 1),
  ratio("over HTTP, 64 callers ÷ Fastify without a database", PRODUCT_HTTP, "uniform", 64, BARE_HTTP, "uniform", 64, null),
  ratio("over HTTP ÷ in process, 256 callers, uniform", PRODUCT_HTTP, "uniform", 256, PRODUCT, "uniform", 256, null),
  {
    title: "PostgreSQL's time per payment: hand-written ÷ in process, 256 callers, uniform",
    above: term("databaseMicros", nameOf(HAND_WRITTEN, "uniform", 64)),
    below: term("databaseMicros", nameOf(PRODUCT, "uniform", 256)),
    goal: null,
  },
];

type Load = Parameters<typeof nameOf>[1];

function ratio(
  title: string,
  subject: string,
  load: Load,
  callers: number,
  other: string,
  otherLoad: Load,
  otherCallers: number,
  goal: number | null,
) {
  return {
    title,
    above: term("perSecond", nameOf(subject, load, callers)),
    below: term("perSecond", nameOf(other, otherLoad, otherCallers)),
    goal,
  };
}

/** Every ratio whose both sides were measured. */
export function findRatios(samples: Samples): Ratio[] {
  return RATIOS.flatMap(({ title, above, below, goal }) => {
    const spread = spreadOf(divide(valuesOf(samples, above), valuesOf(samples, below)));
    return spread === null ? [] : [{ title, spread, goal }];
  });
}

/** One value per repetition; of several cells the best. */
function valuesOf(samples: Samples, { cells, of }: Term): (number | null)[] {
  const columns = cells.flatMap((cell) => samples.get(cell)?.map((sample) => sample[of]) ?? []);
  const repetitions = samples.get(cells[0] ?? "")?.length ?? 0;
  return Array.from({ length: repetitions }, (_, repetition) => {
    const values = cells.flatMap((_cell, index) => columns[index * repetitions + repetition] ?? []);
    return values.length === 0 ? null : Math.max(...values);
  });
}

function divide(above: readonly (number | null)[], below: readonly (number | null)[]): number[] {
  return above.flatMap((value, repetition) => {
    const other = below[repetition] ?? null;
    return value === null || other === null || other === 0 ? [] : [value / other];
  });
}
