// Operation 19: what a code is good for, how often one may be wrong, and what the token proves (SCA-2, 4, 6, 10, 11).

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Actor } from "#platform/db.ts";
import { aClient, aNewClient, unique } from "../builders.ts";
import { type CodesApp, openCodesApp, otpIdOf, OWN_ACCOUNT, SEND, VERIFY, wrong } from "../setup/codes.ts";
import type { TestCalls } from "../setup/http.ts";
import { standAs } from "../setup/standing.ts";

const actor: Actor = { kind: "system", id: "test", tenant: null, traceId: "00-11111111111111111111111111111111-2222222222222222-01" };
const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const CLOSE = { operation: "closeAccount", accountId: OWN_ACCOUNT };

let bank: CodesApp;
beforeAll(async () => {
  bank = await openCodesApp();
});
afterAll(() => bank.close());

const verify = (calls: TestCalls, otpId: string, code: unknown, headers?: Record<string, string>) =>
  calls.post(VERIFY, { otpId, code }, headers);
const failuresOf = async (clientId: string): Promise<number> => {
  const { rows } = await bank.owner.query<{ failures: number }>(
    "select failures from one_time_codes.client_failures where client_id = $1",
    [clientId],
  );
  return rows[0]?.failures ?? 0;
};
const blockOut = async (calls: TestCalls, { otpId, code }: { otpId: string; code: string }) => {
  for (let n = 1; n < 5; n++)
    expect((await verify(calls, otpId, wrong(code, n))).body).toMatchObject({ code: "otpInvalid", attemptsLeft: 5 - n });
  return await verify(calls, otpId, wrong(code, 5));
};
type Use = Parameters<CodesApp["codes"]["consumeVerificationToken"]>[1];
const consume = (use: Use): Promise<boolean> => bank.db.write(actor, (tx) => bank.codes.consumeVerificationToken(tx, use));
const aToken = async (order: Record<string, unknown> = CLOSE) => {
  const { clientId, calls } = await bank.aHolder();
  const { otpId, code } = await bank.aCode(calls, order);
  const { body } = await verify(calls, otpId, code);
  return { clientId, calls, otpId, token: String(body["verificationToken"]) };
};

describe("the right code", () => {
  test("is accepted once", async () => {
    const { calls } = await bank.aHolder();
    const { otpId, code } = await bank.aCode(calls);
    const { status, body } = await verify(calls, otpId, code);
    expect(status).toBe(200);
    expect(body).toEqual({
      verified: true,
      verificationToken: expect.stringMatching(/^[\w-]{64}$/) as string,
      expiresAt: expect.stringMatching(INSTANT) as string,
    });
    expect(await verify(calls, otpId, code)).toMatchObject({ status: 409, body: { code: "otpExpired" } });
  });

  test("is accepted once of fifty at the same moment", async () => {
    const { calls } = await bank.aHolder();
    const { otpId, code } = await bank.aCode(calls);
    const answers = await Promise.all(Array.from({ length: 50 }, () => verify(calls, otpId, code)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ body }) => body["code"] === "otpExpired")).toHaveLength(49);
  });

  test("under a key is answered again with the same bytes, and the token stands nowhere in the database", async () => {
    const { calls } = await bank.aHolder();
    const { otpId, code } = await bank.aCode(calls);
    const key = { "idempotency-key": unique("otp") };
    const [first, again] = [await verify(calls, otpId, code, key), await verify(calls, otpId, code, key)];
    expect([first.status, again.status, again.text, again.headers["idempotency-replayed"]]).toEqual([200, 200, first.text, "true"]);
    const token = String(first.body["verificationToken"]);
    const { rows } = await bank.owner.query<{ answer: string }>("select answer from platform.idempotency_key where answer like $1", [
      `%${otpId}%`,
    ]);
    expect(rows).toHaveLength(1);
    expect(rows[0]?.answer).not.toContain(token);
  });

  test("is refused with the id of another client's code, of none, and by another client, as if there were nothing", async () => {
    const [holder, other] = [await bank.aHolder(), await bank.aHolder()];
    const { otpId, code } = await bank.aCode(holder.calls);
    const [foreign, absent] = [await verify(other.calls, otpId, code), await verify(other.calls, NOBODY, code)];
    expect([foreign.status, absent.status]).toEqual([404, 404]);
    const { traceId: _, ...body } = foreign.body;
    expect(absent.body).toMatchObject(body);
    expect(await failuresOf(other.clientId)).toBe(0);
    expect((await verify(holder.calls, otpId, code)).status).toBe(200);
  });

  test.each([
    ["299 seconds", 200],
    ["301 seconds", 409],
  ])("%s after it was made: %i", async (age, status) => {
    const { clientId, calls } = await bank.aHolder();
    const { otpId, code } = await bank.aCode(calls);
    await bank.age(clientId, age);
    const answer = await verify(calls, otpId, code);
    expect(answer.status).toBe(status);
    if (status === 409) expect(answer.body).toMatchObject({ code: "otpExpired" });
  });

  test("dies with a change of the address it was sent to", async () => {
    const { clientId, calls } = await bank.aHolder();
    const { otpId, code } = await bank.aCode(calls);
    const { type: _type, externalId: _id, ...person } = aNewClient("individual");
    const staff = bank.callAs({ kind: "system", scopes: ["clients.write"] });
    expect((await staff.put(`/internal/Clients/${clientId}`, { ...person, phoneNumber: "+4915199999999" })).status).toBe(200);
    expect((await verify(calls, otpId, code)).body).toMatchObject({ code: "otpExpired" });
  });

  test("sets the count of failures back", async () => {
    const { clientId, calls } = await bank.aHolder();
    const { otpId, code } = await bank.aCode(calls);
    await verify(calls, otpId, wrong(code));
    expect(await failuresOf(clientId)).toBe(1);
    expect((await verify(calls, otpId, code)).status).toBe(200);
    expect(await failuresOf(clientId)).toBe(0);
  });
});

