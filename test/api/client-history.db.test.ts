// GET /internal/Clients/{clientId}/history: every standing a client had, and a verdict of its verification as it is told there.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf } from "../setup/ledger.ts";
import { codeOf, openStandingBank, type HistoryLine, type StandingBank } from "../setup/standing.ts";

let bank: StandingBank;
beforeAll(async () => {
  bank = await openStandingBank();
});
afterAll(() => bank.close());

const pathOf = (clientId: string, query = ""): string => `/internal/Clients/${clientId}/history${query}`;

test("begins with how the client came into being, and each line begins where the one before ended", async () => {
  const clientId = await bank.aClientThatIs("blocked");
  bodyOf(await bank.unblock(clientId, "sorry"));
  const lines = await bank.history(clientId);
  expect(lines.map(({ from, to, reason, note }) => [from?.status ?? null, to.status, reason, note])).toEqual([
    [null, "pending", "import", null],
    ["pending", "active", "staff", "a test"],
    ["active", "blocked", "staff", "a test"],
    ["blocked", "active", "staff", "sorry"],
  ]);
  lines.forEach((line, index) => expect(line.from).toEqual(lines[index - 1]?.to ?? null));
});

test("is read in pages, newest first, by number and by cursor alike", async () => {
  const clientId = await bank.aClientThatIs("blocked");
  for (let turn = 0; turn < 4; turn++) {
    bodyOf(await bank.unblock(clientId, `unblock ${turn}`));
    bodyOf(await bank.block(clientId, `block ${turn}`));
  }
  const whole = bodyOf(await bank.staff.get(pathOf(clientId, "?pageSize=100")));
  expect(whole).toMatchObject({ pageNumber: 1, pageSize: 100, nextCursor: null });
  const all = whole["items"] as HistoryLine[];
  expect(all).toHaveLength(11);

  const byCursor: HistoryLine[] = [];
  let next: string | null = null;
  do {
    const page = bodyOf(await bank.staff.get(pathOf(clientId, `?pageSize=4${next === null ? "" : `&cursor=${next}`}`)));
    byCursor.push(...(page["items"] as HistoryLine[]));
    next = page["nextCursor"] as string | null;
  } while (next !== null);
  expect(byCursor).toEqual(all);

  const byNumber: HistoryLine[] = [];
  for (const pageNumber of [1, 2, 3, 4]) {
    const page = bodyOf(await bank.staff.get(pathOf(clientId, `?pageSize=4&pageNumber=${pageNumber}`)));
    byNumber.push(...(page["items"] as HistoryLine[]));
  }
  expect(byNumber).toEqual(all);
});

test.each(["?cursor=x", "?pageSize=0", "?pageSize=101", "?pageNumber=0", "?from=1", "?pageSize=1&pageSize=2"])(
  "%s is refused with 400",
  async (query) => {
    expect((await bank.staff.get(pathOf(await bank.aClientThatIs("active"), query))).status).toBe(400);
  },
);

test("a cursor of another client's history, and one that somebody made up, are refused with 400", async () => {
  const [one, other] = [await bank.aClientThatIs("active"), await bank.aClientThatIs("active")];
  const { nextCursor } = bodyOf(await bank.staff.get(pathOf(one, "?pageSize=1")));
  expect((await bank.staff.get(pathOf(one, `?cursor=${String(nextCursor)}`))).status).toBe(200);
  expect((await bank.staff.get(pathOf(other, `?cursor=${String(nextCursor)}`))).status).toBe(400);
  for (const position of ["", "0", "-1", "1.5", "one", "9".repeat(40), "1; drop", " 1"]) {
    const cursor = Buffer.from(`history ${one} ${position}`).toString("base64url");
    expect((await bank.staff.get(pathOf(one, `?cursor=${cursor}`))).status).toBe(400);
  }
});

test("of another tenant's client is not found; who may only write clients may not read it", async () => {
  const clientId = await bank.aClientThatIs("active", "north");
  expect(codeOf(await bank.staffOf("south").get(pathOf(clientId)))).toEqual([404, "notFound"]);
  expect((await bank.staffOf("north").get(pathOf(clientId))).status).toBe(200);
  const writer = bank.callAs({ kind: "system", scopes: ["clients.write"] });
  expect((await writer.get(pathOf(clientId))).status).toBe(403);
  expect((await bank.clientCalls(clientId, "north").get(pathOf(clientId))).status).toBe(403);
});

describe("a verdict of the verification", () => {
  test("moves the client, and is told as a change of verification and one of status", async () => {
    const clientId = await bank.aClientThatIs("pending");
    await bank.judge({ clientId, verificationStatus: "pending", outcome: "none", reason: "applicantPending" });
    const change = await bank.judge({ clientId, verificationStatus: "approved", outcome: "activate", reason: "applicantReviewed" });
    expect(change).toMatchObject({ clientId, tenant: "default", from: { status: "pending" }, to: { status: "active" } });
    expect((await bank.history(clientId)).at(-1)).toMatchObject({
      by: { kind: "job", id: "verification" },
      from: { status: "pending", verificationStatus: "pending" },
      to: { status: "active", verificationStatus: "approved" },
      reason: "applicantReviewed",
      note: null,
    });
    expect((await bank.events(clientId)).slice(-2)).toMatchObject([
      { type: "client.verificationChanged", data: { clientId, from: "pending", to: "approved", reason: "applicantReviewed" } },
      { type: "client.statusChanged", data: { clientId, from: "pending", to: "active", reason: "applicantReviewed" } },
    ]);
  });

  test("that blocks an active client stops its debits and gives the word of the program as the reason", async () => {
    const clientId = await bank.aClientThatIs("active");
    await bank.judge({ clientId, verificationStatus: "rejected", outcome: "reject", reason: "verificationRejected" });
    expect(await bank.client(clientId)).toMatchObject({
      status: "blocked",
      verificationStatus: "rejected",
      blockReason: "verificationRejected",
    });
    expect(await bank.auditOf(clientId, "client.debitsStopped")).toHaveLength(1);
  });

  test("heard twice changes nothing the second time", async () => {
    const clientId = await bank.aClientThatIs("pending");
    const verdict = { clientId, verificationStatus: "rejected", outcome: "reject", reason: "test" } as const;
    await bank.judge(verdict);
    const [lines, events] = [await bank.history(clientId), await bank.events(clientId)];
    const { from, to } = (await bank.judge(verdict)) ?? {};
    expect(to).toEqual(from);
    expect(await bank.history(clientId)).toEqual(lines);
    expect(await bank.events(clientId)).toEqual(events);
  });

  test("moves no prohibited client", async () => {
    const clientId = await bank.aClientThatIs("pending");
    await bank.owner.query("update client_profile.client set risk_level = 'prohibited' where id = $1", [clientId]);
    await bank.judge({ clientId, verificationStatus: "onHold", outcome: "none", reason: "test" });
    await bank.judge({ clientId, verificationStatus: "approved", outcome: "activate", reason: "test" });
    expect(await bank.client(clientId)).toMatchObject({ status: "pending", verificationStatus: "approved" });
  });

  test("about nobody is nobody's", async () => {
    const verdict = {
      clientId: "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00",
      verificationStatus: "approved",
      outcome: "activate",
      reason: "test",
    } as const;
    expect(await bank.judge(verdict)).toBeNull();
  });
});
