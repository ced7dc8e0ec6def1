// Verification as the composition root opens it, over a provider and the keys of its webhook.

import type { ClientProfile } from "#client-profile";
import type { Database } from "#platform/db.ts";
import type { Endpoint } from "#platform/http/endpoint.ts";
import type { Job } from "#platform/jobs.ts";
import type { VerificationProvider } from "../ports.ts";
import { type ApplicantsDeps, personIntroducing } from "./applicants.ts";
import { eventApplying, type EventsDeps } from "./events.ts";
import { getVerification, simulateResponse, startVerification, takeWebhook } from "./routes.ts";
import type { SimulationDeps } from "./simulation.ts";
import type { WebhookKeys } from "./webhook-digest.ts";

/** What verification needs from the composition root. */
export type VerificationDeps = {
  readonly db: Database;
  readonly clients: Pick<ClientProfile, "applyVerification" | "verification">;
  /** Null: nobody can be verified here; what is simulated needs no provider. */
  readonly provider: VerificationProvider | null;
  /** Of the provider's webhook. No secret: no webhook is taken. */
  readonly keys: WebhookKeys;
  readonly levels: { readonly individual: string; readonly company: string };
  /** In production nothing is simulated, and what the provider's sandbox says changes nothing. */
  readonly isProduction: boolean;
};

/** Verification, ready to be served. */
export type Verification = {
  readonly endpoints: readonly Endpoint[];
  /** For the worker. */
  readonly jobs: readonly Job<unknown>[];
};

/** Opens verification: operations 101 and 102, the start and the state of a client's verification, and the jobs behind them. */
export function openVerification({ db, clients, provider, keys, levels, isProduction }: VerificationDeps): Verification {
  const levelOf = (type: "individual" | "company"): string => levels[type];
  const events: EventsDeps = { clients, takesSandbox: !isProduction, levelOf };
  const applying = eventApplying(events);
  const introducing = personIntroducing(() => applicants);
  const applicants: ApplicantsDeps = { db, clients, provider, levelOf, applying, introducing };
  const deps: SimulationDeps = { ...applicants, events, keys };
  return {
    endpoints: [takeWebhook(deps), startVerification(deps), getVerification(deps), ...(isProduction ? [] : [simulateResponse(deps)])],
    jobs: [applying, introducing],
  };
}
