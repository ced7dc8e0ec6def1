// Operations 101 and 102 of the contract, and the two of ours that start and show a verification.

import { callerTenant, type Caller } from "#platform/access.ts";
import type { Actor } from "#platform/db.ts";
import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { claimList, type IdempotencyKey } from "#platform/http/idempotency.ts";
import type { SignedBody } from "#platform/http/request-body.ts";
import { newId } from "#platform/new-id.ts";
import { invariant, platformProblems, refusePlatform } from "#platform/problem.ts";
import { strictObject, Uuid } from "#platform/schema.ts";
import { ProviderFault } from "../ports.ts";
import { ensureApplicant, refusalOf } from "./applicants.ts";
import { SimulatedVerification, SimulateVerification, StartedVerification, SumsubWebhook, TakenWebhook, Verification } from "./contract.ts";
import { takeEvent } from "./events.ts";
import { refuse, verificationProblems as problems } from "./problems.ts";
import { type SimulationDeps, simulateReview } from "./simulation.ts";
import { viewVerification } from "./views.ts";
import { isSigned, type WebhookKeys } from "./webhook-digest.ts";
import { readWebhook } from "./webhook-event.ts";

const WEBHOOKS = ["Onboarding Integration / SumsubWebhooks"];
const CLIENTS = ["ClientProfile - System / Clients"];
const WEBHOOK_BYTES_MAX = 256 * 1024;
const TOKEN_SECONDS = 1_800;
/** No call takes longer: the connection would not wait. */
const CALL_MS_MAX = 25_000;
const ClientId = strictObject({ clientId: Uuid });

const signedWebhook = (keys: WebhookKeys): SignedBody => ({
  kind: "signed",
  limit: WEBHOOK_BYTES_MAX,
  verify: (raw, headers) => isSigned(keys, raw, headers),
  schema: SumsubWebhook,
});

export const takeWebhook = (deps: SimulationDeps): Endpoint =>
  endpoint({
    id: "updateVerificationState",
    method: "POST",
    path: "/integration/sumsub-webhooks/update-state",
    tags: WEBHOOKS,
    summary: "Takes an event of the verification provider",
    description:
      "`x-payload-digest` holds the lower-case hex HMAC of the body's bytes under the webhook's secret, `x-payload-digest-alg` its algorithm. Every event is kept once and answered 200; what it changes is applied right after the answer, in the order of `createdAtMs`: a newer state is never undone by an older one. `processed` false with a `reason` is an event that changes nothing.",
    audience: "signature",
    scope: null,
    requestBody: signedWebhook(deps.keys),
    reply: TakenWebhook,
    work: "write",
    async handle(tx, { body, raw }) {
      const event = readWebhook(body, tx.now);
      if ("missing" in event) {
        const message = ["The field is required: a text of 1 to 100 characters."];
        return refusePlatform("validationFailed", { errors: Object.fromEntries(event.missing.map((name) => [name, message])) });
      }
      return await takeEvent(tx, deps.events, deps.applying, event, raw);
    },
  });

export const simulateResponse = (deps: SimulationDeps): Endpoint =>
  endpoint({
    id: "simulateVerificationResponse",
    method: "POST",
    path: "/integration/sumsub-webhooks/simulate-verification-response",
    tags: WEBHOOKS,
    summary: "Simulates a verification response",
    description:
      "For trying things out; there is no such operation in production. The provider's sandbox is told the verdict, and the event that follows is applied before the answer. A client that has no applicant yet gets one.",
    audience: "integration",
    scope: "integration.import",
    body: SimulateVerification,
    reply: SimulatedVerification,
    problems: {
      notFound: platformProblems.notFound,
      verificationRefused: problems.verificationRefused,
      verificationUnavailable: problems.verificationUnavailable,
    },
    work: "own",
    async handle({ body, caller, key, traceId }) {
      const errors = faultsOf(body);
      if (Object.keys(errors).length > 0) refusePlatform("validationFailed", { errors });
      const actor = actorOf(caller, traceId);
      const correlationId = await claimKey(deps, actor, key);
      const { response, isRepeat } = await simulateReview(
        deps,
        actor,
        caller.tenant,
        { ...body, correlationId },
        AbortSignal.timeout(CALL_MS_MAX),
      );
      return { body: response, replayed: isRepeat };
    },
  });

