// Operation 2 and what staff make of it: a client asks to be forgotten, staff look at it, nothing is deleted.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aClient } from "../builders.ts";
import { bodyOf } from "../setup/ledger.ts";
import { codeOf, openStandingBank, type StandingBank } from "../setup/standing.ts";

const PATH = "/Client/deletion-notifications";
const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: StandingBank;
beforeAll(async () => {
  bank = await openStandingBank();
});
afterAll(() => bank.close());

const ask = (clientId: string, body?: unknown, headers?: Record<string, string>) => bank.clientCalls(clientId).post(PATH, body, headers);
const notificationsOf = async (clientId: string) =>
  bodyOf(await bank.staff.get(`/internal/Clients/${clientId}/deletion-notifications`))["items"] as Record<string, unknown>[];
const review = (clientId: string, notificationId: unknown, body: unknown, calls = bank.staff) =>
  calls.put(`/internal/Clients/${clientId}/deletion-notifications/${String(notificationId)}`, body);
const restrictedAt = async (clientId: string) =>
  (await bank.owner.query<{ at: Date | null }>("select restricted_at as at from client_profile.client where id = $1", [clientId])).rows[0]
    ?.at;

describe("POST /Client/deletion-notifications", () => {
  test("tells staff, and deletes nothing", async () => {
    const clientId = await bank.aClientThatIs("active");
    const answer = await ask(clientId, { reason: "privacy", comment: "Please forget me." });
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.body)).toEqual(["notificationId", "status", "requestedAt"]);
    expect(answer.body).toMatchObject({ status: "received" });
    const { notificationId, requestedAt } = answer.body;

    expect(await notificationsOf(clientId)).toEqual([
      {
        notificationId,
        clientId,
        reason: "privacy",
        status: "received",
        requestedAt,
        updatedAt: requestedAt,
        comment: "Please forget me.",
        history: [{ at: requestedAt, by: { kind: "client", id: expect.any(String) }, status: "received", note: null }],
      },
    ]);
    const data = { clientId, notificationId, reason: "privacy" };
    expect((await bank.events(clientId)).at(-1)).toEqual({ type: "client.deletionRequested", tenant: "default", data });
    expect(await bank.auditOf(clientId, "client.deletionRequested")).toEqual([{ notificationId, reason: "privacy" }]);
    expect((await bank.client(clientId))["status"]).toBe("active");
    expect(await restrictedAt(clientId)).toBeNull();
  });

  test("needs no body, no member and no reason", async () => {
    for (const body of [undefined, {}, { reason: null, comment: null }, { comment: "" }]) {
      const clientId = await bank.aClientThatIs("active");
      expect((await ask(clientId, body)).body).toMatchObject({ status: "received" });
      expect((await notificationsOf(clientId))[0]).toMatchObject({ reason: null, comment: body?.comment ?? null });
    }
  });

  test.each(["noLongerNeeded", "foundAlternative", "privacy", "other"])("takes the reason %s", async (reason) => {
    const clientId = await bank.aClientThatIs("active");
    bodyOf(await ask(clientId, { reason }));
    expect((await notificationsOf(clientId))[0]).toMatchObject({ reason });
  });

  test("takes a comment of 1000 characters, whatever they are, and none of 1001", async () => {
    const clientId = await bank.aClientThatIs("active");
    expect((await ask(clientId, { comment: "😀".repeat(1_001) })).body).toMatchObject({
      status: 400,
      errors: { comment: [expect.any(String)] },
    });
    bodyOf(await ask(clientId, { comment: "😀".repeat(1_000) }));
    expect((await notificationsOf(clientId))[0]).toMatchObject({ comment: "😀".repeat(1_000) });
  });

  test.each([
    ["reason", { reason: "bored" }],
    ["reason", { reason: "" }],
    ["reason", { reason: 1 }],
    ["comment", { comment: 1 }],
    ["comment", { comment: { $: 1 } }],
    ["surprise", { surprise: 1 }],
    ["$", []],
    ["$", "1"],
  ])("refuses what is wrong with %s: %j", async (field, body) => {
    const clientId = await bank.aClientThatIs("active");
    const answer = await ask(clientId, body);
    expect(codeOf(answer)).toEqual([400, "validationFailed"]);
    expect(Object.keys(answer.body["errors"] as object)).toEqual([field]);
  });

  test.each(["pending", "blocked", "rejected", "closed"] as const)("a client that is %s may ask as well", async (status) => {
    const clientId = await bank.aClientThatIs(status);
    bodyOf(await ask(clientId));
    expect((await bank.client(clientId))["status"]).toBe(status);
  });

  test("is refused while another one is open: also to twenty at once, of whom one is first", async () => {
    const clientId = await bank.aClientThatIs("active");
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(clientId)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers.filter(({ status }) => status !== 200)) expect(codeOf(answer)).toEqual([409, "invalidState"]);
    expect(await notificationsOf(clientId)).toHaveLength(1);
  });

  test("a repeat under its key answers the first one", async () => {
    const clientId = await bank.aClientThatIs("active");
    const first = await ask(clientId, { comment: "once" }, { "idempotency-key": "k1" });
    const second = await ask(clientId, { comment: "once" }, { "idempotency-key": "k1" });
    expect(second.text).toBe(first.text);
    expect(second.headers["idempotency-replayed"]).toBe("true");
    expect(codeOf(await ask(clientId, { comment: "twice" }, { "idempotency-key": "k1" }))).toEqual([422, "idempotencyKeyReused"]);
  });

  test("is for clients alone, and for those that are there", async () => {
    expect((await bank.callAs(null).post(PATH)).status).toBe(401);
    expect((await bank.staff.post(PATH)).status).toBe(403);
    expect(codeOf(await ask(NOBODY))).toEqual([404, "notFound"]);
    const north = await aClient(bank, { tenant: "north" });
    expect(codeOf(await bank.clientCalls(north, "south").post(PATH))).toEqual([404, "notFound"]);
    expect((await bank.clientCalls(north, "north").post(PATH)).status).toBe(200);
  });

  test("the comment stands nowhere in the clear, and opens at its place alone", async () => {
    const clientId = await bank.aClientThatIs("active");
    const { notificationId } = bodyOf(await ask(clientId, { comment: "canary comment" }));
    const { rows } = await bank.owner.query<{ sealed: Buffer }>(
      "select sealed_comment as sealed from client_profile.deletion_notification where id = $1",
      [notificationId],
    );
    expect(rows[0]?.sealed.includes("canary")).toBe(false);
    const other = await bank.aClientThatIs("active");
    bodyOf(await ask(other, { comment: "another" }));
    await bank.owner.query("update client_profile.deletion_notification set sealed_comment = $1 where client_id = $2", [
      rows[0]?.sealed,
      other,
    ]);
    expect((await bank.staff.get(`/internal/Clients/${other}/deletion-notifications`)).status).toBe(500);
  });
});

