// Operations 42 to 45: what each step of a drafted payment does to balances and holds, every pair of state and command, captures in part,
// and what stands in the way.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aLine, aTransfer, unique } from "../builders.ts";
import { type Command, type Life, lifeAt, linesOf, type State, STATES, type TestPayment } from "../payment-life.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: LedgerApp;
let life: Life;
beforeAll(async () => {
  bank = await openLedgerApp();
  life = lifeAt(bank);
});
afterAll(() => bank.close());

describe("each step does what it says and no more (contract 4.4)", () => {
  test("a withdrawal: the draft nothing, pend holds, post books and takes the hold back", async () => {
    const [payer, settlement] = [await bank.aFundedAccount("100.00"), await bank.anAccount()];
    const drafted = await life.paymentIn("draft", linesOf(payer, settlement, "30.00"), { type: "withdrawal" });
    expect(drafted).toMatchObject({ state: "draft", type: "withdrawal", pendedAt: null, postedAt: null, postedSequence: null });
    expect(drafted.accounts).toEqual([
      { accountId: payer.id, accountSequence: 1, balance: "100.00", heldAmount: "0.00", availableBalance: "100.00" },
      { accountId: settlement.id, accountSequence: 0, balance: "0.00", heldAmount: "0.00", availableBalance: "0.00" },
    ]);
    expect(await life.figures(payer, settlement)).toEqual(["100.00 0.00 100.00 0.00", "0.00 0.00 0.00 0.00"]);

    const pended = bodyOf(await life.act("pend", drafted.id)) as TestPayment;
    expect(pended).toMatchObject({
      id: drafted.id,
      state: "pending",
      postedAt: null,
      postedSequence: null,
      sequence: drafted.sequence + 1,
    });
    expect(pended.accounts[0]).toMatchObject({ accountSequence: 1, balance: "100.00", heldAmount: "30.00", availableBalance: "70.00" });
    // The settlement account is an asset: nothing is held on it or announced to it.
    expect(await life.figures(payer, settlement)).toEqual(["100.00 30.00 70.00 0.00", "0.00 0.00 0.00 0.00"]);

    const posted = bodyOf(await life.act("post", drafted.id)) as TestPayment;
    expect(posted).toMatchObject({ state: "posted", sequence: drafted.sequence + 2, postedSequence: drafted.sequence + 2 });
    expect(posted.accounts.map(({ accountSequence, balance, heldAmount }) => [accountSequence, balance, heldAmount])).toEqual([
      [2, "70.00", "0.00"],
      [1, "-30.00", "0.00"],
    ]);
    expect(await life.figures(payer, settlement)).toEqual(["70.00 0.00 70.00 0.00", "-30.00 0.00 -30.00 0.00"]);
  });

  test("a deposit holds nothing and shows as announced until it is booked", async () => {
    const [settlement, payee] = [await bank.anAccount(), await bank.aClientAccount()];
    const { id } = await life.paymentIn("pending", linesOf(settlement, payee, "12.50"), { type: "deposit" });
    expect(await life.figures(settlement, payee)).toEqual(["0.00 0.00 0.00 0.00", "0.00 0.00 0.00 12.50"]);
    bodyOf(await life.act("post", id));
    expect(await life.figures(settlement, payee)).toEqual(["12.50 0.00 12.50 0.00", "12.50 0.00 12.50 0.00"]);
  });

  test("between two clients the one side holds and the other announces; cancel gives both back", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.aClientAccount()];
    const { id } = await life.paymentIn("pending", linesOf(payer, payee, "4.00", "3.00"));
    expect(await life.figures(payer, payee)).toEqual(["10.00 7.00 3.00 0.00", "0.00 0.00 0.00 7.00"]);
    const cancelled = bodyOf(await life.act("cancel", id, { reason: "changed my mind" })) as TestPayment;
    expect(cancelled).toMatchObject({ state: "cancelled", reason: "changed my mind", postedAt: null, postedSequence: null });
    expect(cancelled.transactions.map(({ state, amount }) => [state, amount])).toEqual([
      ["cancelled", "4.00"],
      ["cancelled", "3.00"],
    ]);
    expect(await life.figures(payer, payee)).toEqual(["10.00 0.00 10.00 0.00", "0.00 0.00 0.00 0.00"]);
  });

  test("a draft of more than there is passes, pend refuses it whole, and it can be pended when there is enough", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.aClientAccount()];
    const { id } = await life.paymentIn("draft", linesOf(payer, payee, "6.00", "6.00"));
    const refused = await life.act("pend", id);
    expect(refused.body).toMatchObject({
      status: 409,
      code: "insufficientFunds",
      accountId: payer.id,
      available: "10.00",
      required: "12.00",
    });
    expect(await life.figures(payer, payee)).toEqual(["10.00 0.00 10.00 0.00", "0.00 0.00 0.00 0.00"]);
    expect((await life.get(id)).body).toMatchObject({ state: "draft" });
    bodyOf(await bank.transfer(aTransfer(await bank.anAccount(), payer, "2.00")));
    bodyOf(await life.act("pend", id));
    expect(await life.figures(payer)).toEqual(["12.00 12.00 0.00 0.00"]);
  });

  test("held money cannot be spent or held again; announced money cannot be spent before it is there", async () => {
    const [payer, payee, source] = [await bank.aFundedAccount("10.00"), await bank.aClientAccount(), await bank.anAccount()];
    const { id } = await life.paymentIn("pending", linesOf(payer, payee, "7.00"));
    expect((await bank.transfer(aTransfer(payer, payee, "3.01"))).body).toMatchObject({ code: "insufficientFunds", available: "3.00" });
    const second = await life.paymentIn("draft", linesOf(payer, payee, "3.01"));
    expect((await life.act("pend", second.id)).body).toMatchObject({ code: "insufficientFunds", available: "3.00", required: "3.01" });
    expect((await bank.transfer(aTransfer(payee, source, "0.01"))).body).toMatchObject({ code: "insufficientFunds", available: "0.00" });
    // A hold takes only what is there: what the same payment announces to the account does not count.
    const round = [aLine(source, payee, "5.00"), aLine(payee, source, "5.00")];
    const circular = await life.paymentIn("draft", round);
    expect((await life.act("pend", circular.id)).body).toMatchObject({ code: "insufficientFunds", accountId: payee.id, required: "5.00" });
    bodyOf(await life.act("post", id));
    expect((await bank.transfer(aTransfer(payee, source, "7.00"))).status).toBe(200);
  });

  test("drafted and held in one call: state pending", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.aClientAccount()];
    const held = await life.draft(life.order(linesOf(payer, payee, "10.00"), { state: "pending" }));
    expect(held.body).toMatchObject({ state: "pending", transactions: [{ state: "pending" }] });
    expect(held.body["pendedAt"]).toBe(held.body["createdAt"]);
    expect(await life.figures(payer)).toEqual(["10.00 10.00 0.00 0.00"]);
    const short = await life.draft(life.order(linesOf(payer, payee, "0.01"), { state: "pending" }));
    expect(short.body).toMatchObject({ code: "insufficientFunds", available: "0.00", required: "0.01" });
  });
});

