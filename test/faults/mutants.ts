// META-3, a check that proves itself: guarantees of the product are taken away, one at a time, in a copy of what is committed, and the
// test that is named must notice. What is taken away is found by its text, so that a change of the product cannot turn a mutant into
// none unseen: then the mutant must be made anew. `node tools/mutants.ts` runs them all, or those whose names it is given.

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./server.ts";

/** `file`, or the function of the database as its newest migration makes it: an older text would be changed without any effect. */
type Place = { readonly file: string } | { readonly fn: string };
type Edit = Place & { readonly from: string; readonly to: string };
/** A fault suite, in its short form unless said otherwise; or a file of tests. */
type Killer = { readonly suite: string; readonly long?: true } | { readonly tests: string };
export type Mutant = { readonly name: string; readonly edits: readonly Edit[]; readonly killer: Killer };

const LEDGER = "db/migrations/0003_general_ledger.sql";
const MIGRATIONS = "db/migrations";
const BATCH = "general_ledger.post_batch";
const KEYS = "src/platform/http/idempotency.ts";
const KEY_STORE = "src/platform/http/idempotency.store.ts";
const DATABASE = "src/platform/db.ts";

const NO_LOCKS: Edit = {
  fn: BATCH,
  from: "where a.id = any(p_accounts) order by a.id for no key update) a;",
  to: "where a.id = any(p_accounts) order by a.id) a;",
};
const NO_ENTRY_NUMBERS: Edit = { file: LEDGER, from: "  primary key (account_id, account_seq),\n", to: "" };
const NO_FLOOR: Edit = {
  file: LEDGER,
  from: "check (floor_minor is null or balance_minor - held_minor >= floor_minor)",
  to: "check (true)",
};
/** Keys are looked for and written, and nothing keeps two from being the same. */
const NO_UNIQUE_KEY: readonly Edit[] = [
  {
    file: "db/migrations/0001_platform.sql",
    from: "create table platform.idempotency_key (\n  id uuid primary key,",
    to: "create table platform.idempotency_key (\n  id uuid not null,",
  },
  {
    fn: "general_ledger.keep_answers",
    from: "  where u.key is not null and u.code in (1, 12) and u.change > 0\n  on conflict (id) do nothing;",
    to: "  where false;",
  },
];

