// What is measured: a subject makes payments, one call at a time, in a process of its own, so that neither the memory nor the compiled
// code of one disturbs another. This file starts such processes and speaks to them; child-process.ts is what runs in them.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Sample, Window } from "./closed-loop.ts";
import type { LoadName } from "./load.ts";
import type { Books } from "./servers.ts";
import type { Way } from "./subjects/hand-written.store.ts";

/** One run: which load, how many callers, how long. */
export type RunOrder = Window & { readonly load: LoadName; readonly seed: number };

/**
 * What one call of the product is. `hold`: the money is held, then posted; every tenth is cancelled instead. `draft`: the same with a
 * draft before. `batch`: so many transfers in one request.
 */
export type Work = { readonly kind: "transfer" | "hold" | "draft" } | { readonly kind: "batch"; readonly size: number };

/** What the process of a subject is told before its first run. */
export type SubjectOptions = {
  readonly kind: "product" | "handWritten" | "pgledger" | "http";
  readonly ownerUrl: string;
  /** Connects as the application. */
  readonly url: string;
  readonly role: string | null;
  readonly postmaster: number | null;
  /** Ids of the product's accounts, in the order of the load's positions. Subjects with tables of their own count from 1. */
  readonly accounts: readonly string[];
  /** Of the server that is called, for `http`. */
  readonly http: HttpTarget | null;
  /** Of the product, in process and over HTTP. */
  readonly work: Work;
  /** Of the yardstick. */
  readonly way: Way;
  /** Of a peer; null: as many as suit the load. */
  readonly connections: number | null;
};

/** The product in process, one transfer a call, on these books. */
export function productOptions(books: Books, postmaster: number | null, accounts: readonly string[]): SubjectOptions {
  return {
    kind: "product",
    ownerUrl: books.ownerUrl,
    url: books.appUrl,
    role: books.appRole,
    postmaster,
    accounts,
    http: null,
    work: { kind: "transfer" },
    way: "plain",
    connections: null,
  };
}

export type HttpTarget = { readonly port: number; readonly pid: number; readonly api: "product" | "plain"; readonly token: string };

export type Subject = {
  readonly name: string;
  run(order: RunOrder): Promise<Sample>;
  stop(): Promise<void>;
};

type Answer = { readonly sample: Sample } | { readonly ready: true } | { readonly fault: string };

/** Starts the process and has it open its connections. */
export async function startSubject(name: string, options: SubjectOptions): Promise<Subject> {
  const child = fork(new URL("child-process.ts", import.meta.url), {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
    execArgv: profiling(name),
  });
  await ask(child, { open: options });
  return {
    name,
    async run(order) {
      const answer = await ask(child, { run: order });
      if (!("sample" in answer)) throw new Error(`${name} gave no sample`);
      return answer.sample;
    },
    async stop() {
      const gone = once(child, "exit");
      child.disconnect();
      await gone;
    },
  };
}

async function ask(child: ChildProcess, message: object): Promise<Answer> {
  const answer = new Promise<Answer>((resolve, reject) => {
    child.once("message", resolve);
    child.once("exit", (code) => reject(new Error(`the process of a subject ended with ${code}`)));
  });
  child.send(message);
  const given = await answer.finally(() => child.removeAllListeners("exit").removeAllListeners("message"));
  if ("fault" in given) throw new Error(given.fault);
  return given;
}

/** BENCH_PROFILE=folder writes a processor profile of each subject's process there, for Chrome's or VS Code's viewer. */
export function profiling(name: string): string[] {
  const folder = process.env["BENCH_PROFILE"];
  return folder ? ["--cpu-prof", `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name.replaceAll(/\W+/g, "-")}.cpuprofile`] : [];
}
