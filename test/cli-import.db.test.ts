// `npm run --silent cli -- import` against a bank that listens: what it prints, where, and how it ends.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestApp } from "./setup/http.ts";
import { importer, manyPersons, ndjson, openImportApp } from "./setup/imports.ts";

let bank: TestApp;
let folder: string;
let url: string;
let token: string;
beforeAll(async () => {
  bank = await openImportApp();
  folder = await mkdtemp(join(tmpdir(), "finlego-cli-import-"));
  url = await bank.app.listen({ host: "127.0.0.1", port: 0 });
  token = await bank.mint({ audience: "system", scope: "integration.import", tenant: "north" });
});
afterAll(async () => {
  await bank.close();
  await rm(folder, { recursive: true, force: true });
});

async function fileOf(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

type Run = { readonly code: number | null; readonly out: string; readonly err: string };

async function cli(...args: readonly string[]): Promise<Run> {
  const child = spawn(process.execPath, ["src/cli.ts", "import", ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const said = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said.out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said.err += text));
  return await new Promise((resolve) => child.once("close", (code) => resolve({ code, ...said })));
}

test("prints the report and nothing else on standard output, and the same command again says the same", async () => {
  const file = await fileOf("sound.ndjson", ndjson(manyPersons(120)));
  const first = await cli("--file", file, "--url", url, "--token", token);
  expect([first.code, first.err]).toEqual([0, expect.stringContaining("Import ")]);
  expect(JSON.parse(first.out)).toMatchObject({ status: "finished", rows: 120, created: 120 });
  expect(await cli("--file", file, "--url", `${url}/`, "--token", token)).toEqual(first);
});

test("ends with 1 when rows were at fault, and writes all faults where it is told to", async () => {
  const persons = manyPersons(14, (index) => (index > 0 ? { riskLevel: "none" } : {}));
  const file = await fileOf("faulty.jsonl", ndjson(persons));
  const faults = join(folder, "faults.csv");
  const { code, out, err } = await cli("--file", file, "--url", url, "--token", token, "--faults", faults);
  expect([code, JSON.parse(out)]).toMatchObject([1, { created: 1, faulty: 13 }]);
  expect(err).toContain(
    `row 2 ("${String(persons[1]?.["externalId"])}"): riskLevel: The field must be one of: low, medium, high, prohibited.`,
  );
  expect(err).toContain("\n3 more\n");
  expect((await readFile(faults, "utf8")).trimEnd().split("\r\n")).toHaveLength(14);
});

test("rehearses", async () => {
  const persons = manyPersons(3);
  const file = await fileOf("rehearsed.ndjson", ndjson([...persons, "x"]));
  const { code, out } = await cli("--file", file, "--dry-run", "--url", url, "--token", token);
  expect([code, JSON.parse(out)]).toMatchObject([1, { importId: null, created: 3, faulty: 1, faults: [{ row: 4 }] }]);
  expect((await importer(bank, "north").send(persons)).body).toMatchObject({ created: 3 });
});

test.each<[what: string, args: (file: string) => string[], told: string]>([
  ["a file that is not there", () => ["--file", "/nowhere/x.csv"], "Cannot read"],
  ["a tenant beside a token", (file) => ["--file", file, "--tenant", "a", "--token", "x"], "--tenant"],
  ["a misspelt option", (file) => ["--fill", file], "required option"],
  ["a token that is none", (file) => ["--file", file, "--url", url, "--token", "x"], "Refused (401)"],
  [
    "a file that is refused",
    (file) => ["--file", file.replace("few.ndjson", "few.csv"), "--url", url, "--token", token],
    "The first line must name the columns",
  ],
])("ends with 2 and a sentence: %s", async (_what, args, told) => {
  await fileOf("few.csv", "a,b\n1,2\n");
  const { code, out, err } = await cli(...args(await fileOf("few.ndjson", "")));
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain(told);
});

test("goes on where it was interrupted", async () => {
  const cuts = await openCuttingProxy(Number(new URL(url).port), 2);
  const file = await fileOf("long.ndjson", ndjson(manyPersons(900)));
  const { code, out, err } = await cli("--file", file, "--url", cuts.url, "--token", token);
  cuts.server.close();
  expect([code, JSON.parse(out)]).toMatchObject([0, { rows: 900, created: 900, duplicates: 0 }]);
  expect(err.match(/Interrupted at row/g)?.length).toBeGreaterThanOrEqual(2);
});

/** A bank behind a bad line: the first imports are cut after a quarter of a megabyte, everything else passes. */
async function openCuttingProxy(port: number, times: number): Promise<{ readonly server: Server; readonly url: string }> {
  const { request } = await import("node:http");
  let left = times;
  const server = createServer((incoming, outgoing) => {
    const isCut = incoming.method === "POST" && left-- > 0;
    let bytes = 0;
    const { method, url: path, headers } = incoming;
    const onward = request({ host: "127.0.0.1", port, method, path, headers, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    incoming.on("data", (piece: Buffer) => {
      bytes += piece.length;
      if (isCut && bytes > 256 * 1024) {
        onward.destroy();
        incoming.socket.destroy();
      } else onward.write(piece);
    });
    incoming.on("end", () => onward.end());
    incoming.on("error", () => onward.destroy());
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return { server, url: `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}` };
}
