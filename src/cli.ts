// `npm run --silent cli -- <command>`: what an operator does beside the running product.

import { Command } from "commander";
import { clientProfileVerifiable } from "#client-profile";
import { ledgerVerifiable } from "#general-ledger";
import { importVerifiable, verificationVerifiable } from "#onboarding";
import { oneTimeCodesVerifiable } from "#one-time-codes";
import { registerTokenCommand } from "#platform/cli-token.ts";
import { registerVerifyCommand } from "#platform/cli-verify.ts";
import { readConfig, readEnvironment } from "#platform/config.ts";
import { openDevelopmentIssuer } from "#platform/development-issuer.ts";
import { platformVerifiable } from "#platform/platform-checks.store.ts";
import { VERSION } from "./app.ts";
import { bankVerifiable } from "./bank-checks.store.ts";
import { registerErasuresCommand } from "./cli-erasures.ts";
import { registerKeysCommand } from "./cli-keys.ts";

const program = new Command("finlego").description("FinLego Core").version(VERSION);

registerTokenCommand(program, {
  clock: Date.now,
  openIssuer: () => {
    const { dataDir, mode, auth } = readConfig(readEnvironment());
    return openDevelopmentIssuer({ dataDir, mode, issuer: auth.issuer, audience: auth.audience });
  },
});

registerVerifyCommand(program, {
  environment: () => readEnvironment(),
  rooms: [
    platformVerifiable,
    clientProfileVerifiable,
    ledgerVerifiable,
    oneTimeCodesVerifiable,
    verificationVerifiable,
    importVerifiable,
    bankVerifiable,
  ],
});

registerKeysCommand(program, readEnvironment);
registerErasuresCommand(program, readEnvironment);

await program.parseAsync();
