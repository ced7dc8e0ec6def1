// Payments whose time is over: refused from that instant on, and ended by themselves.

import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type Actor, Database } from "#platform/db.ts";
import { toPaymentId } from "#platform/ids.ts";
import { aLine, unique } from "../../../test/builders.ts";
import type { TestAnswer } from "../../../test/setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp, openWriter, type TestAccount } from "../../../test/setup/ledger.ts";
import { forgetEnded } from "./expiry.store.ts";
import { PaymentExpiry } from "./expiry.ts";
import { findTerms } from "./payment.store.ts";

const ROUNDS = process.env["FINLEGO_NIGHTLY"] === "1" ? 20 : 3;
const ACTOR: Actor = { kind: "job", id: "test", tenant: null, traceId: "test" };
/** Of a post: whoever sends it. */
const ORDER = { ownerTenant: "default", isConfined: false, createdBy: "test", key: null, reason: null, valueDate: null, captures: null };
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

/** Which of the payments the expiry has still to look at. */
async function waitingOf(ids: readonly string[]): Promise<string[]> {
  const { rows } = await bank.owner.query<{ id: string }>(
    "select payment_id as id from general_ledger.payment_expiry where payment_id = any($1)",
    [ids],
  );
  return rows.map(({ id }) => id);
}

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

test("what could not be cancelled in one round is not forgotten, and is cancelled in a later one", async () => {
  const [held, posted] = [await anExpiring("1.00", "pending"), await anExpiring("1.00", "pending")];
  bodyOf(await act("post", posted));
  for (const id of [held, posted]) await letTimePass(id);
  await db.write(ACTOR, (tx) => forgetEnded(tx, [held, posted]));
  expect(await waitingOf([held, posted])).toEqual([held]);
  await expiry.cancelExpired();
  expect(await find(held)).toMatchObject({ state: "cancelled", reason: "expired" });
  expect(await waitingOf([held, posted])).toEqual([]);
});

/** So many held payments, all with the same end in some milliseconds. */
async function someEndingSoon(count: number, ms: number): Promise<string[]> {
  const ids = await Promise.all(Array.from({ length: count }, () => anExpiring("0.10", "pending")));
  await bank.owner.query("begin; set local session_replication_role = replica");
  for (const [table, id] of [
    ["payment", "id"],
    ["payment_expiry", "payment_id"],
  ])
    await bank.owner.query(`update general_ledger.${table} set expires_at = now() + $2 * interval '1 millisecond' where ${id} = any($1)`, [
      ids,
      ms,
    ]);
  await bank.owner.query("commit");
  return ids;
}

test("posts through two instances while both of them expire: one end for each payment, and the money goes with it (LED-23)", async () => {
  const other = openWriter(bank.database);
  const second = new PaymentExpiry({ db, writer: other, onFault: (error) => expect.fail(String(error)) });
  onTestFinished(() => other.close());
  await second.stop();
  const began = await standOf(payer);
  const fates = { posted: 0, cancelled: 0 };
  // As long as half of the posts take, whatever machine this is.
  let ms = 30;
  for (let round = 0; round < ROUNDS || Math.min(fates.posted, fates.cancelled) === 0; round++) {
    const ids = await someEndingSoon(20, ms);
    const terms = new Map((await db.read(ACTOR, (tx) => findTerms(tx, ids))).map((payment) => [payment.id, payment]));
    const post = async (id: string, index: number): Promise<boolean> => {
      if (index % 2 === 0) return (await act("post", id)).status === 200;
      const payment = terms.get(toPaymentId(id));
      if (payment === undefined) throw new Error("the payment is not there");
      return (await other.submit({ ...ORDER, operation: "post", payment })).outcome === "accepted";
    };
    const answers: boolean[] = [];
    const posting = async (): Promise<void> => {
      for (const [index, id] of ids.entries()) answers[index] = await post(id, index);
    };
    const ending = async (): Promise<void> => {
      for (let found = 0; answers.length < ids.length || found > 0; )
        found = (await Promise.all([expiry.cancelExpired(), second.cancelExpired()])).reduce((sum, each) => sum + each, 0);
    };
    await Promise.all([posting(), ending()]);
    for (const [index, id] of ids.entries()) {
      const { state } = await find(id);
      expect([id, state]).toEqual([id, answers[index] === true ? "posted" : "cancelled"]);
      fates[state as keyof typeof fates] += 1;
    }
    expect(await waitingOf(ids)).toEqual([]);
    const posted = answers.filter((answer) => answer).length;
    ms = posted === 0 ? 2 * ms : posted === ids.length ? ms / 2 : ms;
  }
  const { balance, held } = await standOf(payer);
  expect({ balance, held }).toEqual({ balance: began.balance - 10n * BigInt(fates.posted), held: began.held });
}, 120_000);

test("a post and the expiry at the same instant: one of them, and the hold is given back once", async () => {
  for (let round = 0; round < 40; round++) {
    const id = await anExpiring("0.10", "pending");
    const { held } = await standOf(payer);
    const [answer] = await Promise.all([act("post", id), letTimePass(id).then(() => expiry.cancelExpired())]);
    await expiry.cancelExpired();
    const { state } = await find(id);
    expect(state).toBe(answer.status === 200 ? "posted" : "cancelled");
    expect(held - (await standOf(payer)).held).toBe(10n);
  }
});

async function standOf({ id }: TestAccount): Promise<{ balance: bigint; held: bigint }> {
  const { rows } = await bank.owner.query<{ balance: string; held: string }>(
    "select balance_minor as balance, held_minor as held from general_ledger.account where id = $1",
    [id],
  );
  return { balance: BigInt(rows[0]?.balance ?? 0), held: BigInt(rows[0]?.held ?? 0) };
}

test.each(["2020-01-01T00:00:00Z", "1970-01-01T00:00:00Z"])("an end in the past is no end: %s", async (expiresAt) => {
  const answer = await bank.system.post(PATH, { externalId: unique("end"), expiresAt, transactions: [aLine(payer, payee, "1.00")] });
  expect(codeOf(answer)).toEqual([400, "validationFailed"]);
  expect(Object.keys((answer.body as { errors: object }).errors)).toEqual(["expiresAt"]);
});

test("whatever ended, the books are right", async () => {
  expect(await bank.unbalanced()).toEqual([]);
});
