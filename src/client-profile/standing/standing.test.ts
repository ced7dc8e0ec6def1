import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ClientStatus, RiskLevel, VerificationStatus } from "../profiles/contract.ts";
import { asksToClose, type Change, decide, type Facts, type Outcome, type Standing, type StandingEvent, stopsDebits } from "./standing.ts";

const STATUSES: readonly ClientStatus[] = ["pending", "active", "blocked", "rejected", "closed"];
const EVENTS: readonly StandingEvent[] = ["activate", "block", "unblock", "reject", "close"];
const VERIFICATIONS: readonly VerificationStatus[] = ["notStarted", "pending", "onHold", "resubmissionRequested", "approved", "rejected"];
const RISKS: readonly RiskLevel[] = ["low", "medium", "high", "prohibited"];
const OUTCOMES: readonly Outcome[] = ["none", "activate", "reject", "block"];
const NO_ACCOUNTS: Facts = { hasOpenAccounts: false };

const standing = (status: ClientStatus, changes: Partial<Standing> = {}): Standing => ({
  status,
  verificationStatus: "approved",
  riskLevel: "low",
  ...changes,
});
const move = (event: StandingEvent): Change => ({ kind: "move", event });
const verdict = (verificationStatus: VerificationStatus | null, outcome: Outcome, ofServed: VerificationStatus | null = null): Change => ({
  kind: "verdict",
  verificationStatus,
  ofServed,
  outcome,
});

const anyChange: fc.Arbitrary<Change> = fc.oneof(
  fc.constantFrom(...EVENTS).map(move),
  fc.constantFrom(...STATUSES).map((status): Change => ({ kind: "status", status })),
  fc.constantFrom(...RISKS).map((riskLevel): Change => ({ kind: "risk", riskLevel })),
  fc
    .tuple(fc.option(fc.constantFrom(...VERIFICATIONS)), fc.constantFrom(...OUTCOMES), fc.option(fc.constantFrom(...VERIFICATIONS)))
    .map(([status, outcome, ofServed]) => verdict(status, outcome, ofServed)),
);
const anyFacts: fc.Arbitrary<Facts> = fc.record({ hasOpenAccounts: fc.boolean() });
/** As a client may begin: prohibited ones never as active. */
const anyBeginning: fc.Arbitrary<Standing> = fc
  .record({
    status: fc.constantFrom(...STATUSES),
    verificationStatus: fc.constantFrom(...VERIFICATIONS),
    riskLevel: fc.constantFrom(...RISKS),
  })
  .filter(({ status, riskLevel }) => status !== "active" || riskLevel !== "prohibited");
const anyLife = fc.tuple(anyBeginning, fc.array(fc.tuple(anyChange, anyFacts), { maxLength: 30 }));

/** Each standing of a life; a refusal leaves the client where it is. */
function live([beginning, changes]: [Standing, [Change, Facts][]]): Standing[] {
  const stands = [beginning];
  for (const [change, facts] of changes) {
    const last = stands.at(-1) ?? beginning;
    const next = decide(last, change, facts);
    stands.push("code" in next ? last : next);
  }
  return stands;
}

/** Contract 4.4, written down a second time. */
const DOCUMENTED = [
  "pending activate active",
  "pending reject rejected",
  "active block blocked",
  "active close closed",
  "blocked unblock active",
  "blocked close closed",
];

test("every documented transition is there, and no other", () => {
  const found: string[] = [];
  for (const status of STATUSES) {
    for (const event of EVENTS) {
      const next = decide(standing(status), move(event), NO_ACCOUNTS);
      if (!("code" in next) && next.status !== status) found.push(`${status} ${event} ${next.status}`);
    }
  }
  expect(found.sort()).toEqual([...DOCUMENTED].sort());
});

test("whoever asks for a status gets there by a documented transition or not at all", () => {
  const found: string[] = [];
  for (const status of STATUSES) {
    for (const goal of STATUSES) {
      const next = decide(standing(status), { kind: "status", status: goal }, NO_ACCOUNTS);
      if (goal === status) expect(next).toMatchObject({ status });
      else if ("code" in next) expect(next).toEqual({ code: "noSuchTransition", status });
      else found.push(`${status} ${next.status}`);
    }
  }
  expect(found.sort()).toEqual(DOCUMENTED.map((line) => line.replace(/ \w+ /, " ")).sort());
});

