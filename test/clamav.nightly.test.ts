// The adapter against Debian's own clamd (apt-get install clamav-daemon), with a signature of the test pattern as all it knows. Without that
// package the test fails: what was not tried is not proven.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clamdScan } from "../src/adapters/clamd.ts";
import { aPdf, aPdfOf, eicar } from "./setup/document-files.ts";

const PROGRAM = "/usr/sbin/clamd";
const START_MAX_MS = 60_000;
const MAX_STREAM = 11 * 1024 * 1024;
const forever = new AbortController().signal;

let folder: string;
let clamd: ChildProcess;
let said = "";
let port = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finlego-clamav-"));
  await mkdir(join(folder, "signatures"));
  // Found anywhere in a file of any kind.
  await writeFile(join(folder, "signatures", "test.ndb"), `Test.Pattern:0:*:${eicar().toString("hex")}\n`);
  port = await freePort();
  const settings = [
    "Foreground yes",
    `DatabaseDirectory ${join(folder, "signatures")}`,
    `TemporaryDirectory ${folder}`,
    `LocalSocket ${join(folder, "clamd.ctl")}`,
    `TCPSocket ${port}`,
    "TCPAddr 127.0.0.1",
    `StreamMaxLength ${MAX_STREAM}`,
    "SelfCheck 0",
    ...(process.getuid?.() === 0 ? ["User root"] : []),
  ];
  await writeFile(join(folder, "clamd.conf"), `${settings.join("\n")}\n`);
  clamd = spawn(PROGRAM, ["--config-file", join(folder, "clamd.conf")], { stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [clamd.stdout, clamd.stderr]) stream?.on("data", (text: Buffer) => (said += text.toString()));
  await untilServing();
}, START_MAX_MS + 5_000);
afterAll(async () => {
  if (clamd.exitCode === null && clamd.pid !== undefined) {
    const ended = new Promise((resolve) => clamd.once("close", resolve));
    clamd.kill("SIGKILL");
    await ended;
  }
  await rm(folder, { recursive: true, force: true });
});

async function untilServing(): Promise<void> {
  let failure: unknown = null;
  clamd.once("error", (error) => (failure = error));
  const deadline = performance.now() + START_MAX_MS;
  while (performance.now() < deadline) {
    if (failure !== null) throw new Error(`${PROGRAM} is missing: apt-get install clamav-daemon`, { cause: failure });
    if (clamd.exitCode !== null) throw new Error(`clamd ended:\n${said}`);
    const verdict = await scan(Buffer.from("x")).catch(() => null);
    if (verdict !== null) return;
  }
  throw new Error(`clamd does not serve:\n${said}`);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function* inPieces(body: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += 65_536) yield body.subarray(at, at + 65_536);
}

const scan = (body: Buffer, address = `127.0.0.1:${port}`) => clamdScan({ address, timeoutMs: 20_000 })(inPieces(body), forever);

test("finds the test pattern, alone and inside a document, over TCP and over a socket's path", async () => {
  for (const address of [`127.0.0.1:${port}`, join(folder, "clamd.ctl")]) {
    for (const body of [eicar(), aPdf(eicar())]) {
      expect(await scan(body, address)).toEqual({ status: "infected", finding: expect.stringMatching(/^Test\.Pattern/) });
    }
  }
});

test("finds a document of the largest size clean", async () => {
  expect(await scan(aPdfOf(10 * 1024 * 1024))).toEqual({ status: "clean" });
});

test("has no verdict for more than it takes", async () => {
  await expect(scan(Buffer.alloc(MAX_STREAM + 1_000_000, 1))).rejects.toThrow(/clamd|EPIPE|ECONNRESET/);
});
