// A backup from before an erasure still holds what was destroyed. Restored, it forgets again by the erasure list (reliability DP-5).

import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { clientErasures } from "#client-profile";
import { clientAccounts } from "#general-ledger";
import { type Actor, Database } from "#platform/db.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { erasureList, readErasureList } from "../src/adapters/erasure-list.ts";
import { PERSONAL_DATA } from "../src/personal-data.ts";
import { openTestClients } from "./setup/clients.ts";
import { bodyOf } from "./setup/ledger.ts";
import { copyDatabase, type TestDatabase } from "./setup/server.ts";
import { openStandingBank, type StandingBank } from "./setup/standing.ts";
import { bareEnvironment, withoutAdvice } from "./setup/command.ts";

const actor: Actor = { kind: "job", id: "test", tenant: null, traceId: "test" };

let bank: StandingBank;
let folder: string;
let list: string;
let backup: TestDatabase;
let restored: Database;
/** By when their backup was taken: closed then, served then, pending then, closed and never erased, not there then. */
let closed: string;
let served: string;
let pending: string;
let spared: string;
let later: string;
const certificates = new Map<string, Readonly<Record<string, unknown>>>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finlego-replay-"));
  list = join(folder, "erasures.ndjson");
  bank = await openStandingBank({ privacy: { retentionYears: 0, keepErasure: erasureList(list) } });
  closed = await bank.aClientThatIs("closed");
  served = await bank.aClientThatIs("blocked");
  const account = await bank.anAccount({ type: "client", clientId: await bank.unblock(served).then(() => served), currency: "EUR" });
  bodyOf(await bank.clientCalls(served).post("/Client/deletion-notifications", { comment: "canary comment" }));
  pending = await bank.aClientThatIs("pending");
  spared = await bank.aClientThatIs("closed");
  // The copy needs the database for itself.
  bank.owner.on("error", () => undefined);
  backup = await copyDatabase(bank.database);
  restored = new Database({ url: backup.appUrl, role: backup.appRole, poolSize: 3, name: "finlego-test" });

  bodyOf(await bank.system.put(`/v2/internal/Accounts/${account.id}/close`));
  bodyOf(await bank.setStatus(served, "closed"));
  bodyOf(await bank.setStatus(pending, "rejected"));
  later = await bank.aClientThatIs("closed");
  for (const clientId of [closed, served, pending, later]) {
    certificates.set(clientId, bodyOf(await bank.staff.post(`/internal/Clients/${clientId}/erasure`, { reason: "clientRequest" })));
  }
});
afterAll(async () => {
  await restored.close();
  await backup.drop();
  await bank.close();
  await rm(folder, { recursive: true, force: true });
});

const contactOf = (db: Database, clientId: string) => db.read(actor, (tx) => openTestClients().findContact(tx, clientId));
const query = (text: string, values: readonly unknown[] = []) =>
  restored.read(actor, (tx) => tx.query<Record<string, unknown>>(text, values));
const replay = async () =>
  await clientErasures.replay(
    { db: restored, data: PERSONAL_DATA, stopDebits: (tx, clientId) => clientAccounts.setBlocked(tx, clientId, true) },
    await readErasureList(list),
  );

/** Runs `cli erasures …` on the restored database, as an operator does. */
async function cli(...args: readonly string[]): Promise<{ readonly status: number | null; readonly out: string; readonly error: string }> {
  const { ownerUrl, appUrl, appRole } = backup;
  const urls = appRole === null ? { DATABASE_URL: appUrl, DATABASE_MIGRATION_URL: ownerUrl } : { DATABASE_URL: ownerUrl };
  const child = spawn(process.execPath, ["src/cli.ts", "erasures", ...args], {
    cwd: new URL("..", import.meta.url),
    env: bareEnvironment({ FINLEGO_DATA: folder, ...urls }),
  });
  const [out, error, [status]] = await Promise.all([
    textOf(child.stdout),
    textOf(child.stderr),
    once(child, "close") as Promise<[number | null]>,
  ]);
  return { status, out, error: withoutAdvice(error) };
}

