// Payments whose time is over: refused from that instant on, and ended by themselves.

import { afterAll, beforeAll, expect, test } from "vitest";
import { Database } from "#platform/db.ts";
import { aLine, unique } from "../../../test/builders.ts";
import type { TestAnswer } from "../../../test/setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../../../test/setup/ledger.ts";
import { PaymentExpiry } from "./expiry.ts";

const PATH = "/v2/internal/Payments";

const codeOf = ({ status, body }: TestAnswer): unknown[] => [status, body["code"]];

let bank: LedgerApp;
let payer: TestAccount;
let payee: TestAccount;
let expiry: PaymentExpiry;
let db: Database;
beforeAll(async () => {
  bank = await openLedgerApp();
  [payer, payee] = [await bank.aFundedAccount("100.00"), await bank.aClientAccount()];
  const { appUrl: url, appRole: role } = bank.database;
  db = new Database({ url, role, poolSize: 2, name: "expiry" });
  expiry = new PaymentExpiry({ db, writer: bank.writer, onFault: (error) => expect.fail(String(error)) });
  // Rounds are made by hand here.
  await expiry.stop();
});
afterAll(async () => {
  await db.close();
  await bank.close();
});

const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();

async function anExpiring(amount: string, state: "draft" | "pending"): Promise<string> {
  const order = { externalId: unique("end"), state, expiresAt: inAnHour(), transactions: [aLine(payer, payee, amount)] };
  return String(bodyOf(await bank.system.post(PATH, order))["id"]);
}

/** What an hour does. */
async function letTimePass(id: string): Promise<void> {
  await bank.owner.query("begin; set local session_replication_role = replica");
  await bank.owner.query("update general_ledger.payment set expires_at = clock_timestamp() - interval '1 second' where id = $1", [id]);
  await bank.owner.query(
    "update general_ledger.payment_expiry set expires_at = clock_timestamp() - interval '1 second' where payment_id = $1",
    [id],
  );
  await bank.owner.query("commit");
}

const find = async (id: string) => bodyOf(await bank.system.get(`${PATH}/${id}`));
const act = (verb: string, id: string) => bank.system.post(`${PATH}/${id}/${verb}`);
const expected = async (): Promise<number> =>
  Number((await bank.owner.query<{ n: string }>("select count(*) as n from general_ledger.payment_expiry")).rows[0]?.n);

test("from its end on a payment can neither be held nor posted, found or not; it can be cancelled", async () => {
  const [draft, held, cancelled] = [
    await anExpiring("1.00", "draft"),
    await anExpiring("1.00", "pending"),
    await anExpiring("1.00", "pending"),
  ];
  for (const id of [draft, held, cancelled]) await letTimePass(id);
  expect(codeOf(await act("pend", draft))).toEqual([409, "invalidState"]);
  expect(codeOf(await act("post", held))).toEqual([409, "invalidState"]);
  expect(bodyOf(await act("cancel", cancelled))).toMatchObject({ state: "cancelled", reason: null });
});

test("it is cancelled by itself, and what it held is free again", async () => {
  const [draft, held] = [await anExpiring("5.00", "draft"), await anExpiring("7.00", "pending")];
  for (const id of [draft, held]) await letTimePass(id);
  await expiry.cancelExpired();
  for (const id of [draft, held]) expect(await find(id)).toMatchObject({ state: "cancelled", reason: "expired" });
  const { rows } = await bank.owner.query<{ held: string }>("select held_minor as held from general_ledger.account where id = $1", [
    payer.id,
  ]);
  expect(rows[0]?.held).toBe("0");
});

test("what was posted or cancelled before stays so, and is forgotten when its time is over", async () => {
  const [posted, cancelled, waiting] = [
    await anExpiring("1.00", "pending"),
    await anExpiring("1.00", "pending"),
    await anExpiring("1.00", "draft"),
  ];
  bodyOf(await act("post", posted));
  bodyOf(await act("cancel", cancelled));
  for (const id of [posted, cancelled]) await letTimePass(id);
  await expiry.cancelExpired();
  expect(await find(posted)).toMatchObject({ state: "posted", reason: null });
  expect(await find(cancelled)).toMatchObject({ state: "cancelled", reason: null });
  expect(await expected()).toBe(1);
  bodyOf(await act("cancel", waiting));
});

test("a post and the expiry at the same instant: one of them, and the hold is given back once", async () => {
  for (let round = 0; round < 40; round++) {
    const id = await anExpiring("0.10", "pending");
    const before = await heldOn(payer);
    const [answer] = await Promise.all([act("post", id), letTimePass(id).then(() => expiry.cancelExpired())]);
    await expiry.cancelExpired();
    const { state } = await find(id);
    expect(state).toBe(answer.status === 200 ? "posted" : "cancelled");
    expect(before - (await heldOn(payer))).toBe(10n);
  }
});

async function heldOn({ id }: TestAccount): Promise<bigint> {
  const { rows } = await bank.owner.query<{ held: string }>("select held_minor as held from general_ledger.account where id = $1", [id]);
  return BigInt(rows[0]?.held ?? 0);
}

test.each(["2020-01-01T00:00:00Z", "1970-01-01T00:00:00Z"])("an end in the past is no end: %s", async (expiresAt) => {
  const answer = await bank.system.post(PATH, { externalId: unique("end"), expiresAt, transactions: [aLine(payer, payee, "1.00")] });
  expect(codeOf(answer)).toEqual([400, "validationFailed"]);
  expect(Object.keys((answer.body as { errors: object }).errors)).toEqual(["expiresAt"]);
});

test("whatever ended, the books are right", async () => {
  expect(await bank.unbalanced()).toEqual([]);
});
