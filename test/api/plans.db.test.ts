// GET /internal/Plans, PUT /internal/Plans/{code} and PUT /internal/Clients/{clientId}/plan: what the bank offers, and to whom.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anAccountOrder, unique } from "../builders.ts";
import { bodyOf, type TestAccount } from "../setup/ledger.ts";
import { codeOf, openStandingBank, type StandingBank } from "../setup/standing.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: StandingBank;
beforeAll(async () => {
  bank = await openStandingBank({ poolSize: 12 });
});
afterAll(() => bank.close());

const PLAN = {
  name: "Business",
  currency: "EUR",
  monthlyFee: "19.90",
  limits: [
    { kind: "accounts", count: 3 },
    { kind: "singleTransfer", amount: "100000.00", currency: "EUR" },
  ],
  fees: [
    { kind: "outgoingTransfer", transferType: "sepa", amount: "0.10", currency: "EUR" },
    { kind: "accountMonthly", amount: "1.00", currency: "EUR" },
    { kind: "foreignExchange", percent: "0.25", minimum: "0.50", currency: "EUR" },
  ],
};
const put = (code: string, body: unknown = PLAN) => bank.staff.put(`/internal/Plans/${code}`, body);
const choose = (clientId: string, code: unknown) => bank.staff.put(`/internal/Clients/${clientId}/plan`, { code });
const plans = async (): Promise<Readonly<Record<string, unknown>>[]> =>
  bodyOf(await bank.staff.get("/internal/Plans?pageSize=100"))["items"] as Readonly<Record<string, unknown>>[];
const planOf = async (code: string) => (await plans()).find((plan) => plan["code"] === code);
/** A plan that allows so many accounts. */
async function aPlanFor(accounts: number): Promise<string> {
  const code = unique("plan");
  bodyOf(await put(code, { ...PLAN, limits: [{ kind: "accounts", count: accounts }] }));
  return code;
}
const open = (clientId: string) => bank.system.post("/v2/internal/Accounts", anAccountOrder({ type: "client", clientId }));