test("a restored backup knows who was erased since, until the list is replayed; then nobody reads them, and the others are as they were", async () => {
  for (const clientId of [closed, served, pending, spared]) expect(await contactOf(restored, clientId)).not.toBeNull();
  for (const clientId of [closed, served, pending]) expect(await contactOf(bank.db, clientId)).toBeNull();

  expect(await replay()).toEqual({ erased: 3, already: 0, unknown: 1, damagedLines: [] });

  for (const clientId of [closed, served, pending]) expect(await contactOf(restored, clientId)).toBeNull();
  expect(await contactOf(restored, spared)).not.toBeNull();
  expect(await query("select client_id from client_profile.client_key where wrapped_key is null order by client_id")).toEqual(
    [closed, served, pending].toSorted().map((client_id) => ({ client_id })),
  );
  expect(await query("select from client_profile.deletion_notification where sealed_comment is not null")).toEqual([]);
});

test("the certificates are those that were given, to the byte", async () => {
  const lines: string[] = [];
  for await (const line of clientErasures.lines(restored)) lines.push(line);
  const written = [closed, served, pending].map((clientId) => certificates.get(clientId));
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(
    written.map((each) => ({ sha256: each?.["sha256"], certificate: each?.["text"] })),
  );
});

test("who was still served when the backup was taken is closed, and no money leaves its accounts any more", async () => {
  const [client] = await query("select status, closed_at, erased_at from client_profile.client where id = $1", [served]);
  expect(client).toMatchObject({
    status: "closed",
    closed_at: expect.any(Date),
    erased_at: new Date(String(certificates.get(served)?.["erasedAt"])),
  });
  expect(await query("select debit_blocked, client_blocked from general_ledger.account where client_id = $1", [served])).toMatchObject([
    { client_blocked: true },
  ]);
  const history = await query(
    "select status, reason from client_profile.client_status_history where client_id = $1 order by id desc limit 1",
    [served],
  );
  expect(history).toEqual([{ status: "closed", reason: "erasureReplayed" }]);
});

test("who was pending when the backup was taken is rejected", async () => {
  const [client] = await query("select status, closed_at, erased_at is not null as erased from client_profile.client where id = $1", [
    pending,
  ]);
  expect(client).toEqual({ status: "rejected", closed_at: null, erased: true });
});

test("replayed again it changes nothing, also with lines that are none, and says where they are", async () => {
  await appendFile(list, '{"half a li');
  await erasureList(list)('{"sha256":"00","certificate":"{}"}');
  const before = await query("select count(*) as count from platform.audit_entry");
  expect(await replay()).toEqual({ erased: 0, already: 3, unknown: 1, damagedLines: [5, 6] });
  expect(await query("select count(*) as count from platform.audit_entry")).toEqual(before);
});

test("the command says what it did, finds the list by itself, and fails for lines that are damaged or a list that is not there", async () => {
  const answer = await cli("replay");
  expect([answer.status, JSON.parse(answer.out)]).toEqual([1, { erased: 0, already: 3, unknown: 1, damagedLines: [5, 6] }]);
  const exported = await cli("export");
  expect([exported.status, exported.error]).toEqual([0, ""]);
  const file = join(folder, "exported.ndjson");
  await writeFile(file, exported.out);
  const again = await cli("replay", "--file", file);
  expect([again.status, JSON.parse(again.out)]).toEqual([0, { erased: 0, already: 3, unknown: 0, damagedLines: [] }]);
  const missing = await cli("replay", "--file", join(folder, "nowhere"));
  expect([missing.status, missing.out]).toEqual([2, ""]);
  expect(missing.error).toContain("There is no list of erasures at");
});

test("what the database itself knows of erasures is what the list outside it knows", async () => {
  const lines: string[] = [];
  for await (const line of clientErasures.lines(bank.db)) lines.push(line);
  expect(lines).toEqual((await readErasureList(list)).slice(0, 4));
});
