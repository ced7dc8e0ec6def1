// What belongs to another client or another tenant does not exist: wherever its id is named, the answer is that of an id that never was
// (contract decisions 11 and 19), and nothing is told or changed.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aClient, aLine, anAccountOrder, aTransfer, unique } from "../builders.ts";
import type { TestAnswer, TestCalls } from "../setup/http.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const NEVER = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";
const NEVER_NUMBER = "0000000000";
/** In all that the north owns, so that it is found wherever it leaks. */
const CANARY = "Kanarienvogel";

type Tenant = {
  readonly name: string;
  readonly calls: TestCalls;
  readonly clientId: string;
  readonly client: TestAccount;
  readonly other: TestAccount;
  readonly payment: Readonly<Record<string, unknown>>;
};

let bank: LedgerApp;
let north: Tenant;
let south: Tenant;
beforeAll(async () => {
  bank = await openLedgerApp();
  [north, south] = [await makeTenant("north", CANARY), await makeTenant("south", "Plain")];
});
afterAll(() => bank.close());

async function makeTenant(name: string, mark: string): Promise<Tenant> {
  const calls = bank.systemOf(name);
  const open = async (changes: object): Promise<TestAccount> =>
    bodyOf(await calls.post("/v2/internal/Accounts", anAccountOrder({ name: mark, ...changes }))) as TestAccount;
  const clientId = await aClient(bank, { tenant: name });
  const client = await open({ type: "client", clientId });
  const other = await open({ type: "clearing" });
  const order = aTransfer(other, client, "123.45", { externalId: "shared-by-both", description: mark, metadata: { mark } });
  const payment = bodyOf(await calls.post("/v2/internal/Payments/transfer", order));
  return { name, calls, clientId, client, other, payment };
}

/** The answer without what names the call and the id that was asked for. */
function shapeOf(answer: TestAnswer, ...ids: unknown[]): unknown {
  const { traceId: _trace, instance: _instance, ...body } = answer.body;
  const text = ids.reduce<string>((before, id) => before.replaceAll(new RegExp(String(id), "gi"), "<id>"), JSON.stringify(body));
  return { status: answer.status, type: answer.headers["content-type"], text };
}

function expectLikeAbsent(foreign: TestAnswer, absent: TestAnswer, id: unknown, never = NEVER): void {
  expect(foreign.status).toBe(404);
  expect(shapeOf(foreign, id)).toEqual(shapeOf(absent, never));
  expect(foreign.text).not.toContain(CANARY);
  expect(Object.keys(foreign.headers).sort()).toEqual(Object.keys(absent.headers).sort());
}

describe("another client's account", () => {
  test.each([
    ["of the same tenant", "north"],
    ["of another tenant", "south"],
  ])("%s is not found by id, number or IBAN", async (_, tenant) => {
    const stranger = bank.clientCalls(await aClient(bank, { tenant }), tenant);
    for (const [name, never] of [
      [north.client.id, NEVER],
      [north.client.accountNumber, NEVER_NUMBER],
      [north.client.iban, NEVER_NUMBER],
      [north.client.iban?.toLowerCase(), NEVER_NUMBER],
      [north.other.id, NEVER],
      [north.other.accountNumber, NEVER_NUMBER],
    ]) {
      expectLikeAbsent(
        await stranger.get(`/Accounts/${String(name)}`),
        await stranger.get(`/Accounts/${String(never)}`),
        name,
        never ?? "",
      );
    }
    expect((await stranger.get("/Accounts")).text).toBe("[]");
  });

  test("is not found by its own client with a token of another tenant", async () => {
    const own = bank.clientCalls(north.clientId, "north");
    expect((await own.get(`/Accounts/${north.client.id}`)).status).toBe(200);
    const wrong = bank.clientCalls(north.clientId, "south");
    for (const name of [north.client.id, north.client.accountNumber, north.client.iban])
      expect((await wrong.get(`/Accounts/${String(name)}`)).status).toBe(404);
    expect((await wrong.get("/Accounts")).text).toBe("[]");
  });
});

