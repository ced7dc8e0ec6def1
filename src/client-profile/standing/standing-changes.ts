// The shell of a client's standing: hold the client, decide purely (standing.ts), store what was decided on the version it was decided
// upon, and tell everybody: history, audit, events, and last the client's accounts.

import { writeAudit } from "#platform/audit.ts";
import type { Tx } from "#platform/db.ts";
import { publish } from "#platform/events.ts";
import { invariant, refusePlatform } from "#platform/problem.ts";
import type { DataKey, Place } from "#platform/sealing.ts";
import type { Vault } from "../keys/vault.ts";
import { refuse } from "../problems.ts";
import { restrictWhenAsked } from "../privacy/notifications.ts";
import { blockReasonPlace } from "../profiles/clients.ts";
import type { ClientStatus, VerificationStatus } from "../profiles/contract.ts";
import { asksToClose, type Change, decide, type Outcome, type Standing, type StandingRefusal, stopsDebits } from "./standing.ts";
import * as store from "./standing.store.ts";

/** What clients own elsewhere. Filled by the composition root: accounts are kept above this module. */
export type ClientAccounts = {
  /**
   * Stops the debits of all accounts of the client, or lets them through again: from the commit on no debit is booked on any route
   * (contract decision 22). The last statement of its transaction, because it holds the ledger's head; the client's row is held before.
   */
  setBlocked(tx: Tx, clientId: string, isBlocked: boolean): Promise<void>;
  /** Whether the client has an account that is not closed. While the client's row is held none is opened. */
  hasOpen(tx: Tx, clientId: string): Promise<boolean>;
};

/** What a change of standing needs beside its transaction. */
export type StandingKit = { readonly vault: Vault; readonly accounts: ClientAccounts };

export type StandingOrder = {
  readonly change: Change;
  /** Why: a word of the program. Stands in history, audit and events. */
  readonly reason: string;
  /** Why: the words of staff, sealed under the client's key. Null: none. */
  readonly note: string | null;
};

export type StandingChange = { readonly clientId: string; readonly tenant: string; readonly from: Standing; readonly to: Standing };

/**
 * Changes how a client stands. What is so already is answered as it is, and leaves no trace. Call it last in its transaction: it may hold
 * the ledger's head. `visibleTo`: a tenant, or null for the bank itself. Refuses with 404, and 409 invalidState and clientProhibited.
 */
export async function changeStanding(
  tx: Tx,
  kit: StandingKit,
  clientId: string,
  visibleTo: string | null,
  order: StandingOrder,
): Promise<StandingChange> {
  return await change(tx, kit, (await store.lockForChange(tx, clientId, visibleTo)) ?? refusePlatform("notFound"), order);
}

/** What a verification found out about a client (contract 7.5). */
export type Verdict = {
  readonly clientId: string;
  /** Null: unchanged. */
  readonly verificationStatus: VerificationStatus | null;
  /** What it is instead for a client that is active or blocked; absent: the same. */
  readonly ofServed?: VerificationStatus;
  /** activate: a pending client becomes active. reject: a pending one is rejected, an active one blocked. block: an active one is blocked. */
  readonly outcome: Outcome;
  /** A word of the program. */
  readonly reason: string;
};

/**
 * Notes the verdict and lets the client follow it. Never refused for where the client stands: what cannot be is left out, and a prohibited
 * client stays what it is. Null: there is no such client, or it is erased.
 */
export async function applyVerification(tx: Tx, kit: StandingKit, verdict: Verdict): Promise<StandingChange | null> {
  const { verificationStatus, ofServed = null, outcome, reason } = verdict;
  const client = await store.lockForChange(tx, verdict.clientId, null);
  if (client === null) return null;
  return await change(tx, kit, client, { change: { kind: "verdict", verificationStatus, ofServed, outcome }, reason, note: null });
}

async function change(tx: Tx, { vault, accounts }: StandingKit, client: store.HeldClient, order: StandingOrder): Promise<StandingChange> {
  const { clientId, tenant, status, verificationStatus, riskLevel } = client;
  const { reason, note } = order;
  const from: Standing = { status, verificationStatus, riskLevel };
  const hasOpenAccounts = asksToClose(order.change) && (await accounts.hasOpen(tx, clientId));
  const to = accepted(decide(from, order.change, { hasOpenAccounts }));
  if (to === from) return { clientId, tenant, from, to };

  const key = vault.openClientKey(client) ?? refusePlatform("notFound");
  const version = client.version + 1n;
  const isBlockedNow = to.status === "blocked" && from.status !== "blocked";
  const sealedBlockReason = isBlockedNow ? key.seal(blockReasonPlace(clientId), note ?? reason) : null;
  invariant(await store.setStanding(tx, client, to, sealedBlockReason), "a client changed while it was held");
  await store.insertHistory(tx, clientId, { ...to, version, reason, sealedNote: sealNote(key, clientId, version, note) });
  await tell(tx, { clientId, tenant, from, to }, reason);
  await restrictWhenAsked(tx, clientId);
  if (stopsDebits(from.status) !== stopsDebits(to.status)) await accounts.setBlocked(tx, clientId, stopsDebits(to.status));
  return { clientId, tenant, from, to };
}

/** Where the words of staff about a change are sealed. The version names the line: no two lines of a client have the same. */
export function notePlace(clientId: string, version: bigint): Place {
  return { table: "client_profile.client_status_history", column: "sealed_note", row: `${clientId} ${version}` };
}

function sealNote(key: DataKey, clientId: string, version: bigint, note: string | null): Buffer | null {
  return note === null ? null : key.seal(notePlace(clientId, version), note);
}

async function tell(tx: Tx, { clientId, tenant, from, to }: StandingChange, reason: string): Promise<void> {
  const subject = `client:${clientId}`;
  await writeAudit(tx, {
    action: "client.standingChanged",
    subject,
    detail: {
      fromStatus: from.status,
      toStatus: to.status,
      fromVerificationStatus: from.verificationStatus,
      toVerificationStatus: to.verificationStatus,
      fromRiskLevel: from.riskLevel,
      toRiskLevel: to.riskLevel,
      reason,
    },
  });
  const changed = async (type: string, before: string, after: string): Promise<void> => {
    if (before !== after) await publish(tx, { type, subject, tenant, data: { clientId, from: before, to: after, reason } });
  };
  await changed("client.verificationChanged", from.verificationStatus, to.verificationStatus);
  await changed("client.statusChanged", from.status, to.status);
}

const WHY_NOT: Record<Exclude<StandingRefusal["code"], "clientProhibited">, (status: ClientStatus) => string> = {
  noSuchTransition: (status) => `A client that is ${status} cannot become that.`,
  notVerified: () => "The verification of the client is not approved.",
  accountsAreOpen: () => "The client has an account that is not closed.",
};

/** The standing after the change; a refusal becomes its problem here and nowhere else. */
function accepted(outcome: Standing | StandingRefusal): Standing {
  if (!("code" in outcome)) return outcome;
  const { code, status: clientStatus } = outcome;
  const members = { clientStatus };
  if (code === "clientProhibited") return refuse(code, { detail: "A prohibited client cannot become active.", members });
  return refuse("invalidState", { detail: WHY_NOT[code](clientStatus), members });
}
