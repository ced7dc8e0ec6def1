// What the accounts need of other rooms beyond their faces. The composition root fills it.

import type { Tx } from "#platform/db.ts";

/** The right to do one thing once, that a client has proved with a one-time code. */
export type OperationProof = {
  readonly clientId: string;
  readonly token: string;
  readonly operation: "closeAccount";
  readonly accountId: string;
};

/**
 * Uses the token up in the caller's transaction; a refusal that follows gives it back. False: unknown, used, expired, or for something else.
 * Called before any account is locked.
 */
export type VerifyAccountOperation = (tx: Tx, proof: OperationProof) => Promise<boolean>;

/** What the client's plan allows, as far as accounts are concerned; null: no such client. `accountsMax` null: no limit. */
export type FindPlanLimits = (tx: Tx, clientId: string) => Promise<{ readonly accountsMax: number | null } | null>;
