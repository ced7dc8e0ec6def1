// TRF-21: many imports at once, a fifth of them of clients that others import too, on two servers that are shot meanwhile; then one file of
// clients, whose server is shot half-way. Careful clients repeat what got no answer.

import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { anIndividual, unique } from "../builders.ts";
import { atOnce, type Bank, IMPORTS, withBank } from "./bank.ts";
import { checkBooks, runCli } from "./books.ts";
import { type Answer, insist, NoAnswer, post } from "./calls.ts";
import type { Server } from "./server.ts";
import { type Report, runAlone, type Size, type Suite } from "./suite.ts";

export const clientImports: Suite = {
  name: "client-imports",
  promise:
    "A client is imported once, whoever imports it at the same moment and whatever is shot meanwhile; an import goes on where it was cut.",
  async run(size, report) {
    await withBank(async (bank) => {
      const servers = [await bank.start(), await bank.start()];
      for (let round = 0; round < (size === "long" ? 5 : 1); round++) await singles(bank, report, servers, size);
      for (let round = 0; round < (size === "long" ? 5 : 1); round++) await files(bank, report, servers, size);
      if (size === "long") await commandLine(bank, report, servers);
      await checkBooks(bank, report, "after imports under kills");
    });
  },
};

/** A thousand imports, a fifth of them of an externalId that another one has, with keys, under kills of both servers in turn. */
async function singles(bank: Bank, report: Report, servers: Server[], size: Size): Promise<void> {
  const count = 1_000;
  const prefix = unique("import");
  const originals = Math.trunc((count * 8) / 10);
  const calls = Array.from({ length: count }, (_, index) => ({
    externalId: `${prefix}-${index < originals ? index : index - originals}`,
    key: crypto.randomUUID(),
  }));
  const ports = servers.map(({ port }) => port);
  let answered = 0;
  const sending = atOnce(count, async (index) => {
    const { externalId, key } = calls[index] ?? { externalId: "", key: "" };
    const near = index % 2 === 0 ? ports : ports.toReversed();
    const body = anIndividual({ externalId });
    const answer = await insist(IMPORTS, body, { ports: near, token: bank.token, key }, (outcome) => {
      if (outcome instanceof NoAnswer) report.count("answers lost");
      else report.expect([200, 409, 503].includes(outcome.status), `an import answered ${outcome.status}: ${outcome.text.slice(0, 300)}`);
    });
    answered += 1;
    return { answer, body, key };
  });
  sending.catch(() => undefined);
  await killWhile(bank, report, servers, size === "long" ? 6 : 1, () => answered < count * 0.9);
  const done = await sending;

  const taken = done.filter(({ answer }) => answer.status === 200);
  report.expectEqual(taken.length, originals, "imports that were taken");
  report.expectEqual(new Set(taken.map(({ answer }) => answer.body["externalId"])).size, originals, "externalIds that were taken");
  await expectClients(
    bank,
    report,
    `${prefix}-`,
    taken.map(({ answer }) => [String(answer.body["externalId"]), String(answer.body["clientId"])]),
  );
  for (const { answer, body, key } of done.filter((_, index) => index % 25 === 0)) {
    const repeat = await insist(IMPORTS, body, { ports, token: bank.token, key });
    report.expectEqual([repeat.status, repeat.text], [answer.status, answer.text], "a repeat under its key");
  }
  report.count("single imports", count);
}

/** Two senders of one file at both servers; the one that works is shot half-way, more than once when there is time. */
async function files(bank: Bank, report: Report, servers: Server[], size: Size): Promise<void> {
  const count = size === "long" ? 10_000 : 2_000;
  const prefix = unique("file");
  const rows = Array.from({ length: count }, (_, index) =>
    anIndividual({ externalId: `${prefix}-${index % 10 === 9 ? index - 9 : index}` }),
  );
  const file = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  const importId = crypto.randomUUID();
  const ports = servers.map(({ port }) => port);
  const done = new AbortController();
  const sending = atOnce(2, (index) => sendFile(bank, report, index === 0 ? ports : ports.toReversed(), importId, file)).finally(() =>
    done.abort(),
  );
  sending.catch(() => undefined);
  for (const part of size === "long" ? [0.2, 0.4, 0.6, 0.8] : [0.3]) {
    await restartInTheMiddle(bank, report, servers, async (owner) => {
      const run = "select 1 from onboarding.import_run where id = $1 and rows >= $2";
      while (!done.signal.aborted && (await owner.query(run, [importId, count * part])).rowCount === 0) await pause(5);
    });
  }
  const duplicates = count / 10;
  for (const { body, text } of await sending) {
    const { status, created, duplicates: inUse, faulty } = body;
    report.expectEqual(
      { status, rows: body["rows"], created, inUse, faulty },
      { status: "finished", rows: count, created: count - duplicates, inUse: duplicates, faulty: 0 },
      `the report of a file (${text.slice(0, 200)})`,
    );
  }
  await expectClients(bank, report, `${prefix}-`, null, count - duplicates);
  report.count("rows of files", count);
}

