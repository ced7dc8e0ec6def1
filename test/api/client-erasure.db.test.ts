// The end of a client: before the law allows it nobody erases it; afterwards nobody reads it again, and a certificate says so for ever.

import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SCOPES } from "#platform/access.ts";
import { aCompany, anIndividual, unique } from "../builders.ts";
import { aPdf } from "../setup/document-files.ts";
import { importer } from "../setup/imports.ts";
import { bodyOf } from "../setup/ledger.ts";
import { codeOf, openStandingBank, type StandingBank } from "../setup/standing.ts";

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: StandingBank;
const kept: string[] = [];
beforeAll(async () => {
  bank = await openStandingBank({ privacy: { keepErasure: async (line) => void kept.push(line) } });
});
afterAll(() => bank.close());

const erase = (clientId: string, reason = "clientRequest", calls = bank.staff, headers: Record<string, string> = {}) =>
  calls.post(`/internal/Clients/${clientId}/erasure`, { reason }, headers);
const certificateOf = (clientId: string, calls = bank.staff) => calls.get(`/internal/Clients/${clientId}/erasure`);

/** As if everything that ever happened to the client had been so many years earlier, and so many milliseconds later. */
async function backdate(clientId: string, years: number, ms = 0): Promise<void> {
  const shift = "- make_interval(years => $2) + make_interval(secs => $3 / 1000.0)";
  await bank.owner.query(`update client_profile.client set closed_at = closed_at ${shift} where id = $1`, [clientId, years, ms]);
  await bank.owner.query("alter table client_profile.client_status_history disable trigger all");
  await bank.owner.query(`update client_profile.client_status_history set at = at ${shift} where client_id = $1`, [clientId, years, ms]);
  await bank.owner.query("alter table client_profile.client_status_history enable trigger all");
}

/** A client closed five years ago, whose retention is just over. */
async function aClientPastRetention(status: "closed" | "rejected" = "closed", tenant?: string): Promise<string> {
  const clientId = await bank.aClientThatIs(status, tenant);
  await backdate(clientId, 5);
  return clientId;
}

type Row = Readonly<Record<string, unknown>>;
const rowsOf = async (text: string, clientId: string): Promise<Row[]> => (await bank.owner.query<Row>(text, [clientId])).rows;