describe("the review of staff", () => {
  const open = async (status: "active" | "closed" = "active", tenant?: string) => {
    const clientId = await bank.aClientThatIs(status, tenant);
    const { notificationId } = bodyOf(await bank.clientCalls(clientId).post(PATH, { comment: "bye" }));
    return { clientId, notificationId };
  };

  test("goes from received to inReview to declined, with history, and the client may ask again", async () => {
    const { clientId, notificationId } = await open();
    expect((await review(clientId, notificationId, { status: "inReview" })).body).toMatchObject({ status: "inReview", comment: "bye" });
    expect(codeOf(await ask(clientId))).toEqual([409, "invalidState"]);
    const declined = bodyOf(await review(clientId, notificationId, { status: "declined", reason: "Still has accounts." }));
    expect(declined).toMatchObject({ status: "declined" });
    expect((declined["history"] as object[]).map((line) => ({ ...line, at: "" }))).toEqual([
      { at: "", by: { kind: "client", id: expect.any(String) }, status: "received", note: null },
      { at: "", by: { kind: "system", id: expect.any(String) }, status: "inReview", note: null },
      { at: "", by: { kind: "system", id: expect.any(String) }, status: "declined", note: "Still has accounts." },
    ]);
    expect(await bank.auditOf(clientId, "client.deletionReviewed")).toEqual([
      { notificationId, from: "received", to: "inReview" },
      { notificationId, from: "inReview", to: "declined" },
    ]);
    bodyOf(await ask(clientId));
    expect((await notificationsOf(clientId)).map(({ status }) => status)).toEqual(["received", "declined"]);
  });

  test("repeated answers the present state and leaves no trace", async () => {
    const { clientId, notificationId } = await open();
    const first = await review(clientId, notificationId, { status: "inReview", reason: "looking" });
    const second = await review(clientId, notificationId, { status: "inReview", reason: "looking again" });
    expect(second.body).toEqual(first.body);
    expect(await bank.auditOf(clientId, "client.deletionReviewed")).toHaveLength(1);
  });

  test("is refused where it does not lead on", async () => {
    const { clientId, notificationId } = await open();
    bodyOf(await review(clientId, notificationId, { status: "declined", reason: "no" }));
    const answer = await review(clientId, notificationId, { status: "inReview" });
    expect(codeOf(answer)).toEqual([409, "invalidState"]);
    expect(answer.body).toMatchObject({ detail: "A notification that is declined cannot become inReview." });
  });

  test.each([
    { status: "received" },
    { status: "completed" },
    { status: "declined" },
    { status: "declined", reason: null },
    {},
    { status: "inReview", reason: "" },
  ])("cannot be %j", async (body) => {
    const { clientId, notificationId } = await open();
    expect(codeOf(await review(clientId, notificationId, body))).toEqual([400, "validationFailed"]);
    expect((await notificationsOf(clientId))[0]).toMatchObject({ status: "received" });
  });

  test("of ten at once, half of them declining, leaves one line for each step that happened", async () => {
    const { clientId, notificationId } = await open();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        review(clientId, notificationId, index % 2 === 0 ? { status: "inReview" } : { status: "declined", reason: "no" }),
      ),
    );
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true);
    const [notification = {}] = await notificationsOf(clientId);
    const steps = (notification["history"] as { status: string }[]).map(({ status }) => status);
    expect([
      ["received", "declined"],
      ["received", "inReview", "declined"],
    ]).toContainEqual(steps);
  });

  test("of another client's notification, of another tenant's client and of nobody says 404", async () => {
    const { clientId, notificationId } = await open("active", "north");
    const other = await bank.aClientThatIs("active", "north");
    const body = { status: "inReview" };
    for (const answer of [
      await review(other, notificationId, body),
      await review(clientId, NOBODY, body),
      await review(NOBODY, notificationId, body),
      await review(clientId, notificationId, body, bank.staffOf("south")),
      await bank.staffOf("south").get(`/internal/Clients/${clientId}/deletion-notifications`),
      await bank.staff.get(`/internal/Clients/${NOBODY}/deletion-notifications`),
    ])
      expect(codeOf(answer)).toEqual([404, "notFound"]);
    expect((await review(clientId, notificationId, body, bank.staffOf("north"))).status).toBe(200);
  });
});

