// Operation 22: what a new account is, for whom it may be opened, and which of its names must be its own.

import { accountNumber, isAccountNumber } from "#platform/account-number.ts";
import { composeIban, isValidIban } from "#platform/iban.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aClient, anAccountOrder, unique, withField } from "../builders.ts";
import type { TestAnswer } from "../setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";
import { standAs } from "../setup/standing.ts";

const PATH = "/v2/internal/Accounts";
const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

const open = (order: unknown, headers?: Record<string, string>): Promise<TestAnswer> => bank.system.post(PATH, order, headers);
const sequences = async (): Promise<number> => {
  const { rows } = await bank.owner.query<{ last: string }>("select last_sequence as last from general_ledger.ledger_head");
  return Number(rows[0]?.last);
};

describe("the answer", () => {
  test("holds every field in the documented order", async () => {
    const clientId = await aClient(bank);
    const { status, body } = await open(anAccountOrder({ type: "client", clientId }));
    expect(status).toBe(200);
    expect(Object.entries(body)).toEqual(
      Object.entries({
        id: expect.stringMatching(UUID) as string,
        accountNumber: expect.stringMatching(/^\d{10}$/) as string,
        iban: expect.stringMatching(/^LT\d{18}$/) as string,
        bic: "FNLGLT20",
        name: "EUR account",
        currency: "EUR",
        clientId,
        type: "client",
        status: "active",
        isDefault: true,
        sortOrder: 0,
        balance: "0.00",
        heldAmount: "0.00",
        availableBalance: "0.00",
        pendingIncomingAmount: "0.00",
        provider: null,
        createdAt: expect.stringMatching(INSTANT) as string,
        closedAt: null,
        externalId: null,
        creditLimit: "0.00",
        debitBlocked: false,
        creditBlocked: false,
        version: 1,
        category: "liability",
      }),
    );
  });

  test("repeats the names it was given", async () => {
    const names = {
      name: "Rücklagen & Co.",
      accountNumber: "Reserve0001",
      iban: "DE89370400440532013000",
      bic: "COBADEFFXXX",
      externalId: unique("account"),
    };
    const { body } = await open(anAccountOrder({ type: "reserve", ...names }));
    expect(body).toMatchObject({ ...names, clientId: null, isDefault: false, type: "reserve" });
  });

  test("is what a read of the account answers", async () => {
    const { text, body } = await open(anAccountOrder({ type: "fee", currency: "KWD" }));
    expect((await bank.system.get(`/v2/ledger/internal/Accounts/${String(body["id"])}`)).text).toBe(text);
    expect(body).toMatchObject({ balance: "0.000", creditLimit: "0.000" });
  });

  test("null is the same as not given, for every optional field", async () => {
    const nothing = { clientId: null, name: null, category: null, accountNumber: null, iban: null, bic: null, externalId: null };
    expect((await open(anAccountOrder(nothing))).body).toMatchObject({ name: "EUR account", category: "asset", bic: "FNLGLT20" });
  });

  test.each([
    ["treasury", "equity"],
    ["fee", "income"],
    ["reserve", "liability"],
    ["clearing", "liability"],
    ["settlement", "asset"],
    ["fxPosition", "liability"],
    ["suspense", "liability"],
  ])("an account of type %s is %s by itself", async (type, category) => {
    expect((await open(anAccountOrder({ type }))).body).toMatchObject({ type, category });
  });

  test.each(["asset", "liability", "equity", "income", "expense"])(
    "the category %s may be given, and decides the side of the balance",
    async (category) => {
      const account = bodyOf(await open(anAccountOrder({ type: "suspense", category }))) as TestAccount;
      expect(account).toMatchObject({ category });
      await bank.transfer({
        externalId: unique("payment"),
        debitAccountId: account.id,
        creditAccountId: (await bank.anAccount()).id,
        amount: "1",
        currency: "EUR",
      });
      expect(await bank.account(account.id)).toMatchObject({ balance: category === "asset" || category === "expense" ? "1.00" : "-1.00" });
    },
  );
});

