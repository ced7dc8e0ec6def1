import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, CommanderError } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { registerTokenCommand } from "./cli-token.ts";
import { type DevelopmentIssuer, openDevelopmentIssuer } from "./development-issuer.ts";
import { StartupError } from "./startup-error.ts";
import { createTokenVerifier } from "./token-verifier.ts";

const CLIENT = "0b0e7f9c-6a43-4c0e-9d0a-3f2b1c4d5e6f";
const NAMES = { issuer: "http://localhost/issuer", audience: "finlego" };
const NOW_MS = 1_800_000_000_000;

let dataDir: string;
let issuer: DevelopmentIssuer;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "cli-token-"));
  issuer = await openDevelopmentIssuer({ dataDir, ...NAMES, mode: "test" });
});
afterAll(() => rm(dataDir, { recursive: true }));

/** What a person at the terminal sees: both outputs and the exit code. */
async function run(args: string[], openIssuer = () => Promise.resolve(issuer)): Promise<{ out: string; err: string; code: number }> {
  const seen = { out: "", err: "", code: 0 };
  const program = new Command("finlego")
    .exitOverride()
    .configureOutput({ writeOut: (text) => (seen.out += text), writeErr: (text) => (seen.err += text) });
  registerTokenCommand(program, { openIssuer, clock: () => NOW_MS });
  try {
    await program.parseAsync(["token", ...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    seen.code = error.exitCode;
  }
  return seen;
}

async function callerOf(args: string[], secondsLater = 0) {
  const { out, err, code } = await run(args);
  expect({ err, code }).toEqual({ err: "", code: 0 });
  expect(out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  return createTokenVerifier({ ...NAMES, keys: issuer.keys, clock: () => NOW_MS + secondsLater * 1000 })(`Bearer ${out.trim()}`);
}

test("a system token is printed alone on standard output, with exactly the scopes asked for", async () => {
  expect(await callerOf(["--audience", "system", "--scope", "ledger.read ledger.write"])).toEqual({
    kind: "system",
    subject: "development",
    scopes: new Set(["ledger.read", "ledger.write"]),
    tenant: null,
  });
  expect(await callerOf(["--audience", "system", "--scope", ""])).toMatchObject({ scopes: new Set() });
});

test("a front-office token is printed for a client", async () => {
  expect(await callerOf(["--audience", "frontOffice", "--client-id", CLIENT])).toEqual({
    kind: "client",
    subject: CLIENT,
    clientId: CLIENT,
    tenant: null,
  });
});

test("tenant and subject are taken over", async () => {
  expect(await callerOf(["--audience", "system", "--scope", "events.read", "--tenant", "acme", "--subject", "core"])).toMatchObject({
    tenant: "acme",
    subject: "core",
  });
});

test("a token lives as long as asked, in seconds, minutes, hours or days", async () => {
  const lifetimes = [
    [[], 3600],
    [["--expires-in", "90"], 90],
    [["--expires-in", "90s"], 90],
    [["--expires-in", "15m"], 900],
    [["--expires-in", "2h"], 7200],
  ] as const;
  for (const [option, seconds] of [...lifetimes, [["--expires-in", "1d"], 86_400]] as const) {
    const args = ["--audience", "system", "--scope", "ledger.read", ...option];
    expect(await callerOf(args, seconds)).toHaveProperty("kind");
    expect(await callerOf(args, seconds + 10)).toEqual({ fault: "the token has expired" });
  }
});

describe("a request that makes no sense ends with 2, a sentence and no token", () => {
  const wrong: [string[], RegExp][] = [
    [[], /--audience system or --audience frontOffice/],
    [["--audience", "integration", "--scope", "integration.import"], /--audience system or/],
    [["--audience", "system"], /--scope/],
    [["--audience", "system", "--scope", "ledger.reed"], /no scope ledger\.reed\. The scopes are .*ledger\.read/],
    [["--audience", "system", "--scope", "ledger.read,ledger.write"], /no scope ledger\.read,ledger\.write/],
    [["--audience", "system", "--scope", "LEDGER.READ"], /no scope/],
    [["--audience", "system", "--scope", "ledger.read", "--client-id", CLIENT], /speaks for no client/],
    [["--audience", "frontOffice"], /--client-id/],
    [["--audience", "frontOffice", "--client-id", "7"], /--client-id/],
    [["--audience", "frontOffice", "--client-id", CLIENT, "--scope", "ledger.read"], /has no scopes/],
    [["--audience", "system", "--scope", "", "--tenant", "a b"], /tenant/i],
    [["--audience", "system", "--scope", "", "--subject", ""], /subject/i],
    ...["0", "-1", "1.5", "1w", "h", "", "1e3", "367d", "999999999d", "9999999999"].map((text): [string[], RegExp] => [
      ["--audience", "system", "--scope", "", `--expires-in=${text}`],
      /--expires-in/,
    ]),
  ];
  test.for(wrong)("%j", async ([args, sentence]) => {
    const { out, err, code } = await run(args, () => Promise.reject(new Error("opened for nothing")));
    expect({ out, code }).toEqual({ out: "", code: 2 });
    expect(err).toMatch(sentence);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
  });
});

test("an installation that cannot sign says why and ends with 1", async () => {
  const { out, err, code } = await run(["--audience", "system", "--scope", ""], () =>
    Promise.reject(new StartupError("There is no development issuer.")),
  );
  expect({ out, err, code }).toEqual({ out: "", err: "There is no development issuer.\n", code: 1 });
});