describe("POST /internal/Clients/{clientId}/erasure", () => {
  test("destroys the key and everything that tells who the client was, and gives the certificate", async () => {
    const clientId = await bank.aClientThatIs("active");
    const account = await bank.anAccount({ type: "client", clientId: clientId, currency: "EUR" });
    bodyOf(await bank.system.patch(`/v2/internal/Accounts/${account.id}`, { name: "Holiday of Sample" }));
    bodyOf(await bank.system.put(`/v2/internal/Accounts/${account.id}/close`));
    const { notificationId } = bodyOf(await bank.clientCalls(clientId).post("/Client/deletion-notifications", { comment: "bye" }));
    bodyOf(await bank.block(clientId, "words of staff"));
    bodyOf(await bank.setStatus(clientId, "closed", "more words"));
    await backdate(clientId, 5);
    kept.length = 0;

    const answer = await erase(clientId);
    const certificate = bodyOf(answer);
    expect(Object.keys(certificate)).toEqual([
      "certificateId",
      "clientId",
      "erasedAt",
      "retainedUntil",
      "reason",
      "legalBasis",
      "erased",
      "sha256",
      "text",
    ]);
    expect(certificate).toMatchObject({
      clientId,
      reason: "clientRequest",
      erased: { accountNames: 1, deletionNotifications: 1, notes: 3, oneTimeCodes: 0, profiles: 1, relatedIndividuals: 0 },
      sha256: createHash("sha256").update(String(certificate["text"])).digest("hex"),
    });
    const { sha256: _sha256, text, ...said } = certificate;
    expect(JSON.parse(String(text))).toEqual(said);
    expect(new Date(String(certificate["retainedUntil"])).getTime()).toBeLessThanOrEqual(
      new Date(String(certificate["erasedAt"])).getTime(),
    );

    expect(await rowsOf("select * from client_profile.client_key where client_id = $1", clientId)).toMatchObject([
      { master_key: null, wrapped_key: null, destroyed_at: expect.any(Date) },
    ]);
    const [client] = await rowsOf("select * from client_profile.client where id = $1", clientId);
    expect(client).toMatchObject({
      status: "closed",
      erased_at: new Date(String(certificate["erasedAt"])),
      sealed_profile: null,
      sealed_block_reason: null,
      email_mark: null,
      search_marks: null,
      external_id: null,
    });
    expect(await rowsOf("select status, sealed_comment from client_profile.deletion_notification where client_id = $1", clientId)).toEqual([
      { status: "completed", sealed_comment: null },
    ]);
    expect(
      await rowsOf(
        "select status from client_profile.deletion_notification_history where notification_id = $1 order by id",
        String(notificationId),
      ),
    ).toEqual([{ status: "received" }, { status: "completed" }]);
    const { certificateId, retainedUntil, sha256 } = certificate;
    expect(await bank.auditOf(clientId, "client.erased")).toEqual([{ certificateId, reason: "clientRequest", retainedUntil, sha256 }]);
    const data = { clientId, certificateId, reason: "clientRequest" };
    expect((await bank.events(clientId)).at(-1)).toEqual({ type: "client.erased", tenant: "default", data });
    // The line outside the database is there before the answer.
    expect(kept.map((line) => JSON.parse(line) as unknown)).toEqual([{ sha256, certificate: text }]);
    // The books keep the account under its id, without the name that the client gave it.
    expect(await bank.account(account.id)).toMatchObject({ clientId, name: "EUR account", status: "closed" });
  });

  test("everything about an erased client answers 404 but its certificate, to staff and to the client", async () => {
    const clientId = await aClientPastRetention();
    bodyOf(await erase(clientId));
    const base = `/internal/Clients/${clientId}`;
    const answers = {
      client: await bank.staff.get(base),
      history: await bank.staff.get(`${base}/history`),
      notifications: await bank.staff.get(`${base}/deletion-notifications`),
      export: await bank.staff.get(`${base}/export`),
      block: await bank.block(clientId),
      unblock: await bank.unblock(clientId),
      status: await bank.setStatus(clientId, "closed"),
      own: await bank.clientCalls(clientId).get("/Client"),
      ask: await bank.clientCalls(clientId).post("/Client/deletion-notifications"),
    };
    for (const [name, answer] of Object.entries(answers)) expect([name, ...codeOf(answer)]).toEqual([name, 404, "notFound"]);
    expect((await certificateOf(clientId)).status).toBe(200);
  });

  test("no operation at all knows an erased client but that of its certificate, whichever there will be", async () => {
    const clientId = await aClientPastRetention();
    bodyOf(await erase(clientId));
    const officer = bank.callAs({ kind: "system", scopes: SCOPES });
    const reads = bank.endpoints.filter(
      ({ method, path }) => method === "GET" && path.includes("{clientId}") && !path.endsWith("/erasure"),
    );
    expect(reads.length).toBeGreaterThan(5);
    for (const { path } of reads) {
      const url = path.replace("{clientId}", clientId).replace(/\{\w+\}/g, NOBODY);
      expect([path, ...codeOf(await officer.get(url))]).toEqual([path, 404, "notFound"]);
    }
    for (const path of ["/Client", "/Client/plan"]) {
      expect([path, ...codeOf(await bank.clientCalls(clientId).get(path))]).toEqual([path, 404, "notFound"]);
    }
    expect((await officer.get(`/internal/Clients?statuses=closed&pageSize=100`)).text).not.toContain(clientId);
    expect(codeOf(await bank.clientCalls(clientId).post("/Accounts", { currency: "EUR" }))).toEqual([404, "notFound"]);
    expect(codeOf(await bank.system.post("/v2/internal/Accounts", { type: "client", clientId, currency: "EUR" }))).toEqual([
      404,
      "notFound",
    ]);
    expect(codeOf(await bank.clientCalls(clientId).post("/Accounts/send-otp", { operation: "openAccount" }))).toEqual([404, "notFound"]);
  });

  test("repeated answers the same certificate, whatever the reason says now", async () => {
    const clientId = await aClientPastRetention();
    const first = await erase(clientId, "retentionEnded", bank.staff, { "idempotency-key": "e1" });
    kept.length = 0;
    expect((await erase(clientId, "authorityOrder")).text).toBe(first.text);
    expect((await erase(clientId, "retentionEnded", bank.staff, { "idempotency-key": "e1" })).text).toBe(first.text);
    expect((await certificateOf(clientId)).text).toBe(first.text);
    expect(kept).toEqual([]);
    expect(await bank.auditOf(clientId, "client.erased")).toHaveLength(1);
  });

  test("of ten at once one erases, and all get its certificate", async () => {
    const clientId = await aClientPastRetention();
    kept.length = 0;
    const texts = await Promise.all(Array.from({ length: 10 }, async () => (await erase(clientId)).text));
    expect(new Set(texts).size).toBe(1);
    expect(kept).toHaveLength(1);
  });

  test.each(["pending", "active", "blocked"] as const)("is refused for a client that is %s", async (status) => {
    const clientId = await bank.aClientThatIs(status);
    const answer = await erase(clientId);
    expect(codeOf(answer)).toEqual([409, "invalidState"]);
    expect(answer.body).toMatchObject({ clientStatus: status, erasableFrom: null });
    expect((await bank.client(clientId))["status"]).toBe(status);
  });

  test.each(["closed", "rejected"] as const)(
    "is refused for a %s client a minute before its time, and says when that is",
    async (status) => {
      const clientId = await bank.aClientThatIs(status);
      await backdate(clientId, 5, 60_000);
      const answer = await erase(clientId);
      expect(codeOf(answer)).toEqual([409, "invalidState"]);
      const wait = new Date(String(answer.body["erasableFrom"])).getTime() - Date.now();
      expect(wait).toBeGreaterThan(50_000);
      expect(wait).toBeLessThanOrEqual(60_000);
      expect((await bank.client(clientId))["email"]).toBe("sample.person@example.com");
      await backdate(clientId, 0, -60_000);
      expect((await erase(clientId)).status).toBe(200);
    },
  );

  test("a rejected client whose risk was judged again later waits from then on", async () => {
    const clientId = await bank.aClientThatIs("rejected");
    await backdate(clientId, 10);
    await bank.judge({ clientId, verificationStatus: "rejected", outcome: "none", reason: "test" });
    expect(codeOf(await erase(clientId))).toEqual([409, "invalidState"]);
  });

  test("fails as a whole when its line cannot be kept outside the database", async () => {
    const disk = await openStandingBank({
      privacy: { retentionYears: 0, keepErasure: () => Promise.reject(new Error("no space left on device")) },
    });
    try {
      const clientId = await disk.aClientThatIs("closed");
      expect((await disk.staff.post(`/internal/Clients/${clientId}/erasure`, { reason: "clientRequest" })).status).toBe(500);
      expect((await disk.client(clientId))["email"]).toBe("sample.person@example.com");
      expect((await disk.staff.get(`/internal/Clients/${clientId}/erasure`)).status).toBe(404);
    } finally {
      await disk.close();
    }
  });

  test.each([{}, { reason: "bored" }, { reason: null }, { reason: "clientRequest", x: 1 }, undefined])(
    "refuses the body %j",
    async (body) => {
      expect(codeOf(await bank.staff.post(`/internal/Clients/${NOBODY}/erasure`, body))).toEqual([400, "validationFailed"]);
    },
  );

  test("is for staff with the right scope and tenant", async () => {
    const clientId = await aClientPastRetention("closed", "north");
    const reader = bank.callAs({ kind: "system", scopes: ["clients.read"] });
    expect(codeOf(await erase(clientId, "clientRequest", reader))).toEqual([403, "forbidden"]);
    expect(codeOf(await erase(clientId, "clientRequest", bank.clientCalls(clientId)))).toEqual([403, "forbidden"]);
    expect(codeOf(await erase(clientId, "clientRequest", bank.staffOf("south")))).toEqual([404, "notFound"]);
    expect(codeOf(await erase(NOBODY))).toEqual([404, "notFound"]);
    expect(codeOf(await certificateOf(clientId, bank.staffOf("north")))).toEqual([404, "notFound"]);
    bodyOf(await erase(clientId, "clientRequest", bank.staffOf("north")));
    expect(codeOf(await certificateOf(clientId, bank.staffOf("south")))).toEqual([404, "notFound"]);
    expect((await certificateOf(clientId, bank.staffOf("north"))).status).toBe(200);
  });

  test("takes the answers with it that were kept under keys", async () => {
    const imports = bank.callAs({ kind: "system", scopes: ["integration.import"] });
    const body = aCompany();
    const send = () => imports.post("/integration/clients/companies", body, { "idempotency-key": "kept-company" });
    const first = await send();
    expect((await send()).text).toBe(first.text);
    expect(first.text).toContain("Sample");
    const clientId = String(first.body["clientId"]);
    bodyOf(await bank.setStatus(clientId, "rejected"));
    await backdate(clientId, 5);
    bodyOf(await erase(clientId));
    expect(codeOf(await send())).toEqual([404, "notFound"]);
  });

  test("takes the tenant's name for the client from every row of an import that was refused", async () => {
    const person = anIndividual({ externalId: "named-in-faults" });
    const { send } = importer(bank);
    const refused = bodyOf(await send([{ ...person, riskLevel: "none" }]));
    const taken = bodyOf(await send([person]));
    const again = bodyOf(await send([person, anIndividual({ externalId: "somebody-else" })]));
    expect([refused, taken, again]).toMatchObject([{ faulty: 1 }, { created: 1 }, { created: 1, duplicates: 1 }]);
    const named = "select row from onboarding.import_fault where external_id = $1";
    expect(await rowsOf(named, "named-in-faults")).toHaveLength(2);
    const { rows } = await bank.owner.query<{ id: string }>("select id from client_profile.client where external_id = 'named-in-faults'");
    const clientId = String(rows[0]?.id);
    bodyOf(await bank.setStatus(clientId, "rejected"));
    await backdate(clientId, 5);
    bodyOf(await erase(clientId));
    expect(await rowsOf(named, "named-in-faults")).toEqual([]);
  });

  test("frees the tenant's externalId and the e-mail address", async () => {
    const person = anIndividual({ externalId: "again" });
    const imports = bank.callAs({ kind: "system", scopes: ["integration.import"] });
    const { clientId } = bodyOf(await imports.post("/integration/clients/individuals", person));
    bodyOf(await bank.setStatus(String(clientId), "rejected"));
    await backdate(String(clientId), 5);
    expect(codeOf(await imports.post("/integration/clients/individuals", person))).toEqual([409, "duplicateExternalId"]);
    bodyOf(await erase(String(clientId)));
    expect((await imports.post("/integration/clients/individuals", person)).status).toBe(200);
  });
});