describe("over every life that a client can have", () => {
  test("a prohibited client is never active", () => {
    fc.assert(
      fc.property(anyLife, (life) => {
        for (const { status, riskLevel } of live(life)) expect([status, riskLevel]).not.toEqual(["active", "prohibited"]);
      }),
      { numRuns: 2_000 },
    );
  });

  test("rejected and closed are for ever", () => {
    fc.assert(
      fc.property(anyLife, (life) => {
        const statuses = live(life).map(({ status }) => status);
        for (const end of ["rejected", "closed"] as const) {
          const at = statuses.indexOf(end);
          if (at >= 0) expect(new Set(statuses.slice(at))).toEqual(new Set([end]));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test("the status moves along documented transitions only", () => {
    const steps = new Set(DOCUMENTED.map((line) => line.replace(/ \w+ /, " ")));
    fc.assert(
      fc.property(anyLife, (life) => {
        const statuses = live(life).map(({ status }) => status);
        statuses.forEach((status, index) => {
          const before = statuses[index - 1] ?? status;
          if (before !== status) expect(steps).toContain(`${before} ${status}`);
        });
      }),
      { numRuns: 2_000 },
    );
  });

  test("nobody becomes active for the first time without an approved verification", () => {
    fc.assert(
      fc.property(anyLife, (life) => {
        const stands = live(life);
        stands.forEach(({ status, verificationStatus }, index) => {
          if (stands[index - 1]?.status === "pending" && status === "active") expect(verificationStatus).toBe("approved");
        });
      }),
      { numRuns: 2_000 },
    );
  });

  test("nobody is closed who has an open account", () => {
    fc.assert(
      fc.property(anyBeginning, anyChange, (from, change) => {
        const to = decide(from, change, { hasOpenAccounts: true });
        if (!("code" in to) && to.status === "closed") expect(from.status).toBe("closed");
      }),
    );
  });

  test("what changes nothing gives the very same standing, which is how it leaves no trace", () => {
    fc.assert(
      fc.property(anyBeginning, anyChange, anyFacts, (from, change, facts) => {
        const to = decide(from, change, facts);
        if ("code" in to || to === from) return;
        expect(to).not.toEqual(from);
      }),
    );
  });

  test("accounts are looked at for each change that may close, and for no other", () => {
    fc.assert(
      fc.property(anyBeginning, anyChange, (from, change) => {
        const [without, having] = [false, true].map((hasOpenAccounts) => decide(from, change, { hasOpenAccounts }));
        if (!asksToClose(change)) expect(having).toEqual(without);
      }),
    );
  });
});

test("an unblock of a prohibited client is refused; once the risk is judged anew it may be unblocked", () => {
  const blocked = decide(standing("active"), { kind: "risk", riskLevel: "prohibited" }, NO_ACCOUNTS);
  expect(blocked).toMatchObject({ status: "blocked", riskLevel: "prohibited" });
  expect(decide(blocked as Standing, move("unblock"), NO_ACCOUNTS)).toEqual({ code: "clientProhibited", status: "blocked" });
  const judged = decide(blocked as Standing, { kind: "risk", riskLevel: "high" }, NO_ACCOUNTS);
  expect(judged).toMatchObject({ status: "blocked", riskLevel: "high" });
  expect(decide(judged as Standing, move("unblock"), NO_ACCOUNTS)).toMatchObject({ status: "active" });
});

test.each<[ClientStatus, ClientStatus]>([
  ["pending", "rejected"],
  ["active", "blocked"],
  ["blocked", "blocked"],
  ["rejected", "rejected"],
  ["closed", "closed"],
])("of a %s client that turns out to be prohibited becomes a %s one", (from, to) => {
  expect(decide(standing(from), { kind: "risk", riskLevel: "prohibited" }, NO_ACCOUNTS)).toMatchObject({ status: to });
});

test.each<[string, Standing, Change, Partial<Standing>]>([
  [
    "approval activates a pending client",
    standing("pending", { verificationStatus: "pending" }),
    verdict("approved", "activate"),
    { status: "active" },
  ],
  [
    "approval leaves a blocked one blocked",
    standing("blocked", { verificationStatus: "onHold" }),
    verdict("approved", "activate"),
    { status: "blocked", verificationStatus: "approved" },
  ],
  [
    "a final no rejects a pending client",
    standing("pending"),
    verdict("rejected", "reject"),
    { status: "rejected", verificationStatus: "rejected" },
  ],
  [
    "a final no blocks an active one",
    standing("active"),
    verdict("rejected", "reject"),
    { status: "blocked", verificationStatus: "rejected" },
  ],
  [
    "a no for now puts an active one's verification on hold",
    standing("active"),
    verdict("resubmissionRequested", "none", "onHold"),
    { status: "active", verificationStatus: "onHold" },
  ],
  [
    "a no for now asks a pending one again",
    standing("pending"),
    verdict("resubmissionRequested", "none", "onHold"),
    { status: "pending", verificationStatus: "resubmissionRequested" },
  ],
  [
    "a block does not reach a pending client",
    standing("pending"),
    verdict(null, "block"),
    { status: "pending", verificationStatus: "approved" },
  ],
  ["approval moves nobody who was rejected", standing("rejected"), verdict("approved", "activate"), { status: "rejected" }],
  [
    "a verdict without approval activates nobody",
    standing("pending", { verificationStatus: "pending" }),
    verdict("onHold", "activate"),
    { status: "pending", verificationStatus: "onHold" },
  ],
])("%s", (_rule, from, change, to) => {
  expect(decide(from, change, NO_ACCOUNTS)).toMatchObject(to);
});

test("money stays in unless the client is pending or active", () => {
  expect(STATUSES.filter(stopsDebits)).toEqual(["blocked", "rejected", "closed"]);
});
