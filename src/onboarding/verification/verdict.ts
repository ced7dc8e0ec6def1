// Pure: what an event of the provider means for a client (contract 7.5), as a table, and which of two events counts.

import type { VerificationStatus } from "#client-profile";
import type { Review } from "./webhook-event.ts";

/** What an event that carries a state asks for. */
export type Verdict = {
  readonly verificationStatus: VerificationStatus;
  /** What it is instead for a client that is served already (active or blocked). */
  readonly ofServed: VerificationStatus;
  /** `reject`: a pending client is rejected, an active one blocked. */
  readonly outcome: "none" | "activate" | "reject";
  /** Of events of one instant the higher one counts: nobody becomes active by an event that may be older than its refusal. */
  readonly rank: number;
};

/** What became of the applicant at the provider, whatever its verdict. */
export type Lifecycle = "active" | "deactivated" | "deleted" | "personalDataDeleted";

export type Meaning =
  | { readonly kind: "verdict"; readonly verdict: Verdict }
  | { readonly kind: "lifecycle"; readonly lifecycle: Lifecycle }
  /** Changes nothing here. `isKnown` false: a type that nobody has told us of. */
  | { readonly kind: "record"; readonly isKnown: boolean };

const state = (
  rank: number,
  verificationStatus: VerificationStatus,
  outcome: Verdict["outcome"] = "none",
  ofServed: VerificationStatus = verificationStatus,
): Verdict => ({ verificationStatus, ofServed, outcome, rank });

const NOT_STARTED = state(0, "notStarted");
const PENDING = state(1, "pending");
const AWAITING_USER = state(2, "resubmissionRequested");
const ON_HOLD = state(3, "onHold");
const APPROVED = state(4, "approved", "activate");
/** A client that is served is not asked for papers as a newcomer is: it is on hold, and staff looks at it. */
const RETRY = state(5, "resubmissionRequested", "none", "onHold");
const REJECTED = state(6, "rejected", "reject");

const VERDICTS: ReadonlyMap<string, Verdict> = new Map([
  ["applicantCreated", NOT_STARTED],
  ["applicantReset", NOT_STARTED],
  ["applicantStepsReset", NOT_STARTED],
  ["applicantPending", PENDING],
  ["applicantPrechecked", PENDING],
  ["applicantAwaitingService", PENDING],
  ["applicantAwaitingUser", AWAITING_USER],
  ["applicantOnHold", ON_HOLD],
  ["applicantWorkflowFailed", REJECTED],
]);

/** These say their verdict in `reviewResult`. */
const REVIEWS: ReadonlySet<string> = new Set(["applicantReviewed", "applicantWorkflowCompleted"]);

const LIFECYCLES: ReadonlyMap<string, Lifecycle> = new Map([
  ["applicantActivated", "active"],
  ["applicantDeactivated", "deactivated"],
  ["applicantDeleted", "deleted"],
  ["applicantPersonalDataDeleted", "personalDataDeleted"],
]);

/** Known, and no business of a client's standing. */
const RECORDED: ReadonlySet<string> = new Set(
  `applicantPersonalInfoChanged applicantTagsChanged applicantLevelChanged applicantActionPending applicantActionReviewed
   applicantActionOnHold applicantActionLevelChanged videoIdentStatusChanged videoIdentCompositionCompleted applicantKytTxnApproved
   applicantKytTxnRejected applicantKytTxnReviewed applicantKytTxnDeleted applicantKytTxnDataChanged applicantKytTxnAwaitingUser
   applicantKytOnHold kytCaseCreated kytCaseStatusChanged kytCaseReviewed amlCaseApproved amlCaseRejected amlCaseOnHold
   travelRuleAction kybCompanyActivity`.split(/\s+/),
);

/** What an event of that type and review means. A review without an answer that is known decides nothing. */
export function meaningOf(type: string, review: Review): Meaning {
  const verdict = REVIEWS.has(type) ? verdictOf(review) : VERDICTS.get(type);
  if (verdict !== undefined) return { kind: "verdict", verdict };
  const lifecycle = LIFECYCLES.get(type);
  if (lifecycle !== undefined) return { kind: "lifecycle", lifecycle };
  return { kind: "record", isKnown: RECORDED.has(type) || REVIEWS.has(type) };
}

function verdictOf({ answer, rejectType }: Review): Verdict | undefined {
  if (answer === "GREEN") return APPROVED;
  if (answer !== "RED") return undefined;
  if (rejectType === "FINAL") return REJECTED;
  return rejectType === "RETRY" ? RETRY : undefined;
}

/** Where in the order of a provider's events one stands. */
export type Position = { readonly at: Date; readonly rank: number };

/** Whether an event counts after the one that was applied last: it is newer, or of the same instant and of a higher rank. */
export function isNewer(event: Position, applied: Position | null): boolean {
  if (applied === null || event.at.getTime() > applied.at.getTime()) return true;
  return event.at.getTime() === applied.at.getTime() && event.rank > applied.rank;
}

/** Why staff should look at a client. */
export type Attention = "resubmissionOfServed" | "blockedByVerification" | "approvedButNotActive";

/** What staff is told after a verdict, by where the client stood and stands. */
export function attentionAfter(verdict: Verdict, from: string, to: string): Attention | null {
  if (verdict === RETRY && (from === "active" || from === "blocked")) return "resubmissionOfServed";
  if (verdict.outcome === "reject" && from === "active" && to === "blocked") return "blockedByVerification";
  return verdict.outcome === "activate" && to !== "active" ? "approvedButNotActive" : null;
}
