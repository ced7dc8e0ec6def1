// The figures as a page for people (Markdown) and as data, side by side in bench/results.

import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Measure, Sample } from "./closed-loop.ts";
import { findRatios, measure, type Ratio, type Samples, type Spread } from "./figures.ts";
import type { Machine } from "./machine.ts";
import type { Options } from "./plan.ts";

export type Results = {
  readonly date: string;
  readonly machine: Machine;
  readonly server: Readonly<Record<string, string>>;
  readonly options: Options;
  /** Subjects that were left out, and why. */
  readonly absent: readonly string[];
  readonly samples: Samples;
};

const RESULTS_DIR = new URL("results/", import.meta.url);

/** Writes page and data of an ordinary run; gives where and what. */
export async function writeResults(results: Results, write: boolean): Promise<string> {
  const { date, machine, samples } = results;
  return await writeBoth(
    `${date.slice(0, 10)}-${machine.commit}`,
    renderPage(results),
    { ...results, samples: Object.fromEntries(samples) },
    write,
  );
}

/** Gives the page and, when it was written, where it stands. */
export async function writeBoth(name: string, page: string, data: object, write: boolean): Promise<string> {
  if (!write) return page;
  await mkdir(RESULTS_DIR, { recursive: true });
  const path = new URL(`${name}.md`, RESULTS_DIR);
  await writeFile(path, page);
  await writeFile(new URL(`${name}.json`, RESULTS_DIR), `${JSON.stringify(data, null, 1)}\n`);
  return `${page}\nWritten to ${fileURLToPath(path)} and the .json beside it.`;
}

/** Where, when and on what: the first lines of every page. */
export function describeRun(title: string, { date, machine, server }: Pick<Results, "date" | "machine" | "server">): string[] {
  const { connections = "in one way", ...settings } = server;
  return [
    `# ${title} ${date.slice(0, 16).replace("T", " ")} UTC, commit ${machine.commit}`,
    "",
    `${machine.processors}, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}; load before: ${machine.loadBefore}. Everything ran on these processors: load, Node and PostgreSQL.` +
      (machine.loadBefore > 0.5 ? ' Others were at work on them at the same time: see the column "others".' : ""),
    "",
    `PostgreSQL: ${Object.entries(settings)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ")}. All subjects reach it ${connections}.`,
    "",
  ];
}

/** The table of costs and rates, and what its columns mean. */
export function renderFigures(samples: Samples): string[] {
  return [
    "Node µs: processor time of the serving process per payment (in process: the load included). PG µs: of all PostgreSQL processes. Others: the part of the machine that was used by somebody else meanwhile.",
    "",
    "| subject | payments/s | p50 ms | p99 ms | Node µs | PG µs | WAL bytes | others |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ...[...samples].map(([name, list]) => renderRow(name, list)),
  ];
}

function renderPage(results: Results): string {
  const { options, samples } = results;
  return [
    ...describeRun("Measured", results),
    `${options.repetitions} repetitions of ${options.seconds} s, interleaved; ${options.accounts} accounts. Median [least..most]. c = callers in flight, each with one call at a time (one payment, but for batches).`,
    "The books were proved after each run of the product.",
    ...results.absent.map((line) => `\n${line}`),
    "",
    "## Ratios",
    "",
    "Taken within each repetition; median [least..most].",
    "",
    ...renderRatios(findRatios(samples)),
    "",
    "## Figures",
    "",
    ...renderFigures(samples),
    "",
  ].join("\n");
}

export function renderRatios(ratios: readonly Ratio[]): string[] {
  if (ratios.length === 0) return ["None of the pairs was measured."];
  const verdict = ({ spread, goal }: Ratio): string => (goal === null ? "–" : `≥ ${goal}${spread.median >= goal ? "" : " **missed**"}`);
  return [
    "| ratio | measured | goal |",
    "| --- | --- | --- |",
    ...ratios.map((line) => `| ${line.title} | ${renderSpread(line.spread, 2)} | ${verdict(line)} |`),
  ];
}

const COLUMNS: readonly (readonly [Measure, number])[] = [
  ["perSecond", 0],
  ["p50Ms", 1],
  ["p99Ms", 1],
  ["nodeMicros", 1],
  ["databaseMicros", 1],
  ["walBytes", 0],
  ["others", 2],
];

function renderRow(name: string, samples: readonly Sample[]): string {
  const cells = COLUMNS.map(([column, decimals]) => {
    const spread = measure(samples, column);
    return spread === null ? "–" : renderSpread(spread, decimals);
  });
  return `| ${name} | ${cells.join(" | ")} |`;
}

export function renderSpread({ median, least, most }: Spread, decimals: number): string {
  const show = (value: number): string => value.toFixed(decimals);
  if (least === most) return show(median);
  return `${show(median)} [${show(least)}..${show(most)}]`;
}
