// npm run bench: measures the product and its yardsticks, interleaved on one PostgreSQL, proves the books after every run of the
// product, and writes the figures to bench/results. It reports; it judges nothing but the books.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import { newId } from "#platform/new-id.ts";
import { findBrokenRules, openAccounts } from "./books.store.ts";
import type { Sample } from "./closed-loop.ts";
import { LOADS, type LoadName } from "./load.ts";
import { describeMachine } from "./machine.ts";
import {
  BARE_HTTP,
  type Cell,
  HAND_WRITTEN,
  HAND_WRITTEN_HTTP,
  nameOf,
  type Options,
  PGLEDGER,
  planCells,
  PRODUCT,
  PRODUCT_HTTP,
  TPCB,
} from "./plan.ts";
import { writeResults } from "./report.ts";
import { type BenchServer, openBenchServer, withClient } from "./servers.ts";
import { settle } from "./server.store.ts";
import { startSubject, type Subject, type SubjectOptions } from "./subject.ts";
import { connectionsFor } from "./subjects/hand-written.ts";
import { createTables } from "./subjects/hand-written.store.ts";
import { startPgbench } from "./subjects/pgbench.ts";
import { installPgledger } from "./subjects/pgledger.store.ts";
import { fundAccounts } from "./subjects/product.ts";
import { startPlainServer, startProductServer, type StartedServer } from "./subjects/servers.ts";

/** Enough that no run ends for want of money: 10 million in minor units of two decimals. */
const OPENING_MINOR = 1_000_000_000;
const WARM_UP_MS = 400;

type CommandLine = Omit<Options, "inProcess" | "http"> & {
  inProcess?: true;
  http?: true;
  load: LoadName[];
  quick?: true;
  pgledger?: string;
  write: boolean;
};

const program = new Command("bench")
  .description("Payments per second, latency and processor time, beside the yardsticks. See bench/README.md.")
  .option("--in-process", "only without HTTP")
  .option("--http", "only over HTTP")
  .option("--callers <list>", "callers in flight", readNumbers, [1, 8, 64, 256, 1024])
  .option("--load <list>", LOADS.join(", "), readLoads, [...LOADS])
  .option("--repetitions <n>", "interleaved repetitions", readNumber, 5)
  .option("--seconds <n>", "length of one run", readNumber, 2)
  .option("--accounts <n>", "accounts to pay between", readNumber, 10_000)
  .option("--quick", "64 and 256 callers, uniform and hot, 3 repetitions of 1 s")
  .option("--pgledger <file>", "compare with pgledger, whose SQL is in this file")
  .option("--no-write", "print only, write nothing to bench/results");

const given = program.parse().opts<CommandLine>();
await bench(readOptions(given), given);

