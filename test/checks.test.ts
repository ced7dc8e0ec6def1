// Every check of `npm run check` catches a planted fault. The programs run with the project's own settings over a small
// house in a temporary folder: sound as it stands, then with faults in it.

import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Check, CHECKS, runCheck } from "../tools/checks.ts";

type Texts = Record<string, string>;
type Name = (typeof CHECKS)[number]["name"];
type Plant = { readonly texts: Texts; readonly says: readonly string[] };

const PROJECT = resolve(import.meta.dirname, "..");
const SETTINGS = ["node_modules", "tsconfig.json", "biome.json", "knip.json", ".oxlintrc.json", ".dependency-cruiser.mjs"];

const SOUND: Texts = {
  "src/server.ts": 'import { describeAmount } from "#general-ledger";\n\nprocess.stdout.write(describeAmount(100n));\n',
  "src/general-ledger/README.md": "The ledger.\n",
  "src/general-ledger/index.ts":
    'import { formatMinor } from "#platform/money.ts";\n\n/** The amount as people read it. */\nexport function describeAmount(minor: bigint): string {\n  return formatMinor(minor);\n}\n',
  "src/platform/README.md": "What everything stands on.\n",
  "src/platform/money.ts":
    "/** Minor units as text. */\nexport function formatMinor(minor: bigint): string {\n  return minor.toString();\n}\n",
  "src/platform/problem.ts": 'export const platformProblems = { notFound: { status: 404, title: "Not found.", retry: "no" } };\n',
  "src/platform/problem.test.ts":
    'import { expect, test } from "vitest";\nimport { platformProblems } from "./problem.ts";\n\ntest("what is not there is not found", () => {\n  expect(Object.keys(platformProblems)).toEqual(["notFound"]);\n});\n',
  "test/house.test.ts": 'import { expect, test } from "vitest";\n\ntest("it stands", () => {\n  expect(true).toBe(true);\n});\n',
  "tools/print.ts": 'console.log("printed");\n',
  "bench/run.ts": 'import fc from "fast-check";\n\nconsole.log(fc);\n',
  "docs/problems.md": "# Problems\n\n## notFound\n\n**404** · retry: no\n\nThere is no such thing.\n",
};

// All rules of this one have a name, and each must be seen.
const boundaries: { default: { forbidden: { name: string }[] } } = await import(join(PROJECT, ".dependency-cruiser.mjs"));

const BOUNDARY_FAULTS: Texts = {
  "src/platform/up.ts": 'import { open } from "#client-profile";\n\nopen();\n',
  "src/one-time-codes/index.ts": 'import "#general-ledger";\n',
  "src/client-profile/index.ts": 'import "#general-ledger";\n\nexport const open = (): number => 1;\n',
  "src/client-profile/clients.ts": 'import type { Ring } from "./ring.ts";\n\nexport type Client = { ring: Ring };\n',
  "src/client-profile/ring.ts": 'import type { Client } from "./clients.ts";\n\nexport type Ring = { client: Client };\n',
  "src/client-profile/ports.ts": "export type Port = () => void;\n",
  "src/onboarding/index.ts":
    'import "#general-ledger";\nimport "../client-profile/clients.ts";\nimport type { Port } from "../client-profile/ports.ts";\n\nexport const port: Port = () => {};\n',
  "src/onboarding/call.ts":
    'import { request } from "node:https";\nimport fastify from "fastify";\nimport "./gone.ts";\n\nfastify(request);\n',
  "src/adapters/mail.ts": 'import "#onboarding";\n',
  "src/general-ledger/posting.ts": 'import "node:fs";\nimport type { Row } from "./account.store.ts";\n\nexport type Posting = Row;\n',
  "src/general-ledger/account.store.ts": 'import "#onboarding";\n\nexport type Row = { id: string };\n',
  "src/platform/load.ts":
    'import "fast-check";\nimport "../../test/anything.ts";\nimport "./embedded-postgres/binaries.ts";\nimport "../general-ledger/posting.ts";\n',
  "src/platform/embedded-postgres/binaries.ts": "export const binaries = 1;\n",
  "test/anything.ts": "export const anything = 1;\n",
};

const LINT_FAULTS: Texts = {
  "src/general-ledger/faults.ts": `
type Reply = { body: any };
const later = async (): Promise<number> => 1;
export async function go(reply: Reply, state: "open" | "closed", names: string[]): Promise<unknown> {
  later();
  names.forEach(async () => later());
  await 5;
  const body = reply.body;
  console.log(body.name, reply.body());
  if (names.length == 1) throw "text";
  names.map((name) => { name.trim(); });
  switch (state) {
    case "open":
      return names[0]!;
  }
  try {
    return later();
  } catch {
    return Math.max(reply.body);
  }
}
export const give = (reply: Reply): string => reply.body;
// @ts-ignore
export default go;
`,
  "src/general-ledger/faults.test.ts": `
import { expect, test, vi } from "vitest";
vi.mock("./money.ts");
test.only("one", () => expect(1).toBe(1));
test.skip("two", () => expect(1).toBe(1));
`,
};

