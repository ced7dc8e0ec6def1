// Operation 18: to whom a code goes, how often, and that it stands nowhere but in the message (SCA-7 to 9, 11, 12; EXT-18).

import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { anIndividual, unique } from "../builders.ts";
import { codeOf, type CodesApp, openCodesApp, otpIdOf, OWN_ACCOUNT, SEND, VERIFY } from "../setup/codes.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const OPEN = { operation: "openAccount" };
const CLOSE = { operation: "closeAccount", accountId: OWN_ACCOUNT };

let bank: CodesApp;
beforeAll(async () => {
  bank = await openCodesApp();
});
afterEach(() => bank.behave({ mode: "normal" }));
afterAll(() => bank.close());

const secondsBetween = (early: unknown, late: unknown): number => (Date.parse(String(late)) - Date.parse(String(early))) / 1000;

describe("the answer", () => {
  test("says where the code goes, half hidden, and how long it lives; not the code", async () => {
    const { calls } = await bank.aHolder({ phoneNumber: "+37061234578" });
    const { status, body, text } = await calls.post(SEND, CLOSE);
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual(["otpId", "channel", "maskedDestination", "expiresAt", "resendAvailableAt"]);
    expect(body).toMatchObject({ otpId: expect.stringMatching(UUID) as string, channel: "sms", maskedDestination: "+370******78" });
    expect(secondsBetween(body["resendAvailableAt"], body["expiresAt"])).toBeCloseTo(240, 1);
    await bank.untilSent();
    const [message] = await bank.messagesOf(otpIdOf({ status, body, text, headers: {} }));
    expect(message).toMatchObject({ channel: "sms", destination: "+37061234578" });
    expect(text).not.toContain(codeOf(message));
  });

  test("under a key is the same again, and nothing more is sent", async () => {
    const { clientId, calls } = await bank.aHolder();
    const key = { "idempotency-key": unique("otp") };
    const [first, again] = [await calls.post(SEND, OPEN, key), await calls.post(SEND, OPEN, key)];
    expect([again.status, again.text, again.headers["idempotency-replayed"]]).toEqual([200, first.text, "true"]);
    const { rows } = await bank.owner.query("select from one_time_codes.challenge where client_id = $1", [clientId]);
    expect(rows).toHaveLength(1);
  });
});

describe("the message", () => {
  test.each([
    ["openAccount", undefined, "open an account"],
    ["closeAccount", OWN_ACCOUNT, "close an account"],
    ["viewDetails", OWN_ACCOUNT, "view account details"],
    ["viewDetails", undefined, "view account details"],
  ])("of %s holds the purpose and the code, nothing more", async (operation, accountId, deed) => {
    const { calls } = await bank.aHolder();
    const { otpId, code } = await bank.aCode(calls, { operation, accountId });
    expect((await bank.messagesOf(otpId)).map(({ text }) => text)).toEqual([`${code} is your code to ${deed}.`]);
  });

  test("goes by e-mail when that is wished", async () => {
    const { calls } = await bank.aHolder({ email: "jane@example.com" });
    const { body } = await calls.post(SEND, { ...OPEN, channel: "email" });
    expect(body).toMatchObject({ channel: "email", maskedDestination: "j***@example.com" });
    await bank.untilSent();
    expect(await bank.messagesOf(String(body["otpId"]))).toMatchObject([{ channel: "email", destination: "jane@example.com" }]);
  });

  test("goes by e-mail where the phone number is none, unless an sms is asked for", async () => {
    const { calls } = await bank.aHolder({ phoneNumber: "0151 2345678" });
    const refused = await calls.post(SEND, { ...OPEN, channel: "sms" });
    expect(refused).toMatchObject({ status: 409, body: { code: "otpChannelNotAvailable", channel: "sms" } });
    expect((await calls.post(SEND, { ...OPEN, channel: null })).body).toMatchObject({ channel: "email" });
  });

  test("does not go to an address that the client has no more", async () => {
    const { clientId, calls } = await bank.aHolder();
    await bank.behave({ mode: "fail" });
    const otpId = otpIdOf(await calls.post(SEND, OPEN));
    await bank.untilFailed(otpId);
    const { externalId: _theirs, riskLevel, email, phoneNumber: _old, address, ...individual } = anIndividual();
    const staff = bank.callAs({ kind: "system", scopes: ["clients.write"] });
    const changed = { riskLevel, email, address, phoneNumber: "+4915188888888", individual };
    expect((await staff.put(`/internal/Clients/${clientId}`, changed)).status).toBe(200);
    await bank.behave({ mode: "normal" });
    await bank.untilSent();
    expect(await bank.messagesOf(otpId)).toEqual([]);
  });
});

