// npm run bench: measures the product and its yardsticks, interleaved on one PostgreSQL, proves the books after every run of the
// product, and writes the figures to bench/results. It reports; it judges nothing but the books.

import { Command, InvalidArgumentError } from "commander";
import { prepareBooks, proveBooks, verifyBooks } from "./books.ts";
import type { Sample } from "./closed-loop.ts";
import { measureClientLists } from "./client-lists.ts";
import { measureGrowth } from "./growth/growth.ts";
import type { GrowthOptions } from "./growth/plan.ts";
import { measureImports } from "./imports.ts";
import { LOADS, type LoadName } from "./load.ts";
import { describeMachine } from "./machine.ts";
import { waitForCalm } from "./meter.ts";
import { type Cell, nameOf, type Options, planCells, writesBooks } from "./plan.ts";
import { writeResults } from "./report.ts";
import { settle } from "./server.store.ts";
import { type BenchServer, openBenchServer, withClient } from "./servers.ts";
import { startSubjects } from "./subjects/start.ts";

const WARM_UP_MS = 400;

type CommandLine = Omit<Options, "inProcess" | "http" | "loads"> & {
  inProcess?: true;
  http?: true;
  load: readonly LoadName[];
  quick?: true;
  pgledger?: string;
  write: boolean;
  growth?: true;
  rows: number;
  reads: number;
  books?: string;
  imports?: true;
  clientLists?: true;
  clients: number;
};

const program = new Command("bench")
  .description("Payments per second, latency and processor time, beside the yardsticks. See bench/README.md.")
  .option("--in-process", "only without HTTP")
  .option("--http", "only over HTTP")
  .option("--callers <list>", "callers in flight", readNumbers, [1, 8, 64, 256, 1024])
  .option("--load <list>", LOADS.join(", "), readLoads, [...LOADS])
  .option("--repetitions <n>", "interleaved repetitions", readNumber, 5)
  .option("--seconds <n>", "length of one run", readNumber, 2)
  .option("--calm <seconds>", "wait so long before each run for others to leave the processors alone", readNumber, 0)
  .option("--accounts <n>", "accounts to pay between", readNumber, 10_000)
  .option("--quick", "unless said otherwise: 64 and 256 callers, uniform and hot, 3 repetitions of 1 s")
  .option("--growth", "instead: what a long history costs; 7 repetitions of 4 s unless said otherwise; takes an hour and 20 GB")
  .option("--rows <n>", "entries of the grown books", readNumber, 10_000_000)
  .option("--reads <n>", "with --growth: of each kind of read in each repetition", readNumber, 30)
  .option("--books <folder>", "with --growth: keep the grown books there, and take those that are there already")
  .option("--imports", "instead: clients per second, from files and one by one; 3 repetitions unless said otherwise")
  .option("--client-lists", "instead: pages of clients out of a million; some 10 minutes")
  .option(
    "--clients <n>",
    "with --imports: of each way in each repetition, 5 000 unless said otherwise; with --client-lists: 1 000 000",
    readNumber,
    5_000,
  )
  .option("--pgledger <file>", "compare with pgledger, whose SQL is in this file")
  .option("--no-write", "print only, write nothing to bench/results");

const given = program.parse().opts<CommandLine>();
if (given.growth) await measureGrowth(readGrowthOptions(given));
else if (given.imports) await measureImports({ ...given, repetitions: isGiven("repetitions") ? given.repetitions : 3 });
else if (given.clientLists) await measureClientLists({ ...given, clients: isGiven("clients") ? given.clients : 1_000_000 });
else await bench(readOptions(given), given);

function isGiven(name: keyof CommandLine): boolean {
  return program.getOptionValueSource(name) !== "default";
}

function readGrowthOptions({ rows, reads, calm, write, repetitions, seconds, books }: CommandLine): GrowthOptions {
  return {
    rows,
    reads,
    calm,
    write,
    repetitions: isGiven("repetitions") ? repetitions : 7,
    seconds: isGiven("seconds") ? seconds : 4,
    books: books ?? null,
  };
}

/** What is given counts; --quick only changes what is not. */
function readOptions(line: CommandLine): Options {
  const pick = <T>(name: keyof CommandLine, value: T, quick: T): T => (line.quick && !isGiven(name) ? quick : value);
  return {
    inProcess: !line.http || line.inProcess === true,
    http: !line.inProcess || line.http === true,
    callers: pick("callers", line.callers, [64, 256]),
    loads: pick("load", line.load, ["uniform", "hot"]),
    repetitions: pick("repetitions", line.repetitions, 3),
    seconds: pick("seconds", line.seconds, 1),
    accounts: line.accounts,
    calm: line.calm,
  };
}

async function bench(options: Options, { pgledger, write }: { readonly pgledger?: string; readonly write: boolean }): Promise<void> {
  const machine = describeMachine();
  console.log("Preparing the database …");
  const server = await openBenchServer();
  const closers: (() => Promise<void>)[] = [() => server.stop()];
  try {
    const accounts = await prepareBooks(server, options.accounts);
    const { find, absent } = await startSubjects({ server, accounts, options, pgledger: pgledger ?? null }, closers);
    await withClient(server.ownerUrl, settle);
    const samples = await measureAll(server, options, planCells(options, find));
    const results = { date: new Date().toISOString(), machine, server: server.settings, options, absent, samples };
    console.log(`\n${await writeResults(results, write)}`);
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}

/** All repetitions; every second one backwards, so that no subject always follows the same one. */
async function measureAll(server: BenchServer, options: Options, cells: readonly Cell[]): Promise<Map<string, Sample[]>> {
  const samples = new Map<string, Sample[]>(cells.map((cell) => [titleOf(cell), []]));
  for (let repetition = 1; repetition <= options.repetitions; repetition++) {
    for (const cell of repetition % 2 === 1 ? cells : cells.toReversed()) {
      const title = titleOf(cell);
      const window = { callers: cell.callers, warmUpMs: WARM_UP_MS, measureMs: options.seconds * 1000 };
      await waitForCalm(options.calm * 1000);
      const sample = await cell.subject.run({ ...window, load: cell.load, seed: repetition });
      samples.get(title)?.push(sample);
      console.log(
        `${repetition}/${options.repetitions}  ${title}: ${sample.perSecond.toFixed(0)}/s, p99 ${sample.p99Ms?.toFixed(1) ?? "–"} ms, PG ${sample.databaseMicros?.toFixed(1) ?? "–"} µs, Node ${sample.nodeMicros?.toFixed(1) ?? "–"} µs`,
      );
      if (writesBooks(cell.name)) await proveBooks(server, title);
    }
    await verifyBooks(server);
  }
  return samples;
}

function titleOf({ name, load, callers }: Cell): string {
  return nameOf(name, load, callers);
}

function readNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError("A whole number from 1 on.");
  return value;
}

function readNumbers(text: string): number[] {
  return text.split(",").map(readNumber);
}

function readLoads(text: string): LoadName[] {
  return text.split(",").map((name) => {
    const load = LOADS.find((known) => known === name);
    if (load === undefined) throw new InvalidArgumentError(`One or more of ${LOADS.join(", ")}.`);
    return load;
  });
}
