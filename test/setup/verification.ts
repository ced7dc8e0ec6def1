// Verification to test: a bank, the provider's webhooks as it signs and sends them, and the simulator of the provider where a test wants one.

import type { VerificationDeps } from "#onboarding";
import type { Scope } from "#platform/access.ts";
import { createHmac } from "node:crypto";
import { Breaker } from "../../src/adapters/breaker.ts";
import type { SentWebhook } from "../../src/adapters/simulators/sumsub-webhooks.ts";
import { openSumsubSimulator, type SumsubBehaviour } from "../../src/adapters/simulators/sumsub.ts";
import { sumsubProvider } from "../../src/adapters/sumsub.ts";
import { anIndividual, unique } from "../builders.ts";
import type { TestAnswer, TestCalls } from "./http.ts";
import { bodyOf, type LedgerApp, type LedgerAppOptions, openLedgerApp, WEBHOOK_SECRET } from "./ledger.ts";

export const UPDATE = "/integration/sumsub-webhooks/update-state";
export const SIMULATE = "/integration/sumsub-webhooks/simulate-verification-response";

export type Webhook = Readonly<Record<string, unknown>>;

export type VerificationApp = LedgerApp & {
  /** Clients' own systems and the bank's staff: every scope that verification asks for. */
  readonly staff: TestCalls;
  /** A client that nobody has verified yet. */
  aNewcomer(tenant?: string): Promise<string>;
  /** Sends a webhook with a right digest. */
  webhook(payload: Webhook | string, headers?: Readonly<Record<string, string>>): Promise<TestAnswer>;
  /** Applies what has come for an applicant, as the worker does. */
  apply(applicantId: string): Promise<void>;
  /** Sends and applies. */
  happen(payload: Webhook): Promise<TestAnswer>;
  /** Runs the other jobs of verification that wait in the queue. */
  introduce(): Promise<void>;
  statusOf(clientId: string): Promise<{ readonly status: string; readonly verificationStatus: string }>;
  /** Rows of the inbox, in the order of their arrival. */
  eventsOf(applicantId: string): Promise<readonly { type: string; state: string; outcome: string | null }[]>;
  /** Reasons of the alerts about a client. */
  alertsOf(clientId: string): Promise<string[]>;
  verificationOf(clientId: string): Promise<Readonly<Record<string, unknown>>>;
};

const SCOPES: readonly Scope[] = ["clients.read", "clients.write", "integration.import", "ledger.write", "ledger.read"];

export async function openVerificationApp(options: LedgerAppOptions = {}): Promise<VerificationApp> {
  const bank = await openLedgerApp(options);
  const staff = bank.callAs({ kind: "system", scopes: SCOPES });
  const run = async (name: string, payload: object): Promise<void> => {
    const job = bank.verification.jobs.find((each) => each.name === name);
    if (job === undefined) throw new Error(`no job ${name}`);
    const actor = { kind: "job", id: name, tenant: null, traceId: "test" } as const;
    await job.run(job.read(payload), { db: bank.db, actor, signal: new AbortController().signal, attempt: 1 });
  };
  const nobody = bank.callAs(null);
  const webhook: VerificationApp["webhook"] = async (payload, headers = {}) => {
    const body = typeof payload === "string" ? payload : JSON.stringify(payload);
    return await nobody.post(UPDATE, body, { "x-payload-digest": digestOf(body), "x-payload-digest-alg": "HMAC_SHA256_HEX", ...headers });
  };
  const apply = (applicantId: string) => run("apply_verification_events", { applicantId });
  const rows = async <Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]> =>
    (await bank.owner.query<Row>(text, [...values])).rows;
  return {
    ...bank,
    staff,
    webhook,
    apply,
    async aNewcomer(tenant) {
      const calls = tenant === undefined ? staff : bank.callAs({ kind: "system", scopes: SCOPES, tenant });
      const { riskLevel, address, phoneNumber, externalId, email: _email, ...individual } = anIndividual();
      const body = {
        type: "individual",
        externalId,
        riskLevel,
        address,
        phoneNumber,
        email: `${unique("newcomer")}@example.com`,
        individual,
      };
      return String(bodyOf(await calls.post("/internal/Clients", body))["clientId"]);
    },
    async happen(payload) {
      const answer = await webhook(payload);
      if (answer.status === 200) await apply(String(payload["applicantId"]));
      return answer;
    },
    async introduce() {
      type Row = { id: string; payload: { payload: object } };
      const text = `select j.id, j.payload from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
        where t.identifier = 'introduce_person_of_company' order by j.id`;
      for (const { id, payload } of await rows<Row>(text, [])) {
        await run("introduce_person_of_company", payload.payload);
        await bank.owner.query("delete from graphile_worker._private_jobs where id = $1", [id]);
      }
    },
    async statusOf(clientId) {
      const [row] = await rows<{ status: string; verificationStatus: string }>(
        `select status, verification_status as "verificationStatus" from client_profile.client where id = $1`,
        [clientId],
      );
      if (row === undefined) throw new Error("no such client");
      return row;
    },
    eventsOf: (applicantId) =>
      rows("select type, state, outcome from onboarding.verification_event where applicant_id = $1 order by received_at, id", [
        applicantId,
      ]),
    async alertsOf(clientId) {
      const text = `select data ->> 'reason' as reason from platform.event where type = 'client.verificationAttention' and subject = $1 order by occurred_at, id`;
      return (await rows<{ reason: string }>(text, [`client:${clientId}`])).map(({ reason }) => reason);
    },
    verificationOf: async (clientId) => bodyOf(await staff.get(`/internal/Clients/${clientId}/verification`)),
  };
}