describe("numbers and IBANs", () => {
  test("a generated number has two check digits, and the IBANs of EUR and GBP carry it", async () => {
    for (const [currency, pattern] of [
      ["EUR", /^LT\d\d99999(\d*)$/],
      ["GBP", /^GB\d\dFNLG000000(\d*)$/],
    ] as const) {
      const { body } = await open(anAccountOrder({ currency }));
      const [number, iban] = [body["accountNumber"] as string, body["iban"] as string];
      expect(isAccountNumber(number)).toBe(true);
      expect(isValidIban(iban)).toBe(true);
      const part = pattern.exec(iban)?.[1] ?? "";
      expect(part).toContain(number.slice(0, 8));
    }
  });

  test("two accounts never have one number", async () => {
    const answers = await Promise.all(Array.from({ length: 40 }, () => open(anAccountOrder())));
    expect(new Set(answers.map(({ body }) => body["accountNumber"])).size).toBe(40);
    expect(new Set(answers.map(({ body }) => body["iban"])).size).toBe(40);
  });

  test("other currencies have no IBAN and no BIC unless they are given", async () => {
    expect((await open(anAccountOrder({ currency: "USD" }))).body).toMatchObject({ iban: null, bic: null });
    const given = { currency: "USD", iban: "CH9300762011623852957", bic: "DEUTDEFF" };
    expect((await open(anAccountOrder(given))).body).toMatchObject(given);
  });

  test("a given number has no IBAN unless it is given too", async () => {
    expect((await open(anAccountOrder({ accountNumber: "0000000001" }))).body).toMatchObject({
      accountNumber: "0000000001",
      iban: null,
      bic: "FNLGLT20",
    });
  });

  test("numbers given by hand are passed over by the generated ones", async () => {
    const { body } = await open(anAccountOrder());
    const running = Number((body["accountNumber"] as string).slice(0, 8));
    for (const ahead of [1, 2, 3]) bodyOf(await open(anAccountOrder({ accountNumber: accountNumber(BigInt(running + ahead)) })));
    expect((await open(anAccountOrder())).body["accountNumber"]).toBe(accountNumber(BigInt(running + 4)));
  });
});

test("an IBAN given by hand is passed over by the generated ones", async () => {
  const first = bodyOf(await open(anAccountOrder()));
  const ahead = accountNumber(BigInt((first["accountNumber"] as string).slice(0, 8)) + 1n);
  const iban = composeIban({ country: "LT", bankCode: "99999" }, ahead);
  expect((await open(anAccountOrder({ iban, accountNumber: "byHand" }))).body).toMatchObject({ iban });
  expect((await open(anAccountOrder())).body).toMatchObject({ accountNumber: accountNumber(BigInt(ahead.slice(0, 8)) + 1n) });
});

describe("the default account", () => {
  test("is a client's first in each currency, also when ten are opened at once", async () => {
    const clientId = await aClient(bank);
    const answers = await Promise.all(Array.from({ length: 10 }, () => open(anAccountOrder({ type: "client", clientId }))));
    expect(answers.filter(({ body }) => body["isDefault"] === true)).toHaveLength(1);
    expect(new Set(answers.map(({ body }) => body["sortOrder"]))).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    const dollars = await open(anAccountOrder({ type: "client", clientId, currency: "USD" }));
    expect(dollars.body).toMatchObject({ isDefault: true, sortOrder: 10 });
    expect((await open(anAccountOrder({ type: "client", clientId, currency: "USD" }))).body).toMatchObject({ isDefault: false });
  });
});

describe("a change of the books", () => {
  test("takes one number of the ledger's sequence, and a refusal takes none", async () => {
    const before = await sequences();
    bodyOf(await open(anAccountOrder()));
    expect(await sequences()).toBe(before + 1);
    expect((await open(anAccountOrder({ accountNumber: "x" }))).status).toBe(400);
    expect((await open(anAccountOrder({ type: "client", clientId: NOBODY }))).status).toBe(404);
    expect(await sequences()).toBe(before + 1);
  });

  test("is told to the auditors: who, what, which account", async () => {
    const { body } = await open(anAccountOrder({ type: "treasury" }));
    const { rows } = await bank.owner.query("select * from platform.audit_entry where subject = $1", [`account:${String(body["id"])}`]);
    expect(rows).toMatchObject([{ action: "account.opened", detail: { type: "treasury", currency: "EUR", clientId: null } }]);
  });
});

