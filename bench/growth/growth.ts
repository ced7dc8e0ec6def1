// npm run bench -- --growth: fills one set of books with a long history and another with next to none, on the same PostgreSQL, and asks
// both the same: payments in turns, then every kind of read. Nothing may cost much more for the history behind it.

import { resolve } from "node:path";
import { proveBooks, verifyBooks } from "../books.ts";
import type { Sample } from "../closed-loop.ts";
import type { LoadName } from "../load.ts";
import { describeMachine } from "../machine.ts";
import { waitForCalm } from "../meter.ts";
import { settle } from "../server.store.ts";
import { type BenchServer, type Books, openBenchServer, withClient } from "../servers.ts";
import { productOptions, startSubject, type Subject } from "../subject.ts";
import { startProductServer } from "../subjects/servers.ts";
import { fillBooks } from "./fill.ts";
import { type BookFacts, isFilled, markFilled, readFacts, readSizes } from "./facts.store.ts";
import type { BookSize } from "./fill.store.ts";
import { writeGrowth } from "./page.ts";
import { CELLS, FEW, type GrowthOptions } from "./plan.ts";
import { measureReads, type Timings } from "./readings.ts";

/** A run of payments on one of the books. */
type Cell = { readonly title: string; readonly subject: Subject; readonly load: LoadName; readonly books: Books };
type Side = { readonly name: "empty" | "grown"; readonly books: Books; readonly facts: BookFacts };

const CALLERS = 256;
const WARM_UP_MS = 400;
export async function measureGrowth(options: GrowthOptions): Promise<void> {
  const machine = describeMachine();
  const grownSize = { accounts: Math.max(FEW, Math.ceil(options.rows / 10)), payments: Math.ceil(options.rows / 2) };
  const kept = options.books === null ? null : { folder: resolve(options.books), database: nameKeptBooks(grownSize) };
  const server = await openBenchServer(kept);
  const closers: (() => Promise<void>)[] = [() => server.stop()];
  try {
    const empty = await fill("empty", await server.createBooks("empty"), { accounts: FEW, payments: FEW });
    const grown = await fill("grown", server, grownSize);
    const cells = await startCells(server, empty, grown, closers);
    const targets = new Map<Side, Awaited<ReturnType<typeof startProductServer>>["target"]>();
    for (const side of [empty, grown]) {
      const started = await startProductServer(side.books, `growth ${side.name} server`);
      closers.push(started.stop);
      targets.set(side, started.target);
    }
    for (const { books } of [empty, grown]) await withClient(books.ownerUrl, settle);
    const sizes = await withClient(grown.books.ownerUrl, readSizes);

    const samples = new Map<string, Sample[]>(Object.values(CELLS).map((title) => [title, []]));
    const timings: Record<Side["name"], Timings> = { empty: new Map(), grown: new Map() };
    for (let repetition = 1; repetition <= options.repetitions; repetition++) {
      for (const cell of repetition % 2 === 1 ? cells : cells.toReversed())
        samples.get(cell.title)?.push(await pay(cell, options, repetition));
      await proveBooks(grown.books, "the payments of a repetition");
      for (const side of repetition % 2 === 1 ? [empty, grown] : [grown, empty]) {
        const target = targets.get(side);
        if (target === undefined) throw new Error("a side without a server");
        await waitForCalm(options.calm * 1000);
        const asked = { target, postmaster: server.postmaster, facts: side.facts };
        await measureReads(asked, { times: options.reads, seed: repetition }, timings[side.name]);
      }
      console.log(`${repetition}/${options.repetitions}  reads: ${options.reads} of each kind on both books`);
    }
    for (const { name, books } of [empty, grown]) await verifyAloud(name, books);

    const results = { date: new Date().toISOString(), machine, server: server.settings, options, size: grownSize, sizes, samples, timings };
    console.log(`\n${await writeGrowth(results, options.write)}`);
  } finally {
    for (const close of closers.toReversed()) await close();
  }
}

/** Books of another size are others. */
function nameKeptBooks({ payments }: BookSize): string {
  return `finlego_bench_grown_${2 * payments}`;
}

/** Fills the books, or takes them as they were kept. */
async function fill(name: Side["name"], books: Books, size: BookSize): Promise<Side> {
  if (await withClient(books.ownerUrl, isFilled)) {
    console.log(`The ${name} books were kept: ${size.accounts} accounts, ${2 * size.payments} entries and what was paid since`);
    return { name, books, facts: await withClient(books.ownerUrl, (owner) => readFacts(owner, size)) };
  }
  console.log(`Filling the ${name} books: ${size.accounts} accounts, ${2 * size.payments} entries …`);
  const facts = await fillBooks(books, size, (line) => console.log(`  ${line}`));
  await verifyAloud(name, books);
  await withClient(books.ownerUrl, markFilled);
  return { name, books, facts };
}

async function verifyAloud(name: string, books: Books): Promise<void> {
  const began = performance.now();
  await verifyBooks(books);
  console.log(`  verify of the ${name} books: nothing wrong, ${((performance.now() - began) / 1000).toFixed(0)} s`);
}

async function startCells(server: BenchServer, empty: Side, grown: Side, closers: (() => Promise<void>)[]): Promise<Cell[]> {
  const start = async ({ books, facts }: Side, few: boolean): Promise<Subject> => {
    const accounts = few ? spread(facts.accounts, FEW) : facts.accounts;
    const subject = await startSubject("growth", productOptions(books, server.postmaster, accounts));
    closers.push(() => subject.stop());
    return subject;
  };
  const [onEmpty, onAll, onFew] = [await start(empty, true), await start(grown, false), await start(grown, true)];
  return [
    { title: CELLS.empty, subject: onEmpty, load: "uniform", books: empty.books },
    { title: CELLS.grown, subject: onAll, load: "uniform", books: grown.books },
    { title: CELLS.grownFew, subject: onFew, load: "uniform", books: grown.books },
    { title: CELLS.emptyHot, subject: onEmpty, load: "hot", books: empty.books },
    { title: CELLS.grownHot, subject: onAll, load: "hot", books: grown.books },
  ];
}

/** So many of a list, evenly, the first one among them. */
function spread(list: readonly string[], count: number): string[] {
  const step = Math.max(1, Math.floor(list.length / count));
  return list.filter((_, index) => index % step === 0).slice(0, count);
}

/** One run. Empty books are proved after each; of the grown ones, where that takes its time, all runs of a repetition are proved together. */
async function pay(
  { title, subject, load, books }: Cell,
  { seconds, calm, repetitions }: GrowthOptions,
  repetition: number,
): Promise<Sample> {
  await waitForCalm(calm * 1000);
  const sample = await subject.run({ callers: CALLERS, warmUpMs: WARM_UP_MS, measureMs: seconds * 1000, load, seed: repetition });
  console.log(
    `${repetition}/${repetitions}  ${title}: ${sample.perSecond.toFixed(0)}/s, p99 ${sample.p99Ms?.toFixed(1) ?? "–"} ms, PG ${sample.databaseMicros?.toFixed(1) ?? "–"} µs`,
  );
  if (title.startsWith("empty")) await proveBooks(books, title);
  return sample;
}
