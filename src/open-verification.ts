// Who verifies clients: the settings say so, and development brings a simulator for what they leave open, with keys that live as long as this
// process. Production has its provider from the settings or verifies nobody.

import { randomBytes } from "node:crypto";
import type { VerificationDeps } from "#onboarding";
import type { Config } from "#platform/config.ts";
import { openSumsubSimulator } from "./adapters/simulators/sumsub.ts";
import { sumsubProvider } from "./adapters/sumsub.ts";

export type VerificationProvision = Pick<VerificationDeps, "provider" | "keys"> & {
  /** Where the simulator listens; null without one. */
  readonly simulatorUrl: string | null;
  /** Where this server takes webhooks, once it does: the simulator sends them there. */
  sendWebhooksTo(origin: string): void;
  close(): Promise<void>;
};

const WEBHOOK_PATH = "/integration/sumsub-webhooks/update-state";

export async function openVerificationProvision({ sumsub, mode }: Pick<Config, "sumsub" | "mode">): Promise<VerificationProvision> {
  const { url, appToken, secretKey, webhookSecrets, webhookAlgorithms: algorithms } = sumsub;
  const nothing = { simulatorUrl: null, sendWebhooksTo: () => undefined, close: async () => undefined };
  if (appToken !== null && secretKey !== null) {
    return { provider: sumsubProvider({ url, appToken, secretKey }), keys: { secrets: webhookSecrets, algorithms }, ...nothing };
  }
  if (mode === "production") return { provider: null, keys: { secrets: [], algorithms }, ...nothing };
  const own = { appToken: `sbx:${newSecret()}`, secretKey: newSecret(), webhookSecret: newSecret() };
  const simulator = await openSumsubSimulator({ mode, ...own });
  return {
    provider: sumsubProvider({ url: simulator.url, appToken: own.appToken, secretKey: own.secretKey }),
    keys: { secrets: [own.webhookSecret], algorithms: ["HMAC_SHA256_HEX", ...algorithms] },
    simulatorUrl: simulator.url,
    sendWebhooksTo: (origin) => simulator.sendWebhooksTo(`${origin}${WEBHOOK_PATH}`),
    close: () => simulator.close(),
  };
}

function newSecret(): string {
  return randomBytes(24).toString("base64url");
}
