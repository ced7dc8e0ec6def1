// The house rules hold, and each of them proves that it sees: a planted fault must be found, its sound twin must not.

import { expect, test } from "vitest";
import { faultsOf, RULES } from "../tools/rules/index.ts";
import type { SourceFile } from "../tools/rules/source.ts";
import { readTree } from "../tools/rules/tree.ts";

type Plant = { readonly sees: string; readonly faulty: Record<string, string>; readonly sound: Record<string, string> };

const lines = (count: number, line = "// a line"): string => `${line}\n`.repeat(count);
// Put together here, so that this file is not itself a finding.
const note = ["TO", "DO"].join("");
const machinePath = ["", "work", "main"].join("/");

const STORE = "src/general-ledger/account.store.ts";
const FACE = "src/general-ledger/index.ts";
const MIGRATION = "db/migrations/0001_ledger.sql";

const PLANTS: Record<keyof typeof RULES, readonly [Plant, ...Plant[]]> = {
  sqlOnlyInStores: [
    {
      sees: "a select in a use case",
      faulty: { "src/general-ledger/holds.ts": 'await tx.query("select id from general_ledger.account where id = $1", [id]);' },
      sound: { [STORE]: 'await tx.query("select id from general_ledger.account where id = $1", [id]);' },
    },
    {
      sees: "an update built from pieces in the composition root",
      faulty: { "src/app.ts": "const text = `update general_ledger.${table} set name = $1 where id = $2`;" },
      sound: { "src/app.ts": 'const title = "Update the client and set a new address";' },
    },
    {
      sees: "shouted SQL",
      faulty: { "src/platform/jobs.ts": 'client.query("INSERT INTO platform.job (id) VALUES ($1)");' },
      sound: { "src/platform/db.ts": 'client.query("INSERT INTO platform.job (id) VALUES ($1)");' },
    },
    {
      sees: "a transaction opened by hand",
      faulty: { "src/general-ledger/writer.ts": 'await client.query("begin");' },
      sound: { "src/general-ledger/writer.ts": 'const why = "begin with the oldest command"; log.error({}, "call failed");' },
    },
    {
      sees: "a piece of a statement",
      faulty: { "src/client-profile/clients.ts": 'filter.push("and c.status = $3 and client_profile.client.id = $1");' },
      sound: { "src/client-profile/clients.ts": 'const title = "and now the status";' },
    },
    {
      sees: "a tagged statement, whatever it says",
      faulty: { "src/onboarding/import.ts": "await tx.sql`vacuum`;" },
      sound: { "src/onboarding/store.ts": "await tx.sql`vacuum`;" },
    },
  ],
  ownSchemaOnly: [
    {
      sees: "a join into another module's table",
      faulty: { [STORE]: "const sql = `select 1 from general_ledger.account a join client_profile.client c on c.id = a.client_id`;" },
      sound: { "src/client-profile/client.store.ts": "const sql = `select c.id from client_profile.client c where c.id = $1`;" },
    },
    {
      sees: "a table of the platform that nobody lent",
      faulty: { [STORE]: 'const sql = "insert into platform.audit_entry (id) values ($1)";' },
      sound: { [STORE]: 'const sql = "insert into platform.idempotency_key (owner, key) values ($1, $2)";' },
    },
    {
      sees: "a table without its schema",
      faulty: { [STORE]: 'const sql = "update account set name = $1 where id = $2";' },
      sound: { [STORE]: 'const sql = "insert into general_ledger.account (id) values ($1) on conflict (id) do update set name = $2";' },
    },
    {
      sees: "the platform reading a module's table",
      faulty: { "src/platform/audit.store.ts": 'const sql = "select id from client_profile.client where id = $1";' },
      sound: {
        "src/platform/audit.store.ts": '// not client_profile.client\nconst sql = "select id from platform.audit_entry where id = $1";',
      },
    },
  ],
  migrationsPointDown: [
    {
      sees: "a foreign key that points up",
      faulty: { [MIGRATION]: "create table client_profile.client (account_id uuid references general_ledger.account (id));" },
      sound: { [MIGRATION]: "create table general_ledger.account (client_id uuid references client_profile.client (id));" },
    },
    {
      sees: "a foreign key added later, between neighbours",
      faulty: {
        [MIGRATION]:
          "alter table onboarding.import add constraint import_has_account foreign key (a) references general_ledger.account (id);",
      },
      sound: {
        [MIGRATION]:
          "alter table onboarding.import add constraint import_has_client foreign key (a) references client_profile.client (id);",
      },
    },
    {
      sees: "a function that reads above itself",
      faulty: {
        [MIGRATION]: "create function platform.f() returns int language sql as $$ select 1; select count(*) from onboarding.import $$;",
      },
      sound: { [MIGRATION]: "create function platform.f() returns int language sql as $$ -- not onboarding.import\n select 1; $$;" },
    },
    {
      sees: "a table without its schema",
      faulty: { [MIGRATION]: "create table account (id uuid);" },
      sound: { [MIGRATION]: "create table if not exists general_ledger.account (id uuid);" },
    },
    {
      sees: "a trigger that hangs on a lower table and calls upwards",
      faulty: { [MIGRATION]: "create trigger t after insert on client_profile.client for each row execute function general_ledger.f();" },
      sound: { [MIGRATION]: "create trigger t after insert on general_ledger.account for each row execute function general_ledger.f();" },
    },
  ],
  migrationsAreNumbered: [
    {
      sees: "a gap",
      faulty: { "db/migrations/0001_a.sql": "", "db/migrations/0003_c.sql": "" },
      sound: { "db/migrations/0001_a.sql": "", "db/migrations/0002_b.sql": "" },
    },
    {
      sees: "two with one number",
      faulty: { "db/migrations/0001_a.sql": "", "db/migrations/0001_b.sql": "" },
      sound: { "db/migrations/0001_a.sql": "" },
    },
  ],
  filesStaySmall: [
    { sees: "401 lines", faulty: { "src/platform/money.ts": lines(401) }, sound: { "src/platform/money.ts": lines(400) } },
    { sees: "601 lines of tests", faulty: { "test/story.test.ts": lines(601) }, sound: { "test/story.test.ts": lines(600) } },
    {
      sees: "a long migration, but not what a program wrote",
      faulty: { [MIGRATION]: lines(401, "-- a line") },
      sound: { "db/schema.sql": `-- Generated by a tool\n${lines(900, "-- a line")}` },
    },
  ],
  functionsStaySmall: [
    {
      sees: "71 lines",
      faulty: { "src/platform/money.ts": `function count() {\n${lines(69)}}` },
      sound: { "src/platform/money.ts": `function count() {\n${lines(68)}}` },
    },
    {
      sees: "a long arrow in an object",
      faulty: { "tools/check.ts": `const run = { go: async () => {\n${lines(80)}} };` },
      sound: { "test/check.test.ts": `const run = { go: async () => {\n${lines(80)}} };` },
    },
  ],
  facesStaySmall: [
    {
      sees: "a thirteenth name",
      faulty: { [FACE]: Array.from({ length: 13 }, (_, n) => `/** Number ${n} of them. */\nexport const name${n} = ${n};\n`).join("") },
      sound: { [FACE]: Array.from({ length: 12 }, (_, n) => `/** Number ${n} of them. */\nexport const name${n} = ${n};\n`).join("") },
    },
    {
      sees: "a public name without a sentence",
      faulty: { [FACE]: "export function placeHold() {}" },
      sound: { [FACE]: "/** Sets funds aside until captured or released. */\nexport function placeHold() {}" },
    },
    {
      sees: "a re-export whose origin says nothing",
      faulty: { [FACE]: 'export { placeHold } from "./holds.ts";', "src/general-ledger/holds.ts": "export function placeHold() {}" },
      sound: {
        [FACE]: 'export { placeHold } from "./holds.ts";',
        "src/general-ledger/holds.ts": "/** Sets funds aside. */\nexport function placeHold() {}",
      },
    },
    {
      sees: "a face that shows everything",
      faulty: { [FACE]: 'export * from "./holds.ts";' },
      sound: { [FACE]: 'export {\n  /** The endpoints of the ledger. */\n  routes,\n} from "./routes.ts";' },
    },
  ],
  pureFilesHaveNoClockAndNoChance: [
    {
      sees: "a clock",
      faulty: { "src/general-ledger/posting.ts": "const at = new Date();" },
      sound: { "src/general-ledger/posting.ts": "const at = new Date(millis);" },
    },
    {
      sees: "chance",
      faulty: { "src/platform/money.ts": "const id = crypto.randomUUID();" },
      sound: { "src/platform/ids.ts": "const id = crypto.randomUUID();" },
    },
    {
      sees: "imported chance",
      faulty: { "src/platform/iban.ts": 'import { randomInt } from "node:crypto";\nconst n = randomInt(9);' },
      sound: { "src/platform/iban.test.ts": 'import { randomInt } from "node:crypto";\nconst n = randomInt(9);' },
    },
  ],
  modulesTakeTheTimeFromTheTransaction: [
    {
      sees: "the machine's clock in a use case",
      faulty: { "src/client-profile/clients.ts": "const at = Date.now();" },
      sound: { "src/client-profile/clients.ts": "const at = tx.now; const took = performance.now() - started;" },
    },
  ],
  networkOnlyInAdapters: [
    {
      sees: "fetch in a use case",
      faulty: { "src/onboarding/import.ts": "await globalThis.fetch(url);" },
      sound: { "src/adapters/sumsub.ts": "await fetch(url);", "src/onboarding/import.ts": "await store.fetch(url);" },
    },
    {
      sees: "a key set that fetches by itself",
      faulty: { "src/platform/access.ts": "const keys = createRemoteJWKSet(new URL(address));" },
      sound: { "src/platform/key-set.ts": "const keys = createRemoteJWKSet(new URL(address));" },
    },
  ],
  noFloatingPoint: [
    {
      sees: "parseFloat",
      faulty: { "src/general-ledger/contract.ts": "const amount = Number.parseFloat(text);" },
      sound: { "src/general-ledger/contract.ts": "const amount = BigInt(text);" },
    },
    {
      sees: "a rounding method",
      faulty: { "src/general-ledger/reports.ts": "return (a / b).toFixed(2);" },
      sound: { "src/general-ledger/reports.ts": "return roundHalfEven(a, b);" },
    },
  ],
  connectionsOnlyInPlatform: [
    {
      sees: "a pool of one's own",
      faulty: { "src/general-ledger/writer.ts": "const pool = new pg.Pool({ max: 2 });" },
      sound: { "src/platform/db.ts": "const pool = new pg.Pool({ max: 2 });" },
    },
    {
      sees: "a connection taken from a pool",
      faulty: { "src/app.ts": "const client = await this.pool.connect();" },
      sound: { "src/app.ts": "const carpool = cars.connect();" },
    },
  ],
  testsCanFail: [
    {
      sees: "a test that only runs",
      faulty: { "src/a.test.ts": 'test("it is so", () => { run(); });' },
      sound: { "src/a.test.ts": 'test("it is so", () => { expect(run()).toBe(1); });' },
    },
    {
      sees: "functions of the file that look at nothing",
      faulty: { "src/a.test.ts": 'const check = () => more(); function more() { check(); }\ntest.each([1])("%s", (n) => check(n));' },
      sound: { "src/a.test.ts": 'const check = () => more(); function more() { expect(1); }\ntest.each([1])("%s", (n) => check(n));' },
    },
    {
      sees: "a property that is never asserted",
      faulty: { "src/a.test.ts": 'test("p", () => { fc.property(fc.nat(), (n) => n >= 0); });' },
      sound: {
        "src/a.test.ts": 'test("p", () => { fc.assert(fc.property(fc.nat(), (n) => n >= 0)); });',
        "src/b.test.ts": 'import { play } from "../test/setup/story.ts";\ntest("s", () => play(`open`));',
      },
    },
  ],
  wordsOfTheGlossary: [
    {
      sees: "a word of somebody else's bank in a name",
      faulty: { "src/general-ledger/accounts.ts": "function openWallet() {}" },
      sound: { "src/general-ledger/accounts.ts": '// not a wallet\nfunction openAccount() { return "wallet"; }' },
    },
    {
      sees: "a drawer for everything",
      faulty: { "src/platform/date-utils.ts": "" },
      sound: { "src/platform/dates.ts": "" },
    },
    {
      sees: "a plural, but not the wire's own words",
      faulty: { "src/client-profile/clients.ts": "const { CUSTOMERS_MAX, beneficiaries } = limits;" },
      sound: { "src/client-profile/contract.ts": "const { CUSTOMERS_MAX, beneficiaries } = limits;" },
    },
  ],
  noNotesToOurselves: [
    { sees: "a note", faulty: { "src/app.ts": `// ${note}: later` }, sound: { "docs/notes.md": `no ${note} in code` } },
    { sees: "a note in SQL", faulty: { [MIGRATION]: `-- ${note} index` }, sound: { [MIGRATION]: "-- todos are found elsewhere" } },
  ],
  noMachinePaths: [
    {
      sees: "one person's folder in a document",
      faulty: { "docs/first-hour.md": `cd ${machinePath} && npm test` },
      sound: { "docs/first-hour.md": "cd finlego/work && curl http://example.org/work/x ./work/main src/network/worker" },
    },
  ],
  roomsStandInThePlan: [
    { sees: "a room that nobody planned", faulty: { "src/common/a.ts": "" }, sound: { "src/onboarding/a.ts": "", "src/app.ts": "" } },
  ],
  roomsIntroduceThemselves: [
    {
      sees: "a module without a face",
      faulty: { "src/onboarding/README.md": "", "src/onboarding/a.ts": "" },
      sound: { "src/onboarding/README.md": "", "src/onboarding/index.ts": "" },
    },
    { sees: "a room without a README", faulty: { "src/platform/a.ts": "" }, sound: { "src/platform/README.md": "" } },
  ],
};

const treeOf = (texts: Record<string, string>): SourceFile[] => Object.entries(texts).map(([path, text]) => ({ path, text }));

const planted = Object.entries(PLANTS).flatMap(([rule, plants]) => plants.map((plant) => ({ rule: rule as keyof typeof RULES, ...plant })));

test.each(planted)("$rule sees $sees", ({ rule, faulty }) => {
  expect(RULES[rule](treeOf(faulty))).not.toEqual([]);
});

test.each(planted)("$rule lets the sound twin pass: $sees", ({ rule, sound }) => {
  expect(RULES[rule](treeOf(sound))).toEqual([]);
});

test("a fault names its rule, file and line", () => {
  const files = treeOf({
    "src/general-ledger/README.md": "",
    "src/general-ledger/index.ts": "",
    "src/general-ledger/holds.ts": "\nfetch(url);",
  });
  expect(faultsOf(files)).toEqual([
    { rule: "networkOnlyInAdapters", path: "src/general-ledger/holds.ts", line: 2, message: "fetch() outside src/adapters" },
  ]);
});

test("the project keeps every house rule", async () => {
  expect(faultsOf(await readTree(process.cwd()))).toEqual([]);
});
