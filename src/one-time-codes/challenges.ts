// The life of a code: it is made and sent, tried, and proven. Whatever is to be confirmed: account operations today; a transfer binds its
// amount, currency and creditor as `subject` and shows them in the message. Every step locks the client's count of failures first, so that
// of any number of calls at the same moment each sees what the one before has left.

import { writeAudit } from "#platform/audit.ts";
import type { Tx } from "#platform/db.ts";
import { publish } from "#platform/events.ts";
import { enqueue, type Job } from "#platform/jobs.ts";
import { newId } from "#platform/new-id.ts";
import { invariant, type ProblemExtras, refusePlatform } from "#platform/problem.ts";
import {
  BLOCK_SECONDS,
  CODE_LIFE_SECONDS,
  FAILURES_MAX,
  judgeFailure,
  MESSAGES_A_DAY_MAX,
  PROOF_LIFE_SECONDS,
  RESEND_AFTER_SECONDS,
} from "./attempts.ts";
import * as blocks from "./block.store.ts";
import * as store from "./challenge.store.ts";
import type { FindContact } from "./ports.ts";
import { type Binding, type CodeKeys, isSame, newCode } from "./code-keys.ts";
import { destinationFor, maskDestination } from "./destination.ts";
import { type oneTimeCodesProblems, refuse } from "./problems.ts";
import type { Channel } from "./words.ts";

/** What a challenge needs beside the database. */
export type CodeKit = CodeReach & { readonly sending: Job<{ readonly challengeId: string }> };

/** What opens a code and finds the client that it is for. */
export type CodeReach = { readonly keys: CodeKeys; readonly findContact: FindContact };

/** Whose codes: the client, and the tenant it belongs to. */
export type Holder = { readonly clientId: string; readonly tenant: string };

export type CodeOrder = {
  /** At most one code lives for each client and purpose: a new one ends the one before, and both wait for each other's 60 s. */
  readonly purpose: string;
  /** Canonical text of what the code is for: another text, another code. */
  readonly subject: string;
  /** Null: the phone before the mailbox. */
  readonly channel: Channel | null;
  /** What the client is sent. */
  message(code: string): string;
};

export type SentCode = {
  readonly challengeId: string;
  readonly channel: Channel;
  readonly maskedDestination: string;
  readonly expiresAt: Date;
  readonly resendAvailableAt: Date;
};

const LIMITS: store.Limits = { resendSeconds: RESEND_AFTER_SECONDS, messagesMax: MESSAGES_A_DAY_MAX };

/**
 * Makes a code and has it sent after the commit. Refuses with 409 otpAttemptsExceeded during a block, 429 otpResendTooSoon within 60 s
 * of the last code for the purpose or after ten codes in 24 hours, 409 otpChannelNotAvailable.
 */
export async function sendCode(tx: Tx, { keys, sending, findContact }: CodeKit, { clientId }: Holder, order: CodeOrder): Promise<SentCode> {
  await blocks.lockFailures(tx, clientId);
  const block = await blocks.findBlock(tx, clientId);
  if (block !== null) refuse("otpAttemptsExceeded", blocked(block));
  const next = await store.findNextSending(tx, clientId, order.purpose, LIMITS);
  if (next !== null && next.inSeconds > 0) refuse("otpResendTooSoon", tooSoon(next));
  const contact = await findContact(tx, clientId);
  invariant(contact, "a client without a contact");
  const destination = destinationFor(contact, order.channel) ?? refuse("otpChannelNotAvailable", { members: { channel: order.channel } });

  const binding: Binding = { challengeId: newId(), clientId, purpose: order.purpose, subject: order.subject };
  const code = newCode();
  await store.endLive(tx, clientId, order.purpose, "replaced");
  const expiresAt = await store.insertChallenge(tx, {
    ...binding,
    id: binding.challengeId,
    channel: destination.channel,
    destinationHash: keys.hashDestination(binding, destination.address),
    codeHash: keys.hashCode(binding, code),
    sealedMessage: keys.seal(binding.challengeId, order.message(code)),
    lifeSeconds: CODE_LIFE_SECONDS,
  });
  await enqueue(tx, sending, { challengeId: binding.challengeId });
  await audit(tx, "oneTimeCode.requested", binding, { channel: destination.channel });
  const following = await store.findNextSending(tx, clientId, order.purpose, LIMITS);
  invariant(following, "a code was not stored");
  return {
    challengeId: binding.challengeId,
    channel: destination.channel,
    maskedDestination: maskDestination(destination),
    expiresAt,
    resendAvailableAt: following.at,
  };
}

export type CodeTry = {
  readonly challengeId: string;
  /** Six digits. */
  readonly code: string;
  /** Which purposes the caller is there for: a code for anything else is not found. */
  readonly purposes: readonly string[];
};

/** What came of a try. A refusal is a value: the failure that it has counted must be committed all the same. Plain JSON throughout. */
export type Verdict = Verified | Refused;
export type Verified = { readonly verified: true; readonly binding: Binding; readonly proofExpiresAt: string };
export type Refused = {
  readonly verified: false;
  readonly code: Extract<keyof typeof oneTimeCodesProblems, "otpInvalid" | "otpExpired" | "otpAttemptsExceeded">;
  readonly extras: Pick<ProblemExtras, "detail" | "members">;
};

