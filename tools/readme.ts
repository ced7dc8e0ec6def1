// Runs the README's first five minutes as a new person would: the shell blocks of that section, in order, as they stand there. The first one
// is `npm start`; it runs beside the others until they are done. The others share one shell, which stops at the first command that fails.
//
// PORT and FINLEGO_DATA point to a free port and a temporary folder, so that nothing of the person at this machine is touched.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const SECTION = "## The first five minutes";
const START = "npm start";
const START_MAX_MS = 180_000;

/** The shell blocks of the section, whole. */
function readBlocks(readme: string): string[] {
  const from = readme.indexOf(`${SECTION}\n`);
  if (from < 0) throw new Error(`README.md has no section "${SECTION}"`);
  const rest = readme.slice(from + SECTION.length);
  const next = rest.search(/^## /m);
  const section = next < 0 ? rest : rest.slice(0, next);
  return [...section.matchAll(/^```sh\n([^]*?)^```$/gm)].map((match) => (match[1] ?? "").trim());
}

/** What the blocks keep in variables from a command: none of it may be empty or "undefined". */
function variablesOf(script: string): string[] {
  return [...script.matchAll(/(?:^|\s)([A-Z][A-Z_]*)=\$\(/g)].map((match) => match[1] ?? "");
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Standard output and errors of a program, in one text, and how it ended. */
function follow(child: ChildProcess): { said: () => string; ended: Promise<number | null> } {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  return { said: () => text, ended: new Promise((resolve) => child.once("close", (code) => resolve(code))) };
}

async function waitUntilReady(port: number, hasEnded: () => boolean): Promise<boolean> {
  const deadline = performance.now() + START_MAX_MS;
  while (performance.now() < deadline && !hasEnded()) {
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => null);
    if (answer?.status === 200) return true;
    await pause(100);
  }
  return false;
}

async function runBlocks(blocks: readonly string[], env: NodeJS.ProcessEnv): Promise<string | null> {
  const script = blocks.join("\n\n");
  const checks = variablesOf(script).map(
    (name) => `case "$${name}" in "" | undefined | null) echo "the variable ${name} holds nothing"; exit 1 ;; esac`,
  );
  const shell = spawn("bash", ["-e", "-o", "pipefail", "-c", [script, ...checks].join("\n")], {
    cwd: ROOT,
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { said, ended } = follow(shell);
  const code = await ended;
  process.stdout.write(said().replaceAll(/^(?=.)/gm, "  | "));
  if (code !== 0) return `the commands ended with exit code ${code}`;
  const lines = said().split("\n");
  return lines.some((line) => ["undefined", "false", "null"].includes(line.trim()))
    ? "one of the answers is not what the text promises"
    : null;
}

async function main(): Promise<string | null> {
  const [first, ...others] = readBlocks(await readFile(join(ROOT, "README.md"), "utf8"));
  if (first !== START || others.length === 0) return `the section must begin with a block that is exactly "${START}", and go on after it`;
  const folder = await mkdtemp(join(tmpdir(), "finlego-readme-"));
  const port = await freePort();
  const env = { ...process.env, PORT: String(port), FINLEGO_DATA: join(folder, "data") };
  // A process group of its own, so that a failure leaves nothing behind.
  const bank = spawn("bash", ["-c", `exec ${START}`], { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const { said, ended } = follow(bank);
  let over = false;
  void ended.then(() => (over = true));
  try {
    if (!(await waitUntilReady(port, () => over))) return `${START} did not come to serve:\n${said()}`;
    const fault = await runBlocks(others, env);
    if (fault !== null) return fault;
    bank.kill("SIGTERM");
    const code = await ended;
    return code === 0 ? null : `${START} ended with exit code ${code} after SIGTERM:\n${said()}`;
  } finally {
    if (!over && bank.pid !== undefined) process.kill(-bank.pid, "SIGKILL");
    await ended;
    await rm(folder, { recursive: true, force: true, maxRetries: 50, retryDelay: 100 });
  }
}

const started = performance.now();
const fault = await main();
const seconds = ((performance.now() - started) / 1000).toFixed(1);
process.stdout.write(
  fault === null ? `The first five minutes took ${seconds} s.\n` : `The first five minutes failed after ${seconds} s: ${fault}\n`,
);
process.exitCode = fault === null ? 0 : 1;
