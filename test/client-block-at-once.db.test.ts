// Check and use are one step (contract decision 22): clients are blocked over HTTP while a hundred of their debits run, blocked and unblocked in
// bursts, by two operators at once, while accounts are opened and imports repeated. From the moment the block's answer is given no debit of
// the client commits, on any route; and whatever happened, history, client and accounts say the same.

import { verify } from "#platform/verify.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aLine, aNewClient, anAccountOrder, anIndividual, aTransfer, unique } from "./builders.ts";
import { complaintsOf, rooms } from "./damaged-books.ts";
import { type Life, lifeAt } from "./payment-life.ts";
import type { TestAnswer } from "./setup/http.ts";
import { bodyOf, type TestAccount } from "./setup/ledger.ts";
import { codeOf, openStandingBank, type StandingBank } from "./setup/standing.ts";

const ROUNDS = 30;

let bank: StandingBank;
let life: Life;
let outside: TestAccount;
beforeAll(async () => {
  bank = await openStandingBank({ poolSize: 12 });
  life = lifeAt(bank);
  outside = await bank.anAccount();
});
afterAll(() => bank.close());

const openFor = async (clientId: string): Promise<TestAccount> =>
  bodyOf(await bank.system.post("/v2/internal/Accounts", anAccountOrder({ type: "client", clientId }))) as TestAccount;

type Payer = { readonly clientId: string; readonly accounts: readonly TestAccount[]; readonly held: readonly string[] };

/** A client with money on three accounts, and payments of it that wait to be posted. */
async function aPayer(holds: number): Promise<Payer> {
  const clientId = await bank.aClientThatIs("active");
  const accounts = [await openFor(clientId), await openFor(clientId), await openFor(clientId)];
  const lines = accounts.map((account) => aLine(outside, account, "1000.00"));
  bodyOf(await bank.transfer({ externalId: unique("money"), type: "deposit", transactions: lines }));
  const held = await Promise.all(
    Array.from({ length: holds }, async (_, i) => (await life.paymentIn("pending", [aLine(accounts[i % 3]!, outside, "1.00")])).id),
  );
  return { clientId, accounts, held };
}

type Answers = { readonly what: string; readonly answers: readonly Outcome[] };
type Call = () => Promise<Answers>;
type Outcome = { readonly sequence: number | null; readonly code: string | null };

const outcomeOf = ({ status, body }: { readonly status: number; readonly body: Readonly<Record<string, unknown>> }): Outcome =>
  status === 200 ? { sequence: Number(body["sequence"]), code: null } : { sequence: null, code: String(body["code"]) };

/** Sixty transfers, three lists of ten (one of them whole or not at all) and as many posts of holds as there are: all ways on which a debit is booked. */
function debitsOf({ accounts, held }: Payer, transfers = 60, lists = 3): Call[] {
  const from = (i: number): TestAccount => accounts[i % accounts.length]!;
  const one = (what: string, call: () => Promise<TestAnswer>): Call => {
    return async () => ({ what, answers: [outcomeOf(await call())] });
  };
  const list = async (atomic: boolean): ReturnType<Call> => {
    const payments = Array.from({ length: 10 }, (_, i) => aTransfer(from(i), outside, "1.00"));
    const answer = await bank.system.post("/v2/internal/Payments/batch", { payments, atomic });
    if (atomic && answer.status !== 200) return { what: "list", answers: [outcomeOf(answer)] };
    const { results } = bodyOf(answer);
    const answers = (results as { accepted: boolean; payment?: object; problem?: object }[]).map(({ accepted, payment, problem }) =>
      outcomeOf({ status: accepted ? 200 : 409, body: { ...payment, ...problem } }),
    );
    return { what: "list", answers };
  };
  const calls = [
    ...Array.from({ length: transfers }, (_, i) => one("transfer", () => bank.transfer(aTransfer(from(i), outside, "1.00")))),
    ...Array.from({ length: lists }, (_, i) => () => list(i % 2 === 1)),
    ...held.map((id) => one("post", () => life.act("post", id))),
  ];
  // Mixed the same way in every run.
  return calls
    .map((call, i) => ({ call, place: (i * 7_919) % calls.length }))
    .sort((a, b) => a.place - b.place)
    .map(({ call }) => call);
}

/**
 * Forty callers that send one debit after the other until the client is blocked – those of the list, which are taken out of it, then
 * transfers –, so that some always wait while the block commits. The block is sent when that many debits are on their way.
 */
