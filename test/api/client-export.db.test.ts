// The right of access: everything that is known of one client, and nothing of anybody else (reliability DP-6, EX-4).

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EXPORTED_KINDS } from "../../src/client-profile/privacy/contract.ts";
import { aCompany, aTransfer, unique } from "../builders.ts";
import { bodyOf } from "../setup/ledger.ts";
import { codeOf, openStandingBank, type StandingBank } from "../setup/standing.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

type Row = Readonly<Record<string, unknown>>;
type Export = Readonly<Record<string, Row[]>>;

let bank: StandingBank;
beforeAll(async () => {
  bank = await openStandingBank({ importStatus: "active" });
});
afterAll(() => bank.close());

const exportOf = (clientId: string, calls = bank.staff) => calls.get(`/internal/Clients/${clientId}/export`);
const read = async (clientId: string): Promise<Export> => bodyOf(await exportOf(clientId)) as Export;
const itemsOf = async (path: string, calls = bank.staff) => bodyOf(await calls.get(path))["items"] as Row[];

/** A client of whom every kind of thing is known. */
async function aClientWithEverything(): Promise<string> {
  const clientId = await bank.aClientThatIs("active");
  const account = await bank.anAccount({ type: "client", clientId, currency: "EUR" });
  const other = await bank.aFundedAccount("100.00");
  bodyOf(await bank.transfer(aTransfer(other, account, "10.00", { description: "first", reference: "REF 1" })));
  bodyOf(await bank.transfer(aTransfer(account, other, "4.00", { description: "second" })));
  const draft = { debitAccountId: account.id, creditAccountId: other.id, amount: "1.00", currency: "EUR" };
  const drafted = { externalId: unique("draft"), type: "transfer", clientId, description: "third", transactions: [draft] };
  bodyOf(await bank.system.post("/v2/internal/Payments", drafted));
  bodyOf(await bank.clientCalls(clientId).post("/Accounts/send-otp", { operation: "openAccount" }));
  bodyOf(await bank.clientCalls(clientId).post("/Client/deletion-notifications", { reason: "privacy", comment: "please" }));
  await bank.owner.query(
    `insert into onboarding.applicant (subject_id, client_id, applicant_id, level_name, created_at, linked_at) values ($1, $1, 'appl-1', 'basic', now(), now())`,
    [clientId],
  );
  await bank.owner.query(
    `insert into onboarding.verification_event (id, received_at, applicant_id, type, created_at_text, correlation_id, event_at, content, body_hash, state, outcome, settled_at)
     values (gen_random_uuid(), now(), 'appl-1', 'applicantReviewed', '', '', now(), '{"reviewResult":{"reviewAnswer":"GREEN"}}', sha256('x'), 'done', 'applied', now())`,
  );
  bodyOf(await bank.block(clientId, "words of staff"));
  return clientId;
}