/** Sends the file until its import is finished. */
async function sendFile(bank: Bank, report: Report, ports: readonly number[], importId: string, file: string): Promise<Answer> {
  const deadline = performance.now() + 120_000;
  for (let attempt = 0; performance.now() < deadline; attempt++) {
    const port = ports[attempt % ports.length] ?? 0;
    try {
      const headers = { "content-type": "application/x-ndjson" };
      const answer = await post(`/integration/clients/import?importId=${importId}`, file, {
        port,
        token: bank.token,
        headers,
        timeoutMs: 60_000,
      });
      if (answer.status === 200) return answer;
      report.expect(
        answer.body["code"] === "importInProgress" || answer.status === 503,
        `a file answered ${answer.status}: ${answer.text.slice(0, 300)}`,
      );
      if (answer.status === 409) report.count("senders told to wait");
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      report.count("files cut");
    }
    await pause(300);
  }
  throw new Error(`the import ${importId} did not finish`);
}

/** The operator's command survives a kill, too, and ends with 1 for the one row that is at fault. */
async function commandLine(bank: Bank, report: Report, servers: Server[]): Promise<void> {
  const count = 5_000;
  const prefix = unique("command");
  const rows: unknown[] = Array.from({ length: count }, (_, index) => anIndividual({ externalId: `${prefix}-${index}` }));
  rows[3] = { externalId: `${prefix}-3` };
  const path = join(bank.data, "clients.ndjson");
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const url = `http://127.0.0.1:${servers[0]?.port ?? 0}`;
  const running = runCli(["import", "--file", path, "--url", url], { FINLEGO_DATA: bank.data });
  const stored = async (): Promise<number> => (await clientsOf(bank, `${prefix}-`)).length;
  const deadline = performance.now() + 60_000;
  while ((await stored()) < count / 3 && performance.now() < deadline) await pause(20);
  await restart(bank, report, servers, 0);
  const { code, output } = await running;
  report.expect(code === 1 && output.includes('"status": "finished"'), `cli import ended with ${code}: ${output.slice(0, 500)}`);
  await expectClients(bank, report, `${prefix}-`, null, count - 1);
  await rm(path);
}

/** Shoots one server after the other, about twice a second, and starts it again. */
async function killWhile(bank: Bank, report: Report, servers: Server[], kills: number, goesOn: () => boolean): Promise<void> {
  for (let kill = 0; kill < kills; kill++) {
    await pause(150 + Math.random() * 350);
    if (!goesOn()) return;
    await restart(bank, report, servers, kill % servers.length);
  }
}

/** Once it is time, all servers are shot while a batch has stored its clients and not yet its rows: both must be gone. */
async function restartInTheMiddle(
  bank: Bank,
  report: Report,
  servers: Server[],
  untilTime: (owner: pg.Client) => Promise<void>,
): Promise<void> {
  const owner = new pg.Client({ connectionString: bank.ownerUrl });
  await owner.connect();
  try {
    await untilTime(owner);
    await owner.query("begin; lock table onboarding.import_batch in share mode");
    const waiting = "select 1 from pg_locks where relation = 'onboarding.import_batch'::regclass and not granted";
    const deadline = performance.now() + 1_500;
    while ((await owner.query(waiting)).rowCount === 0 && performance.now() < deadline) await pause(5);
    if ((await owner.query(waiting)).rowCount !== 0) report.count("batches shot half-way");
    await Promise.all(servers.map((server) => server.kill()));
  } finally {
    await owner.end();
  }
  await restart(bank, report, servers);
}

/** Without `which` all of them. */
async function restart(bank: Bank, report: Report, servers: Server[], which?: number): Promise<void> {
  const shot = servers.filter((_, index) => which === undefined || index === which);
  await Promise.all(shot.map((server) => server.kill()));
  const back = await Promise.all(shot.map((server) => bank.restart(server)));
  for (const server of back) servers[servers.findIndex(({ port }) => port === server.port)] = server;
  report.count("server kills", shot.length);
}

async function clientsOf(bank: Bank, prefix: string): Promise<{ externalId: string; id: string }[]> {
  return await bank.query(
    `select external_id as "externalId", id::text from client_profile.client where starts_with(external_id, $1) order by external_id`,
    [prefix],
  );
}

/** One client for each externalId, each with its key, history, audit row and event; those that were acknowledged under the ids that were told. */
async function expectClients(
  bank: Bank,
  report: Report,
  prefix: string,
  acknowledged: readonly (readonly [string, string])[] | null,
  count = acknowledged?.length ?? 0,
): Promise<void> {
  const stored = await clientsOf(bank, prefix);
  report.expectEqual([stored.length, new Set(stored.map(({ externalId }) => externalId)).size], [count, count], `clients of ${prefix}`);
  const ids = new Map(stored.map(({ externalId, id }) => [externalId, id]));
  for (const [externalId, id] of acknowledged ?? [])
    report.expect(ids.get(externalId) === id, `the acknowledged client ${externalId} is not there`);
  const [whole] = await bank.query<{ n: number }>(
    `select count(*)::int as n from client_profile.client c
     where starts_with(c.external_id, $1)
       and exists (select from client_profile.client_key k where k.client_id = c.id)
       and (select count(*) from client_profile.client_status_history h where h.client_id = c.id) = 1
       and (select count(*) from platform.audit_entry a where a.subject = 'client:' || c.id) = 1
       and (select count(*) from platform.event e where e.subject = 'client:' || c.id) = 1`,
    [prefix],
  );
  report.expectEqual(whole?.n, count, `clients of ${prefix} that are whole`);
}

await runAlone(import.meta, clientImports);
