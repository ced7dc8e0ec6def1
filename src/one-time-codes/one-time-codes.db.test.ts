// One-time codes where there is nobody to send them, and the second lock: what the tables refuse, and what `verify` finds.

import { clientProfileVerifiable } from "#client-profile";
import { platformVerifiable } from "#platform/platform-checks.store.ts";
import { verify } from "#platform/verify.ts";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CodesApp, openCodesApp, SEND, VERIFY, wrong } from "../../test/setup/codes.ts";
import { openTestApp } from "../../test/setup/http.ts";
import { openOneTimeCodes, oneTimeCodesVerifiable } from "./index.ts";

let bank: CodesApp;
let app: pg.Client;
beforeAll(async () => {
  bank = await openCodesApp();
  const { appUrl, appRole } = bank.database;
  app = new pg.Client({ connectionString: appUrl, ...(appRole === null ? {} : { options: `-c role=${appRole}` }) });
  await app.connect();
});
afterAll(async () => {
  await app.end();
  await bank.close();
});

test("without a gateway codes are refused with 503, and no token is good", async () => {
  const bare = await openTestApp((db) => {
    const codes = openOneTimeCodes({ db, delivery: null, ownsAccount: async () => true, findContact: async () => null });
    expect(codes.jobs).toEqual([]);
    return codes.endpoints;
  });
  try {
    const clientId = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";
    const calls = bare.callAs({ kind: "client", clientId });
    expect(await calls.post(SEND, { operation: "openAccount" })).toMatchObject({ status: 503, body: { code: "otpNotAvailable" } });
    expect(await calls.post(VERIFY, { otpId: clientId, code: "000000" })).toMatchObject({ status: 503, body: { code: "otpNotAvailable" } });
    const actor = { kind: "system", id: "test", tenant: null, traceId: "00-11111111111111111111111111111111-2222222222222222-01" } as const;
    const codes = openOneTimeCodes({ db: bare.db, delivery: null, ownsAccount: async () => true, findContact: async () => null });
    const use = { clientId, token: "A".repeat(64), operation: "openAccount", accountId: null } as const;
    expect(await bare.db.write(actor, (tx) => codes.consumeVerificationToken(tx, use))).toBe(false);
  } finally {
    await bare.close();
  }
});

describe("the app role", () => {
  test.each([
    [
      "begin a code again that has ended",
      "update one_time_codes.challenge set ended_at = null, outcome = null, proof_expires_at = null where id = $1",
    ],
    [
      "make a replaced code a verified one",
      "update one_time_codes.challenge set outcome = 'replaced', proof_expires_at = null where id = $1",
    ],
    ["lengthen the life of a proof", "update one_time_codes.challenge set proof_expires_at = now() + interval '1 day' where id = $1"],
    ["take a use of a proof back", "update one_time_codes.challenge set proof_used_at = null where id = $1"],
    ["seal a message again", "update one_time_codes.challenge set sealed_message = 'x' where id = $1"],
    ["lengthen the life of a code", "update one_time_codes.challenge set expires_at = now() + interval '1 day' where id = $1"],
    ["give a code another subject", "update one_time_codes.challenge set subject = 'x' where id = $1"],
    ["forget a code", "delete from one_time_codes.challenge where id = $1"],
    ["forget a block", "delete from one_time_codes.block where $1::uuid is not null"],
    ["shorten a block", "update one_time_codes.block set until = now() where $1::uuid is not null"],
    ["forget failures", "delete from one_time_codes.client_failures where $1::uuid is not null"],
    ["count beyond five", "update one_time_codes.client_failures set failures = 5 where $1::uuid is not null"],
  ])("cannot %s", async (_, statement) => {
    const { clientId, calls } = await bank.aHolder();
    const { otpId, code } = await bank.aCode(calls);
    const { body } = await calls.post(VERIFY, { otpId, code });
    const token = String(body["verificationToken"]);
    const actor = { kind: "system", id: "test", tenant: null, traceId: "00-11111111111111111111111111111111-2222222222222222-01" } as const;
    const use = { clientId, token, operation: "openAccount", accountId: null } as const;
    expect(await bank.db.write(actor, (tx) => bank.codes.consumeVerificationToken(tx, use))).toBe(true);
    // Not permitted, refused by a trigger, or against a constraint.
    await expect(app.query(statement, [otpId])).rejects.toMatchObject({ code: expect.stringMatching(/^(42501|23001|23514)$/) as string });
  });
});

describe("verify", () => {
  const report = () =>
    verify({
      url: bank.database.ownerUrl,
      mode: "development",
      rooms: [platformVerifiable, clientProfileVerifiable, oneTimeCodesVerifiable],
    });
  const wrongs = async (): Promise<string[]> =>
    (await report()).checks.filter(({ ok, severity }) => !ok && severity === "error").map(({ name }) => name);

  test("finds nothing after codes were sent, tried, used and blocked", async () => {
    const { clientId, calls } = await bank.aHolder();
    for (let n = 0; n < 9; n++) {
      const { otpId, code } = await bank.aCode(calls);
      await calls.post(VERIFY, { otpId, code: n === 0 ? code : wrong(code) });
      await bank.age(clientId, "16 minutes");
    }
    expect(await wrongs()).toEqual([]);
  });

  test.each([
    [
      "a code that lives longer",
      "update one_time_codes.challenge set expires_at = expires_at + interval '1 second'",
      "a code lives five minutes, and its proof five more at most",
    ],
    [
      "an eleventh message in a day",
      `insert into one_time_codes.challenge (id, client_id, purpose, subject, channel, destination_hash, code_hash, created_at, expires_at, ended_at, outcome)
       select gen_random_uuid(), (select client_id from one_time_codes.challenge limit 1), 'viewDetails', '', 'sms', sha256(''), sha256(''),
              now() - interval '30 days', now() - interval '30 days', now(), 'replaced'
       from generate_series(1, 11)`,
      "a client is sent no more than ten codes in 24 hours",
    ],
    [
      "a message that could be sent after its end",
      "alter table one_time_codes.challenge drop constraint challenge_ended_has_no_message",
      "every constraint that guards a table is there and holds for all rows",
    ],
    [
      "a code that can be begun again",
      "alter table one_time_codes.challenge disable trigger challenge_ends_once",
      "every trigger that guards a table is there and switched on, and no other",
    ],
  ])("finds %s", async (_, damage, name) => {
    const { calls } = await bank.aHolder();
    await bank.aCode(calls);
    await bank.owner.query(damage);
    expect(await wrongs()).toContain(name);
  });
});
