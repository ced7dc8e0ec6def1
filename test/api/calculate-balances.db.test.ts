// Operation 24: balances computed from the entries, at any instant, as booked and as valued, held against a history kept by the test.

import { addDays, isLocalDate, type LocalDate } from "#platform/dates.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aTransfer, unique } from "../builders.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const CALCULATE = "/internal/Accounts/calculateBalances";
const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

type Item = Readonly<Record<"accountId" | "currency" | "balance" | "heldAmount" | "availableBalance" | "atDate", string>>;

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

async function calculate(accounts: readonly { readonly id: string }[], body: object = {}, calls = bank.system): Promise<readonly Item[]> {
  const answer = await calls.post(CALCULATE, { accountIds: accounts.map(({ id }) => id), ...body });
  return bodyOf(answer)["items"] as readonly Item[];
}
const figuresOf = ({ balance, heldAmount, availableBalance }: Item): string[] => [balance, heldAmount, availableBalance];
async function figuresAt(account: TestAccount, body: object): Promise<string[]> {
  const [item] = await calculate([account], body);
  return figuresOf(item as Item);
}

async function pay(from: TestAccount, to: TestAccount, amount: string, changes: object = {}): Promise<string> {
  return String(bodyOf(await bank.transfer(aTransfer(from, to, amount, { ...changes })))["postedAt"]);
}

/** Waits until the database's clock shows another millisecond, so that what comes next has a time of its own. */
async function nextMillisecond(): Promise<void> {
  await bank.owner.query("select pg_sleep(0.002)");
}

const before = (instant: string): string => new Date(Date.parse(instant) - 1).toISOString();
const today = (): LocalDate => {
  const text = new Date().toISOString().slice(0, 10);
  if (!isLocalDate(text)) throw new Error(text);
  return text;
};

describe("as booked", () => {
  test("the balance is that after the last entry at or before the instant, at each of them", async () => {
    const [account, other] = [await bank.aFundedAccount("100.00"), await bank.anAccount()];
    const opened = String(account["createdAt"]);
    const history: (readonly [instant: string, balance: string])[] = [];
    for (const [amount, balance] of [
      ["10.00", "90.00"],
      ["0.01", "89.99"],
      ["20.00", "69.99"],
      ["69.99", "0.00"],
    ] as const) {
      await nextMillisecond();
      history.push([await pay(account, other, amount), balance]);
    }
    for (const [at, [instant, balance]] of history.entries()) {
      expect(await figuresAt(account, { atDate: instant })).toEqual([balance, "0.00", balance]);
      const earlier = history[at - 1]?.[1] ?? "100.00";
      expect(await figuresAt(account, { atDate: before(instant) })).toEqual([earlier, "0.00", earlier]);
      // Between two milliseconds nothing is booked.
      expect(await figuresAt(account, { atDate: instant.replace("Z", "9Z") })).toEqual([balance, "0.00", balance]);
    }
    expect(await figuresAt(account, { atDate: before(opened) })).toEqual(["0.00", "0.00", "0.00"]);
    expect(await figuresAt(account, { atDate: "0001-01-01" })).toEqual(["0.00", "0.00", "0.00"]);
    expect(await figuresAt(account, { atDate: addDays(today(), -1) })).toEqual(["0.00", "0.00", "0.00"]);
  });

  test("without an instant, with null, at the end of today and in the future it is what stands on the account now", async () => {
    const account = await bank.aFundedAccount("7.00");
    const started = Date.now() - 5_000;
    for (const atDate of [undefined, null, today(), addDays(today(), 1), "9999-12-31T23:59:59.999Z"]) {
      const [item] = await calculate([account], { atDate });
      expect(figuresOf(item as Item)).toEqual(["7.00", "0.00", "7.00"]);
      const at = Date.parse(item?.atDate ?? "");
      expect(at).toBeGreaterThan(started);
      expect(at).toBeLessThan(Date.now() + 5_000);
    }
  });

  test("the answer names the instant that was asked for, a day by its last millisecond", async () => {
    const account = await bank.anAccount();
    expect((await calculate([account], { atDate: "2026-01-31T10:00:00Z" }))[0]?.atDate).toBe("2026-01-31T10:00:00.000Z");
    expect((await calculate([account], { atDate: "2026-01-31" }))[0]?.atDate).toBe("2026-01-31T23:59:59.999Z");
  });

  test("a balance is shown on the account's normal side, in its currency's digits", async () => {
    const [yen, bahrain] = [
      await bank.aFundedAccount("1500", { currency: "JPY" }),
      await bank.aFundedAccount("1.005", { currency: "BHD" }),
    ];
    const source = await bank.anAccount();
    await pay(source, await bank.anAccount({ type: "fee" }), "3.00");
    const items = await calculate([yen, bahrain, source]);
    expect(items.map(({ currency, balance }) => [currency, balance])).toEqual([
      ["JPY", "1500"],
      ["BHD", "1.005"],
      ["EUR", "3.00"],
    ]);
  });

  test("what somebody wrote onto the account by hand plays no part", async () => {
    const account = await bank.aFundedAccount("5.00");
    await bank.owner.query("update general_ledger.account set balance_minor = 999999 where id = $1", [account.id]);
    expect(await figuresAt(account, {})).toEqual(["5.00", "0.00", "5.00"]);
  });

  test("while payments run, all figures of an answer are of one instant", async () => {
    const [account, other] = [await bank.aFundedAccount("100.00"), await bank.anAccount({ type: "clearing" })];
    const answers: Item[] = [];
    const paying = Promise.all(Array.from({ length: 60 }, () => pay(account, other, "1.00")));
    while (answers.length < 30) {
      const pair = await calculate([account, other]);
      answers.push(...pair);
      // Both of one snapshot: what left one account has come to the other.
      expect(pair.reduce((sum, { balance }) => sum + BigInt(balance.replace(".", "")), 0n)).toBe(10_000n);
    }
    await paying;
    expect(await calculate([account, other])).toMatchObject([{ balance: "40.00" }, { balance: "60.00" }]);
  });
});