describe("every pair of state and command", () => {
  /** The state afterwards, and whether anything happened; null: 409 invalidState. */
  const LIFE: Readonly<Record<State, Readonly<Record<Command | "create", State | null>>>> = {
    draft: { create: "draft", pend: "pending", post: null, cancel: "cancelled" },
    pending: { create: "pending", pend: "pending", post: "posted", cancel: "cancelled" },
    posted: { create: "posted", pend: null, post: "posted", cancel: null },
    cancelled: { create: "cancelled", pend: null, post: null, cancel: "cancelled" },
  };
  const pairs = STATES.flatMap((state) =>
    (["create", "pend", "post", "cancel"] as const).map((command) => [state, command, LIFE[state][command]] as const),
  );

  test.each(pairs)("a payment that is %s, asked to %s: %s", async (state, command, expected) => {
    const [payer, payee] = [await bank.aFundedAccount("50.00"), await bank.aClientAccount()];
    const order = life.order(linesOf(payer, payee, "20.00"));
    const payment = await life.paymentIn(state, [], order);
    const before = { figures: await life.figures(payer, payee), text: (await life.get(payment.id)).text, head: await headOf() };
    const answer = command === "create" ? await life.draft(order) : await life.act(command, payment.id);
    if (expected === null) {
      expect(answer.body).toMatchObject({ status: 409, code: "invalidState", paymentId: payment.id });
    } else expect(bodyOf(answer)).toMatchObject({ id: payment.id, state: expected });
    const isChange = expected !== null && expected !== state;
    expect(await headOf()).toBe(before.head + (isChange ? 1 : 0));
    if (!isChange) {
      expect(await life.figures(payer, payee)).toEqual(before.figures);
      expect((await life.get(payment.id)).text).toBe(before.text);
    }
    if (expected === state) expect(answer.text).toBe(before.text);
  });

  test.each(["pend", "post", "cancel"] as const)(
    "%s of a payment that does not exist is 404, and so is another tenant's",
    async (command) => {
      expect((await life.act(command, NOBODY)).body).toMatchObject({ status: 404, code: "notFound" });
      const [payer, payee] = [await bank.aFundedAccount("5.00", { tenant: "north" }), await bank.aClientAccount({ tenant: "north" })];
      const state = command === "post" ? "pending" : "draft";
      const { id } = await life.paymentIn(state, linesOf(payer, payee, "1.00"));
      const foreign = await bank.systemOf("south").post(`/v2/internal/Payments/${id}/${command}`);
      expect(foreign.body).toMatchObject({ status: 404, code: "notFound" });
      expect((await bank.systemOf("north").post(`/v2/internal/Payments/${id}/${command}`)).status).toBe(200);
    },
  );

  async function headOf(): Promise<number> {
    const { rows } = await bank.owner.query<{ last: string }>("select last_sequence::text as last from general_ledger.ledger_head");
    return Number(rows[0]?.last);
  }
});

