// The figures of growth as a page and as data, beside the others in bench/results.

import { percentile, type Sample } from "../closed-loop.ts";
import { findRatios } from "../figures.ts";
import type { Machine } from "../machine.ts";
import type { RatioLine } from "../ratios.ts";
import { describeRun, renderFigures, renderRatios, writeBoth } from "../report.ts";
import type { TableSize } from "./facts.store.ts";
import type { BookSize } from "./fill.store.ts";
import { CELLS, type GrowthOptions } from "./plan.ts";
import { type Goal, READS } from "./reads.ts";
import type { Taken, Timings } from "./readings.ts";

export type GrowthResults = {
  readonly date: string;
  readonly machine: Machine;
  readonly server: Readonly<Record<string, string>>;
  readonly options: GrowthOptions;
  readonly size: BookSize;
  /** Before the first run. */
  readonly sizes: readonly TableSize[];
  readonly samples: ReadonlyMap<string, readonly Sample[]>;
  readonly timings: Readonly<Record<"empty" | "grown", Timings>>;
};

/** Milliseconds of one kind of read. */
type Timing = {
  readonly p50: number;
  readonly p99: number;
  readonly most: number;
  /** Median of the processor time; null where it is not known. */
  readonly work: number | null;
  readonly failed: number;
  /** What the first of them said. */
  readonly failure: string | null;
};
type ReadLine = { readonly title: string; readonly goal: Goal | null; readonly empty: Timing; readonly grown: Timing };

/** Writes page and data; gives the page. */
export async function writeGrowth(results: GrowthResults, write: boolean): Promise<string> {
  const { timings, ...rest } = results;
  const reads = READS.map(({ title, goal }): ReadLine => {
    const [empty, grown] = [timingOf(timings.empty.get(title)), timingOf(timings.grown.get(title))];
    return { title, goal, empty, grown };
  });
  const name = `${results.date.slice(0, 10)}-${results.machine.commit}-growth`;
  return await writeBoth(name, renderPage(results, reads), { ...rest, samples: Object.fromEntries(results.samples), reads }, write);
}

function timingOf({ ms, workMs, failures }: Taken = { ms: [], workMs: [], failures: [] }): Timing {
  return {
    p50: percentile([...ms], 0.5) ?? 0,
    p99: percentile([...ms], 0.99) ?? 0,
    most: Math.max(0, ...ms),
    work: percentile([...workMs], 0.5),
    failed: failures.length,
    failure: failures[0] ?? null,
  };
}

function renderPage(results: GrowthResults, reads: readonly ReadLine[]): string {
  const { options, size, sizes, samples } = results;
  const pages = reads.filter(({ goal }) => goal?.of === "p99");
  const slowest = pages.toSorted((a, b) => b.grown.p99 - a.grown.p99)[0];
  const bytes = sizes.reduce((sum, table) => sum + table.bytes, 0);
  return [
    ...describeRun("Growth measured", results),
    `Grown books: ${size.accounts} accounts, ${2 * size.payments} entries, ${gibibytes(bytes)}. Empty books: 10 000 accounts with one payment each. Both on one server, asked in turns: ${options.repetitions} repetitions of ${options.seconds} s for each line of payments, 256 callers in process.`,
    "`verify` ran over both books before and after; the books were proved after the runs of every repetition.",
    "",
    "## Payments",
    "",
    ...renderRatios(findRatios(samples, RATIOS)),
    "",
    ...renderFigures(samples),
    "",
    "## Reads",
    "",
    `Milliseconds over HTTP, one caller, ${options.repetitions * options.reads} of each kind. Lists: pages of 50. Work: median of the processor time of Node and PostgreSQL.`,
    ...(slowest === undefined
      ? []
      : ["", `Slowest page of a list: ${slowest.title}, p99 ${slowest.grown.p99.toFixed(1)} ms (goal: at most 50).`]),
    "",
    "| read | empty p50 | p99 | work | grown p50 | p99 | work | goal |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ...reads.map(renderRead),
    "",
    "## Size of the grown books",
    "",
    "| table | rows | with indexes |",
    "| --- | --- | --- |",
    ...sizes.map(({ table, rows, bytes: part }) => `| ${table} | ${rows} | ${gibibytes(part)} |`),
    "",
  ].join("\n");
}

function line(title: string, above: string, below: string, goal: number | null): RatioLine {
  return { title, above: { cells: [above], of: "perSecond" }, below: { cells: [below], of: "perSecond" }, goal };
}

const RATIOS: readonly RatioLine[] = [
  line("uniform over all accounts: grown ÷ empty", CELLS.grown, CELLS.empty, 0.75),
  line("uniform over 10 000 accounts: grown ÷ empty", CELLS.grownFew, CELLS.empty, null),
  line("hot: grown ÷ empty", CELLS.grownHot, CELLS.emptyHot, null),
];

function renderRead({ title, goal, empty, grown }: ReadLine): string {
  const missed = goal !== null && (grown[goal.of] > goal.ms || grown.failed > 0);
  const failed = empty.failed + grown.failed === 0 ? "" : `, **${empty.failed} and ${grown.failed} failed**`;
  const verdict = `${goal === null ? "–" : `${goal.of} ≤ ${goal.ms}${missed ? " **missed**" : ""}`}${failed}`;
  const figures = [empty, grown].flatMap(({ p50, p99, work }) => [p50, p99, work]).map((ms) => ms?.toFixed(1) ?? "–");
  return `| ${title} | ${figures.join(" | ")} | ${verdict} |`;
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}