export function digestOf(body: string | Uint8Array, secret: string = WEBHOOK_SECRET, hash = "sha256"): string {
  return createHmac(hash, secret).update(body).digest("hex");
}

/** 24 hex digits that no other call gives. */
export function anApplicantId(): string {
  return Buffer.from(unique("a")).toString("hex").padStart(24, "0").slice(-24);
}

let milliseconds = 0;

/** An event of an applicant, later than all that were made before; `externalUserId` is our client. */
export function anEvent(applicantId: string, clientId: string | null, type: string, changes: Webhook = {}): Webhook {
  return {
    type,
    applicantId,
    applicantType: "individual",
    correlationId: unique("req"),
    levelName: "test level of persons",
    ...(clientId === null ? {} : { externalUserId: clientId }),
    sandboxMode: false,
    reviewStatus: type === "applicantReviewed" ? "completed" : "pending",
    createdAtMs: instant(++milliseconds),
    clientId: "someTenant",
    ...changes,
  };
}

/** A text of that many milliseconds after an instant of long ago. */
export function instant(ms: number): string {
  return new Date(Date.UTC(2026, 0, 1) + ms).toISOString().replace("T", " ").slice(0, 23);
}

export const GREEN = { reviewResult: { reviewAnswer: "GREEN" } };
export const RETRY = { reviewResult: { reviewAnswer: "RED", reviewRejectType: "RETRY", rejectLabels: ["SCREENSHOTS"] } };
export const FINAL = { reviewResult: { reviewAnswer: "RED", reviewRejectType: "FINAL", rejectLabels: ["FORGERY"] } };

export type ProviderTest = {
  readonly url: string;
  readonly provider: VerificationDeps["provider"];
  behave(behaviour: Partial<SumsubBehaviour>): Promise<void>;
  /** What the simulator knows of our id, or ids. */
  known(externalUserId: string): Promise<readonly { readonly id: string; readonly beneficiaries: readonly Webhook[] }[]>;
  sent(): Promise<readonly SentWebhook[]>;
  sendWebhooksTo(url: string): void;
  close(): Promise<void>;
};

const NEVER_OPEN = new Breaker({ failuresMax: 1_000_000, openMs: 1, monotonicMs: () => performance.now() });

/** The simulator and an adapter that speaks to it, impatient. */
export async function openProvider(): Promise<ProviderTest> {
  const credentials = { appToken: "sbx:test", secretKey: "test-secret-key" };
  const simulator = await openSumsubSimulator({ mode: "test", ...credentials, webhookSecret: WEBHOOK_SECRET });
  const control = async (path: string, method = "GET", body?: object): Promise<{ items: never[] }> => {
    const answer = await fetch(`${simulator.url}/simulator/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`the simulator answered ${answer.status}`);
    return (await answer.json()) as { items: never[] };
  };
  return {
    url: simulator.url,
    provider: sumsubProvider({ url: simulator.url, ...credentials, timeoutMs: 400, deadlineMs: 3_000, backOffMs: 5, breaker: NEVER_OPEN }),
    behave: async (behaviour) => void (await control("behaviour", "PUT", { webhooks: "lost", ...behaviour })),
    async known(externalUserId) {
      const { items } = await control("applicants");
      return (items as { id: string; externalUserId: string; beneficiaries: Webhook[] }[]).filter(
        (each) => each.externalUserId === externalUserId,
      );
    },
    sent: async () => (await control("webhooks")).items,
    sendWebhooksTo: (url) => simulator.sendWebhooksTo(url),
    close: () => simulator.close(),
  };
}
