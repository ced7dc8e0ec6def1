// Starting and leaving, alone and beside others: a race on an empty database, a second instance on the same data, kill -9 without anybody who
// holds the database, and every start that cannot succeed ends in a plain sentence.

import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { insist, post } from "./calls.ts";
import { ACCOUNTS, Caller, openBank, TRANSFER, transferOf, withBank } from "./bank.ts";
import { checkBooks } from "./books.ts";
import { describeExit, freePort, Server } from "./server.ts";
import { type Report, runAlone, type Size, type Suite } from "./suite.ts";

export const instances: Suite = {
  name: "instances",
  promise: "Any number of instances start at once on one database, each may go, and a start that cannot be says why in a sentence.",
  async run(size, report) {
    for (let round = 0; round < (size === "long" ? 10 : 1); round++) await startTogether(report, size === "long" ? 4 : 3);
    // A database that is not there is waited for, some 15 s.
    await Promise.all([
      leaveOneByOne(report, size),
      takenPort(report)
        .then(() => unwritableFolder(report))
        .then(() => brokenSettings(report)),
      unreachableDatabase(report),
    ]);
  },
};

/** Instances that start at the same moment on nothing: one makes the database, all serve one ledger. */
async function startTogether(report: Report, count: number): Promise<void> {
  await withBank(
    async (bank) => {
      const servers = await Promise.all(Array.from({ length: count }, () => bank.start()));
      const callers = servers.map(({ port }) => new Caller(port, bank.token));
      const body = { type: "settlement", currency: "EUR", externalId: "the-one" };
      const answers = await Promise.all(callers.map((caller) => caller.post(ACCOUNTS, body, "one-key")));
      const ids = new Set(answers.map((answer) => `${answer.status} ${String(answer.body["id"])}`));
      report.expectEqual(ids.size, 1, `different answers of ${count} fresh instances to one call (${[...ids].join(", ")})`);
      for (const { said } of servers) {
        // But for the line to paste: in a token any letters may meet.
        const complaints = said.split("\n").filter((line) => /error|warn/i.test(line) && !line.startsWith("curl "));
        report.expectEqual(complaints.join("\n"), "", "what a fresh instance complained of");
      }
      report.count("started together", count);
    },
    { held: false },
  );
}

/** With `npm start` alone: the database lives as long as its last user, and every acknowledged payment longer. */
async function leaveOneByOne(report: Report, size: Size): Promise<void> {
  const bank = await openBank({ held: false });
  try {
    const first = await bank.start();
    const second = await bank.start();
    const [here, there] = [new Caller(first.port, bank.token), new Caller(second.port, bank.token)];
    const settlement = await here.settlement();
    const account = await here.account(await here.client());
    await there.fund(settlement, account, "100.00");
    const exit = await first.stop();
    report.expect(exit.code === 0, `the first of two instances stopped with ${describeExit(exit)}`);
    const after = await there.post(TRANSFER, transferOf(account, settlement, "1.00"));
    report.expectEqual(
      after.status,
      200,
      "a payment at the second instance after the first one, which had started the database, was stopped",
    );

    let server = second;
    let paid = 1;
    for (let round = 0; round < (size === "long" ? 20 : 2); round++) {
      const body = transferOf(account, settlement, "1.00");
      const key = crypto.randomUUID();
      const racing = post(TRANSFER, body, { port: server.port, token: bank.token, key }).catch(() => null);
      await pause(Math.random() * 12);
      await server.kill();
      const acknowledged = await racing;
      // The start may meet the database that is still stopping behind the dead server.
      server = await bank.restart(server);
      const repeat = await insist(TRANSFER, body, { ports: [server.port], token: bank.token, key });
      paid++;
      report.expectEqual(repeat.status, 200, "a repeat after kill -9 of the last instance");
      if (acknowledged?.status === 200)
        report.expectEqual(repeat.text, acknowledged.text, "the repeat of an acknowledged payment after kill -9 of the last instance");
      report.expectEqual(
        await new Caller(server.port, bank.token).balance(account),
        `${100 - paid}.00`,
        "balance after kill -9 of the last instance",
      );
      report.count("kills of the last instance");
    }
    const last = await server.stop();
    report.expect(last.code === 0, `the last instance stopped with ${describeExit(last)}`);
  } finally {
    await bank.close();
  }
  await withBank(async (fresh) => {
    await fresh.start();
    await checkBooks(fresh, report, "on an empty ledger");
  });
}

/** Starts what cannot start and looks at how it says so. */
async function expectRefusal(
  report: Report,
  what: string,
  sentence: RegExp,
  options: { data: string; port?: number; databaseUrl?: string; env?: Record<string, string> },
): Promise<void> {
  const began = performance.now();
  const server = new Server({ ...options, port: options.port ?? (await freePort()) });
  const exit = await Promise.race([server.exited, pause(30_000, null)]);
  await server.kill();
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  report.expect(
    exit !== null && exit.code !== null && exit.code !== 0,
    `${what}: ended with ${exit === null ? "nothing" : describeExit(exit)} after ${seconds} s`,
  );
  report.expect(sentence.test(server.said), `${what}: it said ${JSON.stringify(server.said.slice(0, 500))}`);
  report.expect(!/\n\s+at |Error:/.test(server.said), `${what}: a stack trace is no sentence: ${server.said.slice(0, 500)}`);
  report.count("refused starts");
}

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "finlego-faults-start-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function takenPort(report: Report): Promise<void> {
  await withFolder(async (data) => {
    const holder = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => holder.once("listening", resolve));
    const address = holder.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    await expectRefusal(report, "a taken port", new RegExp(`Port ${port} is in use`), { data, port });
    await new Promise((resolve) => holder.close(resolve));
  });
}

/** A file in the folder's place, and (for those who are not root) a folder that may not be written. */
async function unwritableFolder(report: Report): Promise<void> {
  await withFolder(async (folder) => {
    await writeFile(join(folder, "file"), "");
    await expectRefusal(report, "a file in place of the data folder", /FINLEGO_DATA/, { data: join(folder, "file") });
    await expectRefusal(report, "a data folder below a file", /FINLEGO_DATA/, { data: join(folder, "file", "data") });
    if (process.getuid?.() === 0) {
      // Root may write everywhere but where nobody can.
      await expectRefusal(report, "a data folder that cannot be made", /FINLEGO_DATA/, { data: "/sys/finlego" });
      return;
    }
    await mkdir(join(folder, "closed"));
    await chmod(join(folder, "closed"), 0o500);
    await expectRefusal(report, "a closed data folder", /FINLEGO_DATA/, { data: join(folder, "closed", "data") });
  });
}

async function brokenSettings(report: Report): Promise<void> {
  await withFolder(async (data) => {
    await expectRefusal(report, "a port that is none", /PORT/, { data, env: { PORT: "eighty" } });
    await expectRefusal(report, "production without its settings", /AUTH_ISSUER/, { data, env: { NODE_ENV: "production" } });
  });
}

async function unreachableDatabase(report: Report): Promise<void> {
  await withFolder(async (data) => {
    const port = await freePort();
    await expectRefusal(report, "a database that is not there", /DATABASE_URL.*is not there/, {
      data,
      databaseUrl: `postgresql://bank:hidden-word@127.0.0.1:${port}/bank`,
    });
    const server = new Server({ data, port: await freePort(), databaseUrl: "nonsense" });
    const exit = await server.exited;
    report.expect(exit.code !== 0 && !server.said.includes("hidden-word"), `a DATABASE_URL that is none: ${server.said.slice(0, 300)}`);
  });
}

await runAlone(import.meta, instances);
