// npm run bench -- --imports: clients per second, over HTTP on a production server, from files and one by one; every client encrypted under a
// key of its own. Beside the rates: what a client costs, how much memory the server took, and how long other calls waited meanwhile.

import { readFileSync } from "node:fs";
import { importVerifiable, verificationVerifiable } from "#onboarding";
import { verify } from "#platform/verify.ts";
import { clientProfileVerifiable } from "#client-profile";
import { platformVerifiable } from "#platform/platform-checks.store.ts";
import { anIndividual } from "../test/builders.ts";
import { percentile } from "./closed-loop.ts";
import { spreadOf } from "./figures.ts";
import { describeMachine } from "./machine.ts";
import { Meter, othersShare, waitForCalm } from "./meter.ts";
import { describeRun, renderSpread, writeBoth } from "./report.ts";
import { type BenchServer, openBenchServer, withClient } from "./servers.ts";
import type { HttpTarget } from "./subject.ts";
import { startProductServer } from "./subjects/servers.ts";

export type ImportOptions = { readonly clients: number; readonly repetitions: number; readonly calm: number; readonly write: boolean };

type Figures = {
  readonly perSecond: number;
  readonly nodeMicros: number | null;
  readonly databaseMicros: number | null;
  readonly others: number | null;
  /** 99th percentile of a read that has nothing to do with the import, meanwhile. */
  readonly otherCallMs: number;
};

type Way = { readonly title: string; run(target: HttpTarget, clients: number): Promise<void> };

const GOAL = 500;
const CALLERS = 64;
const PATH = "/integration/clients";

const WAYS: readonly Way[] = [
  { title: "a file, NDJSON", run: (target, clients) => sendFile(target, "application/x-ndjson", ndjson(clients), "") },
  { title: "a file, CSV", run: (target, clients) => sendFile(target, "text/csv", csv(clients), "") },
  { title: "a rehearsal, NDJSON", run: (target, clients) => sendFile(target, "application/x-ndjson", ndjson(clients), "?dryRun=true") },
  { title: `one by one, ${CALLERS} callers`, run: sendSingles },
];

export async function measureImports(options: ImportOptions): Promise<void> {
  const machine = describeMachine();
  const server = await openBenchServer();
  const product = await startProductServer(server, "imports");
  try {
    const samples = new Map<string, Figures[]>(WAYS.map(({ title }) => [title, []]));
    for (let repetition = 1; repetition <= options.repetitions; repetition++) {
      for (const way of WAYS) {
        await waitForCalm(options.calm * 1000);
        const figures = await measure(server, product.target, way, options.clients);
        samples.get(way.title)?.push(figures);
        console.log(`${repetition}/${options.repetitions}  ${way.title}: ${figures.perSecond.toFixed(0)} clients/s`);
      }
    }
    await proveClients(server);
    const results = { date: new Date().toISOString(), machine, server: server.settings, options, peakMiB: peakOf(product.target.pid) };
    const page = renderPage(results, samples);
    const name = `${results.date.slice(0, 10)}-${machine.commit}-imports`;
    console.log(`\n${await writeBoth(name, page, { ...results, samples: Object.fromEntries(samples) }, options.write)}`);
  } finally {
    await product.stop();
    await server.stop();
  }
}