describe("the restriction", () => {
  test("begins with the closing of a client that has asked", async () => {
    const clientId = await bank.aClientThatIs("active");
    bodyOf(await ask(clientId));
    expect(await restrictedAt(clientId)).toBeNull();
    bodyOf(await bank.setStatus(clientId, "closed"));
    expect(await restrictedAt(clientId)).toBeInstanceOf(Date);
    expect(await bank.auditOf(clientId, "client.restricted")).toHaveLength(1);
    expect((await bank.client(clientId))["status"]).toBe("closed");
  });

  test("begins with the rejection of one, too", async () => {
    const clientId = await bank.aClientThatIs("pending");
    bodyOf(await ask(clientId));
    bodyOf(await bank.setStatus(clientId, "rejected"));
    expect(await restrictedAt(clientId)).toBeInstanceOf(Date);
  });

  test("begins at once where a closed client asks, and not where nobody asked", async () => {
    const clientId = await bank.aClientThatIs("closed");
    expect(await restrictedAt(clientId)).toBeNull();
    bodyOf(await ask(clientId));
    expect(await restrictedAt(clientId)).toBeInstanceOf(Date);
  });

  test("begins where closing and asking happen at the same moment", async () => {
    const clients = await Promise.all(Array.from({ length: 8 }, () => bank.aClientThatIs("active")));
    await Promise.all(clients.flatMap((clientId) => [ask(clientId).then(bodyOf), bank.setStatus(clientId, "closed").then(bodyOf)]));
    for (const clientId of clients) expect(await restrictedAt(clientId)).toBeInstanceOf(Date);
  });

  test("ends with the decline", async () => {
    const clientId = await bank.aClientThatIs("closed");
    const { notificationId } = bodyOf(await ask(clientId));
    bodyOf(await review(clientId, notificationId, { status: "declined", reason: "a dispute is open" }));
    expect(await restrictedAt(clientId)).toBeNull();
    expect(await bank.auditOf(clientId, "client.unrestricted")).toHaveLength(1);
  });
});