describe("a post of a part (contract decision 21)", () => {
  test("books that much, releases the rest, and says what was ordered", async () => {
    const [payer, payee] = [await bank.aFundedAccount("100.00"), await bank.aClientAccount()];
    const { id } = await life.paymentIn("pending", linesOf(payer, payee, "60.00"));
    const posted = bodyOf(await life.act("post", id, { amount: "45.5" })) as TestPayment;
    expect(posted.transactions).toMatchObject([{ amount: "45.50", instructedAmount: "60.00", state: "posted" }]);
    expect(await life.figures(payer, payee)).toEqual(["54.50 0.00 54.50 0.00", "45.50 0.00 45.50 0.00"]);
    expect((await life.get(id)).body).toEqual(posted);
    // Without an amount the repeat is content with what was done; with another one it is not.
    expect((await life.act("post", id)).body).toEqual(posted);
    expect((await life.act("post", id, { amount: "45.50" })).body).toEqual(posted);
    expect((await life.act("post", id, { amount: "45.51" })).body).toMatchObject({ status: 409, code: "invalidState" });
    expect((await life.act("post", id, { amount: "60.00" })).body).toMatchObject({ status: 409, code: "invalidState" });
    expect(await life.figures(payer)).toEqual(["54.50 0.00 54.50 0.00"]);
  });

  test("of several lines books those that are listed and releases the others", async () => {
    const [payer, payee, fees] = [await bank.aFundedAccount("100.00"), await bank.aClientAccount(), await bank.anAccount({ type: "fee" })];
    const lines = [aLine(payer, payee, "50.00"), aLine(payer, fees, "2.00"), aLine(payer, payee, "8.00")];
    const pended = await life.paymentIn("pending", lines);
    const [first, , third] = pended.transactions;
    const transactions = [
      { id: third?.id, amount: "8.00" },
      { id: first?.id, amount: "20.00" },
    ];
    const posted = bodyOf(await life.act("post", pended.id, { transactions })) as TestPayment;
    expect(posted.transactions.map(({ amount, instructedAmount, state }) => [amount, instructedAmount, state])).toEqual([
      ["20.00", "50.00", "posted"],
      ["2.00", "2.00", "cancelled"],
      ["8.00", "8.00", "posted"],
    ]);
    expect(await life.figures(payer, payee, fees)).toEqual(["72.00 0.00 72.00 0.00", "28.00 0.00 28.00 0.00", "0.00 0.00 0.00 0.00"]);
    expect(posted.accounts.map(({ accountSequence }) => accountSequence)).toEqual([3, 2, 0]);
    expect((await life.act("post", pended.id, { transactions: transactions.toReversed() })).body).toEqual(posted);
    expect((await life.act("post", pended.id, { transactions: transactions.slice(1) })).body).toMatchObject({ code: "invalidState" });
  });

  test("asks for no more than is held, for lines of the payment, once each", async () => {
    const [payer, payee] = [await bank.aFundedAccount("100.00"), await bank.aClientAccount()];
    const { id, transactions } = await life.paymentIn("pending", linesOf(payer, payee, "50.00", "10.00"));
    const [first, second] = transactions;
    const faulty: readonly [unknown, string][] = [
      [{ amount: "1.00" }, "amount"],
      [{ transactions: [{ id: first?.id, amount: "50.01" }] }, "transactions.0.amount"],
      [{ transactions: [{ id: first?.id, amount: "1.001" }] }, "transactions.0.amount"],
      [{ transactions: [{ id: first?.id, amount: "0.00" }] }, "transactions.0.amount"],
      [{ transactions: [{ id: NOBODY, amount: "1.00" }] }, "transactions.0.id"],
      [
        {
          transactions: [
            { id: second?.id, amount: "1.00" },
            { id: second?.id, amount: "1.00" },
          ],
        },
        "transactions.1.id",
      ],
      [{ transactions: [] }, "transactions"],
      [{ amount: "1.00", transactions: [{ id: first?.id, amount: "1.00" }] }, "amount"],
    ];
    for (const [body, field] of faulty) {
      const { status, body: problem } = await life.act("post", id, body);
      expect([status, Object.keys(problem["errors"] ?? {})], JSON.stringify(body)).toEqual([400, [field]]);
    }
    expect(await life.figures(payer)).toEqual(["100.00 60.00 40.00 0.00"]);
  });
});

