// npm run bench -- --client-lists: a production server with a million clients, every one encrypted under a key of its own and imported from
// files; then a page of every kind of list, over HTTP, one caller.

import { Readable } from "node:stream";
import { anIndividual } from "../test/builders.ts";
import { percentile } from "./closed-loop.ts";
import { createRandom } from "./load.ts";
import { describeMachine } from "./machine.ts";
import { waitForCalm } from "./meter.ts";
import { describeRun, writeBoth } from "./report.ts";
import { openBenchServer, withClient } from "./servers.ts";
import { startProductServer } from "./subjects/servers.ts";
import { settle } from "./server.store.ts";
import { proveClients } from "./imports.ts";

export type ListOptions = { readonly clients: number; readonly reads: number; readonly calm: number; readonly write: boolean };

type Call = (
  path: string,
  body?: { readonly method: string; readonly type: string; readonly content: string | ReadableStream },
) => Promise<unknown>;
type Page = { readonly items: readonly { readonly clientId: string }[]; readonly nextCursor: string | null };
type Row = { readonly title: string; readonly p50: number; readonly p99: number; readonly items: number };

const FILE_ROWS = 100_000;
const GOAL_MS = 50;
const BLOCKED = 500;
const PATH = "/internal/Clients?pageSize=50";

const FIRST = ["Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Margaret", "Niklaus", "Radia", "Tony"];
const SYLLABLES = ["an", "der", "son", "mar", "tin", "kow", "ski", "ber", "lin", "sto", "ne", "wil", "ker", "ro", "sa"];

/** Lists that are asked for; each gives its paths one after the other. */
const READS: readonly { readonly title: string; readonly path: (random: () => number, clients: number) => string }[] = [
  { title: "newest", path: () => PATH },
  { title: "oldest", path: () => `${PATH}&sortDirection=asc` },
  { title: "page 100", path: () => `${PATH}&pageNumber=100` },
  { title: "with a total", path: () => `${PATH}&includeTotalCount=true` },
  { title: "blocked (500)", path: () => `${PATH}&statuses=blocked` },
  { title: "pending (none)", path: () => `${PATH}&statuses=pending` },
  { title: "high risk (20 %)", path: () => `${PATH}&riskLevels=high` },
  { title: "rejected of high or prohibited risk (1 %)", path: () => `${PATH}&statuses=rejected&riskLevels=high&riskLevels=prohibited` },
  { title: "companies (none)", path: () => `${PATH}&type=company` },
  { title: "by externalId", path: (random, clients) => `${PATH}&externalId=bench-${Math.floor(random() * clients)}` },
  {
    title: "search: an e-mail address (one)",
    path: (random, clients) => `${PATH}&search=client${Math.floor(random() * clients)}@bench.example`,
  },
  { title: "search: a first name (10 %)", path: (random) => `${PATH}&search=${FIRST[Math.floor(random() * FIRST.length)]}` },
  { title: "search: the beginning of a last name", path: (random) => `${PATH}&search=${aName(random).slice(0, 4)}` },
  {
    title: "search: first and last name",
    path: (random) => `${PATH}&search=${FIRST[Math.floor(random() * FIRST.length)]}%20${aName(random)}`,
  },
  { title: "search: a word of all (100 %)", path: () => `${PATH}&search=bench` },
  { title: "search: nobody", path: () => `${PATH}&search=nosuchname` },
  { title: "search: a first name among the blocked", path: () => `${PATH}&search=Ada&statuses=blocked` },
];

export async function measureClientLists(options: ListOptions): Promise<void> {
  const machine = describeMachine();
  const server = await openBenchServer();
  const product = await startProductServer(server, "client lists");
  try {
    const call = caller(product.target.port, product.target.token);
    const perSecond = await fill(call, options.clients);
    await blockSome(call);
    await withClient(server.ownerUrl, settle);
    const rows: Row[] = [];
    for (const { title, path } of READS) {
      await waitForCalm(options.calm * 1000);
      const row = await measure(call, title, path, options);
      rows.push(row);
      console.log(`${title}: median ${row.p50.toFixed(1)} ms, p99 ${row.p99.toFixed(1)} ms, ${row.items} items`);
    }
    await proveClients(server);
    const results = { date: new Date().toISOString(), machine, server: server.settings, options, perSecond };
    const name = `${results.date.slice(0, 10)}-${machine.commit}-client-lists`;
    console.log(`\n${await writeBoth(name, renderPage(results, rows), { ...results, rows }, options.write)}`);
  } finally {
    await product.stop();
    await server.stop();
  }
}

