// A check proves itself: guarantees of the product are taken away, one at a time, in a copy of it, and a fault suite must notice each. What is
// taken away is found by its text, so that a change of the product's text cannot turn a planted fault into none unseen.

import { spawn } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./server.ts";
import { runAlone, type Suite } from "./suite.ts";

type Edit = { readonly file: string; readonly from: string; readonly to: string };
type PlantedFault = { readonly guarantee: string; readonly edits: readonly Edit[]; readonly suite: string; readonly long?: true };

const BATCH = "db/migrations/0004_post_batch.sql";
const LEDGER = "db/migrations/0003_general_ledger.sql";
const KEYS = "src/platform/http/idempotency.ts";

const PLANTED: readonly PlantedFault[] = [
  {
    guarantee: "funds are judged",
    suite: "double-spend",
    edits: [
      { file: BATCH, from: "if bal[d] - o_held[d] < floor[d] then", to: "if false then" },
      { file: LEDGER, from: "check (floor_minor is null or balance_minor - held_minor >= floor_minor)", to: "check (true)" },
    ],
  },
  {
    guarantee: "accounts are locked, and entry numbers are unique",
    suite: "double-spend",
    edits: [
      { file: BATCH, from: "order by id for no key update", to: "order by id" },
      { file: LEDGER, from: "  primary key (account_id, account_seq),\n", to: "" },
    ],
  },
  {
    guarantee: "a payment's key is kept",
    suite: "idempotency-keys",
    edits: [{ file: BATCH, from: "where u.key is not null and u.place is not null", to: "where false" }],
  },
  {
    guarantee: "an answer is kept in the transaction of its effect",
    suite: "crash-points",
    long: true,
    edits: [
      {
        file: KEYS,
        from: "      await store.keepAnswer(tx, key.id, 200, body);\n      return",
        to: "      setTimeout(() => void db.write(actor, (after) => store.keepAnswer(after, key.id, 200, body)), 30);\n      return",
      },
    ],
  },
  {
    guarantee: "an acknowledged commit is on the disk",
    suite: "kill-under-load",
    edits: [{ file: "src/platform/db.ts", from: '"timezone=UTC",', to: '"timezone=UTC", "synchronous_commit=off",' }],
  },
  {
    guarantee: "the last answer of a stop closes its connection",
    suite: "graceful-stop",
    edits: [
      { file: "src/platform/http/app.ts", from: 'if (options.isDraining?.() === true) void reply.header("connection", "close");', to: "" },
    ],
  },
];

export const plantedFaults: Suite = {
  name: "planted-faults",
  promise: "Each guarantee that is taken away is missed by a fault suite.",
  nightly: true,
  async run(size, report) {
    const folder = await mkdtemp(join(tmpdir(), "finlego-planted-"));
    try {
      for (const planted of size === "long" ? PLANTED : PLANTED.slice(0, 1)) {
        const copy = join(folder, "copy");
        await copyProduct(copy);
        for (const edit of planted.edits) await apply(copy, edit);
        const { code, output } = await runFaults(copy, planted);
        report.expect(
          code === 1 && output.includes("BROKEN"),
          `without this, ${planted.suite} found nothing: ${planted.guarantee} (exit code ${code}: ${output.slice(-300)})`,
        );
        report.count("planted");
        await rm(copy, { recursive: true });
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
};

async function copyProduct(to: string): Promise<void> {
  for (const part of ["src", "db", "test", "tools", "package.json"]) await cp(join(ROOT, part), join(to, part), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(to, "node_modules"));
}

async function apply(copy: string, { file, from, to }: Edit): Promise<void> {
  const text = await readFile(join(copy, file), "utf8");
  if (!text.includes(from)) throw new Error(`${file} has no ${JSON.stringify(from)} any more: plant this fault anew`);
  await writeFile(join(copy, file), text.replace(from, to));
}

async function runFaults(copy: string, { suite, long }: PlantedFault): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ["tools/faults.ts", suite, long ? "--long" : "--short"], {
    cwd: copy,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  return await new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}

await runAlone(import.meta, plantedFaults);
