// How a client stands and what may become of that (contract 4.4 and 7.5), as tables. Pure: give it a standing and what is wanted, get the
// standing as it is afterwards (the same object where it is so already) or the one reason why not. A prohibited client never becomes
// active; rejected and closed are for ever.

import type { ClientStatus, RiskLevel, VerificationStatus } from "../profiles/contract.ts";

export type Standing = { readonly status: ClientStatus; readonly verificationStatus: VerificationStatus; readonly riskLevel: RiskLevel };

/** What may happen to a client's status. */
export type StandingEvent = "activate" | "block" | "unblock" | "reject" | "close";

/** Every transition there is; no other. */
export const TRANSITIONS = {
  pending: { activate: "active", reject: "rejected" },
  active: { block: "blocked", close: "closed" },
  blocked: { unblock: "active", close: "closed" },
  rejected: {},
  closed: {},
} as const satisfies Record<ClientStatus, Partial<Record<StandingEvent, ClientStatus>>>;

/** Where each event leads; asked for there once more, nothing changes. */
const GOALS = {
  activate: "active",
  block: "blocked",
  unblock: "active",
  reject: "rejected",
  close: "closed",
} as const satisfies Record<StandingEvent, ClientStatus>;

/** What the verdict of a verification asks for; what it means for a client depends on where it is (contract 7.5). */
export type Outcome = "none" | "activate" | "reject" | "block";

const EVENT_OF_OUTCOME: Record<Outcome, Partial<Record<ClientStatus, StandingEvent>>> = {
  none: {},
  activate: { pending: "activate" },
  reject: { pending: "reject", active: "block" },
  block: { active: "block" },
};

/** A client that turns out to be prohibited is served no longer, or never. */
const EVENT_OF_PROHIBITION: Partial<Record<ClientStatus, StandingEvent>> = { pending: "reject", active: "block" };

export type Change =
  | { readonly kind: "move"; readonly event: StandingEvent }
  /** Staff asks for a status and not for a way: the transition that leads there from where the client is. */
  | { readonly kind: "status"; readonly status: ClientStatus }
  /** Null: the verification stands as it did. `ofServed`: what it is instead for a client that is active or blocked. */
  | {
      readonly kind: "verdict";
      readonly verificationStatus: VerificationStatus | null;
      readonly ofServed: VerificationStatus | null;
      readonly outcome: Outcome;
    }
  | { readonly kind: "risk"; readonly riskLevel: RiskLevel };

export type StandingRefusal = {
  readonly code: "noSuchTransition" | "clientProhibited" | "notVerified" | "accountsAreOpen";
  /** Where the client stands. */
  readonly status: ClientStatus;
};

/** What counts beside the standing itself. `hasOpenAccounts` is looked at where the client would be closed, see `asksToClose`. */
export type Facts = { readonly hasOpenAccounts: boolean };

export function asksToClose(change: Change): boolean {
  return (change.kind === "move" && change.event === "close") || (change.kind === "status" && change.status === "closed");
}

export function decide(standing: Standing, change: Change, facts: Facts): Standing | StandingRefusal {
  switch (change.kind) {
    case "move":
      return move(standing, change.event, facts);
    case "status": {
      const { status } = standing;
      if (status === change.status) return standing;
      const event = eventTo(status, change.status);
      return event === null ? { code: "noSuchTransition", status } : move(standing, event, facts);
    }
    case "verdict":
      return applyVerdict(standing, change);
    case "risk": {
      if (standing.riskLevel === change.riskLevel) return standing;
      const judged = { ...standing, riskLevel: change.riskLevel };
      return change.riskLevel === "prohibited" ? follow(judged, EVENT_OF_PROHIBITION[standing.status]) : judged;
    }
  }
}

/** Whether no money may leave the accounts of a client of that status. */
export function stopsDebits(status: ClientStatus): boolean {
  return status === "blocked" || status === "rejected" || status === "closed";
}

function move(standing: Standing, event: StandingEvent, { hasOpenAccounts }: Facts): Standing | StandingRefusal {
  const { status, verificationStatus, riskLevel } = standing;
  if (status === GOALS[event]) return standing;
  const open: Partial<Record<StandingEvent, ClientStatus>> = TRANSITIONS[status];
  const next = open[event];
  if (next === undefined) return { code: "noSuchTransition", status };
  if (next === "active" && riskLevel === "prohibited") return { code: "clientProhibited", status };
  if (event === "activate" && verificationStatus !== "approved") return { code: "notVerified", status };
  if (event === "close" && hasOpenAccounts) return { code: "accountsAreOpen", status };
  return { ...standing, status: next };
}

function eventTo(from: ClientStatus, to: ClientStatus): StandingEvent | null {
  const open = Object.entries(TRANSITIONS[from]) as [StandingEvent, ClientStatus][];
  return open.find(([, goal]) => goal === to)?.[0] ?? null;
}

/** A verdict is never refused: where it cannot move the client it is noted, and the client stays where it is. */
function applyVerdict(standing: Standing, { verificationStatus, ofServed, outcome }: Change & { readonly kind: "verdict" }): Standing {
  const isServed = standing.status === "active" || standing.status === "blocked";
  const found = (isServed ? ofServed : null) ?? verificationStatus ?? standing.verificationStatus;
  const noted = found === standing.verificationStatus ? standing : { ...standing, verificationStatus: found };
  return follow(noted, EVENT_OF_OUTCOME[outcome][standing.status]);
}

function follow(standing: Standing, event: StandingEvent | undefined): Standing {
  if (event === undefined) return standing;
  const next = move(standing, event, { hasOpenAccounts: true });
  return "code" in next ? standing : next;
}
