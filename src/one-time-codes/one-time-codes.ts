// The module as the composition root opens it, over a key and somebody who delivers.

import type { Database, Tx } from "#platform/db.ts";
import type { Endpoint } from "#platform/http/endpoint.ts";
import type { Job } from "#platform/jobs.ts";
import { consumeToken, type OwnsAccount, type TokenUse } from "./account-codes.ts";
import type { CodeKit } from "./challenges.ts";
import { CodeKeys } from "./code-keys.ts";
import { codeSending } from "./delivery.ts";
import type { DeliverCode, FindContact } from "./ports.ts";
import { accountCodeEndpoints } from "./routes.ts";

/** What one-time codes need from the composition root. */
export type OneTimeCodesDeps = {
  readonly db: Database;
  /** The server's secret (OTP_KEY) and who carries the messages. Null: no codes, and whatever needs one is refused. */
  readonly delivery: { readonly secret: string; readonly deliver: DeliverCode } | null;
  readonly ownsAccount: OwnsAccount;
  readonly findContact: FindContact;
};

/** One-time codes, ready to be served. */
export type OneTimeCodes = {
  /** Operations 18 and 19. */
  readonly endpoints: readonly Endpoint[];
  /** For the worker. */
  readonly jobs: readonly Job<unknown>[];
  /**
   * Uses up the token of a verified code (operation 19) in the caller's transaction. True once: for its client, operation and account
   * alone, within five minutes by the database's clock. False for anything else, and nothing is changed then.
   */
  readonly consumeVerificationToken: (tx: Tx, use: TokenUse) => Promise<boolean>;
};

/** Opens the module. `ownsAccount` tells whether an account is the client's, closed ones included. */
export function openOneTimeCodes({ db, delivery, ownsAccount, findContact }: OneTimeCodesDeps): OneTimeCodes {
  const kit = delivery === null ? null : openKit(delivery, findContact);
  return {
    endpoints: accountCodeEndpoints({ db, kit, ownsAccount }),
    jobs: kit === null ? [] : [kit.sending],
    consumeVerificationToken: async (tx, use) => kit !== null && (await consumeToken(tx, kit.keys, use)),
  };
}

function openKit({ secret, deliver }: NonNullable<OneTimeCodesDeps["delivery"]>, findContact: FindContact): CodeKit {
  const keys = new CodeKeys(secret);
  return { keys, findContact, sending: codeSending({ keys, findContact }, deliver) };
}