describe("what is under way while a client is erased", () => {
  test("changes of its standing, requests and exports end before it or find nobody; nothing is readable afterwards", async () => {
    for (let round = 0; round < 5; round++) {
      const clientId = await aClientPastRetention();
      const brokenOff = { status: 404 };
      const calls = [
        () => bank.clientCalls(clientId).post("/Client/deletion-notifications", { comment: "canary words" }),
        // A file that is on its way breaks off.
        () => bank.staff.get(`/internal/Clients/${clientId}/export`).catch(() => brokenOff),
        () => bank.judge({ clientId, verificationStatus: "onHold", outcome: "none", reason: "test" }),
        () => bank.clientCalls(clientId).get("/Client"),
      ];
      const [erased, ...others] = await Promise.all([erase(clientId), ...calls.flatMap((call) => [call(), call()])]);
      expect([200, 409]).toContain(erased.status);
      for (const other of others) if (other !== null && "status" in other) expect(other.status).toBeLessThan(500);
      // A verdict that came first began the time of nothing: the client is closed, and closed it was.
      expect(erased.status).toBe(200);
      expect((await bank.staff.get(`/internal/Clients/${clientId}`)).status).toBe(404);
      expect(await rowsOf("select from client_profile.client_key where client_id = $1 and wrapped_key is not null", clientId)).toEqual([]);
      expect(
        await rowsOf(
          "select from client_profile.deletion_notification where client_id = $1 and status in ('received', 'inReview')",
          clientId,
        ),
      ).toEqual([]);
    }
  });
});

