// FI-11, FI-9, FLT-24: processes are shot and callers hang up while documents are uploaded to files of the machine. Whatever was acknowledged is
// there to the byte, no row lacks its bytes, what no row knows is swept away, and nothing of a document lies anywhere in the clear.

import { readdir, readFile, utimes } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { unique } from "../builders.ts";
import { aPdf } from "../setup/document-files.ts";
import { aForm } from "../setup/forms.ts";
import { atOnce, type Bank, Caller, withBank } from "./bank.ts";
import { call, NoAnswer } from "./calls.ts";
import type { Server } from "./server.ts";
import { type Report, runAlone, type Suite } from "./suite.ts";

const SCOPES = "documents.read documents.write integration.import clients.read";
const UPLOADERS = 6;
const CANARY = "Kanarienvogel-in-the-document";
const NAME_CANARY = "Kanarienvogel-in-the-name";
const SWEPT_MAX_MS = 30_000;

/** What a caller was told of its document, and what it sent. */
type Acknowledged = { readonly documentId: string; readonly clientId: string; readonly body: Buffer };

export const documentUploads: Suite = {
  name: "document-uploads",
  promise:
    "An acknowledged document survives every kill -9 to the byte; a sweep leaves neither bytes without a row nor a row without bytes.",
  async run(size, report) {
    await withBank(async (bank) => {
      const token = await bank.mint({ scope: SCOPES });
      const servers = [await bank.start(), await bank.start()];
      const clients = await atOnce(3, () => new Caller(servers[0]?.port ?? 0, token).client());
      const told = await uploadWhileKilling(report, bank, token, servers, clients, size === "long" ? 30 : 3);
      await checkDocuments(report, new Caller(servers[0]?.port ?? 0, token), told);
      await checkRows(report, bank, told);
      await checkSweep(report, bank, servers);
      await checkCanaries(report, bank);
    });
  },
};

async function uploadWhileKilling(
  report: Report,
  bank: Bank,
  token: string,
  servers: Server[],
  clients: readonly string[],
  kills: number,
): Promise<Acknowledged[]> {
  const ports = servers.map(({ port }) => port);
  const told: Acknowledged[] = [];
  let over = false;
  const isOver = (): boolean => over;
  const uploaders = atOnce(UPLOADERS, async (index) => {
    for (let round = 0; !isOver(); round++) {
      const clientId = clients[(index + round) % clients.length] ?? "";
      told.push(await uploadUntilAnswered(report, ports, token, clientId, isOver));
      if (round % 3 === 0) await hangUp(report, ports[round % ports.length] ?? 0, token, clientId);
    }
  });
  for (const shot of Array.from({ length: kills }, (_, at) => servers[at % servers.length]?.port)) {
    await pause(400 + Math.random() * 800);
    const at = servers.findIndex(({ port }) => port === shot);
    const [server] = servers.splice(at, 1);
    if (server === undefined) break;
    await server.kill();
    servers.splice(at, 0, await bank.restart(server));
    report.count("server kills");
  }
  over = true;
  await uploaders;
  report.set("documents", told.length);
  return told;
}

const aDocument = (): Buffer => aPdf(`${CANARY}${unique("document")}`.repeat(1 + Math.floor(Math.random() * 60_000)));

/** The same key until somebody answers. */
async function uploadUntilAnswered(
  report: Report,
  ports: readonly number[],
  token: string,
  clientId: string,
  isOver: () => boolean,
): Promise<Acknowledged> {
  const body = aDocument();
  const form = aForm([
    { name: "file", fileName: `${NAME_CANARY}.pdf`, body },
    { name: "type", body: "passport" },
    { name: "description", body: NAME_CANARY },
  ]);
  const key = unique("upload");
  for (let attempt = 0; ; attempt++) {
    try {
      const port = ports[attempt % ports.length] ?? 0;
      const answer = await call("POST", `/internal/Clients/${clientId}/Documents/upload`, form.body, {
        port,
        token,
        key,
        headers: form.headers,
      });
      if (answer.status === 200) return { documentId: String(answer.body["documentId"]), clientId, body };
      const mayPass = answer.status === 503 || answer.body["code"] === "idempotencyInProgress";
      report.expect(mayPass, `an upload answered ${answer.status}: ${answer.text}`);
      if (!mayPass && isOver()) throw new Error("an upload is refused for good");
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      report.count("answers lost");
    }
    await pause(100);
  }
}