describe("for whom", () => {
  test("type client needs a client, no other type takes one", async () => {
    const clientId = await aClient(bank);
    expect((await open(anAccountOrder({ type: "client" }))).body).toMatchObject({
      status: 400,
      errors: { clientId: ["The field is required for type client."] },
    });
    for (const type of ["treasury", "fee", "reserve", "clearing", "settlement", "fxPosition", "suspense"]) {
      expect((await open(anAccountOrder({ type, clientId }))).body).toMatchObject({
        status: 400,
        errors: { clientId: ["The field is allowed for type client only."] },
      });
    }
  });

  test("a client that does not exist is 404", async () => {
    expect((await open(anAccountOrder({ type: "client", clientId: NOBODY }))).body).toMatchObject({ status: 404, code: "notFound" });
  });

  test("a prohibited client can own no account", async () => {
    const clientId = await aClient(bank, { changes: { riskLevel: "prohibited" } });
    const answer = await open(anAccountOrder({ type: "client", clientId }));
    expect(answer.body).toMatchObject({ status: 409, code: "clientProhibited", title: "The client may not have accounts." });
  });

  test.each(["pending", "blocked", "rejected", "closed"] as const)(
    "a client that is %s is not active, and its status is told",
    async (status) => {
      const clientId = await aClient(bank);
      await standAs(bank, clientId, status);
      const answer = await open(anAccountOrder({ type: "client", clientId }));
      expect([answer.status, answer.body["code"]]).toEqual([409, "clientNotActive"]);
      // `status` is the HTTP status in every problem; the client's stands beside it.
      expect(answer.body).toMatchObject({ status: 409, clientStatus: status });
    },
  );

  test("client accounts are offered in the listed currencies, the bank's own in every active one", async () => {
    const clientId = await aClient(bank);
    const listed =
      "AED AUD BHD BRL CAD CHF CNY CZK DKK EUR GBP GEL HKD HUF IDR ILS INR ISK JPY KWD KZT MXN NOK NZD PLN RON SAR SEK SGD THB TRY USD ZAR";
    for (const currency of listed.split(" ")) {
      expect((await open(anAccountOrder({ type: "client", clientId, currency }))).body).toMatchObject({ currency, isDefault: true });
    }
    const answer = await open(anAccountOrder({ type: "client", clientId, currency: "RUB" }));
    expect([answer.status, answer.body["code"], answer.body["currency"]]).toEqual([409, "currencyNotAvailable", "RUB"]);
    for (const currency of ["RUB", "ALL", "CLP", "ZWG"]) expect((await open(anAccountOrder({ currency }))).status).toBe(200);
  });

  test("it belongs to the client's tenant; the bank's own belong to default", async () => {
    const clientId = await aClient(bank, { tenant: "north" });
    const account = bodyOf(await open(anAccountOrder({ type: "client", clientId })));
    expect((await bank.systemOf("north").get(`/v2/ledger/internal/Accounts/${String(account["id"])}`)).status).toBe(200);
    const own = bodyOf(await open(anAccountOrder()));
    expect((await bank.systemOf("north").get(`/v2/ledger/internal/Accounts/${String(own["id"])}`)).status).toBe(404);
    expect((await bank.systemOf("default").get(`/v2/ledger/internal/Accounts/${String(own["id"])}`)).status).toBe(200);
  });
});

describe("names that must be its own", () => {
  test("the number is unique without regard to case, also for ten at once", async () => {
    const number = unique("n").replaceAll("-", "");
    const answers = await Promise.all(Array.from({ length: 10 }, () => open(anAccountOrder({ accountNumber: number }))));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { body } of answers.filter(({ status }) => status !== 200)) {
      expect(body).toMatchObject({ status: 409, code: "duplicateAccountNumber", errors: { accountNumber: ["The value is in use."] } });
    }
    expect((await open(anAccountOrder({ accountNumber: number.toUpperCase() }))).body).toMatchObject({
      code: "duplicateAccountNumber",
    });
  });

  test("so is the IBAN", async () => {
    const iban = "NL91ABNA0417164300";
    expect((await open(anAccountOrder({ iban }))).status).toBe(200);
    expect((await open(anAccountOrder({ iban }))).body).toMatchObject({
      status: 409,
      code: "duplicateAccountNumber",
      errors: { iban: ["The value is in use."] },
    });
  });

  test("the externalId is unique within the caller's tenant", async () => {
    const order = anAccountOrder({ externalId: unique("account") });
    expect((await open(order)).status).toBe(200);
    expect((await open(order)).body).toMatchObject({
      status: 409,
      code: "duplicateExternalId",
      errors: { externalId: ["The value is in use."] },
    });
    expect((await bank.systemOf("north").post(PATH, order)).status).toBe(200);
    expect((await bank.systemOf("north").post(PATH, order)).body).toMatchObject({ code: "duplicateExternalId" });
    // Whose client the account is for does not matter: the name belongs to who gave it.
    const clientId = await aClient(bank, { tenant: "south" });
    const named = { externalId: unique("account") };
    expect((await open(anAccountOrder({ type: "client", clientId, ...named }))).status).toBe(200);
    expect((await bank.systemOf("south").post(PATH, anAccountOrder(named))).status).toBe(200);
    expect((await open(anAccountOrder(named))).body).toMatchObject({ code: "duplicateExternalId" });
  });
});