async function measure(server: BenchServer, target: HttpTarget, way: Way, clients: number): Promise<Figures> {
  return await withClient(server.ownerUrl, async (client) => {
    const meter = new Meter({ client, postmaster: server.postmaster, serving: target.pid });
    const waits: number[] = [];
    const ending = new AbortController();
    const probing = (async () => {
      while (!ending.signal.aborted) {
        const began = performance.now();
        await (await fetch(`http://127.0.0.1:${target.port}/health/ready`)).arrayBuffer();
        waits.push(performance.now() - began);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    const before = await meter.read();
    await way.run(target, clients);
    const after = await meter.read();
    ending.abort();
    await probing;
    const per = (from: number | null, to: number | null): number | null => (from === null || to === null ? null : (to - from) / clients);
    return {
      perSecond: (1000 * clients) / (after.atMs - before.atMs),
      nodeMicros: per(before.serving, after.serving),
      databaseMicros: per(before.database, after.database),
      others: othersShare(before, after, false),
      otherCallMs: percentile(waits, 0.99) ?? 0,
    };
  });
}

const persons = (clients: number) => Array.from({ length: clients }, () => anIndividual({ externalId: crypto.randomUUID() }));

function ndjson(clients: number): string {
  return persons(clients)
    .map((person) => `${JSON.stringify(person)}\n`)
    .join("");
}

function csv(clients: number): string {
  const rows = persons(clients).map((person) => flat(person));
  return [rows[0]?.map(([name]) => name) ?? [], ...rows.map((row) => row.map(([, cell]) => cell))]
    .map((cells) => `${cells.join(",")}\n`)
    .join("");
}

function flat(value: object, prefix = ""): [string, string][] {
  return Object.entries(value).flatMap(([name, member]: [string, unknown]): [string, string][] =>
    typeof member === "object" && member !== null
      ? flat(member, `${prefix}${name}.`)
      : [[prefix + name, member === null ? "" : String(member as string | number)]],
  );
}

async function sendFile({ port, token }: HttpTarget, mediaType: string, content: string, query: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, "content-type": mediaType };
  const answer = await fetch(`http://127.0.0.1:${port}${PATH}/import${query}`, { method: "POST", headers, body: content });
  const report = (await answer.json()) as { faulty?: number; duplicates?: number };
  if (answer.status !== 200 || report.faulty !== 0 || report.duplicates !== 0)
    throw new Error(`an import answered ${JSON.stringify(report)}`);
}

async function sendSingles({ port, token }: HttpTarget, clients: number): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const bodies = persons(clients).map((person) => JSON.stringify(person));
  const work = async (): Promise<void> => {
    for (let body = bodies.pop(); body !== undefined; body = bodies.pop()) {
      const answer = await fetch(`http://127.0.0.1:${port}${PATH}/individuals`, { method: "POST", headers, body });
      const text = await answer.text();
      if (answer.status !== 200) throw new Error(`an import answered ${text}`);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, work));
}

export async function proveClients(server: BenchServer): Promise<void> {
  const rooms = [platformVerifiable, clientProfileVerifiable, importVerifiable, verificationVerifiable];
  const report = await verify({ url: server.ownerUrl, mode: "development", rooms });
  const wrong = report.checks.filter(({ ok, severity }) => !ok && severity === "error");
  if (wrong.length > 0) throw new Error(`verify found: ${JSON.stringify(wrong, null, 1)}`);
}

/** The most memory that the process ever had, in MiB; null where the system does not say. */
function peakOf(pid: number): number | null {
  try {
    const kib = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
    return kib === undefined ? null : Math.round(Number(kib) / 1024);
  } catch {
    return null;
  }
}

type Results = Parameters<typeof describeRun>[1] & { readonly options: ImportOptions; readonly peakMiB: number | null };

function renderPage(results: Results, samples: ReadonlyMap<string, readonly Figures[]>): string {
  const show = (figures: readonly Figures[], name: keyof Figures, digits: number): string => {
    const spread = spreadOf(figures.flatMap((each) => each[name] ?? []));
    return spread === null ? "–" : renderSpread(spread, digits);
  };
  const rate = spreadOf((samples.get(WAYS[0]?.title ?? "") ?? []).map(({ perSecond }) => perSecond));
  const isMet = rate !== null && rate.median >= GOAL;
  return [
    ...describeRun("Imports", results),
    `${results.options.repetitions} repetitions of ${results.options.clients} clients each, in turns; verified afterwards. Median [least..most]. Goal: ${GOAL} clients/s from a file: ${isMet ? "met" : "**missed**"}.`,
    `Most memory of the serving process: ${results.peakMiB ?? "–"} MiB. "Other call": 99th percentile of GET /health/ready every 10 ms meanwhile.`,
    "",
    "| way | clients/s | Node µs | PG µs | other call ms | others |",
    "| --- | --- | --- | --- | --- | --- |",
    ...[...samples].map(
      ([title, figures]) =>
        `| ${title} | ${show(figures, "perSecond", 0)} | ${show(figures, "nodeMicros", 0)} | ${show(figures, "databaseMicros", 0)} | ${show(figures, "otherCallMs", 1)} | ${show(figures, "others", 2)} |`,
    ),
    "",
  ].join("\n");
}