const TYPE_FAULTS: Texts = {
  "src/general-ledger/faults.ts": `
export const first = (names: string[]): string => names[0];
export const told: { name?: string } = { name: undefined };
export function size(text): number { return text.length; }
export enum Side { debit }
export class Box { constructor(private readonly name: string) {} }
import { QueryResult } from "pg";
export type Rows = QueryResult;
const unused = 1;
`,
};

const words = (list: string): string[] => list.trim().split(/\s+/);

const PLANTED: Record<Name, Plant> = {
  types: { texts: TYPE_FAULTS, says: ["TS2322", "TS2375", "TS7006", "TS1294", "TS1484", "TS6133"] },
  lint: {
    texts: LINT_FAULTS,
    says: words(`
      no-floating-promises no-misused-promises await-thenable return-await no-explicit-any no-unsafe-assignment
      no-unsafe-argument no-unsafe-call no-unsafe-member-access no-unsafe-return no-non-null-assertion only-throw-error
      switch-exhaustiveness-check ban-ts-comment eqeqeq no-console array-callback-return no-default-export
      no-focused-tests no-disabled-tests no-restricted-vi-methods`),
  },
  format: { texts: { "src/platform/money.ts": "export const   a = 'b'" }, says: ["src/platform/money.ts"] },
  boundaries: { texts: BOUNDARY_FAULTS, says: boundaries.default.forbidden.map((rule) => rule.name) },
  "dead code": {
    texts: {
      "src/platform/unused.ts": "export const unused = 1;\n",
      "src/platform/money.ts": `${SOUND["src/platform/money.ts"]}\nexport const nobodyWantsMe = 1;\n`,
      "src/server.ts": `${SOUND["src/server.ts"]}import "./gone.ts";\nimport "fastify";\n`,
    },
    says: ["src/platform/unused.ts", "nobodyWantsMe", "typebox", "fastify", "gone.ts"],
  },
  architecture: {
    texts: { "src/general-ledger/index.ts": 'export const sql = "delete from client_profile.client where id = $1";\n' },
    says: ["sqlOnlyInStores", "ownSchemaOnly", "facesStaySmall"],
  },
  "problem codes": {
    texts: {
      "src/general-ledger/problems.ts":
        "export const generalLedgerProblems = { overspent: { status: 409 }, notFound: { status: 410 } };\nexport const other = { notOne: {} };\n",
      "docs/problems.md": "## notFound\n\n## gone\n",
    },
    says: ["overspent has no section", "no test produces overspent", "no catalogue has gone", "notFound is another problem in"],
  },
  "schema dump": {
    texts: { "db/schema.sql": "-- Generated long ago\n" },
    says: ["db/schema.sql is not what the sources make", "Generated long ago"],
  },
  openapi: { texts: { "openapi.json": '{ "openapi": "3.1.0" }\n' }, says: ["openapi.json is not what the sources make"] },
};

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finlego-checks-"));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function build(name: string, texts: Texts): Promise<string> {
  const root = join(folder, name.replaceAll(" ", "-"));
  const { imports } = JSON.parse(await readFile(join(PROJECT, "package.json"), "utf8"));
  const dependencies = name.startsWith("faulty") ? { typebox: "1" } : {};
  const manifest = { name: "house", type: "module", imports, dependencies, devDependencies: { vitest: "4", "fast-check": "4" } };
  const all: Texts = { "package.json": `${JSON.stringify(manifest, null, 2)}\n`, ...SOUND, ...texts };
  for (const [path, text] of Object.entries(all)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  for (const setting of SETTINGS) await symlink(join(PROJECT, setting), join(root, setting));
  return root;
}

const planted = CHECKS.map((check) => ({ check: check as Check, ...PLANTED[check.name] }));

test.each(planted)("$check.name sees each planted fault", { timeout: 60_000 }, async ({ check, texts, says }) => {
  const outcome = await runCheck(check, await build(`faulty ${check.name}`, texts));
  expect(outcome.passed).toBe(false);
  expect(
    says.filter((word) => !outcome.output.includes(word)),
    outcome.output,
  ).toEqual([]);
});

// The snapshots' sound twins are the project itself, under `npm run check`.
const ofFiles = planted.filter(({ check }) => !["schema dump", "openapi"].includes(check.name));

test.each(ofFiles)("$check.name lets a sound house pass", { timeout: 60_000 }, async ({ check }) => {
  const outcome = await runCheck(check, await build(`sound ${check.name}`, {}));
  expect(outcome, outcome.output).toMatchObject({ passed: true });
});

test("a program that is not there is a check that failed", async () => {
  const outcome = await runCheck({ name: "nothing", command: ["no-such-program"] }, folder);
  expect(outcome.passed).toBe(false);
});
