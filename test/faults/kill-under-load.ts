// FLT-1, FLT-3, FLT-4, FLT-5: processes are shot under load, of the product and of its database. Clients that repeat their calls lose
// nothing and pay nothing twice.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Bank, withBank } from "./bank.ts";
import { checkBooks } from "./books.ts";
import { Load } from "./load.ts";
import { describeExit, type Server } from "./server.ts";
import { type Report, runAlone, type Size, type Suite } from "./suite.ts";

export const killUnderLoad: Suite = {
  name: "kill-under-load",
  promise: "An acknowledged payment survives every kill -9, and a repeated one is paid once.",
  async run(size, report) {
    await withBank(async (bank) => {
      const servers = [await bank.start(), await bank.start()];
      await killServers(bank, report, servers, size, "one");
      await killServers(bank, report, servers, size, "both");
      await hurtDatabase(bank, report, servers, size, "backend");
      await hurtDatabase(bank, report, servers, size, "all backends ended");
      await hurtDatabase(bank, report, servers, size, "postmaster");
    });
  },
};

/** The promise is 3 s for a process on a machine of its own; here its clients, its database and this suite share two cores with it. */
const SERVING_AGAIN_MAX_MS = 10_000;

/** Kills one of the servers, or both at once, about every second, and starts them again. */
async function killServers(bank: Bank, report: Report, servers: Server[], size: Size, which: "one" | "both"): Promise<void> {
  const ports = which === "one" ? [servers[0]?.port ?? 0] : servers.map(({ port }) => port);
  const load = new Load({ bank, ports, report, workers: 16 });
  await load.begin();
  const until = performance.now() + (size === "long" ? 60_000 : which === "one" ? 6_000 : 4_000);
  while (performance.now() < until) {
    await pause(500 + Math.random() * 1_000);
    const shot = servers.slice(0, which === "one" ? 1 : 2);
    await Promise.all(shot.map((server) => server.kill()));
    const began = performance.now();
    servers.splice(0, shot.length, ...(await Promise.all(shot.map((server) => bank.restart(server)))));
    keepSlowest(report, "slowest start ms", performance.now() - began, SERVING_AGAIN_MAX_MS);
    report.count("server kills", shot.length);
  }
  await load.end();
  await load.check(`after kills of ${which}`);
  await checkBooks(bank, report, `after kills of ${which}`);
}

type Hurt = "backend" | "all backends ended" | "postmaster";

/** Hurts the database under two servers; neither may end, and both serve again by themselves. */
async function hurtDatabase(bank: Bank, report: Report, servers: readonly Server[], size: Size, what: Hurt): Promise<void> {
  const load = new Load({ bank, ports: servers.map(({ port }) => port), report, workers: 16 });
  await load.begin();
  for (let round = 0; round < (size === "long" ? 20 : 2); round++) {
    await pause(400 + Math.random() * 600);
    await hurt(bank, what);
    const ms = await load.progress(32, 2 * SERVING_AGAIN_MAX_MS);
    keepSlowest(report, `serving after ${what} ms`, ms, SERVING_AGAIN_MAX_MS);
    report.count("database faults");
    for (const { exit, said } of servers)
      report.expect(exit === null, `a server ended (${exit && describeExit(exit)}) after ${what}: ${said.slice(-500)}`);
  }
  await load.end();
  await load.check(`after ${what}`);
  await checkBooks(bank, report, `after ${what}`);
}

async function hurt(bank: Bank, what: Hurt): Promise<void> {
  if (what === "postmaster") return void process.kill(await postmasterPid(bank), "SIGKILL");
  if (what === "all backends ended") {
    await bank.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'finlego%' and pid <> pg_backend_pid()",
    );
    return;
  }
  const writers = await bank.query<{ pid: number }>(
    "select pid from pg_stat_activity where application_name like 'finlego-writer%' order by random() limit 1",
  );
  for (const { pid } of writers) process.kill(pid, "SIGKILL");
}

async function postmasterPid(bank: Bank): Promise<number> {
  return Number.parseInt(await readFile(join(bank.data, "postgres", "cluster", "postmaster.pid"), "utf8"), 10);
}

function keepSlowest(report: Report, figure: string, ms: number, limit: number): void {
  report.set(figure, Math.max(report.figure(figure), Math.round(ms)));
  report.expect(ms <= limit, `${figure}: ${Math.round(ms)}, more than ${limit}`);
}

await runAlone(import.meta, killUnderLoad);
