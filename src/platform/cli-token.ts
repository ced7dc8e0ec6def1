// The command `token`: prints a token of the development issuer and nothing else on standard output, so that
// `TOKEN=$(npm run --silent cli -- token …)` works. What is wrong with a request is said in a sentence on standard error.

import type { Command } from "commander";
import { SCOPES } from "./access.ts";
import type { DevelopmentIssuer, TokenRequest } from "./development-issuer.ts";
import { StartupError } from "./startup-error.ts";
import { isSubject, isTenant, isUuid } from "./token-claims.ts";

export type TokenCommandDeps = {
  /** Called only for a request that is in order. */
  readonly openIssuer: () => Promise<DevelopmentIssuer>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
};

type TokenOptions = {
  readonly audience?: string;
  readonly scope?: string;
  readonly clientId?: string;
  readonly tenant?: string;
  readonly subject?: string;
  readonly expiresIn: string;
};

const EXIT_WRONG_REQUEST = 2;
const DURATION = /^([1-9]\d{0,8})([smhd]?)$/;
const SECONDS_OF_UNIT: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600, d: 86_400 };
const EXPIRES_IN_MAX = 366 * 86_400;

/** Adds `token` to the program (contract decision 16). Exit code 2 for a request that makes no sense, 1 for a sick installation. */
export function registerTokenCommand(program: Command, deps: TokenCommandDeps): void {
  program
    .command("token")
    .description("print an access token of the development issuer")
    .option("--audience <audience>", "system or frontOffice")
    .option("--scope <scopes>", `scopes of a system token, between spaces: ${SCOPES.join(", ")}`)
    .option("--client-id <uuid>", "the client a front-office token speaks for")
    .option("--tenant <tenant>", "confine the token to one tenant")
    .option("--subject <subject>", "who the token says is calling")
    .option("--expires-in <duration>", "seconds, or 15m, 2h, 1d", "3600")
    .action(async (options: TokenOptions, command: Command) => {
      const request = readTokenRequest(options);
      if ("fault" in request) return command.error(request.fault, { exitCode: EXIT_WRONG_REQUEST });
      try {
        const issuer = await deps.openIssuer();
        const token = await issuer.mint(request, deps.clock());
        command.configureOutput().writeOut?.(`${token}\n`);
      } catch (error) {
        if (error instanceof StartupError) command.error(error.message, { exitCode: 1 });
        throw error;
      }
    });
}

/** Pure: the options as typed, turned into a request or into a sentence that says what to type instead. */
function readTokenRequest(options: TokenOptions): TokenRequest | { readonly fault: string } {
  const { audience, scope, clientId, tenant, subject } = options;
  if (audience !== "system" && audience !== "frontOffice") return { fault: "Say --audience system or --audience frontOffice." };
  const scopes = scope?.split(" ").filter((word) => word !== "");
  if (audience === "system") {
    if (clientId !== undefined)
      return { fault: "A system token speaks for no client: leave out --client-id, or say --audience frontOffice." };
    if (scopes === undefined) return { fault: 'Say --scope "ledger.read ledger.write", or --scope "" for a token without scopes.' };
    const unknown = scopes.find((word) => !SCOPES.some((known) => known === word));
    if (unknown !== undefined) return { fault: `There is no scope ${unknown}. The scopes are ${SCOPES.join(", ")}.` };
  } else {
    if (clientId === undefined || !isUuid(clientId)) return { fault: "A front-office token needs --client-id and the client's uuid." };
    if (scopes !== undefined) return { fault: "A front-office token has no scopes: leave out --scope, or say --audience system." };
  }
  if (tenant !== undefined && !isTenant(tenant)) return { fault: "A tenant is 1 to 64 letters, digits, _ or -." };
  if (subject !== undefined && !isSubject(subject)) return { fault: "A subject is 1 to 255 printable characters." };
  const expiresInSeconds = readSeconds(options.expiresIn);
  if (expiresInSeconds === undefined) return { fault: "Say --expires-in in seconds, or as 15m, 2h or 1d; at most 366 days." };
  return { audience, scope: scopes?.join(" "), clientId, tenant, subject, expiresInSeconds };
}

function readSeconds(text: string): number | undefined {
  const [, count, unit] = DURATION.exec(text) ?? [];
  const seconds = Number(count) * (SECONDS_OF_UNIT[unit ?? ""] ?? Number.NaN);
  return seconds <= EXPIRES_IN_MAX ? seconds : undefined;
}