describe("what was held", () => {
  test("is what was held at the instant: from the pend to the post or the cancel", async () => {
    const [account, other] = [await bank.aFundedAccount("100.00"), await bank.anAccount({ type: "clearing" })];
    const change = async (path: string, body: object = {}): Promise<Readonly<Record<string, unknown>>> => {
      await nextMillisecond();
      return bodyOf(await bank.system.post(`/v2/internal/Payments${path}`, body));
    };
    const order = (amount: string): object => ({
      externalId: unique("held"),
      transactions: [{ debitAccountId: account.id, creditAccountId: other.id, amount, currency: "EUR" }],
    });
    const [first, second] = [await change("", order("30.00")), await change("", order("20.00"))];
    const drafted = String(second["createdAt"]);
    const pended = String((await change(`/${String(first["id"])}/pend`))["pendedAt"]);
    const both = String((await change(`/${String(second["id"])}/pend`))["pendedAt"]);
    const captured = String((await change(`/${String(first["id"])}/post`, { amount: "25.00" }))["postedAt"]);
    const released = String((await change(`/${String(second["id"])}/cancel`))["cancelledAt"]);

    const expected: readonly (readonly [string, string[]])[] = [
      [drafted, ["100.00", "0.00", "100.00"]],
      [before(pended), ["100.00", "0.00", "100.00"]],
      [pended, ["100.00", "30.00", "70.00"]],
      [before(both), ["100.00", "30.00", "70.00"]],
      [both, ["100.00", "50.00", "50.00"]],
      [before(captured), ["100.00", "50.00", "50.00"]],
      [captured, ["75.00", "20.00", "55.00"]],
      [before(released), ["75.00", "20.00", "55.00"]],
      [released, ["75.00", "0.00", "75.00"]],
    ];
    for (const [atDate, figures] of expected) expect([atDate, await figuresAt(account, { atDate })]).toEqual([atDate, figures]);
    expect((await calculate([other], { atDate: both })).map(figuresOf)).toEqual([["0.00", "0.00", "0.00"]]);
  });

  test("is what was held after every one of many changes, whoever tells of it: a draft, a hold, an entry or a note", async () => {
    const [account, other] = [await bank.aFundedAccount("1000.00"), await bank.aFundedAccount("1000.00")];
    const line = (amount: string, back = false): object => {
      const [debit, credit] = back ? [other, account] : [account, other];
      return { debitAccountId: debit.id, creditAccountId: credit.id, amount, currency: "EUR" };
    };
    const history: (readonly [instant: string, held: string])[] = [];
    const note = async (instant: unknown): Promise<void> => {
      history.push([String(instant), String((await bank.account(account.id))["heldAmount"])]);
      await nextMillisecond();
    };
    const create = async (state: string | null, ...transactions: object[]): Promise<{ id: string; lines: string[] }> => {
      const order = { externalId: unique("held"), transactions, ...(state === null ? {} : { state }) };
      const body = bodyOf(await bank.system.post("/v2/internal/Payments", order));
      await note(body["createdAt"]);
      return { id: String(body["id"]), lines: (body["transactions"] as { id: string }[]).map(({ id }) => id) };
    };
    const change = async (id: string, step: "pend" | "post" | "cancel", body: object = {}): Promise<void> => {
      const answer = bodyOf(await bank.system.post(`/v2/internal/Payments/${id}/${step}`, body));
      await note(answer[{ pend: "pendedAt", post: "postedAt", cancel: "cancelledAt" }[step]]);
    };
    await nextMillisecond();
    for (let round = 1; round <= 4; round++) {
      const held = await create("pending", line(`${round}.00`));
      const drafted = await create(null, line("0.50"), line("0.25"));
      await note(await pay(account, other, "0.10"));
      await note(await pay(other, account, "0.10"));
      const many = await create("pending", line("3.00"), line("4.00"), line("5.00", true));
      await change(drafted.id, "pend");
      if (round % 2 === 0) await change(held.id, "post");
      await change(many.id, "post", { transactions: [{ id: many.lines[0], amount: "1.00" }] });
      await create(null, line("0.01"));
      await change(drafted.id, "cancel");
      if (round === 3) await change((await create("pending", line("2.00"), line("2.00"))).id, "cancel");
    }
    expect(new Set(history.map(([, held]) => held)).size).toBeGreaterThan(10);
    for (const [at, [instant, held]] of history.entries()) {
      const [now, earlier] = [await calculate([account], { atDate: instant }), await calculate([account], { atDate: before(instant) })];
      expect([at, now[0]?.heldAmount, earlier[0]?.heldAmount]).toEqual([at, held, history[at - 1]?.[1] ?? "0.00"]);
      expect((await calculate([account], { atDate: instant, basis: "valued" }))[0]?.heldAmount).toBe(held);
    }
  });
});