function caller(port: number, token: string): Call {
  return async (path, body) => {
    const headers = { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": body.type }) };
    const init = body === undefined ? {} : { method: body.method, body: body.content, duplex: "half" };
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers, ...init } as RequestInit);
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`${path} answered ${text}`);
    return JSON.parse(text) as unknown;
  };
}

/** Imports so many clients; gives how many of them a second. */
async function fill(call: Call, clients: number): Promise<number> {
  const began = performance.now();
  for (let from = 0; from < clients; from += FILE_ROWS) {
    const until = Math.min(clients, from + FILE_ROWS);
    const content = Readable.toWeb(Readable.from(rowsOf(from, until)));
    const report = (await call("/integration/clients/import", { method: "POST", type: "application/x-ndjson", content })) as {
      created: number;
    };
    if (report.created !== until - from) throw new Error(`an import came to ${JSON.stringify(report)}`);
    console.log(`${until} clients, ${((1000 * until) / (performance.now() - began)).toFixed(0)} a second`);
  }
  return (1000 * clients) / (performance.now() - began);
}

function* rowsOf(from: number, until: number): Generator<string> {
  const random = createRandom(from + 1);
  for (let number = from; number < until; number++) {
    const riskLevel = number % 100 === 7 ? "prohibited" : (["low", "low", "medium", "low", "high"][number % 5] ?? "low");
    const person = anIndividual({
      externalId: `bench-${number}`,
      riskLevel,
      firstName: FIRST[number % FIRST.length],
      lastName: aName(random),
      email: `client${number}@bench.example`,
      phoneNumber: `+4479${String(number).padStart(8, "0")}`,
    });
    yield `${JSON.stringify(person)}\n`;
  }
}

function aName(random: () => number): string {
  const length = 2 + Math.floor(random() * 3);
  const name = Array.from({ length }, () => SYLLABLES[Math.floor(random() * SYLLABLES.length)]).join("");
  return name.charAt(0).toUpperCase() + name.slice(1);
}

async function blockSome(call: Call): Promise<void> {
  let cursor = "";
  for (let blocked = 0; blocked < BLOCKED; ) {
    const page = (await call(`${PATH}&statuses=active${cursor}`)) as Page;
    for (const { clientId } of page.items) {
      await call(`/internal/Clients/${clientId}/block`, { method: "PUT", type: "application/json", content: '{"reason":"bench"}' });
      blocked += 1;
    }
    if (page.nextCursor === null) return;
    cursor = `&cursor=${page.nextCursor}`;
  }
}

async function measure(
  call: Call,
  title: string,
  path: (random: () => number, clients: number) => string,
  options: ListOptions,
): Promise<Row> {
  const random = createRandom(title.length);
  const times: number[] = [];
  let items = 0;
  for (let read = 0; read < options.reads; read++) {
    const began = performance.now();
    const page = (await call(path(random, options.clients))) as Page;
    times.push(performance.now() - began);
    items = Math.max(items, page.items.length);
  }
  return { title, p50: percentile(times, 0.5) ?? 0, p99: percentile(times, 0.99) ?? 0, items };
}

function renderPage(
  results: Parameters<typeof describeRun>[1] & { options: ListOptions; perSecond: number },
  rows: readonly Row[],
): string {
  return [
    ...describeRun("Lists of clients", results),
    `${results.options.clients} clients, imported from files at ${results.perSecond.toFixed(0)} clients/s; ${results.options.reads} reads of each list, one caller, pages of 50. Goal: p99 ≤ ${GOAL_MS} ms.`,
    "",
    "| list | median ms | p99 ms | items | goal |",
    "| --- | --- | --- | --- | --- |",
    ...rows.map(
      ({ title, p50, p99, items }) =>
        `| ${title} | ${p50.toFixed(1)} | ${p99.toFixed(1)} | ${items} | ${p99 <= GOAL_MS ? "met" : "**missed**"} |`,
    ),
    "",
  ].join("\n");
}