describe("a plan", () => {
  test("is answered whole, and listed as it was answered", async () => {
    const code = unique("plan");
    const answer = bodyOf(await put(code));
    expect(answer).toEqual({
      code,
      name: "Business",
      currency: "EUR",
      monthlyFee: "19.90",
      limits: [
        { kind: "accounts", count: 3, amount: null, currency: null },
        { kind: "singleTransfer", count: null, amount: "100000.00", currency: "EUR" },
      ],
      fees: [
        { kind: "outgoingTransfer", transferType: "sepa", amount: "0.10", percent: null, minimum: null, currency: "EUR" },
        { kind: "accountMonthly", transferType: null, amount: "1.00", percent: null, minimum: null, currency: "EUR" },
        { kind: "foreignExchange", transferType: null, amount: null, percent: "0.25", minimum: "0.50", currency: "EUR" },
      ],
      version: 1,
      createdAt: answer["createdAt"],
      updatedAt: answer["createdAt"],
    });
    expect(await planOf(code)).toEqual(answer);
  });

  test("is replaced whole by a further version; what it said before is kept", async () => {
    const code = unique("plan");
    bodyOf(await put(code));
    const second = bodyOf(await put(code, { ...PLAN, name: "Business 2", limits: [], fees: [] }));
    expect(second).toMatchObject({ name: "Business 2", limits: [], fees: [], version: 2 });
    expect(await planOf(code)).toEqual(second);
    const { rows } = await bank.owner.query(
      `select v.version, v.name, v.actor_kind, (select count(*)::int from client_profile.plan_limit l where l.code = v.code and l.version = v.version) as limits
       from client_profile.plan_version v where v.code = $1 order by v.version`,
      [code],
    );
    expect(rows).toEqual([
      { version: 1, name: "Business", actor_kind: "system", limits: 2 },
      { version: 2, name: "Business 2", actor_kind: "system", limits: 0 },
    ]);
  });

  test("said once more, in another order and with what it was answered with, stays as it is", async () => {
    const code = unique("plan");
    const first = bodyOf(await put(code));
    const { code: _code, version: _version, createdAt: _created, updatedAt: _updated, ...words } = first;
    expect(bodyOf(await put(code, words))).toEqual(first);
    expect(bodyOf(await put(code, { ...PLAN, limits: [...PLAN.limits].reverse() }))).toEqual(first);
  });

  test("takes numbers for amounts, exactly", async () => {
    const code = unique("plan");
    const body = `{"name":"N","currency":"EUR","monthlyFee":1e1,"limits":[{"kind":"dailyOutgoing","amount":0.10,"currency":"EUR"}],
      "fees":[{"kind":"foreignExchange","percent":0.5,"minimum":1,"currency":"EUR"}]}`;
    expect(bodyOf(await put(code, body))).toMatchObject({
      monthlyFee: "10.00",
      limits: [{ amount: "0.10" }],
      fees: [{ percent: "0.50", minimum: "1.00" }],
    });
  });

  test("is created once by twenty who send it at once, and twenty changes at once are twenty versions", async () => {
    const code = unique("plan");
    const twins = await Promise.all(Array.from({ length: 20 }, () => put(code)));
    expect(twins.map((answer) => bodyOf(answer)["version"])).toEqual(Array.from({ length: 20 }, () => 1));
    const changes = await Promise.all(Array.from({ length: 20 }, (_, i) => put(code, { ...PLAN, name: `Name ${i}` })));
    const versions = changes.map((answer) => Number(bodyOf(answer)["version"])).sort((a, b) => a - b);
    expect(versions).toEqual(Array.from({ length: 20 }, (_, i) => i + 2));
  });

  test("is told in audit and events", async () => {
    const code = unique("plan");
    bodyOf(await put(code));
    bodyOf(await put(code, { ...PLAN, monthlyFee: "1" }));
    const read = async (text: string): Promise<unknown[]> => (await bank.owner.query(text, [`plan:${code}`])).rows;
    expect(await read("select action, detail from platform.audit_entry where subject = $1 order by id")).toEqual([
      { action: "plan.created", detail: { version: 1 } },
      { action: "plan.changed", detail: { version: 2 } },
    ]);
    expect(await read("select type, data from platform.event where subject = $1 order by id")).toEqual([
      { type: "plan.changed", data: { code, version: 1 } },
      { type: "plan.changed", data: { code, version: 2 } },
    ]);
  });

  test("is the bank's: a token of a tenant reads it and cannot change it", async () => {
    const north = bank.staffOf("north");
    expect((await north.get("/internal/Plans")).status).toBe(200);
    expect(codeOf(await north.put("/internal/Plans/standard", PLAN))).toEqual([403, "forbidden"]);
    expect(codeOf(await north.put(`/internal/Plans/${unique("plan")}`, PLAN))).toEqual([403, "forbidden"]);
    expect(await planOf("standard")).toMatchObject({ name: "Standard", version: 1 });
  });

  test("of everybody is there from the beginning, and believable", async () => {
    expect(await planOf("standard")).toMatchObject({
      name: "Standard",
      currency: "EUR",
      monthlyFee: "4.90",
      limits: [
        { kind: "accounts", count: 1000 },
        { kind: "singleTransfer", amount: "50000.00", currency: "EUR" },
        { kind: "dailyOutgoing", amount: "100000.00", currency: "EUR" },
        { kind: "monthlyOutgoing", amount: "500000.00", currency: "EUR" },
      ],
    });
  });
});

test("plans are listed in pages in the order of their codes", async () => {
  for (let i = 0; i < 3; i++) bodyOf(await put(unique("plan")));
  const all = (await plans()).map(({ code }) => String(code));
  expect(all).toEqual([...all].sort());
  const found: unknown[] = [];
  let next: string | null = null;
  do {
    const page = bodyOf(await bank.staff.get(`/internal/Plans?pageSize=2${next === null ? "" : `&cursor=${next}`}`));
    found.push(...(page["items"] as { code: unknown }[]).map(({ code }) => code));
    next = page["nextCursor"] as string | null;
  } while (next !== null);
  expect(found).toEqual(all);
  expect((await bank.staff.get("/internal/Plans?cursor=abc")).status).toBe(400);
});