describe("GET /internal/Clients/{clientId}/export", () => {
  test("holds what each operation tells of the client, kind by kind", async () => {
    const clientId = await aClientWithEverything();
    const answer = await exportOf(clientId);
    expect(answer.headers).toMatchObject({
      "content-type": "application/json; charset=utf-8",
      "content-disposition": `attachment; filename="client_${clientId}.json"`,
      "cache-control": "no-store",
    });
    const file = answer.body as Export;
    expect(file["client"]).toEqual(await bank.client(clientId));
    expect(file["client"]).toMatchObject({ blockReason: "words of staff", individual: { firstName: "Sample" } });

    const history = await itemsOf(`/internal/Clients/${clientId}/history`);
    expect(file["standingHistory"]).toEqual(history.map((line) => ({ ...line, by: (line["by"] as Row)["kind"] })));
    expect(file["standingHistory"]?.[0]).toMatchObject({ note: "words of staff" });

    const [notification] = await itemsOf(`/internal/Clients/${clientId}/deletion-notifications`);
    expect(file["deletionNotifications"]).toMatchObject([
      { notificationId: notification?.["notificationId"], comment: "please", reason: "privacy" },
    ]);

    const [account, ...more] = await itemsOf(`/v2/ledger/internal/Accounts?clientIds=${clientId}`, bank.system);
    expect(more).toEqual([]);
    expect(file["accounts"]).toEqual([account]);
    expect(file["transactions"]).toEqual((await itemsOf(`/internal/Transactions?clientId=${clientId}`, bank.system)).toReversed());
    expect(file["transactions"]?.map(({ description }) => description)).toEqual(["first", "second"]);
    expect(file["payments"]).toMatchObject([
      { description: "first", reference: "REF 1", state: "posted", accounts: [{ accountId: account?.["id"] }] },
      { description: "second", state: "posted", transactions: [{ debitAccountId: account?.["id"], amount: "4.00" }] },
      { description: "third", state: "draft", clientId },
    ]);
    expect(file["oneTimeCodes"]).toMatchObject([{ purpose: "openAccount", channel: "sms", sentAt: null, outcome: null }]);
    expect(file["oneTimeCodeBlocks"]).toEqual([]);
    expect(file["applicants"]).toMatchObject([{ applicantId: "appl-1", levelName: "basic", relatedIndividualId: null }]);
    expect(file["verificationEvents"]).toMatchObject([{ type: "applicantReviewed", content: { reviewResult: { reviewAnswer: "GREEN" } } }]);
    expect(file["audit"]?.map(({ action }) => action)).toEqual(
      expect.arrayContaining(["client.created", "client.standingChanged", "client.deletionRequested", "client.exportStarted"]),
    );
  });

  test("holds every kind by its name, also where there is nothing", async () => {
    const file = await read(await bank.aClientThatIs("pending"));
    expect(file["format"]).toBe("finlego.client-export.v1");
    for (const kind of EXPORTED_KINDS) expect([kind, Array.isArray(file[kind])]).toEqual([kind, true]);
    expect(Object.keys(file)).toEqual(["format", "client", ...EXPORTED_KINDS]);
  });

  test("knows every table that keeps something by client", async () => {
    const { rows } = await bank.owner.query<{ table: string }>(
      `select distinct c.table_schema || '.' || c.table_name as table
       from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
       where c.column_name = 'client_id' and t.table_type = 'BASE TABLE' and c.table_schema not in ('pg_catalog', 'information_schema')`,
    );
    expect(rows.map(({ table }) => table).filter((table) => !(table in TOLD_BY))).toEqual([]);
  });

  test("of a company names its persons", async () => {
    const imports = bank.callAs({ kind: "system", scopes: ["integration.import"] });
    const clientId = String(bodyOf(await imports.post("/integration/clients/companies", aCompany()))["clientId"]);
    const file = (await read(clientId)) as unknown as { client: { company: { relatedIndividuals: Row[] } } };
    expect(file.client.company.relatedIndividuals).toMatchObject([
      { relatedIndividualId: expect.any(String), firstName: "Sample", roles: ["director", "shareholder"] },
      { relatedIndividualId: expect.any(String), firstName: "Sample", roles: ["director"] },
    ]);
  });

  test("tells of others their ids alone: neither their lines of a common payment nor who of the bank acted", async () => {
    const clientId = await bank.aClientThatIs("active");
    const own = await bank.anAccount({ type: "client", clientId, currency: "EUR" });
    const payer = await bank.aFundedAccount("55.00");
    const stranger = await bank.aClientAccount();
    const savings = await bank.anAccount({ type: "client", clientId, currency: "EUR" });
    const line = (debit: string, credit: string, amount: string, description: string) => ({
      debitAccountId: debit,
      creditAccountId: credit,
      amount,
      currency: "EUR",
      description,
    });
    const transactions = [
      line(payer.id, own.id, "20.00", "yours"),
      line(own.id, savings.id, "5.00", "saved"),
      line(payer.id, stranger.id, "30.00", "of a stranger"),
    ];
    bodyOf(await bank.transfer(aTransfer(payer, own, "5.00", { description: "an advance" })));
    const wages = { externalId: unique("wages"), type: "transfer", clientId: payer.clientId, description: "wages", transactions };
    const { id } = bodyOf(await bank.system.post("/v2/internal/Payments", wages));
    bodyOf(await bank.system.post(`/v2/internal/Payments/${String(id)}/pend`));
    bodyOf(await bank.system.post(`/v2/internal/Payments/${String(id)}/post`));
    bodyOf(await bank.staffOf("default", "secret-officer").put(`/internal/Clients/${clientId}/block`, { reason: "a test" }));
    const { text } = await exportOf(clientId);
    const { payments } = JSON.parse(text) as Export;
    expect(payments).toMatchObject([
      { description: "an advance" },
      { id, clientId: null, description: "wages", transactions: [{ description: "yours" }, { description: "saved" }] },
    ]);
    for (const foreign of ["stranger", stranger.id, "30.00", "secret-officer", String(stranger.clientId), String(payer.clientId)])
      expect(text).not.toContain(foreign);
  });

  test("is written down: who, when, whom and how many rows of each kind", async () => {
    const clientId = await bank.aClientThatIs("active");
    bodyOf(await exportOf(clientId, bank.staffOf("default", "officer-7")));
    const { rows } = await bank.owner.query<{ action: string; actor_id: string; detail: Row }>(
      "select action, actor_id, detail from platform.audit_entry where subject = $1 and action like 'client.export%' order by id",
      [`client:${clientId}`],
    );
    expect(rows.map(({ action, actor_id }) => [action, actor_id])).toEqual([
      ["client.exportStarted", "officer-7"],
      ["client.exported", "officer-7"],
    ]);
    expect(rows[1]?.detail).toMatchObject({ isWhole: true, standingHistory: 1, accounts: 0, audit: expect.any(Number) });
  });

  test("goes through many pages of a kind", async () => {
    const clientId = await bank.aClientThatIs("active");
    for (let n = 0; n < 101; n++) bodyOf(await (n % 2 === 0 ? bank.block(clientId) : bank.unblock(clientId)));
    const account = await bank.anAccount({ type: "client", clientId: await bank.unblock(clientId).then(() => clientId), currency: "EUR" });
    const source = await bank.aFundedAccount("500.00");
    for (let n = 0; n < 105; n++) bodyOf(await bank.transfer(aTransfer(source, account, "1.00", { description: `no ${n}` })));
    const file = await read(clientId);
    expect(file["standingHistory"]).toHaveLength(103);
    expect(file["transactions"]?.map(({ description }) => description)).toEqual(Array.from({ length: 105 }, (_, n) => `no ${n}`));
  });

  test("is for staff with the right scope and tenant", async () => {
    const clientId = await bank.aClientThatIs("active", "north");
    expect((await exportOf(clientId, bank.callAs(null))).status).toBe(401);
    expect(codeOf(await exportOf(clientId, bank.callAs({ kind: "system", scopes: ["clients.write"] })))).toEqual([403, "forbidden"]);
    expect(codeOf(await exportOf(clientId, bank.clientCalls(clientId)))).toEqual([403, "forbidden"]);
    expect(codeOf(await exportOf(clientId, bank.staffOf("south")))).toEqual([404, "notFound"]);
    expect(codeOf(await exportOf(NOBODY))).toEqual([404, "notFound"]);
    expect((await exportOf(clientId, bank.staffOf("north"))).status).toBe(200);
  });
});

/** By which kind of the export each table is told; or why it is not. */
const TOLD_BY: Readonly<Record<string, string>> = {
  "client_profile.client_key": "a key, not data",
  "client_profile.client_status_history": "standingHistory",
  "client_profile.related_individual": "client and formerRelatedIndividuals",
  "client_profile.deletion_notification": "deletionNotifications",
  "client_profile.erasure_certificate": "there is none of a client that can be exported",
  "client_profile.document": "documents",
  "general_ledger.account": "accounts",
  "general_ledger.account_profile": "accounts",
  "onboarding.applicant": "applicants and verificationEvents",
  "onboarding.import_fault": "importFaults",
  "general_ledger.payment": "payments",
  "one_time_codes.challenge": "oneTimeCodes",
  "one_time_codes.block": "oneTimeCodeBlocks",
  "one_time_codes.client_failures": "a counter that is zero after each success: told by oneTimeCodeBlocks where it counts",
};
