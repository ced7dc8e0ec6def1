// What `npm start` prints: what runs where, and one line to paste.

import type { Config } from "#platform/config.ts";
import type { DevelopmentIssuer } from "#platform/development-issuer.ts";
import type { DemoBank } from "./demo-bank.ts";
import { ownAddress, VERSION } from "./app.ts";

export type Greeting = {
  readonly config: Config;
  readonly port: number;
  readonly database: string;
  readonly issuer: DevelopmentIssuer | null;
  readonly demo: DemoBank | null;
  /** Where the simulator shows the one-time codes; null without it. */
  readonly codesUrl: string | null;
  /** Where the simulator of the verification provider listens; null without it. */
  readonly sumsubUrl: string | null;
};

const TOKEN_SECONDS = 12 * 3600;

export async function greet(say: (line: string) => void, greeting: Greeting): Promise<void> {
  const { config, port, database } = greeting;
  const base = ownAddress(config.host, port);
  say(`FinLego Core ${VERSION} is ready (${config.mode}).`);
  say(`  API        ${base}`);
  say(`  reference  ${base}/docs        description ${base}/openapi.json`);
  say(`  probes     ${base}/health/live, ${base}/health/ready, ${base}/metrics`);
  say(`  database   ${database}`);
  say(`  data       ${config.dataDir}`);
  if (greeting.codesUrl !== null) say(`  codes      ${greeting.codesUrl} (one-time codes that would go out by sms and e-mail)`);
  if (greeting.sumsubUrl !== null)
    say(`  verifying  ${greeting.sumsubUrl} (stands in for Sumsub; /simulator/applicants shows whom it knows)`);
  if (greeting.demo !== null) say(`  demo bank  ${greeting.demo.summary}`);
  say("");
  say(await firstCall(base, greeting));
}

/** A line that works as printed: the demo client's accounts, the first import, or a probe where tokens come from elsewhere. */
async function firstCall(base: string, { issuer, demo }: Greeting): Promise<string> {
  if (issuer === null) return `Try it: curl -sS ${base}/health/ready`;
  if (demo !== null) {
    const token = await issuer.mint({ audience: "frontOffice", clientId: demo.clientId, expiresInSeconds: TOKEN_SECONDS }, Date.now());
    return `Ada's accounts, as Ada sees them:\ncurl -sS ${base}/Accounts -H 'Authorization: Bearer ${token}'`;
  }
  const token = await issuer.mint({ audience: "system", scope: "ledger.write", expiresInSeconds: TOKEN_SECONDS }, Date.now());
  const body = JSON.stringify({ type: "settlement", currency: "EUR", name: "Our money at the partner bank" });
  return `Open the first account:\ncurl -sS ${base}/v2/internal/Accounts -H 'Authorization: Bearer ${token}' -H 'Content-Type: application/json' -d '${body}'`;
}
