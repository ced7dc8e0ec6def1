// What the accounts need from rooms above them. The composition root fills it.

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