describe("a gateway that misbehaves", () => {
  test.each(["fail", "drop", "delay"] as const)(
    "(%s) is asked again until it has taken the message, which is delivered once",
    async (mode) => {
      const { calls } = await bank.aHolder();
      await bank.behave({ mode, delayMs: 1_500 });
      const otpId = otpIdOf(await calls.post(SEND, OPEN));
      const { rows } = await bank.owner.query("select from one_time_codes.challenge where id = $1 and sent_at is null", [otpId]);
      expect(rows).toHaveLength(1);
      await bank.behave({ mode: "normal" });
      await bank.untilSent();
      const messages = await bank.messagesOf(otpId);
      expect(messages).toHaveLength(1);
      expect((await calls.post(VERIFY, { otpId, code: codeOf(messages[0]) })).status).toBe(200);
    },
  );

  test("and delivers twice does no harm", async () => {
    const { calls } = await bank.aHolder();
    await bank.behave({ mode: "double" });
    const { otpId, code } = await bank.aCode(calls);
    expect(await bank.messagesOf(otpId)).toHaveLength(2);
    expect((await calls.post(VERIFY, { otpId, code })).status).toBe(200);
    expect((await calls.post(VERIFY, { otpId, code })).body).toMatchObject({ code: "otpExpired" });
  });

  test("until the code has expired is asked no more: the message is forgotten", async () => {
    const { clientId, calls } = await bank.aHolder();
    await bank.behave({ mode: "fail" });
    const otpId = otpIdOf(await calls.post(SEND, OPEN));
    await bank.untilFailed(otpId);
    await bank.age(clientId, "301 seconds");
    await bank.untilSent();
    const { rows } = await bank.owner.query("select sealed_message, sent_at from one_time_codes.challenge where id = $1", [otpId]);
    expect(rows).toEqual([{ sealed_message: null, sent_at: null }]);
    expect(await bank.messagesOf(otpId)).toEqual([]);
  });
});