describe("hostile plans", () => {
  test.each<[string, unknown]>([
    ["no body", ""],
    ["nothing", {}],
    ["no limits", { ...PLAN, limits: undefined }],
    ["a negative fee", { ...PLAN, monthlyFee: "-1" }],
    ["a fee of half a cent", { ...PLAN, monthlyFee: "0.005" }],
    ["a fee beyond the bound", { ...PLAN, monthlyFee: "99999999999999999999" }],
    ["a fee that is a word", { ...PLAN, monthlyFee: "free" }],
    ["a kind that nobody knows", { ...PLAN, limits: [{ kind: "weekly", amount: "1", currency: "EUR" }] }],
    ["a rail that nobody knows", { ...PLAN, fees: [{ kind: "outgoingTransfer", transferType: "pigeon", amount: "1", currency: "EUR" }] }],
    ["an empty name", { ...PLAN, name: "" }],
    ["a name of 101 characters", { ...PLAN, name: "x".repeat(101) }],
    ["a currency in small letters", { ...PLAN, currency: "eur" }],
    ["201 limits", { ...PLAN, limits: Array.from({ length: 201 }, () => ({ kind: "accounts", count: 1 })) }],
    ["the same twice", { ...PLAN, limits: [PLAN.limits[0], PLAN.limits[0]] }],
    ["half an account", { ...PLAN, limits: [{ kind: "accounts", count: 0.5 }] }],
    ["fewer than no accounts", { ...PLAN, limits: [{ kind: "accounts", count: -1 }] }],
    ["an unknown member", { ...PLAN, code: "other" }],
    ["a prototype", '{"__proto__":{"name":"x"},"name":"x"}'],
  ])("%s is refused, and no plan is made", async (_what, body) => {
    const code = unique("plan");
    expect((await put(code, body)).status).toBe(400);
    expect(await planOf(code)).toBeUndefined();
  });

  test.each(["Standard", "1a", "a_b", "a b", "x".repeat(41), "-a", "%2e%2e", "a'b"])("no plan is called %s", async (code) => {
    expect([400, 404]).toContain((await put(encodeURIComponent(code))).status);
    expect(await planOf(code)).toBeUndefined();
  });
});

describe("a client's plan", () => {
  test("is the standard one until another one is chosen, and then that", async () => {
    const code = await aPlanFor(3);
    const clientId = await bank.aClientThatIs("active", "north");
    expect(await bank.client(clientId)).toMatchObject({ plan: { code: "standard", name: "Standard" } });
    const answer = bodyOf(await choose(clientId, code));
    expect(answer).toMatchObject({ clientId, plan: { code, name: "Business" } });
    expect(await bank.client(clientId)).toEqual(answer);
    expect((await bank.events(clientId)).at(-1)).toEqual({
      type: "client.planChanged",
      tenant: "north",
      data: { clientId, from: "standard", to: code },
    });
    expect(await bank.auditOf(clientId, "client.planChanged")).toEqual([{ from: "standard", to: code }]);
  });

  test("chosen once more leaves no trace", async () => {
    const clientId = await bank.aClientThatIs("active");
    const before = await bank.client(clientId);
    expect(bodyOf(await choose(clientId, "standard"))).toEqual(before);
    expect(await bank.auditOf(clientId, "client.planChanged")).toEqual([]);
  });

  test("must be one that there is: 400", async () => {
    const clientId = await bank.aClientThatIs("active");
    expect(await choose(clientId, "no-such-plan")).toMatchObject({ status: 400, body: { errors: { code: ["There is no such plan."] } } });
    for (const code of [undefined, null, 1, "", "UPPER", ["standard"], "x'; --"]) expect((await choose(clientId, code)).status).toBe(400);
  });

  test.each(["rejected", "closed"] as const)("of a %s client stays: 409 invalidState", async (status) => {
    const clientId = await bank.aClientThatIs(status);
    expect(await choose(clientId, await aPlanFor(1))).toMatchObject({ status: 409, body: { code: "invalidState", clientStatus: status } });
  });

  test("of a client whose data only wait for the end of their retention stays: 409 invalidState", async () => {
    const clientId = await bank.aClientThatIs("active");
    await bank.owner.query("update client_profile.client set restricted_at = now() where id = $1", [clientId]);
    expect(codeOf(await choose(clientId, await aPlanFor(1)))).toEqual([409, "invalidState"]);
  });

  test("of another tenant, and of nobody, is not found", async () => {
    const clientId = await bank.aClientThatIs("active", "north");
    const south = bank.staffOf("south");
    for (const id of [clientId, NOBODY]) {
      expect(codeOf(await south.put(`/internal/Clients/${id}/plan`, { code: "standard" }))).toEqual([404, "notFound"]);
    }
  });

  test("survives a block at the same moment: both are done", async () => {
    const code = await aPlanFor(3);
    for (let round = 0; round < 5; round++) {
      const clientId = await bank.aClientThatIs("active");
      await Promise.all([choose(clientId, code), bank.block(clientId)]).then((answers) => answers.map(bodyOf));
      expect(await bank.client(clientId)).toMatchObject({ status: "blocked", plan: { code } });
    }
  });
});