async function blockedWhilePaying(payer: Payer, calls: Call[], at: number): Promise<{ block: TestAnswer; meanwhile: Answers[] }> {
  const meanwhile: Answers[] = [];
  let begun = 0;
  const blocks: TestAnswer[] = [];
  const caller = async (): Promise<void> => {
    while (blocks.length === 0) {
      if (begun++ === at) void bank.block(payer.clientId).then((answer) => blocks.push(answer));
      const [further] = debitsOf({ ...payer, held: [] }, 1, 0);
      meanwhile.push(await (calls.shift() ?? further!)());
    }
  };
  await Promise.all(Array.from({ length: 40 }, caller));
  return { block: blocks[0]!, meanwhile };
}

/** The numbers that the block gave to its accounts. */
async function blockOf(accounts: readonly TestAccount[]): Promise<{ first: number; last: number }> {
  const { rows } = await bank.owner.query<{ first: string; last: string }>(
    `select first_sequence as first, first_sequence + size - 1 as last from general_ledger.journal
     where changes @> array['account.changed']::general_ledger.change[] and subjects @> $1::uuid[]
     order by first_sequence desc limit 1`,
    [accounts.map(({ id }) => id)],
  );
  return { first: Number(rows[0]?.first), last: Number(rows[0]?.last) };
}

/** Debits of these accounts, held or booked, that the journal has behind that number. */
async function debitsBehind(sequence: number, accounts: readonly TestAccount[]): Promise<unknown[]> {
  const { rows } = await bank.owner.query(
    `select u.change, u.subject, j.first_sequence + u.position - 1 as sequence
     from general_ledger.journal j, unnest(j.changes, j.subjects) with ordinality u(change, subject, position)
     where j.first_sequence + u.position - 1 > $1 and u.change in ('payment.posted', 'payment.pending')
       and exists (select from general_ledger.payment_line l where l.payment_id = u.subject and l.debit_account_id = any($2::uuid[]))`,
    [sequence, accounts.map(({ id }) => id)],
  );
  return rows;
}

async function expectSound(clientId: string): Promise<void> {
  const client = await bank.client(clientId);
  const lines = await bank.history(clientId);
  lines.forEach((line, index) => expect(line.from).toEqual(lines[index - 1]?.to ?? null));
  expect(lines.at(-1)?.to).toEqual({
    status: client["status"],
    verificationStatus: client["verificationStatus"],
    riskLevel: client["riskLevel"],
  });
  expect(await bank.auditOf(clientId, "client.standingChanged")).toHaveLength(lines.length - 1);
  const { rows } = await bank.owner.query<{ blocked: boolean }>(
    "select distinct client_blocked as blocked from general_ledger.account where client_id = $1 and status <> 'closed'",
    [clientId],
  );
  const isStopped = ["blocked", "rejected", "closed"].includes(String(client["status"]));
  for (const { blocked } of rows) expect(blocked).toBe(isStopped);
}