describe("as valued", () => {
  test("the balance of a day has what is valued up to it, whenever it was booked", async () => {
    const [account, other] = [await bank.aFundedAccount("100.00"), await bank.anAccount()];
    const day = (days: number): LocalDate => addDays(today(), days);
    await pay(account, other, "1.00", { valueDate: day(-10) });
    await pay(account, other, "2.00", { valueDate: day(-10) });
    await pay(other, account, "4.00", { valueDate: day(-3) });
    await pay(account, other, "8.00", { valueDate: day(5) });
    await pay(account, other, "16.00");
    const expected: Record<string, string> = {
      [day(-11)]: "0.00",
      [day(-10)]: "-3.00",
      [day(-4)]: "-3.00",
      [day(-3)]: "1.00",
      [day(-1)]: "1.00",
      [day(0)]: "85.00",
      [day(4)]: "85.00",
      [day(5)]: "77.00",
      "9999-12-31": "77.00",
    };
    for (const [atDate, balance] of Object.entries(expected)) {
      expect([atDate, await figuresAt(account, { atDate, basis: "valued" })]).toEqual([atDate, [balance, "0.00", balance]]);
    }
    expect(await figuresAt(account, { basis: "valued" })).toEqual(["85.00", "0.00", "85.00"]);
    expect(await figuresAt(account, {})).toEqual(["77.00", "0.00", "77.00"]);
  });

  test("a payment in two phases is valued as it was posted", async () => {
    const [account, other] = [await bank.aFundedAccount("50.00"), await bank.anAccount({ type: "clearing" })];
    const payment = bodyOf(
      await bank.system.post("/v2/internal/Payments", {
        externalId: unique("valued"),
        state: "pending",
        transactions: [{ debitAccountId: account.id, creditAccountId: other.id, amount: "20.00", currency: "EUR" }],
      }),
    );
    const valueDate = addDays(today(), 2);
    bodyOf(await bank.system.post(`/v2/internal/Payments/${String(payment["id"])}/post`, { amount: "15.00", valueDate }));
    expect(await figuresAt(account, { basis: "valued" })).toEqual(["50.00", "0.00", "50.00"]);
    expect(await figuresAt(account, { basis: "valued", atDate: valueDate })).toEqual(["35.00", "0.00", "35.00"]);
  });
});

