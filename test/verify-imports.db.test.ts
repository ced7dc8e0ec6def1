// Damaged imports: `verify` says what is wrong and of which; and what an erasure leaves of them.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anIndividual } from "./builders.ts";
import { complaintsOf, type Damage, expectFound, type FilledBooks, openBooks, verifyCopy } from "./damaged-books.ts";
import { importer, manyPersons, type Person } from "./setup/imports.ts";
import { bodyOf, type LedgerApp, openLedgerApp } from "./setup/ledger.ts";

type Books = { readonly importId: string };

async function fill(bank: LedgerApp): Promise<Books> {
  const persons = manyPersons(205);
  const rows = [...persons, persons[0], anIndividual({ riskLevel: "none" })];
  const { body } = await importer(bank, "north").send(rows);
  await importer(bank, "south").send(rows, `?importId=${String(body["importId"])}`);
  return { importId: String(body["importId"]) };
}

describe("verify", () => {
  let filled: FilledBooks<Books>;
  beforeAll(async () => {
    filled = await openBooks(fill);
  });
  afterAll(() => filled.close());

  test("finds nothing in sound imports, also of two tenants under one id", async () => {
    expect(complaintsOf(await verifyCopy(filled))).toEqual([]);
  });

  const ofNorth = "tenant = 'north'";
  const found = ({ importId }: Books) => ({ "TRF-21": [{ tenant: "north", importId }] });
  const DAMAGES: readonly Damage<Books>[] = [
    {
      name: "a lost batch",
      done: () => `delete from onboarding.import_batch where ${ofNorth} and first_row = 101`,
      found: (books) => ({ ...found(books), "INV-10": [{ table: "onboarding.import_batch" }] }),
    },
    {
      name: "a batch at another place",
      done: () => `update onboarding.import_batch set first_row = 102 where ${ofNorth} and first_row = 101`,
      found: (books) => ({ ...found(books), "INV-10": [{ table: "onboarding.import_batch" }] }),
    },
    { name: "a lost fault", done: () => `delete from onboarding.import_fault where ${ofNorth} and row = 206`, found },
    {
      name: "a fault of no row",
      done: () => `update onboarding.import_fault set row = 900 where ${ofNorth} and row = 207`,
      found,
    },
    {
      name: "other counts",
      done: () => `update onboarding.import_run set created = created - 1, faulty = faulty + 1 where ${ofNorth}`,
      found,
    },
    {
      name: "an end that nobody told of",
      done: () => `delete from platform.audit_entry where action = 'clients.importFinished' and subject like 'import:north:%'`,
      found: ({ importId }) => ({ "INV-20": [{ subject: `import:north:${importId}` }], "INV-10": [{ table: "platform.audit_entry" }] }),
    },
  ];

  test.each(DAMAGES)("finds $name", (damage) => expectFound(filled, damage));
});

describe("the erasure of a client", () => {
  test("takes what its tenant called it from the faults of imports, and nothing else", async () => {
    const bank = await openLedgerApp();
    try {
      const tenant = importer(bank, "north");
      const [person = {}, other = {}]: Person[] = manyPersons(2);
      const { clientId } = (await tenant.single(person)).body;
      await tenant.single(other);
      const { importId } = (await tenant.send([person, other, person])).body;
      const staff = bank.callAs({ kind: "system", scopes: ["clients.read", "clients.write"] });
      const path = `/internal/Clients/${String(clientId)}`;
      expect((await staff.get(`${path}/export`)).text).toContain(String(importId));
      bodyOf(await staff.put(`${path}/status`, { status: "closed", reason: "words of staff" }));
      await bank.owner.query("update client_profile.client set closed_at = closed_at - interval '6 years' where id = $1", [clientId]);
      bodyOf(await staff.post(`${path}/erasure`, { reason: "clientRequest" }));
      const { items } = (await tenant.faults(importId)).body as { items: { row: number; externalId: string | null }[] };
      expect(items.map(({ row, externalId }) => [row, externalId])).toEqual([
        [1, null],
        [2, other["externalId"]],
        [3, null],
      ]);
    } finally {
      await bank.close();
    }
  });
});

describe("the tables", () => {
  test.each([
    ["import_run_rows_add_up", "update onboarding.import_run set rows = rows + 1 where finished_at is null"],
    [
      "import_run_rows_add_up",
      "insert into onboarding.import_run (tenant, id, rows, created, faulty, started_at, updated_at) values ('x', gen_random_uuid(), 0, -1, 1, now(), now())",
    ],
    [
      "import_run_has_at_most_100_000_rows",
      "insert into onboarding.import_run (tenant, id, rows, created, started_at, updated_at) values ('x', gen_random_uuid(), 100001, 100001, now(), now())",
    ],
    ["import_run_is_held_for_a_time", "update onboarding.import_run set holder = gen_random_uuid() where finished_at is null"],
    ["import_batch_has_marks", "insert into onboarding.import_batch select tenant, id, 900, 'short' from onboarding.import_run limit 1"],
    [
      "import_fault_code_is_known",
      "insert into onboarding.import_fault select tenant, id, 900, null, 'other', '{}', null from onboarding.import_run limit 1",
    ],
  ])("%s", async (constraint, statement) => {
    await expect(owner().query(statement)).rejects.toMatchObject({ constraint });
  });

  test.each([
    [
      "a finished run that goes on",
      "update onboarding.import_run set rows = rows + 1, created = created + 1 where finished_at is not null",
      "does not go back",
    ],
    [
      "a run that goes back",
      "update onboarding.import_run set rows = rows - 1, created = created - 1 where finished_at is null",
      "does not go back",
    ],
    ["a fault that says something else", "update onboarding.import_fault set external_id = 'x'", "is not changed"],
  ])("refuse %s", async (_what, statement, message) => {
    await expect(owner().query(statement)).rejects.toThrow(message);
  });

  let bank: LedgerApp;
  const owner = () => bank.owner;
  beforeAll(async () => {
    bank = await openLedgerApp();
    await fill(bank);
    await bank.owner.query(
      "insert into onboarding.import_run (tenant, id, rows, created, started_at, updated_at) values ('open', gen_random_uuid(), 5, 5, now(), now())",
    );
  });
  afterAll(() => bank.close());
});