describe("an account in the way (contract decisions 15, 23)", () => {
  const block = (account: TestAccount, side: object) =>
    bank.system.put(`/v2/internal/Accounts/${account.id}/block`, { ...side, reason: "test" });
  const unblock = (account: TestAccount, side: object) =>
    bank.system.put(`/v2/internal/Accounts/${account.id}/unblock`, { ...side, reason: "test" });

  test.each([
    ["debit", 0],
    ["credit", 1],
  ] as const)("a blocked %s side takes drafts, but neither pend nor post; cancel always gives back", async (side, at) => {
    const pair = [await bank.aFundedAccount("10.00"), await bank.aClientAccount()] as const;
    const [payer, payee] = pair;
    const blocked = pair[at];
    const held = await life.paymentIn("pending", linesOf(payer, payee, "1.00"));
    const other = await life.paymentIn("pending", linesOf(payer, payee, "2.00"));
    bodyOf(await block(blocked, { [side]: true }));
    const drafted = await life.paymentIn("draft", linesOf(payer, payee, "3.00"));
    for (const answer of [
      await life.act("pend", drafted.id),
      await life.act("post", held.id),
      await bank.transfer(aTransfer(payer, payee, "1.00")),
    ])
      expect(answer.body).toMatchObject({ status: 409, code: "accountBlocked", accountId: blocked.id });
    expect(await life.figures(payer)).toEqual(["10.00 3.00 7.00 0.00"]);
    bodyOf(await life.act("cancel", other.id));
    bodyOf(await unblock(blocked, { [side]: true }));
    bodyOf(await life.act("post", held.id));
    bodyOf(await life.act("pend", drafted.id));
    expect(await life.figures(payer, payee)).toEqual(["9.00 3.00 6.00 0.00", "1.00 0.00 1.00 3.00"]);
  });

  test("an account with a pending payment is not closed, on either side; with a draft it is, and the draft is then refused", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.aClientAccount()];
    const close = ({ id }: TestAccount) => bank.system.put(`/v2/internal/Accounts/${id}/close`);
    const drafted = await life.paymentIn("draft", linesOf(payer, payee, "1.00"));
    const { id } = await life.paymentIn("pending", linesOf(payer, payee, "10.00"));
    for (const account of [payer, payee]) expect((await close(account)).body).toMatchObject({ status: 409, code: "accountNotEmpty" });
    bodyOf(await life.act("cancel", id));
    bodyOf(await close(payee));
    for (const answer of [await life.act("pend", drafted.id), await life.draft(life.order(linesOf(payer, payee, "1.00")))])
      expect(answer.body).toMatchObject({ status: 409, code: "accountClosed", accountId: payee.id });
    expect((await life.act("cancel", drafted.id)).body).toMatchObject({ state: "cancelled" });
  });

  test("a draft asks whether the payment makes sense: accounts that are there, of its currency", async () => {
    const [euros, dollars] = [await bank.aFundedAccount("10.00"), await bank.anAccount({ currency: "USD" })];
    const yen = await bank.anAccount({ currency: "JPY" });
    const dinars = await bank.anAccount({ currency: "KWD", type: "clearing" });
    expect((await life.draft(life.order([aLine(euros, dollars, "1.00")]))).body).toMatchObject({
      code: "currencyMismatch",
      accountId: dollars.id,
    });
    expect((await life.draft(life.order([aLine(euros, { id: NOBODY, currency: "EUR" }, "1.00")]))).status).toBe(404);
    const faulty = { "1.5": yen, "1.0005": dinars } as const;
    for (const [amount, account] of Object.entries(faulty)) {
      const { status, body } = await life.draft(life.order([aLine(account, { ...euros, currency: account.currency }, amount)]));
      expect([status, Object.keys(body["errors"] as object)]).toEqual([400, ["transactions.0.amount"]]);
    }
    const two = await life.paymentIn("pending", [
      aLine(yen, await bank.aClientAccount({ currency: "JPY" }), "7"),
      aLine(euros, await bank.anAccount(), "1.00"),
    ]);
    expect(two.accounts.map(({ heldAmount }) => heldAmount)).toEqual(["0", "0", "1.00", "0.00"]);
    bodyOf(await life.act("post", two.id));
  });
});