describe("a client that is blocked while a hundred of its debits run", () => {
  test(`has none of them behind its block, in ${ROUNDS} rounds`, async () => {
    const before = { transfer: 0, list: 0, post: 0 } as Record<string, number>;
    const refused = { transfer: 0, list: 0, post: 0 } as Record<string, number>;
    for (let round = 0; round < ROUNDS; round++) {
      const payer = await aPayer(30);
      const calls = debitsOf(payer);
      // Later in each round: before the first debit, and behind the last of the list.
      const { block, meanwhile } = await blockedWhilePaying(payer, calls, Math.floor((calls.length * round) / ROUNDS));
      expect(bodyOf(block)).toMatchObject({ status: "blocked" });
      const after = await Promise.all([...calls, ...debitsOf({ ...payer, held: [] }, 10, 1)].map((call) => call()));
      const credit = await bank.transfer(aTransfer(outside, payer.accounts[0]!, "5.00"));
      const { first } = await blockOf(payer.accounts);

      for (const { answers } of after) for (const { code } of answers) expect(code).toBe("clientBlocked");
      for (const { what, answers } of meanwhile) {
        for (const { sequence, code } of answers) {
          if (sequence === null) expect(code).toBe("clientBlocked");
          else expect(sequence).toBeLessThan(first);
          const counts = sequence === null ? refused : before;
          counts[what] = (counts[what] ?? 0) + 1;
        }
      }
      expect(await debitsBehind(first, payer.accounts)).toEqual([]);
      expect(credit.status).toBe(200);
    }
    // The race was one: of those that ran beside the block, some came before it and some behind. Of which kind they were is up to the machine.
    for (const counts of [before, refused]) expect(Object.values(counts).reduce((sum, count) => sum + count)).toBeGreaterThan(0);
  }, 240_000);

  test("has its holds released by a cancel, and posted only once it is unblocked", async () => {
    const { clientId, held, accounts } = await aPayer(3);
    const [first, second, third] = held as [string, string, string];
    bodyOf(await bank.block(clientId));
    expect(codeOf(await life.act("post", first))).toEqual([409, "clientBlocked"]);
    expect((await life.act("cancel", second)).status).toBe(200);
    expect(codeOf(await life.draft(life.order([aLine(accounts[0]!, outside, "1.00")], { state: "pending" })))).toEqual([
      409,
      "clientBlocked",
    ]);
    bodyOf(await bank.unblock(clientId));
    expect((await life.act("post", first)).status).toBe(200);
    expect((await life.act("post", third)).status).toBe(200);
    for (const account of accounts) expect(await bank.account(account.id)).toMatchObject({ heldAmount: "0.00" });
  });

  test("keeps what it was paid: a reversal of it is a debit, too, and refused", async () => {
    const clientId = await bank.aClientThatIs("active");
    const account = await openFor(clientId);
    const { id } = bodyOf(await bank.transfer(aTransfer(outside, account, "10.00")));
    bodyOf(await bank.block(clientId));
    const reversal = { externalId: unique("reversal"), type: "reversal", reversesPaymentId: id };
    expect(codeOf(await bank.transfer(reversal))).toEqual([409, "clientBlocked"]);
    bodyOf(await bank.unblock(clientId));
    expect((await bank.transfer({ ...reversal, externalId: unique("reversal") })).status).toBe(200);
  });

  test("is refused at every operation of its own that changes something, and reads everything", async () => {
    const { clientId, accounts } = await aPayer(0);
    const own = bank.clientCalls(clientId);
    const otp = bodyOf(await own.post("/Accounts/send-otp", { operation: "openAccount" }));
    bodyOf(await bank.block(clientId));
    const id = accounts[0]!.id;
    const writes: readonly Promise<TestAnswer>[] = [
      own.post("/Accounts", { currency: "EUR" }),
      own.patch(`/Accounts/${id}`, { name: "x" }),
      own.patch(`/Accounts/${accounts[1]!.id}`, { isDefault: true }),
      own.send("DELETE", `/Accounts/${id}`),
      own.put("/Accounts/reorder-accounts", { accountIds: accounts.map((account) => account.id).reverse() }),
      own.post("/Accounts/send-otp", { operation: "closeAccount", accountId: id }),
      own.post("/Accounts/otp-verification", { otpId: otp["otpId"], code: "000000" }),
    ];
    for (const answer of await Promise.all(writes)) expect(codeOf(answer)).toEqual([403, "clientBlocked"]);
    for (const path of ["/Client", "/Client/plan", "/Accounts", `/Accounts/${id}`]) expect((await own.get(path)).status).toBe(200);
  });
});