describe("the list", () => {
  test("is answered in its order, each account once, a thousand of them at once", async () => {
    const [a, b] = [await bank.anAccount(), await bank.anAccount()];
    const many = Array.from({ length: 998 }, (_, n) => (n % 2 === 0 ? a : b));
    expect((await calculate([b, a, ...many])).map(({ accountId }) => accountId)).toEqual([b.id, a.id]);
  });

  test("404 names every place with an account that never was or is another tenant's", async () => {
    const [own, foreign] = [await bank.anAccount(), await bank.aClientAccount({ tenant: "south" })];
    const accountIds = [own.id, NOBODY, foreign.id];
    const { status, body } = await bank.system.post(CALCULATE, { accountIds });
    expect([status, body["code"], body["errors"]]).toEqual([404, "notFound", { "accountIds.1": ["There is no such account."] }]);
    const confined = await bank.systemOf("default").post(CALCULATE, { accountIds });
    expect([confined.status, Object.keys(confined.body["errors"] as object)]).toEqual([404, ["accountIds.1", "accountIds.2"]]);
  });

  test.each<[string, object, string]>([
    ["no account", { accountIds: [] }, "accountIds"],
    ["1001 accounts", { accountIds: Array.from({ length: 1001 }, () => NOBODY) }, "accountIds"],
    ["what is no id", { accountIds: ["1"] }, "accountIds.0"],
    ["a day that is none", { accountIds: [NOBODY], atDate: "2026-02-30" }, "atDate"],
    ["a time without a zone", { accountIds: [NOBODY], atDate: "2026-02-03T10:00:00" }, "atDate"],
    ["another basis", { accountIds: [NOBODY], basis: "dreamt" }, "basis"],
  ])("400 for %s", async (_, wrong, field) => {
    const { status, body } = await bank.system.post(CALCULATE, wrong);
    expect([status, Object.keys(body["errors"] as object)]).toEqual([400, [field]]);
  });
});

test("the days of value dates are the bank's, wherever it is, and those of bookings do not move with it", async () => {
  const far = await openLedgerApp({ timeZone: "Pacific/Kiritimati" });
  try {
    const [account, other] = [await far.aFundedAccount("10.00"), await far.anAccount()];
    const { body } = await far.transfer(aTransfer(account, other, "4.00"));
    const valueDate = String(body["valueDate"]);
    const at = async (atDate: string): Promise<unknown> => {
      const answer = await far.system.post(CALCULATE, { accountIds: [account.id], basis: "valued", atDate });
      return (bodyOf(answer)["items"] as Item[])[0]?.balance;
    };
    if (!isLocalDate(valueDate)) throw new Error(valueDate);
    expect([await at(valueDate), await at(addDays(valueDate, -1))]).toEqual(["6.00", "0.00"]);
    expect(bodyOf(await far.system.post(CALCULATE, { accountIds: [account.id], basis: "valued" }))["items"]).toMatchObject([
      { balance: "6.00" },
    ]);
  } finally {
    await far.close();
  }
});
