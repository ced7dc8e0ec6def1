// Who signs the tokens: the identity provider of the settings, or in development the issuer that the product brings.

import type { VerifyToken } from "#platform/access.ts";
import type { Config } from "#platform/config.ts";
import { type DevelopmentIssuer, openDevelopmentIssuer } from "#platform/development-issuer.ts";
import { openRemoteKeys } from "#platform/key-set.ts";
import { createTokenVerifier } from "#platform/token-verifier.ts";

export type Access = {
  readonly verify: VerifyToken;
  /** Null where an identity provider is set. */
  readonly issuer: DevelopmentIssuer | null;
  close(): void;
};

export async function openAccess(config: Config, onFault: (fault: string) => void): Promise<Access> {
  const { issuer, audience, jwksUrl } = config.auth;
  const clock = Date.now;
  if (jwksUrl !== null) {
    const keys = await openRemoteKeys({ url: jwksUrl, onFault });
    return { verify: createTokenVerifier({ issuer, audience, keys, clock }), issuer: null, close: () => keys.close() };
  }
  const development = await openDevelopmentIssuer({ dataDir: config.dataDir, issuer, audience, mode: config.mode });
  return { verify: createTokenVerifier({ issuer, audience, keys: development.keys, clock }), issuer: development, close: () => undefined };
}