describe("a new code", () => {
  test("ends the one before, which is not sent any more", async () => {
    const { clientId, calls } = await bank.aHolder();
    const first = await bank.aCode(calls);
    await bank.age(clientId, "60 seconds");
    const second = await bank.aCode(calls);
    expect((await calls.post(VERIFY, first)).body).toMatchObject({ code: "otpExpired" });
    expect((await calls.post(VERIFY, second)).status).toBe(200);
  });

  test("leaves codes for other operations alone", async () => {
    const { calls } = await bank.aHolder();
    const [open, close] = [await bank.aCode(calls, OPEN), await bank.aCode(calls, CLOSE)];
    expect((await calls.post(VERIFY, open)).status).toBe(200);
    expect((await calls.post(VERIFY, close)).status).toBe(200);
  });

  test("within 60 seconds is refused with 429, and when to come again", async () => {
    const { clientId, calls } = await bank.aHolder();
    const { body } = await calls.post(SEND, OPEN);
    const refused = await calls.post(SEND, OPEN);
    expect(refused).toMatchObject({ status: 429, body: { code: "otpResendTooSoon", resendAvailableAt: body["resendAvailableAt"] } });
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(55);
    expect(Number(refused.headers["retry-after"])).toBeLessThanOrEqual(60);
    await bank.age(clientId, "58 seconds");
    expect((await calls.post(SEND, OPEN)).status).toBe(429);
    await bank.age(clientId, "2 seconds");
    expect((await calls.post(SEND, OPEN)).status).toBe(200);
  });

  test("of twenty asked for at the same moment is one", async () => {
    const { clientId, calls } = await bank.aHolder();
    const answers = await Promise.all(Array.from({ length: 20 }, () => calls.post(SEND, OPEN)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(19);
    await bank.untilSent();
    const { rows } = await bank.owner.query<{ id: string }>("select id from one_time_codes.challenge where client_id = $1", [clientId]);
    expect(rows).toHaveLength(1);
    expect(await bank.messagesOf(rows[0]?.id ?? "")).toHaveLength(1);
  });

  test("is refused after ten within 24 hours, whatever for, until the first of them is a day old", async () => {
    const { clientId, calls } = await bank.aHolder();
    for (let n = 1; n <= 10; n++) {
      const { body } = await calls.post(SEND, n % 2 === 0 ? OPEN : CLOSE);
      if (n === 10) expect(secondsBetween(body["expiresAt"], body["resendAvailableAt"])).toBeGreaterThan(23 * 3600);
      await bank.age(clientId, "61 seconds");
    }
    const refused = await calls.post(SEND, { operation: "viewDetails" });
    expect(refused).toMatchObject({ status: 429, body: { code: "otpResendTooSoon" } });
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(23 * 3600);
    await bank.age(clientId, "24 hours");
    expect((await calls.post(SEND, OPEN)).status).toBe(200);
  });
});

describe("a wrong request", () => {
  test.each([
    ["without an operation", {}, "operation"],
    ["with an unknown operation", { operation: "transfer" }, "operation"],
    ["with an unknown channel", { ...OPEN, channel: "push" }, "channel"],
    ["to close no account", { operation: "closeAccount" }, "accountId"],
    ["to close null", { operation: "closeAccount", accountId: null }, "accountId"],
    ["to open an account that is there", { operation: "openAccount", accountId: OWN_ACCOUNT }, "accountId"],
    ["with an account that is no uuid", { ...CLOSE, accountId: "1" }, "accountId"],
    ["with a member too many", { ...OPEN, destination: "+37060000000" }, "destination"],
  ])("%s is refused and sends nothing", async (_, order, field) => {
    const { clientId, calls } = await bank.aHolder();
    const answer = await calls.post(SEND, order);
    expect(answer).toMatchObject({ status: 400, body: { code: "validationFailed", errors: { [field]: expect.anything() as object } } });
    const { rows } = await bank.owner.query("select from one_time_codes.challenge where client_id = $1", [clientId]);
    expect(rows).toEqual([]);
  });

  test("for an account that is not the client's own is answered 404", async () => {
    const { calls } = await bank.aHolder();
    expect(await calls.post(SEND, { ...CLOSE, accountId: NOBODY })).toMatchObject({ status: 404, body: { code: "notFound" } });
  });

  test("by a client that does not exist is answered 404, by a system 403", async () => {
    expect((await bank.callAs({ kind: "client", clientId: NOBODY }).post(SEND, OPEN)).status).toBe(404);
    expect((await bank.callAs({ kind: "system", scopes: ["ledger.write"] }).post(SEND, OPEN)).status).toBe(403);
  });
});

test("neither code nor destination stands in the database, the queue or the log, before and after it was sent", async () => {
  const { calls } = await bank.aHolder({ phoneNumber: "+37069876543" });
  await bank.behave({ mode: "fail" });
  const key = { "idempotency-key": unique("otp") };
  const otpId = otpIdOf(await calls.post(SEND, OPEN, key));
  await bank.untilFailed(otpId);
  const waiting = await dump();
  expect(waiting).toContain(otpId);
  await bank.behave({ mode: "normal" });
  await bank.untilSent();
  const [message] = await bank.messagesOf(otpId);
  const code = codeOf(message);
  expect(bank.log.join("\n")).toContain("answered 500");
  await calls.post(VERIFY, { otpId, code }, { "idempotency-key": unique("otp") });
  for (const text of [waiting, await dump(), bank.log.join("\n")]) {
    expect(text).not.toMatch(new RegExp(`(?<![0-9a-f])${code}(?![0-9a-f])`, "i"));
    expect(text).not.toContain("is your code");
  }
  expect(waiting).not.toContain("+37069876543");
  expect(bank.log.join("\n")).not.toContain("+37069876543");
});

/** Every row of every table as text. */
async function dump(): Promise<string> {
  const { rows } = await bank.owner.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const texts: string[] = [];
  for (const { name } of rows)
    texts.push(...(await bank.owner.query<{ row: string }>(`select t::text as row from ${name} t`)).rows.map(({ row }) => row));
  return texts.join("\n");
}