describe("accounts beyond what the plan allows", () => {
  test("are refused with 409 limitExceeded, to the bank and to the client; closed ones do not count", async () => {
    const clientId = await bank.aClientThatIs("active");
    bodyOf(await choose(clientId, await aPlanFor(2)));
    const first = bodyOf(await open(clientId)) as TestAccount;
    bodyOf(await bank.clientCalls(clientId).post("/Accounts", { currency: "EUR" }));
    expect(await open(clientId)).toMatchObject({ status: 409, body: { code: "limitExceeded", limit: 2 } });
    expect(codeOf(await bank.clientCalls(clientId).post("/Accounts", { currency: "GBP" }))).toEqual([409, "limitExceeded"]);
    bodyOf(await bank.system.put(`/v2/internal/Accounts/${first.id}/close`));
    expect((await open(clientId)).status).toBe(200);
  });

  test("are not opened by twenty who try at once either", async () => {
    const clientId = await bank.aClientThatIs("active");
    bodyOf(await choose(clientId, await aPlanFor(5)));
    const own = bank.clientCalls(clientId);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? open(clientId) : own.post("/Accounts", { currency: "EUR" }))),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    for (const answer of answers.filter(({ status }) => status !== 200)) expect(codeOf(answer)).toEqual([409, "limitExceeded"]);
  });

  test("stay open when the plan allows fewer later, and without a limit there is none", async () => {
    const clientId = await bank.aClientThatIs("active");
    bodyOf(await open(clientId));
    bodyOf(await open(clientId));
    bodyOf(await choose(clientId, await aPlanFor(0)));
    expect(codeOf(await open(clientId))).toEqual([409, "limitExceeded"]);
    expect(Object.values(bodyOf(await bank.clientCalls(clientId).get("/Accounts")))).toHaveLength(2);
    const unlimited = unique("plan");
    bodyOf(await put(unlimited, { ...PLAN, limits: [] }));
    bodyOf(await choose(clientId, unlimited));
    expect((await open(clientId)).status).toBe(200);
  });

  test("a limit that is changed holds for the next account", async () => {
    const code = await aPlanFor(1);
    const clientId = await bank.aClientThatIs("active");
    bodyOf(await choose(clientId, code));
    bodyOf(await open(clientId));
    expect(codeOf(await open(clientId))).toEqual([409, "limitExceeded"]);
    bodyOf(await put(code, { ...PLAN, limits: [{ kind: "accounts", count: 2 }] }));
    expect((await open(clientId)).status).toBe(200);
  });

  test("the bank's own accounts have no plan", async () => {
    expect((await bank.anAccount()).id).toBeTruthy();
  });
});

describe("the database", () => {
  const asApp = (text: string) => bank.db.write({ kind: "system", id: "test", tenant: null, traceId: "test" }, (tx) => tx.query(text, []));

  test.each([
    ["plan_limit_kind_is_known", "insert into client_profile.plan_limit values ('standard', 1, 'weekly', 'EUR', 1, null)"],
    ["plan_limit_is_of_its_kind", "insert into client_profile.plan_limit values ('standard', 1, 'dailyOutgoing', 'GBP', 1, 1)"],
    ["plan_limit_once_per_kind_and_currency", "insert into client_profile.plan_limit values ('standard', 1, 'accounts', null, null, 5)"],
    ["plan_limit_is_an_amount", "insert into client_profile.plan_limit values ('standard', 1, 'dailyOutgoing', 'GBP', -1, null)"],
    [
      "plan_fee_is_of_its_kind",
      "insert into client_profile.plan_fee values ('standard', 1, 'outgoingTransfer', null, 'GBP', 1, null, null)",
    ],
    ["plan_fee_is_a_share", "insert into client_profile.plan_fee values ('standard', 1, 'foreignExchange', null, 'GBP', null, 1000001, 0)"],
    [
      "plan_fee_rail_is_known",
      "insert into client_profile.plan_fee values ('standard', 1, 'outgoingTransfer', 'pigeon', 'GBP', 1, null, null)",
    ],
    ["plan_code_is_a_name", "insert into client_profile.plan values ('Gold', 1, now(), now())"],
    ["plan_has_the_version_that_holds", "insert into client_profile.plan values ('gold', 1, now(), now())"],
    ["plan_has_the_version_that_holds", "update client_profile.plan set version = 99 where code = 'standard'"],
  ])("%s holds", async (constraint, statement) => {
    await expect(asApp(statement)).rejects.toMatchObject({ constraint });
  });

  test.each(["plan", "plan_version", "plan_limit", "plan_fee"])("never lets the product remove from %s", async (table) => {
    await expect(asApp(`delete from client_profile.${table}`)).rejects.toMatchObject({ code: "42501" });
  });
});