describe("a wrong code", () => {
  test("five times blocks: the right one is refused, and so are new codes, until the time is over", async () => {
    const { clientId, calls } = await bank.aHolder();
    const sent = await bank.aCode(calls);
    const fifth = await blockOut(calls, sent);
    expect(fifth).toMatchObject({ status: 409, body: { code: "otpAttemptsExceeded", attemptsLeft: 0 } });
    expect(fifth.body["blockedUntil"]).toMatch(INSTANT);
    expect((await verify(calls, sent.otpId, sent.code)).body).toMatchObject({
      code: "otpAttemptsExceeded",
      blockedUntil: fifth.body["blockedUntil"],
    });
    expect((await calls.post(SEND, CLOSE)).body).toMatchObject({ code: "otpAttemptsExceeded", blockedUntil: fifth.body["blockedUntil"] });
    await bank.age(clientId, "14 minutes 58 seconds");
    expect((await calls.post(SEND, CLOSE)).body).toMatchObject({ code: "otpAttemptsExceeded" });
    await bank.age(clientId, "3 seconds");
    // The block is over; its code stays dead.
    expect((await verify(calls, sent.otpId, sent.code)).body).toMatchObject({ code: "otpAttemptsExceeded", attemptsLeft: 0 });
    const next = await bank.aCode(calls);
    expect((await verify(calls, next.otpId, next.code)).status).toBe(200);
  });

  test("is counted for the client: neither a new code nor one for something else sets it back", async () => {
    const { clientId, calls } = await bank.aHolder();
    const first = await bank.aCode(calls);
    for (let n = 1; n <= 2; n++) await verify(calls, first.otpId, wrong(first.code, n));
    await bank.age(clientId, "61 seconds");
    const second = await bank.aCode(calls);
    expect((await verify(calls, second.otpId, wrong(second.code))).body).toMatchObject({ attemptsLeft: 2 });
    const third = await bank.aCode(calls, CLOSE);
    expect((await verify(calls, third.otpId, wrong(third.code))).body).toMatchObject({ attemptsLeft: 1 });
    expect((await verify(calls, third.otpId, wrong(third.code))).body).toMatchObject({ code: "otpAttemptsExceeded" });
    // All codes of the client died.
    expect((await verify(calls, second.otpId, second.code)).body).toMatchObject({ code: "otpAttemptsExceeded" });
  });

  test("of two hundred at the same moment five are judged", async () => {
    const { clientId, calls } = await bank.aHolder();
    const { otpId, code } = await bank.aCode(calls);
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => verify(calls, otpId, wrong(code, n + 1))));
    const codes = answers.map(({ body }) => body["code"]);
    expect(codes.filter((each) => each === "otpInvalid")).toHaveLength(4);
    expect(codes.filter((each) => !["otpInvalid", "otpAttemptsExceeded", "busy"].includes(String(each)))).toEqual([]);
    const { rows } = await bank.owner.query(
      "select action from platform.audit_entry where subject = $1 and action like 'oneTimeCode.%' order by id",
      [`client:${clientId}`],
    );
    expect(rows.map((row: { action: string }) => row.action.slice("oneTimeCode.".length))).toEqual([
      "requested",
      ...Array<string>(4).fill("failed"),
      "blocked",
    ]);
    expect((await verify(calls, otpId, code)).body).toMatchObject({ code: "otpAttemptsExceeded" });
  });

  test("under a key is counted once, however often it is repeated", async () => {
    const { clientId, calls } = await bank.aHolder();
    const { otpId, code } = await bank.aCode(calls);
    const key = { "idempotency-key": unique("otp") };
    const [first, again] = [await verify(calls, otpId, wrong(code), key), await verify(calls, otpId, wrong(code), key)];
    expect([first.status, again.status, again.body, again.headers["idempotency-replayed"]]).toEqual([409, 409, first.body, "true"]);
    expect(await failuresOf(clientId)).toBe(1);
  });

  test("a third block within a day stays until it is lifted; the client is warned before", async () => {
    const { clientId, calls } = await bank.aHolder();
    const details: unknown[] = [];
    for (let block = 1; block <= 3; block++) {
      const sent = await bank.aCode(calls);
      const { body } = await blockOut(calls, sent);
      details.push(body["detail"]);
      if (block < 3) await bank.age(clientId, "15 minutes 1 second");
      else expect(body["blockedUntil"]).toBeNull();
    }
    expect(details).toEqual([
      null,
      "Another block within a day stays until the bank lifts it.",
      "The block stays until the bank lifts it.",
    ]);
    await bank.age(clientId, "30 days");
    expect((await calls.post(SEND, CLOSE)).body).toMatchObject({ code: "otpAttemptsExceeded", blockedUntil: null });
    const { rows } = await bank.owner.query<{ data: object }>(
      "select data from platform.event where type = 'client.oneTimeCodesBlocked' and subject = $1 order by id",
      [`client:${clientId}`],
    );
    expect(rows.map(({ data }) => data)).toEqual([
      { until: expect.stringMatching(INSTANT) as string },
      { until: expect.stringMatching(INSTANT) as string },
      { until: null },
    ]);
  });

  const staff = (subject = "officer"): TestCalls => bank.callAs({ kind: "system", scopes: ["clients.write"], subject });
  const unblock = (clientId: string) => staff().put(`/internal/Clients/${clientId}/unblock`);
  const liftedOf = async (clientId: string): Promise<readonly unknown[]> => {
    const { rows } = await bank.owner.query<{ by: string | null }>(
      "select lifted_by as by from one_time_codes.block where client_id = $1 order by id",
      [clientId],
    );
    return rows.map(({ by }) => by);
  };

  test("a block that stays is lifted with the client's unblocking: codes come again, and it counts no more", async () => {
    const { clientId, calls } = await bank.aHolder();
    for (let block = 1; block <= 3; block++) {
      await blockOut(calls, await bank.aCode(calls));
      if (block < 3) await bank.age(clientId, "15 minutes 1 second");
    }
    expect(await unblock(clientId)).toMatchObject({ status: 200, body: { clientId, status: "active" } });
    expect(await liftedOf(clientId)).toEqual(["officer", "officer", "officer"]);
    await bank.age(clientId, "61 seconds");
    const next = await bank.aCode(calls);
    expect((await blockOut(calls, next)).body["blockedUntil"]).toMatch(INSTANT);
    await unblock(clientId);
    await bank.age(clientId, "61 seconds");
    // What a block has ended stays ended.
    expect((await verify(calls, next.otpId, next.code)).body).toMatchObject({ code: "otpAttemptsExceeded" });
    const last = await bank.aCode(calls);
    expect((await verify(calls, last.otpId, last.code)).status).toBe(200);
    const { rows } = await bank.owner.query(
      `select a.actor_id as by, a.detail, (select count(*)::int from platform.event e where e.subject = a.subject and e.type = 'client.oneTimeCodesUnblocked') as events
       from platform.audit_entry a where a.subject = $1 and a.action = 'oneTimeCode.blocksLifted' order by a.id`,
      [`client:${clientId}`],
    );
    expect(rows).toEqual([
      { by: "officer", detail: { blocks: 3 }, events: 2 },
      { by: "officer", detail: { blocks: 1 }, events: 2 },
    ]);
  });

  test("blocks that are over are not lifted, and none is where the client cannot be unblocked", async () => {
    const { clientId, calls } = await bank.aHolder();
    await blockOut(calls, await bank.aCode(calls));
    await standAs(bank, clientId, "pending");
    expect((await unblock(clientId)).status).toBe(409);
    expect(await liftedOf(clientId)).toEqual([null]);
    await standAs(bank, clientId, "active");
    await bank.age(clientId, "15 minutes 1 second");
    expect((await unblock(clientId)).status).toBe(200);
    expect(await liftedOf(clientId)).toEqual([null]);
  });

  test("blocks that are a day apart do not add up", async () => {
    const { clientId, calls } = await bank.aHolder();
    for (let block = 1; block <= 3; block++) {
      expect((await blockOut(calls, await bank.aCode(calls))).body["blockedUntil"]).toMatch(INSTANT);
      await bank.age(clientId, "12 hours 1 minute");
    }
  });
});