describe("another tenant's things", () => {
  test("accounts, payments and statements are not found by id", async () => {
    const paths = [
      [(id: unknown) => `/v2/ledger/internal/Accounts/${String(id)}`, north.client.id],
      [(id: unknown) => `/v2/ledger/internal/Accounts/${String(id)}`, north.other.id],
      [(id: unknown) => `/v2/internal/Payments/${String(id)}`, north.payment["id"]],
      [(id: unknown) => `/internal/Transactions?accountId=${String(id)}`, north.client.id],
      [(id: unknown) => `/internal/Transactions?accountId=${String(id)}&pageNumber=2`, north.other.id],
    ] as const;
    for (const [path, id] of paths) {
      expect((await north.calls.get(path(id))).status).toBe(200);
      expect((await bank.system.get(path(id))).status).toBe(200);
      expectLikeAbsent(await south.calls.get(path(id)), await south.calls.get(path(NEVER)), id);
    }
  });

  test("payments are not found by externalId, each tenant finds its own", async () => {
    for (const { calls, payment } of [north, south]) {
      const { body } = await calls.get("/v2/internal/Payments?externalId=shared-by-both");
      expect(body).toMatchObject({ items: [payment], totalCount: 1 });
    }
    expect((await bank.systemOf("west").get("/v2/internal/Payments?externalId=shared-by-both")).body).toMatchObject({
      items: [],
      totalCount: 0,
    });
    const all = (await bank.system.get("/v2/internal/Payments?externalId=shared-by-both")).body["items"] as { id: string }[];
    expect(new Set(all.map(({ id }) => id))).toEqual(new Set([north.payment["id"], south.payment["id"]]));
  });

  test("accounts cannot be paid from or to, alone, in lines, or in batches", async () => {
    const PATH = "/v2/internal/Payments/transfer";
    for (const foreign of [north.client, north.other]) {
      const orders = (id: string): Record<string, unknown>[] => {
        const target = { ...foreign, id };
        const externalId = "never-used";
        return [
          aTransfer(south.other, target, "1.00", { externalId }),
          aTransfer(target, south.other, "1.00", { externalId }),
          { externalId, transactions: [aLine(south.other, south.client, "1.00"), aLine(south.other, target, "1.00")] },
          // What would be wrong with it if one could see it is not told either.
          aTransfer(target, south.other, "999999.00", { externalId, currency: "USD" }),
        ];
      };
      for (const [index, order] of orders(foreign.id).entries()) {
        const absent = orders(NEVER)[index];
        expectLikeAbsent(await south.calls.post(PATH, order), await south.calls.post(PATH, absent), foreign.id);
        const batch = (item: unknown, atomic: boolean) => south.calls.post("/v2/internal/Payments/batch", { payments: [item], atomic });
        expectLikeAbsent(await batch(order, true), await batch(absent, true), foreign.id);
        const [listed, never] = [await batch(order, false), await batch(absent, false)];
        const problemOf = (answer: TestAnswer): object => ((answer.body["results"] as { problem: object }[])[0] ?? { problem: {} }).problem;
        expect(problemOf(listed)).toMatchObject({ status: 404, code: "notFound" });
        expect(shapeOf({ ...listed, body: { ...problemOf(listed) } }, foreign.id)).toEqual(
          shapeOf({ ...never, body: { ...problemOf(never) } }, NEVER),
        );
      }
    }
    expect(await bank.account(north.client.id)).toMatchObject({ balance: "123.45", version: 2 });
  });

  test("clients can be given no account", async () => {
    const order = (clientId: string) => anAccountOrder({ type: "client", clientId });
    const foreign = await south.calls.post("/v2/internal/Accounts", order(north.clientId));
    expectLikeAbsent(foreign, await south.calls.post("/v2/internal/Accounts", order(NEVER)), north.clientId);
    await bank.owner.query("update client_profile.client set status = 'blocked', blocked_at = now() where id = $1", [south.clientId]);
    const blocked = await north.calls.post("/v2/internal/Accounts", order(south.clientId));
    expectLikeAbsent(blocked, await north.calls.post("/v2/internal/Accounts", order(NEVER)), south.clientId);
    await bank.owner.query("update client_profile.client set status = 'active', blocked_at = null where id = $1", [south.clientId]);
  });

  test("idempotency keys are its own", async () => {
    const key = { "idempotency-key": unique("key") };
    const same = bank.systemOf("north", "robot");
    const order = aTransfer(north.other, north.client, "1.00");
    expect((await same.post("/v2/internal/Payments/transfer", order, key)).status).toBe(200);
    const answer = await bank
      .systemOf("south", "robot")
      .post("/v2/internal/Payments/transfer", aTransfer(south.other, south.client, "1.00"), key);
    expect([answer.status, answer.headers["idempotency-replayed"]]).toEqual([200, undefined]);
    expect((await bank.systemOf("south", "robot").post("/v2/internal/Payments/transfer", order, key)).status).toBe(422);
  });
});

describe("the bank's own system", () => {
  test("moves money between tenants; each side sees its own account and not the other's payment", async () => {
    const order = aTransfer(north.client, south.client, "3.45");
    const payment = bodyOf(await bank.transfer(order));
    expect(payment).toMatchObject({ clientId: north.clientId, state: "posted" });
    const path = `/v2/internal/Payments/${String(payment["id"])}`;
    expect((await north.calls.get(path)).status).toBe(200);
    expect((await south.calls.get(path)).status).toBe(404);
    const { body } = await south.calls.get(`/internal/Transactions?accountId=${south.client.id}`);
    expect((body["items"] as object[])[0]).toMatchObject({ paymentId: payment["id"], direction: "credit", amount: "3.45" });
  });

  test("shares its externalIds with the tenant default, whose token learns nothing of other tenants by naming one", async () => {
    const order = aTransfer(north.other, north.client, "5.00", { description: CANARY });
    bodyOf(await bank.transfer(order));
    const confined = bank.systemOf("default");
    const key = { "idempotency-key": unique("key") };
    for (const answer of [
      await confined.post("/v2/internal/Payments/transfer", order),
      await confined.post("/v2/internal/Payments/transfer", order, key),
      await confined.post("/v2/internal/Payments/transfer", order, key),
      await confined.post("/v2/internal/Payments/batch", { payments: [order], atomic: true }),
      await confined.post("/v2/internal/Payments/batch", { payments: [order] }),
    ]) {
      expect(answer.text).toContain("duplicateExternalId");
      expect(answer.text).not.toContain(CANARY);
    }
  });
});