export const MUTANTS: readonly Mutant[] = [
  {
    name: "the answer is given before the commit",
    edits: [
      {
        file: "src/platform/lane.ts",
        from: "      const result = await client.query<Row>(query);\n",
        to:
          '      await client.query("commit");\n      await client.query("begin");\n      const result = await client.query<Row>(query);\n' +
          '      setTimeout(() => void client.query("commit").catch(() => undefined), 25);\n',
      },
    ],
    killer: { suite: "model-replay" },
  },
  {
    name: "a connection that was given up lives on",
    edits: [{ file: "src/platform/lane.ts", from: "if (processID !== null) this.#givenUp.add(processID);", to: "void processID;" }],
    killer: { tests: "src/general-ledger/posting/writer-faults.db.test.ts" },
  },
  {
    name: "an acknowledged commit is not on the disk",
    edits: [{ file: DATABASE, from: '"timezone=UTC",', to: '"timezone=UTC", "synchronous_commit=off",' }],
    killer: { suite: "kill-under-load" },
  },
  {
    name: "no unique key of a payment",
    edits: [{ file: LEDGER, from: "create unique index payment_external_id_once", to: "create index payment_external_id_once" }],
    killer: { tests: "test/windows.db.test.ts" },
  },
  {
    name: "keys in memory",
    edits: [
      {
        file: KEYS,
        from: 'import * as store from "./idempotency.store.ts";',
        to:
          'import * as stored from "./idempotency.store.ts";\n' +
          "const rows = new Map<string, stored.KeyRow>();\n" +
          "const store = {\n" +
          "  ...stored,\n" +
          "  claimKey: async (_tx: Tx, id: string, fingerprint: Buffer, kept: stored.KeptAnswer | null) => {\n" +
          "    if (rows.has(id)) return false;\n" +
          "    rows.set(id, { fingerprint, status: kept?.status ?? null, answer: kept?.text ?? null });\n" +
          "    return true;\n" +
          "  },\n" +
          "  findKey: async (_tx: Tx, id: string) => rows.get(id) ?? null,\n" +
          "  keepAnswer: async (_tx: Tx, id: string, status: number, answer: string) => {\n" +
          "    const row = rows.get(id);\n" +
          "    if (row !== undefined) rows.set(id, { ...row, status, answer });\n" +
          "  },\n" +
          "};",
      },
    ],
    killer: { suite: "idempotency-keys" },
  },
  {
    name: "keys are looked for, then inserted",
    edits: [
      ...NO_UNIQUE_KEY,
      {
        file: KEY_STORE,
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a template
        from: "    values (${id}, ${fingerprint}, ${answer?.status ?? null}, ${answer?.text ?? null})\n    on conflict (id) do nothing",
        // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a template
        to: "    select ${id}, ${fingerprint}, ${answer?.status ?? null}, ${answer?.text ?? null}\n    where not exists (select from platform.idempotency_key where id = ${id})",
      },
    ],
    killer: { suite: "idempotency-keys" },
  },
  {
    name: "a payment's key is not kept",
    edits: [{ fn: BATCH, from: "  where u.key is not null and u.place is not null;", to: "  where false;" }],
    killer: { suite: "idempotency-keys" },
  },
  {
    name: "an answer is kept after the transaction of its effect",
    edits: [
      {
        file: KEYS,
        from: "      await store.keepAnswer(tx, key.id, 200, await sealedText(tx, key, told, sealer));\n      return",
        to:
          "      const kept = await sealedText(tx, key, told, sealer);\n" +
          "      setTimeout(() => void db.write(actor, (after) => store.keepAnswer(after, key.id, 200, kept)), 30);\n      return",
      },
    ],
    killer: { suite: "crash-points", long: true },
  },
  {
    name: "balances are read, changed and written without a lock",
    edits: [NO_LOCKS, NO_ENTRY_NUMBERS],
    killer: { suite: "double-spend" },
  },
  {
    name: "the balance is judged without a lock, and changed by what was moved",
    edits: [
      NO_LOCKS,
      NO_ENTRY_NUMBERS,
      NO_FLOOR,
      { fn: BATCH, from: "  bal bigint[]; seq bigint[];", to: "  bal0 bigint[]; seq0 bigint[]; bal bigint[]; seq bigint[];" },
      {
        fn: BATCH,
        from: "  -- Taken after the locks, so that time",
        to: "  bal0 := bal;\n  seq0 := seq;\n  -- Taken after the locks, so that time",
      },
      {
        fn: BATCH,
        from:
          "    set balance_minor = bal[width_bucket(a.id, (select p_accounts))], last_seq = seq[width_bucket(a.id, (select p_accounts))],\n" +
          "        version = a.version + (seq[width_bucket(a.id, (select p_accounts))] - a.last_seq),",
        to:
          "    set balance_minor = a.balance_minor + bal[width_bucket(a.id, p_accounts)] - bal0[width_bucket(a.id, p_accounts)],\n" +
          "        last_seq = a.last_seq + seq[width_bucket(a.id, p_accounts)] - seq0[width_bucket(a.id, p_accounts)],\n" +
          "        version = a.version + seq[width_bucket(a.id, p_accounts)] - seq0[width_bucket(a.id, p_accounts)],",
      },
      {
        fn: BATCH,
        from: " and a.last_seq <> seq[width_bucket(a.id, (select p_accounts))];",
        to: " and seq0[width_bucket(a.id, p_accounts)] <> seq[width_bucket(a.id, p_accounts)];",
      },
    ],
    killer: { suite: "double-spend" },
  },
  {
    name: "funds are not judged",
    edits: [{ fn: BATCH, from: "          if bal[d] - held[d] < floor[d] then", to: "          if false then" }, NO_FLOOR],
    killer: { suite: "double-spend" },
  },
  {
    name: "what is held can be spent",
    edits: [{ fn: BATCH, from: "          if bal[d] - held[d] < floor[d] then", to: "          if bal[d] < floor[d] then" }, NO_FLOOR],
    killer: { suite: "holds" },
  },
  {
    name: "no transaction",
    edits: [
      { file: DATABASE, from: '"begin; select clock_timestamp() as now"', to: '"select clock_timestamp() as now"' },
      { file: DATABASE, from: "Array.isArray(results) ? (results.at(-1) as", to: "results !== undefined ? ([results].flat().at(-1) as" },
      { file: KEY_STORE, from: "`savepoint effect`", to: "`select 1`" },
      { file: KEY_STORE, from: "`rollback to savepoint effect`", to: "`select 1`" },
    ],
    killer: { suite: "idempotency-keys" },
  },
  {
    name: "the journal is written after the transaction",
    edits: [
      {
        file: DATABASE,
        from: "        const { name, text } = statementOf(strings);\n",
        to:
          "        const { name, text } = statementOf(strings);\n" +
          '        if (text.includes("journal_account_change")) {\n' +
          "          this.later = { text, values: [...values] };\n" +
          "          return Promise.resolve([] as Row[]);\n" +
          "        }\n",
      },
      {
        file: DATABASE,
        from: "  #running = false;\n  #ended = false;\n",
        to: "  later: pg.QueryConfig | null = null;\n  #running = false;\n  #ended = false;\n",
      },
      {
        file: DATABASE,
        from: "      await session.commit();\n",
        to: "      await session.commit();\n      const { later } = session;\n      if (later !== null) setTimeout(() => void this.#pool.query(later).catch(() => undefined), 50);\n",
      },
    ],
    killer: { suite: "model-replay" },
  },
  {
    name: "a payment's state is not compared before it is set",
    edits: [
      {
        fn: "general_ledger.judge_changes",
        from: "           when s.operation = 'cancel' and s.state <> 'posted' then 0\n           else 13\n",
        to: "           else 0\n",
      },
      {
        fn: "general_ledger.book_changes",
        from: " and p.state = u.state and p.change_no =",
        to: " and p.change_no =",
      },
    ],
    killer: { tests: "test/api/payment-life.db.test.ts" },
  },
  {
    name: "a payment can be posted when its time is over",
    edits: [
      { fn: "general_ledger.judge_changes", from: "          when u.expires_at <= since then 18\n", to: "          when false then 18\n" },
    ],
    killer: { tests: "src/general-ledger/payments/expiry.db.test.ts" },
  },
  {
    name: "a payment is changed whatever it was judged on",
    edits: [
      {
        fn: "general_ledger.book_changes",
        from: " and p.state = u.state and p.change_no = u.number - 1;",
        to: ";",
      },
    ],
    killer: { tests: "test/windows.db.test.ts" },
  },
  {
    name: "days that were closed meanwhile are not looked at",
    edits: [{ fn: BATCH, from: "  if closed_at_commit <> closed then", to: "  if false then" }],
    killer: { tests: "test/windows.db.test.ts" },
  },
  {
    name: "two reversals in one list do not know of each other",
    edits: [{ fn: BATCH, from: "case when c_reverses[i] = any(reversed) then 16 else", to: "case when false then 16 else" }],
    killer: { tests: "test/api/reverse-payment.db.test.ts" },
  },
  {
    name: "what has not ended is forgotten",
    edits: [
      {
        file: "src/general-ledger/payments/expiry.store.ts",
        from: "\n      and (select p.state from general_ledger.payment p where p.id = e.payment_id) in ('posted', 'cancelled')",
        to: "",
      },
    ],
    killer: { tests: "src/general-ledger/payments/expiry.db.test.ts" },
  },
  {
    name: "the database closes an account under a payment on its way",
    edits: [{ fn: "general_ledger.close_account", from: " or general_ledger.has_pending_payment(p_account)", to: "" }],
    killer: { tests: "test/windows.db.test.ts" },
  },
  {
    name: "an account is closed under a payment on its way",
    edits: [
      { file: "src/general-ledger/accounts/account-state.ts", from: "  if (!isEmpty || hasPendingPayment)", to: "  if (!isEmpty)" },
      { fn: "general_ledger.close_account", from: " or general_ledger.has_pending_payment(p_account)", to: "" },
    ],
    killer: { tests: "test/api/close-account.db.test.ts" },
  },
  {
    name: "a corrected account is told to nobody",
    edits: [{ fn: "general_ledger.recalculate_accounts", from: "  if told <> '{}' then", to: "  if false then" }],
    killer: { tests: "test/api/recalculate-accounts.db.test.ts" },
  },
  {
    name: "what was delivered can be delivered anew, or passed by",
    edits: [{ fn: "general_ledger.keep_follower_in_order", from: "  if pg_has_role(", to: "  if true or pg_has_role(" }],
    killer: { tests: "test/database-locks.db.test.ts" },
  },
  {
    name: "a connection goes back without a rollback",
    edits: [{ file: DATABASE, from: "      doubtful = !(await session.rollback(error));\n", to: "      doubtful = false;\n" }],
    killer: { tests: "src/platform/db.db.test.ts" },
  },
  {
    name: "the last answer of a stop leaves its connection open",
    edits: [
      { file: "src/platform/http/app.ts", from: 'if (options.isDraining?.() === true) void reply.header("connection", "close");', to: "" },
    ],
    killer: { suite: "graceful-stop" },
  },
];