describe("what is no code", () => {
  test.each([
    [" 123456"],
    ["123456 "],
    ["123456\n"],
    ["１２３４５６"],
    ["0123456"],
    ["12345"],
    ["12345a"],
    [""],
    [123456],
    [null],
    [["123456"]],
    [{ code: "123456" }],
    ["١٢٣٤٥٦"],
  ])("%j is a wrong request and no try", async (code) => {
    const { clientId, calls } = await bank.aHolder();
    const { otpId } = await bank.aCode(calls);
    const answer = await verify(calls, otpId, code);
    expect(answer).toMatchObject({ status: 400, body: { code: "validationFailed", errors: { code: expect.anything() as object } } });
    expect(await failuresOf(clientId)).toBe(0);
  });

  test("an id that is no uuid and a member too many are wrong requests", async () => {
    const { calls } = await bank.aHolder();
    expect((await verify(calls, "1", "123456")).status).toBe(400);
    expect((await calls.post(VERIFY, { otpId: NOBODY, code: "123456", extra: 1 })).status).toBe(400);
  });
});

describe("the token", () => {
  test("is used up once, also by two at the same moment", async () => {
    const { clientId, token } = await aToken();
    const use: Use = { clientId, token, operation: "closeAccount", accountId: OWN_ACCOUNT };
    expect((await Promise.all([consume(use), consume(use), consume(use)])).filter(Boolean)).toHaveLength(1);
    expect(await consume(use)).toBe(false);
  });

  test("is not used up when its transaction is rolled back", async () => {
    const { clientId, token } = await aToken();
    const use: Use = { clientId, token, operation: "closeAccount", accountId: OWN_ACCOUNT };
    const failing = bank.db.write(actor, async (tx) => {
      expect(await bank.codes.consumeVerificationToken(tx, use)).toBe(true);
      throw new Error("something else");
    });
    await expect(failing).rejects.toThrow("something else");
    expect(await consume(use)).toBe(true);
  });

  test("is good for its client, operation and account alone, and unchanged", async () => {
    const { clientId, token } = await aToken();
    const stranger = await aClient(bank);
    const use: Use = { clientId, token, operation: "closeAccount", accountId: OWN_ACCOUNT };
    const others: Use[] = [
      { ...use, clientId: stranger },
      { ...use, operation: "openAccount" },
      { ...use, accountId: NOBODY },
      { ...use, accountId: null },
      { ...use, token: "" },
      { ...use, token: `${token}A` },
      { ...use, token: `${token}=` },
      { ...use, token: token.slice(0, -1) },
      { ...use, token: (token.startsWith("A") ? "B" : "A") + token.slice(1) },
      { ...use, token: token.toUpperCase() },
      { ...use, token: "A".repeat(64) },
    ];
    for (const other of others) expect(await consume(other), JSON.stringify(other)).toBe(false);
    expect(await consume(use)).toBe(true);
  });

  test.each([
    ["299 seconds", true],
    ["301 seconds", false],
  ])("%s after the code was verified: %s", async (age, accepted) => {
    const { clientId, token } = await aToken({ operation: "openAccount" });
    await bank.age(clientId, age);
    expect(await consume({ clientId, token, operation: "openAccount", accountId: null })).toBe(accepted);
  });

  test("cannot be made from a code that was never verified", async () => {
    const { clientId, calls, token } = await aToken();
    await bank.age(clientId, "61 seconds");
    const { otpId } = await bank.aCode(calls, CLOSE);
    const bytes = Buffer.from(token, "base64url");
    bytes.write(otpId.replaceAll("-", ""), "hex");
    expect(await consume({ clientId, token: bytes.toString("base64url"), operation: "closeAccount", accountId: OWN_ACCOUNT })).toBe(false);
  });
});

test("a blocked client may not try: 403; one that is not active: 409", async () => {
  const { clientId, calls } = await bank.aHolder();
  const { otpId, code } = await bank.aCode(calls);
  await standAs(bank, clientId, "blocked");
  expect(await verify(calls, otpId, code)).toMatchObject({ status: 403, body: { code: "clientBlocked" } });
  expect(await calls.post(SEND, CLOSE)).toMatchObject({ status: 403, body: { code: "clientBlocked" } });
  await standAs(bank, clientId, "closed");
  expect(await verify(calls, otpId, code)).toMatchObject({ status: 409, body: { code: "clientNotActive", clientStatus: "closed" } });
});

test("a token of another tenant finds neither client nor code", async () => {
  const { clientId, calls } = await bank.aHolder();
  const { otpId, code } = await bank.aCode(calls);
  const elsewhere = bank.callAs({ kind: "client", clientId, tenant: "elsewhere" });
  expect((await verify(elsewhere, otpId, code)).status).toBe(404);
  expect((await elsewhere.post(SEND, CLOSE)).status).toBe(404);
  expect(otpIdOf(await calls.post(SEND, CLOSE))).not.toBe(otpId);
});