/**
 * Judges a code. Commit what it gives, also a refusal. Blocked, used, replaced and expired codes are refused without a look at the digits.
 * Throws 404 for a challenge that is not the client's or is for another purpose.
 */
export async function tryCode(tx: Tx, kit: CodeKit, holder: Holder, attempt: CodeTry): Promise<Verdict> {
  const { keys } = kit;
  const failures = await blocks.lockFailures(tx, holder.clientId);
  const challenge = await store.findChallenge(tx, attempt.challengeId, holder.clientId);
  if (challenge === null || !attempt.purposes.includes(challenge.purpose)) return refusePlatform("notFound");
  const block = await blocks.findBlock(tx, holder.clientId);
  if (block !== null) return { verified: false, code: "otpAttemptsExceeded", extras: blocked(block) };
  if (challenge.outcome === "blocked") return { verified: false, code: "otpAttemptsExceeded", extras: OVER };
  const binding = bindingOf(challenge);
  if (!challenge.isLive || !(await isReachedThere(tx, kit, challenge))) return { verified: false, code: "otpExpired", extras: {} };
  if (!isSame(keys.hashCode(binding, attempt.code), challenge.codeHash)) return await countFailure(tx, holder, binding, failures);

  const proofExpiresAt = await store.endVerified(tx, challenge.id, PROOF_LIFE_SECONDS);
  await blocks.setFailures(tx, holder.clientId, 0);
  await audit(tx, "oneTimeCode.verified", binding);
  return { verified: true, binding, proofExpiresAt: proofExpiresAt.toISOString() };
}

/** Uses up the proof of a verified code in the caller's transaction: true once, for just that client, purpose and subject, within its life. */
export async function spendProof(tx: Tx, keys: CodeKeys, proof: string, about: Omit<Binding, "challengeId">): Promise<boolean> {
  const challengeId = keys.challengeOf(proof, about);
  if (challengeId === null || !(await store.spendProof(tx, challengeId))) return false;
  await audit(tx, "oneTimeCode.used", { ...about, challengeId });
  return true;
}

async function countFailure(tx: Tx, holder: Holder, binding: Binding, failuresBefore: number): Promise<Refused> {
  const { clientId, tenant } = holder;
  const failure = judgeFailure(failuresBefore, await blocks.countRecentBlocks(tx, clientId));
  const detail = failure.warning === null ? {} : { detail: failure.warning };
  if (failure.kind === "counted") {
    await blocks.setFailures(tx, clientId, failure.failures);
    await audit(tx, "oneTimeCode.failed", binding, { failures: failure.failures });
    return { verified: false, code: "otpInvalid", extras: { ...detail, members: { attemptsLeft: failure.attemptsLeft } } };
  }
  const block = await blocks.insertBlock(tx, clientId, failure.isPermanent ? null : BLOCK_SECONDS);
  await blocks.setFailures(tx, clientId, 0);
  await store.endLive(tx, clientId, null, "blocked");
  const until = block.until?.toISOString() ?? null;
  await audit(tx, "oneTimeCode.blocked", binding, { failures: FAILURES_MAX, until });
  await publish(tx, { type: "client.oneTimeCodesBlocked", subject: `client:${clientId}`, tenant, data: { until } });
  return { verified: false, code: "otpAttemptsExceeded", extras: { ...detail, ...blocked(block) } };
}

/** Whether the client would still be reached where the code was sent. */
export async function isReachedThere(tx: Tx, { keys, findContact }: CodeReach, challenge: store.Challenge): Promise<boolean> {
  const contact = await findContact(tx, challenge.clientId);
  const destination = contact === null ? null : destinationFor(contact, challenge.channel);
  if (destination === null) return false;
  return isSame(keys.hashDestination(bindingOf(challenge), destination.address), challenge.destinationHash);
}

function bindingOf({ id, clientId, purpose, subject }: store.Challenge): Binding {
  return { challengeId: id, clientId, purpose, subject };
}

/** A block that is over has still ended its codes. */
const OVER = { detail: "The block is over: ask for a new code.", members: { attemptsLeft: 0 } };

function blocked({ until }: blocks.Block): Pick<ProblemExtras, "detail" | "members"> {
  const detail = until === null ? { detail: "The block stays until the bank lifts it." } : {};
  return { ...detail, members: { attemptsLeft: 0, blockedUntil: until?.toISOString() ?? null } };
}

function tooSoon({ at, inSeconds }: { readonly at: Date; readonly inSeconds: number }): ProblemExtras {
  return { members: { resendAvailableAt: at.toISOString() }, headers: { "retry-after": String(inSeconds) } };
}

type AuditDetail = NonNullable<Parameters<typeof writeAudit>[1]["detail"]>;

async function audit(tx: Tx, action: string, { challengeId, clientId, purpose }: Binding, detail: AuditDetail = {}): Promise<void> {
  await writeAudit(tx, { action, subject: `client:${clientId}`, detail: { challengeId, purpose, ...detail } });
}
