// Who carries one-time codes, and under which secret they are stored: the settings say so, and development brings a simulator and a
// secret of its own for what they leave open. Production has both from the settings or sends no codes.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { OneTimeCodesDeps } from "#one-time-codes";
import type { Config } from "#platform/config.ts";
import { openSecretFile } from "#platform/secret-file.ts";
import { codeDelivery } from "./adapters/code-sender.ts";
import { openCodeSimulator } from "./adapters/simulators/code-sender.ts";

export type CodeDelivery = {
  /** Null: no codes are sent. */
  readonly delivery: OneTimeCodesDeps["delivery"];
  /** Where the simulator shows what it was given; null without one. */
  readonly simulatorUrl: string | null;
  close(): Promise<void>;
};

const SECRET_FILE = "one-time-codes.key";
const SECRET_BYTES = 32;

export async function openCodeDelivery({ codes, dataDir, mode }: Pick<Config, "codes" | "dataDir" | "mode">): Promise<CodeDelivery> {
  if (mode === "production" && (codes.deliveryUrl === null || codes.secret === null)) {
    return { delivery: null, simulatorUrl: null, close: async () => undefined };
  }
  const secret = codes.secret ?? (await openSecretFile(join(dataDir, SECRET_FILE), "The secret of one-time codes", newSecret)).trim();
  if (codes.deliveryUrl !== null) {
    return { delivery: { secret, deliver: codeDelivery({ url: codes.deliveryUrl }) }, simulatorUrl: null, close: async () => undefined };
  }
  const simulator = await openCodeSimulator({ mode });
  return {
    delivery: { secret, deliver: codeDelivery({ url: simulator.url }) },
    simulatorUrl: simulator.url,
    close: () => simulator.close(),
  };
}

function newSecret(): string {
  return `${randomBytes(SECRET_BYTES).toString("base64url")}\n`;
}