describe("a field that is wrong is named", () => {
  const faults: readonly [string, unknown, string?][] = [
    ["currency", undefined],
    ["currency", "eur"],
    ["currency", "XXX"],
    ["currency", null],
    ["type", undefined],
    ["type", "savings"],
    ["type", "Fee"],
    ["clientId", "1"],
    ["name", ""],
    ["name", "x".repeat(101)],
    ["name", "two\nlines"],
    ["name", "a\u202eb"],
    ["category", "revenue"],
    ["accountNumber", "123"],
    ["accountNumber", "1".repeat(35)],
    ["accountNumber", "12 34"],
    ["accountNumber", "1234\n"],
    ["accountNumber", "１２３４"],
    ["iban", "LT000000000000000000"],
    ["iban", "lt121000011101001000"],
    ["iban", "LT12 1000 0111 0100 1000"],
    ["iban", ""],
    ["bic", "fnlglt20"],
    ["bic", "FNLGLT2"],
    ["bic", "FNLGXX20"],
    ["externalId", ""],
    ["externalId", "x".repeat(101)],
    ["status", "active"],
    ["balance", "100.00"],
    ["creditLimit", "100.00"],
    ["isDefault", true],
    ["tenant", "north"],
  ];
  test.each(faults)("%s = %j", async (field, value, errorAt = field) => {
    const { status, body } = await open(withField(anAccountOrder(), field, value));
    expect(status).toBe(400);
    expect(Object.keys(body["errors"] as object)).toEqual([errorAt]);
  });

  test.each(["client", "reserve"])("a category for type %s", async (type) => {
    const clientId = type === "client" ? await aClient(bank) : null;
    const { body } = await open(anAccountOrder({ type, clientId, category: "liability" }));
    expect(body["errors"]).toEqual({ category: ["The field is not allowed for the types client and reserve."] });
  });

  test("all faults are told at once", async () => {
    const { body } = await open({ type: "client", currency: "XXX", category: "asset", iban: "LT000000000000000000" });
    expect(Object.keys(body["errors"] as object).sort()).toEqual(["category", "clientId", "currency", "iban"]);
  });
});

describe("sent twice", () => {
  const keyed = (): Record<string, string> => ({ "idempotency-key": unique("open") });

  test("under one key it is one account, and the same bytes again", async () => {
    const key = keyed();
    const answers = await Promise.all(Array.from({ length: 20 }, () => open(anAccountOrder(), key)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers.filter(({ headers }) => headers["idempotency-replayed"] === undefined)).toHaveLength(1);
    expect(answers[0]?.status).toBe(200);
    expect((await open(anAccountOrder({ name: "Other" }), key)).body).toMatchObject({ status: 422, code: "idempotencyKeyReused" });
  });

  test("a refusal is kept under its key, 404 and 400 are not", async () => {
    const clientId = await aClient(bank);
    await standAs(bank, clientId, "blocked");
    const order = anAccountOrder({ type: "client", clientId });
    const key = keyed();
    expect((await open({ ...order, clientId: NOBODY }, key)).status).toBe(404);
    expect((await open({ ...order, currency: "XXX" }, key)).status).toBe(400);
    const refused = await open(order, key);
    expect([refused.status, refused.headers["idempotency-replayed"]]).toEqual([409, undefined]);
    await standAs(bank, clientId, "active");
    const again = await open(order, key);
    expect([again.text, again.headers["idempotency-replayed"]]).toEqual([refused.text, "true"]);
    expect((await open(order, keyed())).status).toBe(200);
  });
});