function faultsOf({ clientId, applicantId, reviewAnswer, reviewRejectType }: SimulateVerification): Record<string, string[]> {
  const isOne = typeof clientId === "string" ? (applicantId ?? null) === null : typeof applicantId === "string";
  return {
    ...(isOne ? {} : { clientId: ["Exactly one of clientId and applicantId must be given."] }),
    ...(reviewAnswer === "RED" && (reviewRejectType ?? null) === null ? { reviewRejectType: ["The field is required with RED."] } : {}),
  };
}

export const startVerification = (deps: SimulationDeps): Endpoint =>
  endpoint({
    id: "startClientVerification",
    method: "POST",
    path: "/internal/Clients/{clientId}/verification",
    tags: CLIENTS,
    summary: "Start the verification of a client, or go on with it",
    description:
      "Makes the client known to the verification provider, once, and gives a token with which the client's own program opens the provider's SDK. Safe to repeat: the applicant stays the same, the token is a new one. The persons of a company are made known right after. 409 invalidState for a client that is rejected, closed, or asked to be forgotten.",
    audience: "system",
    scope: "clients.write",
    params: ClientId,
    body: strictObject({}),
    isBodyOptional: true,
    reply: StartedVerification,
    problems: { ...problems, notFound: platformProblems.notFound },
    work: "own",
    async handle({ params: { clientId }, caller, key, traceId }) {
      const actor = actorOf(caller, traceId);
      await claimKey(deps, actor, key);
      const startedAt = await deps.db.read(actor, async (tx) => {
        const client = (await deps.clients.verification.findClient(tx, clientId, caller.tenant)) ?? refusePlatform("notFound");
        const isOver = client.status === "rejected" || client.status === "closed";
        if (isOver) refuse("invalidState", { detail: `The client is ${client.status}.`, members: { clientStatus: client.status } });
        if (client.isRestricted) refuse("invalidState", { detail: "The client has asked to be forgotten." });
        return tx.now;
      });
      const signal = AbortSignal.timeout(CALL_MS_MAX);
      const { applicantId, levelName } = await ensureApplicant(deps, actor, clientId, signal);
      invariant(applicantId, "an applicant without an id");
      const provider = deps.provider ?? refuse("verificationUnavailable", { detail: "No verification provider is set." });
      const request = { externalUserId: clientId, levelName, seconds: TOKEN_SECONDS };
      const accessToken = await provider.issueAccessToken(request, signal).catch((fault: unknown) => {
        throw fault instanceof ProviderFault ? refusalOf(fault) : fault;
      });
      const expiresAt = new Date(startedAt.getTime() + TOKEN_SECONDS * 1_000).toISOString();
      // Never a replay: the token is a new one, also under the same key.
      return { body: { applicantId, levelName, accessToken, expiresAt }, replayed: false };
    },
  });

export const getVerification = ({ clients }: SimulationDeps): Endpoint =>
  endpoint({
    id: "getClientVerification",
    method: "GET",
    path: "/internal/Clients/{clientId}/verification",
    tags: CLIENTS,
    summary: "How far the verification of a client has come",
    description: "With the persons of a company that the provider knows, and why staff should look at the client, if it should.",
    audience: "system",
    scope: "clients.read",
    params: ClientId,
    reply: Verification,
    work: "read",
    handle: (tx, { params, caller }) => viewVerification(tx, clients, params.clientId, caller.tenant),
  });

/**
 * Both operations that use it are safe to repeat and answer afresh; the key still stands for one request alone. Gives a name of the call that
 * is the same for every repeat under the key.
 */
async function claimKey({ db }: SimulationDeps, actor: Actor, key: IdempotencyKey | null): Promise<string> {
  if (key === null) return newId();
  await db.write(actor, (tx) => claimList(tx, key, actor.traceId));
  return key.id;
}

function actorOf(caller: Caller, traceId: string): Actor {
  return { kind: caller.kind, id: caller.subject, tenant: callerTenant(caller), traceId };
}
