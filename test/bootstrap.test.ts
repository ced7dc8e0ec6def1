// The way from a clone to installed packages, with a stand-in for npm that notes how it was called: what is tested is when npm
// is run, what it is told, and what the person reads; not npm.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

let root: string;
const running: ChildProcess[] = [];

const NPM = `
const { appendFileSync, existsSync, mkdirSync, rmSync, writeFileSync } = require("node:fs");
appendFileSync("calls", JSON.stringify({ args: process.argv.slice(2), env: process.env }) + "\\n");
rmSync("node_modules", { recursive: true, force: true });
mkdirSync("node_modules/half", { recursive: true });
const finish = () => {
  if (existsSync("refuse")) { console.error("npm error no network"); process.exit(7); }
  mkdirSync("node_modules/a", { recursive: true });
  writeFileSync("node_modules/a/package.json", "{}");
  console.log("added 1 package");
};
if (existsSync("hang")) setInterval(() => {}, 1000); else setTimeout(finish, 150);
`;

function lockOf(version: string): string {
  return JSON.stringify({ packages: { "": {}, "node_modules/a": { version } } });
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "finlego-bootstrap-test-"));
  mkdirSync(join(root, "tools"));
  for (const tool of ["bootstrap.mjs", "complete-lock.mjs"]) {
    copyFileSync(new URL(`../tools/${tool}`, import.meta.url), join(root, "tools", tool));
  }
  writeFileSync(join(root, "package-lock.json"), lockOf("1.0.0"));
  writeFileSync(join(root, "npm-cli.js"), NPM);
});

afterEach(() => {
  for (const child of running.splice(0)) child.kill("SIGKILL");
  rmSync(root, { recursive: true, force: true });
});

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

function startTool(tool: string, args: readonly string[], env: NodeJS.ProcessEnv): { child: ChildProcess; ended: Promise<Ended> } {
  const all = { ...process.env, npm_execpath: join(root, "npm-cli.js"), ...env };
  const child = spawn(process.execPath, [join(root, "tools", tool), ...args], { env: all, stdio: ["ignore", "pipe", "pipe"] });
  running.push(child);
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (piece) => (said.stdout += String(piece)));
  child.stderr.on("data", (piece) => (said.stderr += String(piece)));
  return { child, ended: once(child, "close").then(([code]) => ({ code: code as number | null, ...said })) };
}

const bootstrap = (args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) => startTool("bootstrap.mjs", args, env).ended;

type Call = { readonly args: readonly string[]; readonly env: NodeJS.ProcessEnv };

function npmCalls(): Call[] {
  const file = join(root, "calls");
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Call);
}

test("a fresh clone is installed once, and after that nothing is done", async () => {
  expect(await bootstrap()).toMatchObject({ code: 0, stdout: "" });
  expect(npmCalls()).toHaveLength(1);
  expect(npmCalls()[0]?.args.slice(0, 2)).toEqual(["ci", "--ignore-scripts"]);
  expect(await bootstrap()).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(npmCalls()).toHaveLength(1);
});

test("a changed lock file is installed again", async () => {
  await bootstrap();
  writeFileSync(join(root, "package-lock.json"), lockOf("1.0.1"));
  await bootstrap();
  expect(npmCalls()).toHaveLength(2);
});

test("nothing is ever said on stdout, and with --quiet nothing of ours at all", async () => {
  const { code, stdout, stderr } = await bootstrap(["--quiet"]);
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "added 1 package\n" });
});

test("what the surrounding npm was told does not reach the one that installs, where to fetch from does", async () => {
  const told = {
    NODE_ENV: "production",
    npm_config_omit: "dev",
    npm_config_dry_run: "true",
    npm_config_global: "true",
    npm_config_registry: "https://mirror.example/",
  };
  await bootstrap([], told);
  const call = npmCalls()[0];
  expect(call?.args).toEqual(expect.arrayContaining(["--include=dev", "--include=optional"]));
  const handedOn = Object.keys(call?.env ?? {});
  expect(handedOn).toContain("npm_config_registry");
  expect(handedOn.filter((name) => name in told)).toEqual(["npm_config_registry"]);
});

test("of several that start at once one installs and the others wait for it", async () => {
  const ends = await Promise.all([bootstrap(), bootstrap(), bootstrap()]);
  expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(npmCalls()).toHaveLength(1);
});

test("a failed installation is told in a sentence, and tried again the next time", async () => {
  writeFileSync(join(root, "refuse"), "");
  const { code, stderr } = await bootstrap();
  expect(code).toBe(1);
  expect(stderr).toContain("npm error no network\nnpm ci failed (7)");
  rmSync(join(root, "refuse"));
  expect(await bootstrap()).toMatchObject({ code: 0 });
  expect(npmCalls()).toHaveLength(2);
});

test("while npm lives its lock holds, though the one who started it was shot; when both are dead the next one installs", async () => {
  writeFileSync(join(root, "hang"), "");
  const first = startTool("bootstrap.mjs", [], {});
  const lock = join(root, ".cache/install.lock");
  const holders = () =>
    existsSync(lock)
      ? readFileSync(lock, "utf8")
          .trim()
          .split(" ")
          .map((holder) => Number.parseInt(holder, 10))
      : [];
  await expect.poll(() => [holders().length, npmCalls().length], { timeout: 5_000 }).toEqual([2, 1]);
  first.child.kill("SIGKILL");
  await once(first.child, "exit");

  rmSync(join(root, "hang"));
  const second = startTool("bootstrap.mjs", [], {});
  let said = "";
  second.child.stderr?.on("data", (piece) => (said += String(piece)));
  await expect.poll(() => said, { timeout: 5_000 }).toContain("another process is installing the packages");
  expect(npmCalls()).toHaveLength(1);

  process.kill(holders()[1] ?? 0, "SIGKILL");
  expect(await second.ended).toMatchObject({ code: 0 });
  expect(npmCalls()).toHaveLength(2);
});

test("packages that somebody installed himself are taken as they are when they fit the lock", async () => {
  mkdirSync(join(root, "node_modules/a"), { recursive: true });
  writeFileSync(join(root, "node_modules/a/package.json"), "{}");
  writeFileSync(join(root, "node_modules/.package-lock.json"), lockOf("1.0.0"));
  expect(await bootstrap()).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(npmCalls()).toEqual([]);
});

test("a lock that leaves out other platforms' packages is completed, so that npm ci takes it", async () => {
  const parent = { version: "1.0.0", dev: true, optionalDependencies: { "@x/cli-linux-arm64-musl": "1.2.3", "@x/cli-win32-x64": "1.2.3" } };
  writeFileSync(join(root, "package-lock.json"), JSON.stringify({ packages: { "": {}, "node_modules/x": parent } }));
  expect(await startTool("complete-lock.mjs", ["--check"], {}).ended).toMatchObject({ code: 1 });
  expect(await startTool("complete-lock.mjs", [], {}).ended).toMatchObject({ code: 0 });
  expect(await startTool("complete-lock.mjs", ["--check"], {}).ended).toMatchObject({ code: 0 });
  expect(JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"))).toEqual({
    packages: {
      "": {},
      "node_modules/@x/cli-linux-arm64-musl": {
        version: "1.2.3",
        cpu: ["arm64"],
        dev: true,
        libc: ["musl"],
        optional: true,
        os: ["linux"],
      },
      "node_modules/@x/cli-win32-x64": { version: "1.2.3", cpu: ["x64"], dev: true, optional: true, os: ["win32"] },
      "node_modules/x": parent,
    },
  });
});
