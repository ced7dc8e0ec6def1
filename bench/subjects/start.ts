// Brings up every subject that a call of the bench asks for.

import { readFile } from "node:fs/promises";
import type { LoadName } from "../load.ts";
import { BARE_HTTP, HAND_WRITTEN, HAND_WRITTEN_HTTP, type Options, PGLEDGER, PRODUCT, PRODUCT_HTTP, TPCB } from "../plan.ts";
import type { BenchServer } from "../servers.ts";
import { startSubject, type Subject, type SubjectOptions } from "../subject.ts";
import { connectionsFor } from "./hand-written.ts";
import { startPgbench } from "./pgbench.ts";
import { installPgledger } from "./pgledger.store.ts";
import { startPlainServer, startProductServer, type StartedServer } from "./servers.ts";

type Setting = {
  readonly server: BenchServer;
  readonly accounts: readonly string[];
  readonly options: Options;
  readonly pgledger: string | null;
};
export type Started = { readonly find: (name: string, load: LoadName) => Subject | null; readonly absent: readonly string[] };

/** Every subject that the options ask for, in a process of its own, waiting for its runs. */
export async function startSubjects({ server, accounts, options, pgledger }: Setting, closers: (() => Promise<void>)[]): Promise<Started> {
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
