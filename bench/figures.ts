// From samples to figures: medians with their range, and ratios taken within each repetition, because the machine's mood moves both
// sides of a ratio alike.

import type { Measure, Sample } from "./closed-loop.ts";
import { RATIOS, type RatioLine, type Term } from "./ratios.ts";

/** By the name of the cell, one sample per repetition. */
export type Samples = ReadonlyMap<string, readonly Sample[]>;

export type Spread = { readonly median: number; readonly least: number; readonly most: number };

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

/** Every ratio whose both sides were measured. */
export function findRatios(samples: Samples, lines: readonly RatioLine[] = RATIOS): Ratio[] {
  return lines.flatMap(({ title, above, below, goal }) => {
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