function readOptions(line: CommandLine): Options {
  const quick = line.quick ? { callers: [64, 256], loads: ["uniform", "hot"] as LoadName[], repetitions: 3, seconds: 1 } : {};
  const { callers, load: loads, repetitions, seconds, accounts } = line;
  return {
    inProcess: !line.http || line.inProcess === true,
    http: !line.inProcess || line.http === true,
    callers,
    loads,
    repetitions,
    seconds,
    accounts,
    ...quick,
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
    const { path, page } = await writeResults(results, write);
    console.log(`\n${page}`);
    if (write) console.log(`Written to ${fileURLToPath(path)} and the .json beside it.`);
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}

async function prepareBooks(server: BenchServer, count: number): Promise<string[]> {
  const accounts = Array.from({ length: count }, newId);
  const bank = newId();
  await withClient(server.ownerUrl, async (owner) => {
    await openAccounts(owner, accounts, bank);
    await createTables(owner, count, OPENING_MINOR, "finlego_app");
  });
  await fundAccounts({ url: server.appUrl, role: server.appRole, accounts }, bank, OPENING_MINOR);
  return accounts;
}

type Setting = {
  readonly server: BenchServer;
  readonly accounts: readonly string[];
  readonly options: Options;
  readonly pgledger: string | null;
};
type Started = { readonly find: (name: string, load: LoadName) => Subject | null; readonly absent: readonly string[] };

/** Every subject that the options ask for, in a process of its own, waiting for its runs. */
async function startSubjects({ server, accounts, options, pgledger }: Setting, closers: (() => Promise<void>)[]): Promise<Started> {
  const subjects = new Map<string, Subject>();
  const absent: string[] = [];
  const keep = (name: string, subject: Subject): void => {
    subjects.set(name, subject);
    closers.push(() => subject.stop());
  };
  const base: SubjectOptions = {
    kind: "product",
    ownerUrl: server.ownerUrl,
    url: server.appUrl,
    role: server.appRole,
    postmaster: server.postmaster,
    accounts,
    http: null,
  };
  const call = async (name: string, started: StartedServer): Promise<void> => {
    keep(name, await startSubject(name, { ...base, kind: "http", http: started.target }, started.stop));
  };

  if (options.inProcess) {
    keep(PRODUCT, await startSubject(PRODUCT, base));
    keep(HAND_WRITTEN, await startSubject(HAND_WRITTEN, { ...base, kind: "handWritten" }));
    const tpcb = await startPgbench(server);
    if (tpcb === null) absent.push("pgbench is not on the PATH: no TPC-B here.");
    else keep(TPCB, tpcb);
    if (pgledger !== null) {
      const url = await server.createDatabase("pgledger");
      await installPgledger(url, await readFile(pgledger, "utf8"), options.accounts);
      keep(PGLEDGER, await startSubject(PGLEDGER, { ...base, kind: "pgledger", url }));
    }
  }
  if (options.http) {
    await call(PRODUCT_HTTP, await startProductServer(server, `${PRODUCT_HTTP} server`));
    await call(BARE_HTTP, await startPlainServer(null, `${BARE_HTTP} server`));
    for (const connections of new Set(options.loads.map(connectionsFor))) {
      await call(
        `${HAND_WRITTEN_HTTP} ${connections}`,
        await startPlainServer({ server, connections }, `${HAND_WRITTEN_HTTP} server ${connections}`),
      );
    }
  }
  return {
    find: (name, load) => subjects.get(name === HAND_WRITTEN_HTTP ? `${name} ${connectionsFor(load)}` : name) ?? null,
    absent,
  };
}

/** All repetitions; every second one backwards, so that no subject always follows the same one. */
async function measureAll(server: BenchServer, options: Options, cells: readonly Cell[]): Promise<Map<string, Sample[]>> {
  const samples = new Map<string, Sample[]>(cells.map((cell) => [titleOf(cell), []]));
  for (let repetition = 1; repetition <= options.repetitions; repetition++) {
    for (const cell of repetition % 2 === 1 ? cells : cells.toReversed()) {
      const title = titleOf(cell);
      const window = { callers: cell.callers, warmUpMs: WARM_UP_MS, measureMs: options.seconds * 1000 };
      const sample = await cell.subject.run({ ...window, load: cell.load, seed: repetition });
      samples.get(title)?.push(sample);
      console.log(
        `${repetition}/${options.repetitions}  ${title}: ${sample.perSecond.toFixed(0)}/s, p99 ${sample.p99Ms?.toFixed(1) ?? "–"} ms, PG ${sample.databaseMicros?.toFixed(1) ?? "–"} µs, Node ${sample.nodeMicros?.toFixed(1) ?? "–"} µs`,
      );
      if (cell.subject.name === PRODUCT || cell.subject.name === PRODUCT_HTTP) await proveBooks(server, title);
    }
  }
  return samples;
}

function titleOf({ subject, load, callers }: Cell): string {
  return nameOf(subject.name.replace(/ \d+$/, ""), load, callers);
}

async function proveBooks(server: BenchServer, title: string): Promise<void> {
  const broken = await withClient(server.ownerUrl, findBrokenRules);
  if (broken.length > 0) throw new Error(`After "${title}" the books are wrong. ${broken.join("; ")}`);
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
