// pgbench's TPC-B on the same server, over the same kind of connection: what this machine's PostgreSQL does with the oldest of all
// payment benchmarks. Its transaction is smaller than ours (three updates, one insert, no key, no second entry).

import { spawn } from "node:child_process";
import { Client } from "pg";
import { costs, type Sample } from "../closed-loop.ts";
import { Meter } from "../meter.ts";
import type { BenchServer } from "../servers.ts";
import type { Subject } from "../subject.ts";

const PROGRAM = "pgbench";
const SCALE = 20;

/** Null when pgbench is not on the PATH. */
export async function startPgbench(server: BenchServer): Promise<Subject | null> {
  if ((await execute(["--version"], {})) === null) return null;
  const url = await server.createDatabase("tpcb");
  const address = new Client({ connectionString: url });
  const environment = {
    PGHOST: address.host,
    PGPORT: String(address.port),
    PGUSER: address.user ?? "",
    PGDATABASE: address.database ?? "",
    ...(typeof address.password === "string" ? { PGPASSWORD: address.password } : {}),
  };
  await execute(["-i", "-q", "-s", String(SCALE)], environment);
  const client = new Client({ connectionString: url });
  await client.connect();
  const meter = new Meter({ client, postmaster: server.postmaster, serving: null });
  return {
    name: "pgbench TPC-B",
    async run({ callers, measureMs }): Promise<Sample> {
      const seconds = Math.max(1, Math.round(measureMs / 1000));
      const before = await meter.read();
      const said = (await execute(["-n", "-M", "prepared", "-c", String(callers), "-j", "2", "-T", String(seconds)], environment)) ?? "";
      const after = await meter.read();
      const perSecond = Number(/tps = ([\d.]+)/.exec(said)?.[1]);
      const payments = Number(/actually processed: (\d+)/.exec(said)?.[1]);
      if (!(perSecond > 0)) throw new Error(`pgbench said: ${said}`);
      return { ...costs(payments, before, after, false), perSecond, p50Ms: null, p99Ms: null };
    },
    stop: () => client.end(),
  };
}

/** Null when there is no such program. */
function execute(parameters: readonly string[], environment: NodeJS.ProcessEnv): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(PROGRAM, parameters, { env: { PATH: process.env["PATH"], ...environment }, stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    let complaint = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (said += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaint += text));
    child.on("error", (error: NodeJS.ErrnoException) => (error.code === "ENOENT" ? resolve(null) : reject(error)));
    child.on("close", (code) => (code === 0 ? resolve(said) : reject(new Error(`pgbench ended with ${code}: ${complaint}`))));
  });
}
