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
import { registerImportCommand } from "./cli-import.ts";
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

registerImportCommand(program, {
  defaultUrl: () => `http://127.0.0.1:${readConfig(readEnvironment()).port}`,
  async mintToken(tenant) {
    const { dataDir, mode, auth } = readConfig(readEnvironment());
    const issuer = await openDevelopmentIssuer({ dataDir, mode, issuer: auth.issuer, audience: auth.audience });
    return await issuer.mint(
      { audience: "system", scope: "integration.import", tenant, subject: "cli", expiresInSeconds: 43_200 },
      Date.now(),
    );
  },
  isTerminal: process.stderr.isTTY,
});

await program.parseAsync();
