// The shell of operations 18 and 19, and what uses up their tokens: codes for account operations. The subject of such a code is the
// account it is for, or nothing.

import type { Tx } from "#platform/db.ts";
import { refusePlatform } from "#platform/problem.ts";
import type { ClientCaller } from "#platform/access.ts";
import { lockClientForShare } from "#client-profile";
import { type CodeKit, type Holder, sendCode, type SentCode, spendProof, tryCode, type Verdict } from "./challenges.ts";
import type { CodeKeys } from "./code-keys.ts";
import type { SendOtp, VerifyOtp } from "./contract.ts";
import { refuse } from "./problems.ts";
import { ACCOUNT_OPERATIONS, accountMessage, type AccountOperation } from "./words.ts";

/** Whether the account is that client's. Filled by the composition root: accounts are kept above this module. */
export type OwnsAccount = (tx: Tx, clientId: string, accountId: string) => Promise<boolean>;

/** Operation 18. Refuses with 404 for an account that is not the client's own, and as `holderOf` and `sendCode` do. */
export async function sendAccountCode(
  tx: Tx,
  kit: CodeKit,
  ownsAccount: OwnsAccount,
  caller: ClientCaller,
  order: SendOtp,
): Promise<SentCode> {
  const { operation } = order;
  const accountId = order.accountId ?? null;
  refuseMisplacedAccount(operation, accountId);
  const holder = await holderOf(tx, caller);
  if (accountId !== null && !(await ownsAccount(tx, holder.clientId, accountId))) return refusePlatform("notFound");
  return await sendCode(tx, kit, holder, {
    purpose: operation,
    subject: subjectOf(accountId),
    channel: order.channel ?? null,
    message: (code) => accountMessage(operation, code),
  });
}

/** Operation 19. The verdict must be committed, see `tryCode`. */
export async function tryAccountCode(tx: Tx, kit: CodeKit, caller: ClientCaller, { otpId, code }: VerifyOtp): Promise<Verdict> {
  return await tryCode(tx, kit, await holderOf(tx, caller), { challengeId: otpId, code, purposes: ACCOUNT_OPERATIONS });
}

export type TokenUse = {
  readonly clientId: string;
  readonly token: string;
  readonly operation: AccountOperation;
  /** Null where the operation is about no account. */
  readonly accountId: string | null;
};

export async function consumeToken(tx: Tx, keys: CodeKeys, { clientId, token, operation, accountId }: TokenUse): Promise<boolean> {
  return await spendProof(tx, keys, token, { clientId, purpose: operation, subject: subjectOf(accountId) });
}

function subjectOf(accountId: string | null): string {
  return JSON.stringify({ accountId });
}

function refuseMisplacedAccount(operation: AccountOperation, accountId: string | null): void {
  const sentence =
    operation === "closeAccount" && accountId === null
      ? "The field is required for closeAccount."
      : operation === "openAccount" && accountId !== null
        ? "The field is not allowed for openAccount."
        : null;
  if (sentence !== null) refusePlatform("validationFailed", { errors: { accountId: [sentence] } });
}

/** The caller's client, whose standing holds until the commit. Refuses with 404, 403 clientBlocked and 409 clientNotActive. */
async function holderOf(tx: Tx, caller: ClientCaller): Promise<Holder> {
  const client = await lockClientForShare(tx, caller.clientId);
  if (client === null || (caller.tenant !== null && client.tenant !== caller.tenant)) return refusePlatform("notFound");
  if (client.status === "blocked") refuse("clientBlocked");
  if (client.status !== "active") refuse("clientNotActive", { members: { clientStatus: client.status } });
  return client;
}