describe("keys and names", () => {
  test("each step replays under its key, whatever has become of the payment since", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.aClientAccount()];
    const order = life.order(linesOf(payer, payee, "6.00"));
    const keys = { draft: unique("key"), pend: unique("key"), post: unique("key") };
    const drafted = await life.draft(order, { "idempotency-key": keys.draft });
    const id = String(drafted.body["id"]);
    const pended = await life.act("pend", id, {}, { "idempotency-key": keys.pend });
    const posted = await life.act("post", id, { amount: "5.00" }, { "idempotency-key": keys.post });
    const again = [
      [await life.draft(order, { "idempotency-key": keys.draft }), drafted],
      [await life.act("pend", id, {}, { "idempotency-key": keys.pend }), pended],
      [await life.act("post", id, { amount: "5.00" }, { "idempotency-key": keys.post }), posted],
    ] as const;
    for (const [replay, first] of again) {
      expect(replay.text).toBe(first.text);
      expect(replay.headers["idempotency-replayed"]).toBe("true");
    }
    for (const answer of [
      await life.act("post", id, { amount: "4.00" }, { "idempotency-key": keys.post }),
      await life.act("cancel", id, {}, { "idempotency-key": keys.pend }),
      await life.draft(life.order(linesOf(payer, payee, "6.00")), { "idempotency-key": keys.draft }),
    ])
      expect(answer.body).toMatchObject({ status: 422, code: "idempotencyKeyReused" });
    // The name alone tells the payment as it is now.
    expect((await life.draft(order)).body).toEqual(posted.body);
    expect((await life.draft({ ...order, description: "other" })).body).toMatchObject({ status: 409, code: "duplicateExternalId" });
    expect((await bank.transfer(order)).body).toMatchObject({ status: 409, code: "duplicateExternalId" });
  });

  test("a refusal is kept under its key alone, also when it would pass by now", async () => {
    const [payer, payee] = [await bank.aClientAccount(), await bank.aClientAccount()];
    const { id } = await life.paymentIn("draft", linesOf(payer, payee, "6.00"));
    const key = { "idempotency-key": unique("key") };
    const refused = await life.act("pend", id, {}, key);
    expect(refused.body).toMatchObject({ code: "insufficientFunds" });
    bodyOf(await bank.transfer(aTransfer(await bank.anAccount(), payer, "6.00")));
    const replay = await life.act("pend", id, {}, key);
    expect([replay.status, replay.text, replay.headers["idempotency-replayed"]]).toEqual([409, refused.text, "true"]);
    expect((await life.act("pend", id, {}, { "idempotency-key": unique("key") })).status).toBe(200);
  });

  test("a version condition holds a payment off an account that has moved, by money, holds or terms", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.aClientAccount()];
    const moves: readonly (() => Promise<unknown>)[] = [
      () => bank.transfer(aTransfer(payer, payee, "0.01")),
      () => life.paymentIn("pending", linesOf(payer, payee, "0.01")),
      () => bank.system.patch(`/v2/internal/Accounts/${payer.id}`, { creditLimit: "1.00" }),
    ];
    for (const move of moves) {
      const version = Number((await bank.account(payer.id))["version"]);
      const order = life.order(linesOf(payer, payee, "0.01"), { ifVersion: { [payer.id]: version } });
      bodyOf(await life.draft({ ...order, externalId: unique("right") }));
      await move();
      const late = await life.draft(order);
      expect(late.body).toMatchObject({ status: 412, code: "preconditionFailed", accountId: payer.id });
      expect(Number((await bank.account(payer.id))["version"])).toBeGreaterThan(version);
    }
  });

  test("a dry run tells what would be and leaves no trace", async () => {
    const [payer, payee] = [await bank.aFundedAccount("10.00"), await bank.aClientAccount()];
    const order = life.order(linesOf(payer, payee, "6.00"), { state: "pending" });
    const dry = await bank.system.post("/v2/internal/Payments?dryRun=true", order, { "idempotency-key": "dry" });
    expect(dry.body).toMatchObject({ state: "pending", sequence: null, accounts: [{ heldAmount: "6.00" }, {}] });
    const short = await bank.system.post(
      "/v2/internal/Payments?dryRun=true",
      life.order(linesOf(payer, payee, "10.01"), { state: "pending" }),
    );
    expect(short.body).toMatchObject({ code: "insufficientFunds" });
    expect(await life.figures(payer)).toEqual(["10.00 0.00 10.00 0.00"]);
    expect((await life.get(String(dry.body["id"]))).status).toBe(404);
    const real = await life.draft(order, { "idempotency-key": "dry" });
    expect(real.headers["idempotency-replayed"]).toBeUndefined();
    expect(real.body).toMatchObject({ state: "pending" });
  });
});

test("after all this the books are in balance", async () => {
  expect(await bank.unbalanced()).toEqual([]);
});