/** Sends a part of an upload and leaves. */
async function hangUp(report: Report, port: number, token: string, clientId: string): Promise<void> {
  const form = aForm([
    { name: "type", body: "passport" },
    { name: "file", fileName: `${NAME_CANARY}.pdf`, body: aDocument() },
  ]);
  const head = [
    `POST /internal/Clients/${clientId}/Documents/upload HTTP/1.1`,
    "Host: localhost",
    `Authorization: Bearer ${token}`,
    `Content-Type: ${form.headers["content-type"]}`,
    `Content-Length: ${form.body.length}`,
  ].join("\r\n");
  await new Promise<void>((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(`${head}\r\n\r\n`);
      socket.write(form.body.subarray(0, Math.floor(Math.random() * form.body.length)), () => socket.destroy());
    });
    socket.on("error", () => undefined).on("close", () => resolve());
  });
  report.count("callers gone");
}

async function checkDocuments(report: Report, caller: Caller, told: readonly Acknowledged[]): Promise<void> {
  for (const { documentId, clientId, body } of told) {
    const answer = await fetch(`http://127.0.0.1:${caller.port}/internal/Clients/${clientId}/Documents/${documentId}/download`, {
      headers: { authorization: `Bearer ${caller.token}` },
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    report.expect(
      answer.status === 200 && bytes.equals(body),
      `document ${documentId} reads back as ${answer.status}, ${bytes.length} bytes`,
    );
  }
}

/** One row for each acknowledged upload, and each row's bytes in the store. */
async function checkRows(report: Report, bank: Bank, told: readonly Acknowledged[]): Promise<void> {
  const rows = (await bank.query<{ id: string }>("select id from client_profile.document order by id")).map(({ id }) => id);
  report.expectEqual(rows, told.map(({ documentId }) => documentId).sort(), "rows and acknowledged documents");
  const stored = new Set((await filesBelow(join(bank.data, "documents"))).map(({ name }) => name));
  for (const id of rows) report.expect(stored.has(id), `document ${id} has a row and no bytes`);
  report.set("left behind", stored.size - rows.length);
}

/** Two hours later a start sweeps away what nobody knows, and nothing else. */
async function checkSweep(report: Report, bank: Bank, servers: Server[]): Promise<void> {
  const folder = join(bank.data, "documents");
  await Promise.all(servers.map((server) => server.kill()));
  const longAgo = new Date(Date.now() - 2 * 3_600_000);
  for (const { path } of await filesBelow(folder)) await utimes(path, longAgo, longAgo);
  servers.splice(0, servers.length, ...(await Promise.all(servers.map((server) => bank.restart(server)))));
  const rows = new Set((await bank.query<{ id: string }>("select id from client_profile.document")).map(({ id }) => id));
  const deadline = performance.now() + SWEPT_MAX_MS;
  let left: string[];
  do {
    await pause(200);
    left = (await filesBelow(folder)).map(({ name }) => name).filter((name) => !rows.has(name));
    // One file says whose store it is.
  } while (left.length > 1 && performance.now() < deadline);
  report.expect(left.length <= 1, `the sweep left ${left.length} files that no row knows: ${left.slice(0, 5).join(" ")}`);
  const stored = new Set((await filesBelow(folder)).map(({ name }) => name));
  for (const id of rows) report.expect(stored.has(id), `the sweep took the bytes of document ${id}`);
  const missing = await bank.query("select id from client_profile.document where missing_at is not null");
  report.expectEqual(missing.length, 0, "rows that the sweep found without bytes");
}

/** In the store, the database's own files and everything else that the product wrote. */
async function checkCanaries(report: Report, bank: Bank): Promise<void> {
  await bank.query("checkpoint");
  for (const { path } of await filesBelow(bank.data)) {
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    for (const canary of [CANARY, NAME_CANARY]) report.expect(!bytes.includes(canary), `${path} holds ${canary} in the clear`);
    report.count("files looked through");
  }
}

async function filesBelow(folder: string): Promise<{ readonly path: string; readonly name: string }[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found.filter((each) => each.isFile()).map((each) => ({ path: join(each.parentPath, each.name), name: each.name }));
}

await runAlone(import.meta, documentUploads);