/** What became of a mutant. Only `killed` is good. */
export type Fate = {
  readonly fate: "killed" | "survived" | "stillborn";
  readonly seconds: number;
  /** The first complaint of its killer, else the end of what that said. */
  readonly said: string;
};

/** Makes the mutant in a copy of what is committed and runs its killer. Throws when the product has changed where it is to be made. */
export async function tryMutant({ edits, killer }: Mutant): Promise<Fate> {
  const folder = await mkdtemp(join(tmpdir(), "finlego-mutant-"));
  const began = performance.now();
  try {
    await copyProduct(folder);
    for (const edit of edits) await apply(folder, edit);
    const args =
      "suite" in killer ? ["tools/faults.ts", killer.suite, killer.long ? "--long" : "--short"] : ["tools/test.ts", killer.tests];
    const { code, output } = await run(process.execPath, args, folder);
    const seconds = Math.round((performance.now() - began) / 1000);
    return { fate: fateOf(code, output), seconds, said: firstComplaint(output) ?? output.slice(-600) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A mutant that cannot live shows nothing: its killer must have met it at work, and must have complained. */
function fateOf(code: number | null, output: string): Fate["fate"] {
  if (code === 0) return "survived";
  const isComplaint = /^BROKEN|Tests .*\d failed/m.test(output);
  return isComplaint && !/cannot start|instead of serving/.test(output) ? "killed" : "stillborn";
}

/** A suite's broken promise, or the failed assertion of a test. */
function firstComplaint(output: string): string | null {
  return /^ +- (.*)$/m.exec(output)?.[1] ?? /^.*(?:AssertionError|Error): .*$/m.exec(output)?.[0] ?? null;
}

async function copyProduct(to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  const { code, output } = await run("sh", ["-c", `git archive HEAD | tar -x -C "${to}"`], ROOT);
  if (code !== 0) throw new Error(`what is committed cannot be copied: ${output}`);
  await symlink(join(ROOT, "node_modules"), join(to, "node_modules"));
}

async function apply(copy: string, edit: Edit): Promise<void> {
  const { file, before, part, after } = await locate(copy, edit);
  await writeFile(join(copy, file), `${before}${part.replace(edit.from, () => edit.to)}${after}`);
}

/** What the edit changes, with what stands around it. Throws when that is not there once any more. */
export async function locate(folder: string, edit: Edit): Promise<{ file: string; before: string; part: string; after: string }> {
  const { file, begin, end } = "file" in edit ? { file: edit.file, begin: 0, end: undefined } : await newestOf(folder, edit.fn);
  const text = await readFile(join(folder, file), "utf8");
  const part = text.slice(begin, end);
  if (part.split(edit.from).length !== 2)
    throw new Error(`${file} does not have ${JSON.stringify(edit.from)} once any more: make this mutant anew`);
  return { file, before: text.slice(0, begin), part, after: end === undefined ? "" : text.slice(end) };
}

/** Where a function of the database is made for the last time. */
async function newestOf(copy: string, fn: string): Promise<{ file: string; begin: number; end: number }> {
  const head = new RegExp(`^create (?:or replace )?function ${fn.replace(".", "\\.")}\\(`, "m");
  for (const name of (await readdir(join(copy, MIGRATIONS))).toSorted().toReversed()) {
    const file = join(MIGRATIONS, name);
    const text = await readFile(join(copy, file), "utf8");
    const begin = head.exec(text)?.index;
    if (begin !== undefined) return { file, begin, end: text.indexOf("\n$$;", begin) };
  }
  throw new Error(`no migration makes ${fn} any more: make this mutant anew`);
}

async function run(program: string, args: readonly string[], cwd: string): Promise<{ code: number | null; output: string }> {
  const child = spawn(program, args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: undefined },
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  return await new Promise((resolve) => child.once("close", (code) => resolve({ code, output })));
}
