// Brings up every subject that a call of the bench asks for.

import { readFile } from "node:fs/promises";
import type { LoadName } from "../load.ts";
import {
  BARE_HTTP,
  BATCHES,
  batchName,
  HAND_WRITTEN,
  HAND_WRITTEN_HTTP,
  HAND_WRITTEN_SINGLE,
  type Options,
  PGLEDGER,
  PGLEDGER_SINGLE,
  PREPARED,
  PREPARED_HTTP,
  PREPARED_SINGLE,
  PRODUCT,
  PRODUCT_DRAFTS,
  PRODUCT_HOLDS,
  PRODUCT_HTTP,
  PRODUCT_HTTP_HOLDS,
  TPCB,
} from "../plan.ts";
import type { BenchServer } from "../servers.ts";
import { productOptions, startSubject, type Subject, type SubjectOptions } from "../subject.ts";
import { connectionsFor } from "./hand-written.ts";
import { startPgbench } from "./pgbench.ts";
import { installPgledger } from "./pgledger.store.ts";
import { startPlainServer, startProductServer } from "./servers.ts";

type Setting = {
  readonly server: BenchServer;
  readonly accounts: readonly string[];
  readonly options: Options;
  readonly pgledger: string | null;
};
type Closers = (() => Promise<void>)[];
type Find = (name: string, load: LoadName) => Subject | null;
export type Started = { readonly find: Find; readonly absent: readonly string[] };
type Start = (name: string, differences: Partial<SubjectOptions>) => Promise<void>;

/** Every subject that the options ask for, in a process of its own, waiting for its runs. */
export async function startSubjects(setting: Setting, closers: Closers): Promise<Started> {
  const { server, accounts, options } = setting;
  const subjects = new Map<string, Subject>();
  const absent: string[] = [];
  const keep = (name: string, subject: Subject): void => {
    subjects.set(name, subject);
    closers.push(() => subject.stop());
  };
  const base = productOptions(server, server.postmaster, accounts);
  const start: Start = async (name, differences) => keep(name, await startSubject(name, { ...base, ...differences }));

  if (options.inProcess) {
    await startInProcess(start);
    const tpcb = await startPgbench(server);
    if (tpcb === null) absent.push("pgbench is not on the PATH: no TPC-B here.");
    else keep(TPCB, tpcb);
    if (setting.pgledger !== null) await startPgledger(setting, setting.pgledger, start);
  }
  if (options.http) {
    await startOverHttp(setting, closers, start);
  }
  return {
    find: (name, load) => subjects.get(name) ?? subjects.get(withConnections(name, connectionsFor(load))) ?? null,
    absent,
  };
}

async function startInProcess(start: Start): Promise<void> {
  await start(PRODUCT, {});
  await start(PRODUCT_HOLDS, { work: { kind: "hold" } });
  await start(PRODUCT_DRAFTS, { work: { kind: "draft" } });
  await start(HAND_WRITTEN, { kind: "handWritten", way: "plain" });
  await start(HAND_WRITTEN_SINGLE, { kind: "handWritten", way: "plain", connections: 1 });
  await start(PREPARED, { kind: "handWritten", way: "prepared" });
  await start(PREPARED_SINGLE, { kind: "handWritten", way: "prepared", connections: 1 });
}

async function startPgledger({ server, options }: Setting, file: string, start: Start): Promise<void> {
  const url = await server.createDatabase("pgledger");
  await installPgledger(url, await readFile(file, "utf8"), options.accounts);
  await start(PGLEDGER, { kind: "pgledger", url });
  await start(PGLEDGER_SINGLE, { kind: "pgledger", url, connections: 1 });
}

async function startOverHttp({ server, options }: Setting, closers: Closers, start: Start): Promise<void> {
  const product = await startProductServer(server, `${PRODUCT_HTTP} server`);
  closers.push(product.stop);
  await start(PRODUCT_HTTP, { kind: "http", http: product.target });
  await start(PRODUCT_HTTP_HOLDS, { kind: "http", http: product.target, work: { kind: "hold" } });
  for (const { size } of BATCHES) await start(batchName(size), { kind: "http", http: product.target, work: { kind: "batch", size } });

  const bare = await startPlainServer(null, `${BARE_HTTP} server`);
  closers.push(bare.stop);
  await start(BARE_HTTP, { kind: "http", http: bare.target });

  for (const connections of new Set(options.loads.map(connectionsFor))) {
    for (const [name, way] of [[HAND_WRITTEN_HTTP, "plain"] as const, [PREPARED_HTTP, "prepared"] as const]) {
      const title = withConnections(name, connections);
      const plain = await startPlainServer({ server, way, connections }, `${title} server`);
      closers.push(plain.stop);
      await start(title, { kind: "http", http: plain.target });
    }
  }
}

/** A server keeps its connections whatever the load: there is one for each number of them. */
function withConnections(name: string, connections: number): string {
  return `${name} ${connections}`;
}