describe("what is brought or changed while a client is erased", () => {
  test("is there before it, or finds nobody: no row, mark or byte of it is left", async () => {
    const path = (clientId: string) => `/internal/Clients/${clientId}`;
    const files = bank.callAs({ kind: "system", scopes: ["documents.write", "clients.write"] });
    const boundary = "x".repeat(20);
    const part = (name: string, rest: string) => `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${rest}\r\n`;
    const form = `${part("type", "")}\r\npassport\r\n${part("file", '; filename="a.pdf"\r\ncontent-type: application/pdf')}\r\n${aPdf("canary").toString("latin1")}\r\n--${boundary}--\r\n`;
    const body = anIndividual();
    const { externalId: _id, riskLevel, address, phoneNumber, email: _mail, ...individual } = body;
    for (let round = 0; round < 8; round++) {
      const clientId = await aClientPastRetention();
      const update = { riskLevel, address, phoneNumber, email: `${unique("late")}@example.com`, individual };
      const send = () =>
        files.post(`${path(clientId)}/Documents/upload`, form, { "content-type": `multipart/form-data; boundary=${boundary}` });
      const [erased, ...others] = await Promise.all([
        erase(clientId),
        send(),
        files.put(path(clientId), update),
        send(),
        files.put(path(clientId), update),
      ]);
      expect(erased.status).toBe(200);
      for (const other of others) expect([200, 404, 409]).toContain(other.status);
      const left = `select (select count(*) from client_profile.document d where d.client_id = $1 and d.sealed_details is not null) as documents,
          (select count(*) from client_profile.client c where c.id = $1 and num_nonnulls(c.sealed_profile, c.email_mark, c.search_marks) > 0) as clients`;
      expect(await rowsOf(left, clientId)).toEqual([{ documents: "0", clients: "0" }]);
    }
  });
});

