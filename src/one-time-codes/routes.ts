// Operations 18 and 19: a code is sent, and tried.

import { callerTenant, type ClientCaller } from "#platform/access.ts";
import type { Actor, Database } from "#platform/db.ts";
import { type Answer, type Call, type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { runOnce } from "#platform/http/idempotency.ts";
import { invariant, platformProblems, problemBody } from "#platform/problem.ts";
import { type OwnsAccount, sendAccountCode, tryAccountCode } from "./account-codes.ts";
import type { CodeKit, Verdict } from "./challenges.ts";
import { SendOtp, SentOtp, VerifiedOtp, VerifyOtp } from "./contract.ts";
import { oneTimeCodesProblems as problems, refuse } from "./problems.ts";

export type RouteDeps = {
  readonly db: Database;
  /** Null: codes cannot be sent here. */
  readonly kit: CodeKit | null;
  readonly ownsAccount: OwnsAccount;
};

const ACCOUNTS = "GeneralLedger - System (1) / Accounts";
const VERIFICATION_PATH = "/Accounts/otp-verification";

/** Operations 18 and 19. */
export function accountCodeEndpoints(deps: RouteDeps): Endpoint[] {
  return [sendOtp(deps), verifyOtp(deps)];
}

function sendOtp({ kit, ownsAccount }: RouteDeps): Endpoint {
  return endpoint({
    id: "sendOtp",
    method: "POST",
    path: "/Accounts/send-otp",
    tags: [ACCOUNTS],
    summary: "Send a one-time code for a sensitive account operation",
    description:
      "Six digits, by sms or email, valid for five minutes and for this operation and account only. A new code ends the one before. The next one can be sent after 60 seconds, at most ten in 24 hours.",
    audience: "frontOffice",
    scope: null,
    body: SendOtp,
    reply: SentOtp,
    problems: {
      notFound: platformProblems.notFound,
      clientBlocked: problems.clientBlocked,
      clientNotActive: problems.clientNotActive,
      otpAttemptsExceeded: problems.otpAttemptsExceeded,
      otpChannelNotAvailable: problems.otpChannelNotAvailable,
      otpResendTooSoon: problems.otpResendTooSoon,
      otpNotAvailable: problems.otpNotAvailable,
    },
    work: "write",
    async handle(tx, { body, caller }) {
      const sent = await sendAccountCode(tx, kit ?? refuse("otpNotAvailable"), ownsAccount, clientOf(caller), body);
      return {
        otpId: sent.challengeId,
        channel: sent.channel,
        maskedDestination: sent.maskedDestination,
        expiresAt: sent.expiresAt.toISOString(),
        resendAvailableAt: sent.resendAvailableAt.toISOString(),
      };
    },
  });
}

function verifyOtp(deps: RouteDeps): Endpoint {
  return endpoint({
    id: "verifyOtp",
    method: "POST",
    path: VERIFICATION_PATH,
    tags: [ACCOUNTS],
    summary: "Try a one-time code",
    description:
      "The right code gives a token for the operation that it was sent for. Five wrong ones in a row, over all codes of the client, block it for 15 minutes; the third block within 24 hours stays until the bank lifts it.",
    audience: "frontOffice",
    scope: null,
    body: VerifyOtp,
    reply: VerifiedOtp,
    problems: {
      notFound: platformProblems.notFound,
      clientBlocked: problems.clientBlocked,
      clientNotActive: problems.clientNotActive,
      otpInvalid: problems.otpInvalid,
      otpExpired: problems.otpExpired,
      otpAttemptsExceeded: problems.otpAttemptsExceeded,
      otpNotAvailable: problems.otpNotAvailable,
    },
    work: "own",
    handle: (call) => verify(deps, call),
  });
}

type VerifyCall = Call<unknown, unknown, VerifyOtp>;

/** The verdict with the trace of the call that it was given to, as a key keeps it: without the token, which is made from it. */
type KeptVerdict = { readonly verdict: Verdict; readonly traceId: string };

/**
 * A wrong code is counted, so its refusal must not be rolled back: it leaves the transaction as a value, is kept under the caller's key,
 * and becomes a refusal only after the commit.
 */
async function verify({ db, kit }: RouteDeps, call: VerifyCall): Promise<Answer<VerifiedOtp>> {
  if (kit === null) return refuse("otpNotAvailable");
  const caller = clientOf(call.caller);
  const actor: Actor = { kind: caller.kind, id: caller.subject, tenant: callerTenant(caller), traceId: call.traceId };
  const answer = await runOnce(
    db,
    actor,
    call.key,
    async (tx) => {
      const kept: KeptVerdict = { verdict: await tryAccountCode(tx, kit, caller, call.body), traceId: call.traceId };
      return JSON.stringify(kept);
    },
    (problem) => problemBody(problem, VERIFICATION_PATH, call.traceId),
  );
  if (answer.status !== 200) return { stored: answer };
  const { verdict, traceId } = JSON.parse(answer.body) as KeptVerdict;
  if (!verdict.verified) return refuse(verdict.code, { ...verdict.extras, traceId, isRepeat: answer.replayed });
  const { binding, proofExpiresAt } = verdict;
  return { body: { verified: true, verificationToken: kit.keys.proofOf(binding), expiresAt: proofExpiresAt }, replayed: answer.replayed };
}

function clientOf(caller: VerifyCall["caller"]): ClientCaller {
  invariant(caller.kind === "client", "a front-office route with a system caller");
  return caller;
}
