import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCreatedAt, readWebhook, type WebhookEvent, writeCreatedAt } from "./webhook-event.ts";

const NOW = new Date("2026-11-23T10:00:00Z");
const WHOLE = {
  type: "applicantReviewed",
  applicantId: "0123456789abcdef01234567",
  inspectionId: "0123456789abcdef01234568",
  applicantType: "individual",
  correlationId: "req-1",
  levelName: "individual-level",
  externalUserId: "5e505642-9024-474d-9434-e5a44f505cc5",
  sandboxMode: true,
  reviewStatus: "completed",
  reviewResult: { reviewAnswer: "RED", rejectLabels: ["SCREENSHOTS"], reviewRejectType: "RETRY", buttonIds: [] },
  createdAtMs: "2025-01-31 10:15:30.123",
  clientId: "exampleTenant",
};

function read(body: Record<string, unknown>): WebhookEvent {
  const event = readWebhook(body, NOW);
  if ("missing" in event) throw new Error(`no event: ${event.missing.join()}`);
  return event;
}

test("a webhook is read as it is documented", () => {
  expect(read(WHOLE)).toMatchObject({
    applicantId: WHOLE.applicantId,
    type: "applicantReviewed",
    correlationId: "req-1",
    createdAtText: "2025-01-31 10:15:30.123",
    createdAt: new Date("2025-01-31T10:15:30.123Z"),
    externalUserId: WHOLE.externalUserId,
    applicantType: "individual",
    isSandbox: true,
    review: { answer: "RED", rejectType: "RETRY" },
  });
});

test("what the provider says in free words, and what nobody documented, is not kept", () => {
  const reviewResult = { ...WHOLE.reviewResult, clientComment: "canary one", moderationComment: "canary two", more: { x: "canary three" } };
  const { kept } = read({ ...WHOLE, reviewResult, firstName: "canary four", info: { dob: "canary five" } });
  expect(JSON.stringify(kept)).not.toContain("canary");
  expect(kept).toMatchObject({
    notKept: ["firstName", "info"],
    reviewResult: { rejectLabels: ["SCREENSHOTS"] },
    levelName: "individual-level",
  });
});

test.each([
  [{}, ["type", "applicantId"]],
  [{ type: "x" }, ["applicantId"]],
  [{ type: "", applicantId: "a" }, ["type"]],
  [{ type: "x", applicantId: 7 }, ["applicantId"]],
  [{ type: ["x"], applicantId: "a".repeat(101) }, ["type", "applicantId"]],
])("%j is no webhook", (body, missing) => {
  expect(readWebhook(body, NOW)).toEqual({ missing });
});

describe("createdAtMs", () => {
  test.each([
    ["2026-11-23 09:45:00.123", "2026-11-23T09:45:00.123Z"],
    ["2024-02-29 23:59:59.999", "2024-02-29T23:59:59.999Z"],
    ["2026-11-23 09:45:00", "2026-11-23T09:45:00.000Z"],
    ["2026-11-23 09:45:00+0000", "2026-11-23T09:45:00.000Z"],
    ["2026-11-24 09:59:59.999", "2026-11-24T09:59:59.999Z"],
  ])("%s is %s", (createdAtMs, instant) => {
    expect(read({ ...WHOLE, createdAtMs }).createdAt).toEqual(new Date(instant));
  });

  test.each([
    "2026-02-29 00:00:00.000",
    "2026-13-01 00:00:00.000",
    "2026-11-23 24:00:00.000",
    "2026-11-23T09:45:00.123Z",
    "2026-11-23 09:45:00.12",
    "2026-11-23 09:45:00+0100",
    " 2026-11-23 09:45:00.123",
    "1700000000000",
    1700000000000,
    true,
    { a: 1 },
    [],
    "",
    "0000-00-00 00:00:00.000",
    "1970-01-01 00:00:00.000",
    "2014-12-31 23:59:59.999",
    "x".repeat(100_000),
  ])("%j is no instant", (createdAtMs) => {
    expect(read({ ...WHOLE, createdAtMs }).createdAt).toBe("malformedTime");
  });

  test("absent is no instant, unless the older member is there", () => {
    const { createdAtMs: _gone, ...rest } = WHOLE;
    expect(read(rest)).toMatchObject({ createdAt: "malformedTime", createdAtText: "" });
    expect(read({ ...rest, createdAtMs: null, createdAt: "2025-01-31 10:15:30+0000" })).toMatchObject({
      createdAt: new Date("2025-01-31T10:15:30Z"),
      createdAtText: "2025-01-31 10:15:30+0000",
    });
  });

  test("more than a day ahead is absurd", () => {
    expect(read({ ...WHOLE, createdAtMs: "2026-11-24 10:00:00.001" }).createdAt).toBe("futureTime");
    expect(read({ ...WHOLE, createdAtMs: "9999-12-31 23:59:59.999" }).createdAt).toBe("futureTime");
  });

  test("what is written is read back", () => {
    fc.assert(
      fc.property(fc.date({ min: new Date("2015-01-01"), max: new Date("2099-12-31"), noInvalidDate: true }), (instant) => {
        expect(readCreatedAt(writeCreatedAt(instant))).toEqual(instant);
      }),
    );
  });
});

test.each([
  [undefined, false],
  [null, false],
  [false, false],
  [true, true],
  ["true", true],
  ["false", true],
  [0, true],
])("sandboxMode %j: %j, since what is not plainly false could be true", (sandboxMode, isSandbox) => {
  expect(read({ ...WHOLE, sandboxMode }).isSandbox).toBe(isSandbox);
});

test("companies of a person come as objects or as texts", () => {
  const applicantMemberOf = [{ applicantId: "company-1" }, "company-2", 3, null];
  expect(read({ ...WHOLE, applicantMemberOf }).kept["applicantMemberOf"]).toEqual(["company-1", "company-2"]);
});

test("whatever is sent, what is kept is small, and text for a database", () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...Object.keys(WHOLE), "createdAt", "applicantMemberOf", "odd\ud800"), fc.jsonValue()),
      (body) => {
        const event = readWebhook({ ...body, type: "x", applicantId: "a" }, NOW) as WebhookEvent;
        const text = JSON.stringify(event.kept);
        expect(text.length).toBeLessThan(40_000);
        expect(text).not.toMatch(/\\ud[89a-f]/);
        expect(event.createdAtText.length).toBeLessThanOrEqual(100);
      },
    ),
  );
});
