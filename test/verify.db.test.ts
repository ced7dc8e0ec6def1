// `verify` says that sound books are sound, at every instant, and of damaged ones how much is wrong; and what the command makes of it.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { verify } from "#platform/verify.ts";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { aTransfer, unique } from "./builders.ts";
import { complaintsOf, type FilledBooks, openBooks, rooms, verifyCopy } from "./damaged-books.ts";
import { type Books, CHANGES, fill } from "./one-step-books.ts";
import { bareEnvironment } from "./setup/command.ts";
import { openLedgerApp } from "./setup/ledger.ts";

let filled: FilledBooks<Books>;

beforeAll(async () => {
  filled = await openBooks(fill);
});
afterAll(() => filled.close());

test("sound books are right, as the owner and as the app role see them", async () => {
  const copy = await filled.copy();
  try {
    for (const url of [copy.ownerUrl, copy.appUrl]) {
      const report = await verify({ url, mode: "development", rooms });
      expect(complaintsOf(report)).toEqual([]);
      expect(report).toMatchObject({ ok: true, ledgerSequence: CHANGES });
      expect(Date.parse(report.checkedAt)).toBeGreaterThan(Date.now() - 60_000);
    }
  } finally {
    await copy.drop();
  }
});

test("books on which payments are being posted are right at every instant", async () => {
  const busy = await openLedgerApp();
  try {
    const alice = await busy.aFundedAccount("1000.00");
    const bob = await busy.aClientAccount();
    const open = { ledgerSequence: 0 };
    const transfers = Array.from({ length: 300 }, () => busy.transfer(aTransfer(alice, bob, "1.00"), { "idempotency-key": unique("key") }));
    const settled = Promise.all(transfers);
    for (let round = 0; round < 3; round++) {
      const report = await verify({ url: busy.database.ownerUrl, mode: "development", rooms });
      expect(complaintsOf(report)).toEqual([]);
      expect(report["ledgerSequence"]).toBeGreaterThanOrEqual(open.ledgerSequence);
      open.ledgerSequence = Number(report["ledgerSequence"]);
    }
    expect((await settled).map(({ status }) => status)).toEqual(transfers.map(() => 200));
    expect(await verify({ url: busy.database.ownerUrl, mode: "development", rooms })).toMatchObject({ ok: true, ledgerSequence: 304 });
  } finally {
    await busy.close();
  }
});

test("of many findings twenty are listed and all are counted", async () => {
  const report = await verifyCopy(
    filled,
    `insert into general_ledger.payment_line (payment_id, line_no, debit_account_id, credit_account_id, amount_minor, debit_seq, credit_seq, currency, type)
     select gen_random_uuid(), 1, gen_random_uuid(), gen_random_uuid(), 1, 1, 1, 'EUR', 'transfer' from generate_series(1, 30)`,
  );
  const orphans = report.checks.find(({ name }) => name === "lines and entries have their payment and their accounts");
  expect(orphans).toMatchObject({ ok: false, total: 90 });
  expect(orphans?.findings).toHaveLength(20);
});

describe("the command", () => {
  const cli = new URL("../src/cli.ts", import.meta.url).pathname;
  type End = { code: number; stdout: string; stderr: string };
  const run = async (...options: string[]): Promise<End> => {
    const env = bareEnvironment({ FINLEGO_DATA: "/nowhere/at-all" });
    try {
      return { code: 0, ...(await promisify(execFile)(process.execPath, [cli, "verify", ...options], { env })) };
    } catch (error) {
      return error as End;
    }
  };

  test("prints the report; 0 says that the books are right, 1 that they are not", async () => {
    const sound = await filled.copy();
    const damaged = await filled.copy("update general_ledger.account set balance_minor = balance_minor + 1");
    try {
      const right = await run("--database-url", sound.ownerUrl);
      expect(right.code).toBe(0);
      expect(JSON.parse(right.stdout)).toMatchObject({ ok: true, ledgerSequence: CHANGES });
      const wrong = await run("--database-url", damaged.ownerUrl);
      expect(wrong.code).toBe(1);
      expect(JSON.parse(wrong.stdout)).toMatchObject({ ok: false });
    } finally {
      await sound.drop();
      await damaged.drop();
    }
  });

  test.each<[string, () => string[], string]>([
    ["there is no database", () => ["--database-url", "postgresql://ann:secret@127.0.0.1:1/bank"], "The database is not there"],
    ["the database holds no books", () => ["--database-url", inject("testServer").ownerUrl], "There are no books in that database"],
    ["nothing was ever started here", () => [], "There is no database in /nowhere/at-all"],
    ["the option is misspelt", () => ["--databse-url", "x"], "unknown option"],
  ])("2 and a sentence say that nobody knows, because %s", async (_, options, sentence) => {
    const end = await run(...options());
    expect(end).toMatchObject({ code: 2, stdout: "" });
    expect(end.stderr).toContain(sentence);
    expect(end.stderr).not.toContain("secret");
    expect(end.stderr.trim().split("\n").length).toBeLessThan(4);
  });
});