describe("blocks and unblocks in bursts", () => {
  test("end in one standing that client, history and accounts agree upon", async () => {
    for (let round = 0; round < 10; round++) {
      const { clientId, accounts } = await aPayer(0);
      const running = debitsOf({ clientId, accounts, held: [] }, 20, 1).map((call) => call());
      const changes = await Promise.all(
        Array.from({ length: 16 }, (_, i) => {
          if (i % 4 === 3) return bank.setStatus(clientId, i % 8 === 3 ? "blocked" : "active");
          return i % 2 === 0 ? bank.block(clientId) : bank.unblock(clientId);
        }),
      );
      for (const answer of changes) expect(answer.status, answer.text).toBe(200);
      for (const { answers } of await Promise.all(running)) {
        for (const { code } of answers) expect([null, "clientBlocked"]).toContain(code);
      }
      await expectSound(clientId);
      const { status } = await bank.client(clientId);
      const { code } = outcomeOf(await bank.transfer(aTransfer(accounts[0]!, outside, "1.00")));
      expect(code).toBe(status === "blocked" ? "clientBlocked" : null);
    }
  });

  test("by two operators at once are one transition, told as the doing of one of them", async () => {
    for (let round = 0; round < 10; round++) {
      const clientId = await bank.aClientThatIs("active");
      const operators = ["anna", "bert"].map((name) => bank.callAs({ kind: "system", scopes: ["clients.write"], subject: name }));
      const answers = await Promise.all(
        operators.map((operator, i) => operator.put(`/internal/Clients/${clientId}/block`, { reason: `reason ${i}` })),
      );
      const [one, other] = answers.map(bodyOf);
      expect(one).toEqual(other);
      const lines = await bank.history(clientId);
      expect(lines).toHaveLength(3);
      expect(lines[2]).toMatchObject({
        by: { id: one?.["blockReason"] === "reason 0" ? "anna" : "bert" },
        note: one?.["blockReason"],
        from: { status: "active" },
        to: { status: "blocked" },
      });
      await expectSound(clientId);
    }
  });

  test("against a closing: one serial order explains what became of both", async () => {
    for (let round = 0; round < 10; round++) {
      const clientId = await bank.aClientThatIs("active");
      const [blocked, closed] = await Promise.all([bank.block(clientId), bank.setStatus(clientId, "closed")]);
      expect(closed.status).toBe(200);
      expect([
        [200, undefined],
        [409, "invalidState"],
      ]).toContainEqual(codeOf(blocked));
      expect(await bank.client(clientId)).toMatchObject({ status: "closed", blockReason: null });
      await expectSound(clientId);
    }
  });

  test("against a judgement as prohibited and a verdict: the client never becomes active again", async () => {
    const { type: _type, externalId: _externalId, ...profile } = aNewClient("individual");
    for (let round = 0; round < 10; round++) {
      const clientId = await bank.aClientThatIs("blocked");
      const [unblocked, judged, verdict] = await Promise.all([
        bank.unblock(clientId),
        bank.staff.put(`/internal/Clients/${clientId}`, { ...profile, email: `${unique("p")}@example.com`, riskLevel: "prohibited" }),
        bank.judge({ clientId, verificationStatus: "approved", outcome: "activate", reason: "test" }),
      ]);
      expect(judged.status, judged.text).toBe(200);
      expect([
        [200, undefined],
        [409, "clientProhibited"],
      ]).toContainEqual(codeOf(unblocked));
      expect(verdict).not.toBeNull();
      expect(await bank.client(clientId)).toMatchObject({ status: "blocked", riskLevel: "prohibited" });
      expect(codeOf(await bank.unblock(clientId))).toEqual([409, "clientProhibited"]);
      await expectSound(clientId);
    }
  });
});

describe("a block at the same moment", () => {
  test("as accounts are opened leaves none of them out", async () => {
    for (let round = 0; round < 10; round++) {
      const clientId = await bank.aClientThatIs("active");
      const own = bank.clientCalls(clientId);
      const order = anAccountOrder({ type: "client", clientId });
      const opened = await Promise.all([
        ...Array.from({ length: 4 }, () => own.post("/Accounts", { currency: "EUR" })),
        bank.block(clientId),
        ...Array.from({ length: 4 }, () => bank.system.post("/v2/internal/Accounts", order)),
      ]);
      for (const answer of opened)
        expect([
          [200, undefined],
          [403, "clientBlocked"],
          [409, "clientNotActive"],
        ]).toContainEqual(codeOf(answer));
      await expectSound(clientId);
    }
  });

  test("as the import of the client is repeated stays; the import makes no second client and unblocks none", async () => {
    const importer = bank.callAs({ kind: "system", scopes: ["integration.import"] });
    const path = "/integration/clients/individuals";
    for (let round = 0; round < 5; round++) {
      const body = anIndividual();
      const headers = { "idempotency-key": unique("import") };
      const first = await importer.post(path, body, headers);
      const clientId = String(bodyOf(first)["clientId"]);
      bodyOf(await bank.setStatus(clientId, "active"));
      const [again, another, blocked] = await Promise.all([
        importer.post(path, body, headers),
        importer.post(path, body),
        bank.block(clientId),
      ]);
      expect(again.text).toBe(first.text);
      expect(codeOf(another)).toEqual([409, "duplicateExternalId"]);
      expect(bodyOf(blocked)).toMatchObject({ status: "blocked" });
      await expectSound(clientId);
    }
  });
});

test("after all this the books are in order, and clients and accounts say the same", async () => {
  expect(await bank.unbalanced()).toEqual([]);
  expect(complaintsOf(await verify({ url: bank.database.ownerUrl, mode: "development", rooms }))).toEqual([]);
});
