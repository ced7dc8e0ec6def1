import { describe, expect, test } from "vitest";
import { attentionAfter, isNewer, meaningOf, type Verdict } from "./verdict.ts";
import type { Review } from "./webhook-event.ts";

const NONE: Review = { answer: null, rejectType: null };
const GREEN = { answer: "GREEN", rejectType: null };
const RETRY = { answer: "RED", rejectType: "RETRY" };
const FINAL = { answer: "RED", rejectType: "FINAL" };

function verdict(type: string, review = NONE): Verdict {
  const meaning = meaningOf(type, review);
  if (meaning.kind !== "verdict") throw new Error(`${type} is no verdict`);
  return meaning.verdict;
}

// Contract 7.5, line by line.
test.each([
  ["applicantCreated", NONE, "notStarted", "none"],
  ["applicantReset", NONE, "notStarted", "none"],
  ["applicantStepsReset", NONE, "notStarted", "none"],
  ["applicantPending", NONE, "pending", "none"],
  ["applicantPrechecked", NONE, "pending", "none"],
  ["applicantAwaitingService", NONE, "pending", "none"],
  ["applicantAwaitingUser", NONE, "resubmissionRequested", "none"],
  ["applicantOnHold", NONE, "onHold", "none"],
  ["applicantReviewed", GREEN, "approved", "activate"],
  ["applicantWorkflowCompleted", GREEN, "approved", "activate"],
  ["applicantReviewed", RETRY, "resubmissionRequested", "none"],
  ["applicantWorkflowCompleted", RETRY, "resubmissionRequested", "none"],
  ["applicantReviewed", FINAL, "rejected", "reject"],
  ["applicantWorkflowCompleted", FINAL, "rejected", "reject"],
  ["applicantWorkflowFailed", NONE, "rejected", "reject"],
])("%s %j: %s, %s", (type, review, verificationStatus, outcome) => {
  expect(verdict(type, review)).toMatchObject({ verificationStatus, outcome });
});

test("a client that is served and must try again is on hold; of everything else it is told as others are", () => {
  expect(verdict("applicantReviewed", RETRY).ofServed).toBe("onHold");
  for (const [type, review] of [
    ["applicantReviewed", GREEN],
    ["applicantReviewed", FINAL],
    ["applicantOnHold", NONE],
    ["applicantReset", NONE],
  ] as const) {
    expect(verdict(type, review).ofServed).toBe(verdict(type, review).verificationStatus);
  }
});

test.each([
  ["applicantActivated", "active"],
  ["applicantDeactivated", "deactivated"],
  ["applicantDeleted", "deleted"],
  ["applicantPersonalDataDeleted", "personalDataDeleted"],
])("%s decides nothing and says that the applicant is %s", (type, lifecycle) => {
  expect(meaningOf(type, GREEN)).toEqual({ kind: "lifecycle", lifecycle });
});

test.each([
  "applicantPersonalInfoChanged",
  "applicantLevelChanged",
  "applicantTagsChanged",
  "applicantActionReviewed",
  "videoIdentStatusChanged",
  "kybCompanyActivity",
])("%s is known and decides nothing, whatever result comes with it", (type) => {
  for (const review of [NONE, GREEN, FINAL]) expect(meaningOf(type, review)).toEqual({ kind: "record", isKnown: true });
});

test.each(["applicantFlew", "APPLICANTREVIEWED", "applicantReviewed ", "__proto__", "constructor", "toString", ""])(
  "%j is not known, and decides nothing",
  (type) => {
    for (const review of [NONE, GREEN, FINAL]) expect(meaningOf(type, review)).toEqual({ kind: "record", isKnown: false });
  },
);

test.each([
  NONE,
  { answer: "YELLOW", rejectType: null },
  { answer: "green", rejectType: null },
  { answer: "RED", rejectType: null },
  { answer: "RED", rejectType: "EXTERNAL" },
  { answer: null, rejectType: "FINAL" },
])("a review that says %j decides nothing", (review) => {
  expect(meaningOf("applicantReviewed", review)).toMatchObject({ kind: "record" });
});

describe("of two events", () => {
  const at = (ms: number, rank: number) => ({ at: new Date(ms), rank });

  test("the newer one counts, whatever it says", () => {
    expect(isNewer(at(2, 0), at(1, 6))).toBe(true);
    expect(isNewer(at(1, 6), at(2, 0))).toBe(false);
    expect(isNewer(at(1, 0), null)).toBe(true);
  });

  test("of one instant the more careful one counts, once", () => {
    const order = [
      verdict("applicantCreated"),
      verdict("applicantPending"),
      verdict("applicantAwaitingUser"),
      verdict("applicantOnHold"),
      verdict("applicantReviewed", GREEN),
      verdict("applicantReviewed", RETRY),
      verdict("applicantReviewed", FINAL),
    ];
    expect(order.map(({ rank }) => rank)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(isNewer(at(1, 6), at(1, 4))).toBe(true);
    expect(isNewer(at(1, 4), at(1, 4))).toBe(false);
    expect(isNewer(at(1, 4), at(1, 6))).toBe(false);
  });
});

test.each([
  [RETRY, "active", "active", "resubmissionOfServed"],
  [RETRY, "blocked", "blocked", "resubmissionOfServed"],
  [RETRY, "pending", "pending", null],
  [FINAL, "active", "blocked", "blockedByVerification"],
  [FINAL, "pending", "rejected", null],
  [FINAL, "blocked", "blocked", null],
  [GREEN, "pending", "active", null],
  [GREEN, "active", "active", null],
  [GREEN, "pending", "pending", "approvedButNotActive"],
  [GREEN, "blocked", "blocked", "approvedButNotActive"],
  [GREEN, "rejected", "rejected", "approvedButNotActive"],
])("%j of a client that was %s and is %s: staff hears %j", (review, from, to, attention) => {
  expect(attentionAfter(verdict("applicantReviewed", review), from, to)).toBe(attention);
});