describe("GET /internal/DeletionNotifications", () => {
  const list = async (query: string, tenant: string) => bodyOf(await bank.staffOf(tenant).get(`/internal/DeletionNotifications${query}`));
  const idsOf = (page: Readonly<Record<string, unknown>>) =>
    (page["items"] as { notificationId: string }[]).map((item) => item.notificationId);
  const ids: string[] = [];
  let closed: string;

  beforeAll(async () => {
    for (let n = 0; n < 5; n++) {
      const clientId = await bank.aClientThatIs(n === 4 ? "closed" : "active", "pages");
      ids.push(String(bodyOf(await ask(clientId, { comment: "secret words" }))["notificationId"]));
      if (n === 0) bodyOf(await review(clientId, ids[0], { status: "inReview" }));
      if (n === 4) closed = clientId;
    }
  });

  test("lists all of the tenant's, newest first, without what they wrote", async () => {
    const page = await list("", "pages");
    expect(Object.keys(page)).toEqual(["items", "totalCount", "pageNumber", "pageSize", "nextCursor"]);
    expect(page).toMatchObject({ totalCount: 5, pageNumber: 1, pageSize: 20, nextCursor: null });
    expect(idsOf(page)).toEqual(ids.toReversed());
    expect(JSON.stringify(page)).not.toContain("secret");
    const { rows } = await bank.owner.query<{ at: Date }>("select closed_at as at from client_profile.client where id = $1", [closed]);
    const from = rows[0]?.at ?? new Date(0);
    from.setUTCFullYear(from.getUTCFullYear() + 5);
    expect((page["items"] as object[])[0]).toMatchObject({ clientId: closed, clientStatus: "closed", erasableFrom: from.toISOString() });
    expect((page["items"] as object[])[1]).toMatchObject({ clientStatus: "active", erasableFrom: null });
  });

  test("filters by status", async () => {
    expect(idsOf(await list("?status=inReview", "pages"))).toEqual([ids[0]]);
    expect(idsOf(await list("?status=inReview&status=received", "pages"))).toHaveLength(5);
    expect(await list("?status=declined", "pages")).toMatchObject({ items: [], totalCount: 0 });
  });

  test("goes on by cursor and by number, in either direction", async () => {
    for (const [direction, expected] of [
      ["asc", ids],
      ["desc", ids.toReversed()],
    ] as const) {
      const walked: string[] = [];
      let cursor = "";
      do {
        const page = await list(`?pageSize=2&sortDirection=${direction}${cursor}`, "pages");
        walked.push(...idsOf(page));
        cursor = page["nextCursor"] === null ? "" : `&cursor=${page["nextCursor"] as string}`;
      } while (cursor !== "");
      expect(walked).toEqual(expected);
      expect(idsOf(await list(`?pageSize=2&pageNumber=2&sortDirection=${direction}`, "pages"))).toEqual(expected.slice(2, 4));
    }
  });

  test("refuses what is no page, and cursors of other lists", async () => {
    const { nextCursor } = await list("?pageSize=1", "pages");
    const forged = Buffer.from("deletion-notifications desc  x' or true").toString("base64url");
    for (const query of [
      `?cursor=${String(nextCursor)}&sortDirection=asc`,
      `?cursor=${forged}`,
      "?cursor=x",
      "?pageSize=101",
      "?status=none",
      "?x=1",
    ]) {
      expect(codeOf(await bank.staff.get(`/internal/DeletionNotifications${query}`))).toEqual([400, "validationFailed"]);
    }
  });

  test("shows a tenant nothing of others", async () => {
    expect(await list("", "elsewhere")).toMatchObject({ items: [], totalCount: 0 });
    const all = bodyOf(await bank.staff.get("/internal/DeletionNotifications?pageSize=100&status=received"));
    expect(idsOf(all)).toEqual(expect.arrayContaining(ids.slice(1)));
  });
});