describe("a client that is restricted", () => {
  test("is read by its id and found by no search; nothing of it is changed or added", async () => {
    const word = unique("restricted").replaceAll("-", "");
    const imports = bank.callAs({ kind: "system", scopes: ["integration.import"] });
    const body = anIndividual({ email: `${word}@example.com` });
    const clientId = String(bodyOf(await imports.post("/integration/clients/individuals", body))["clientId"]);
    const search = async () => bodyOf(await bank.staff.get(`/internal/Clients?search=${word}`))["items"] as { clientId: string }[];
    expect((await search()).map((client) => client.clientId)).toEqual([clientId]);
    bodyOf(await bank.clientCalls(clientId).post("/Client/deletion-notifications"));
    bodyOf(await bank.setStatus(clientId, "rejected"));
    expect(await search()).toEqual([]);
    expect((await bank.staff.get(`/internal/Clients/${clientId}`)).status).toBe(200);
    const { externalId: _id, riskLevel, address, phoneNumber, email, ...individual } = body;
    const update = { riskLevel, address, phoneNumber, email, individual: { ...individual, firstName: "Other" } };
    expect(codeOf(await bank.staff.put(`/internal/Clients/${clientId}`, update))).toEqual([409, "invalidState"]);
    expect(codeOf(await bank.staff.post(`/internal/Clients/${clientId}/verification`))).toEqual([409, "invalidState"]);
  });
});

describe("the database by itself", () => {
  test.each([
    [
      "brings no key back",
      "update client_profile.client_key set master_key = 'x', wrapped_key = '\\x00', destroyed_at = null where client_id = $1",
    ],
    ["changes nothing of an erased client", "update client_profile.client set phone_is_e164 = true where id = $1"],
    ["changes no certificate", "update client_profile.erasure_certificate set text = text where client_id = $1"],
    ["removes no certificate", "delete from client_profile.erasure_certificate where client_id = $1"],
    ["reopens no notification", "update client_profile.deletion_notification set status = 'received' where client_id = $1"],
    ["gives no comment back", "update client_profile.deletion_notification set sealed_comment = 'x' where client_id = $1"],
  ])("%s", async (_what, statement) => {
    const clientId = await bank.aClientThatIs("closed");
    bodyOf(await bank.clientCalls(clientId).post("/Client/deletion-notifications"));
    await backdate(clientId, 5);
    bodyOf(await erase(clientId));
    await expect(bank.owner.query(statement, [clientId])).rejects.toThrow(/is erased|is destroyed|never changed|is completed/);
  });

  test("takes no name from the accounts of a client that is not erased, and no externalId", async () => {
    const clientId = await bank.aClientThatIs("active");
    await expect(bank.owner.query("select general_ledger.forget_account_names($1)", [clientId])).rejects.toThrow("is not erased");
    await expect(bank.owner.query("update client_profile.client set external_id = null where id = $1", [clientId])).rejects.toThrow(
      "is not changed",
    );
    await expect(bank.owner.query("update client_profile.client set external_id = 'x' where id = $1", [clientId])).rejects.toThrow(
      "is not changed",
    );
  });
});
