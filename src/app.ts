// The composition root: settings, database, adapters and modules come together here and nowhere else.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { type Logger, pino } from "pino";
import {
  type AccountSettings,
  clientAccounts,
  generalLedgerEndpoints,
  ledgerJobs,
  ownsAccount,
  startLedgerTasks,
  Writer,
} from "#general-ledger";
import { type ClientProfile, clientKeys, openClientProfile } from "#client-profile";
import { importEndpoints, onboardingEndpoints, openVerification, type Verification, type VerificationDeps } from "#onboarding";
import { liftCodeBlocks, type OneTimeCodes, openOneTimeCodes } from "#one-time-codes";
import type { VerifyToken } from "#platform/access.ts";
import { type Config, readConfig } from "#platform/config.ts";
import { Database } from "#platform/db.ts";
import { subscribe } from "#platform/events.ts";
import { describeFault } from "#platform/fault.ts";
import { addEndpoints, buildHttp } from "#platform/http/app.ts";
import { drain, listen } from "#platform/http/drain.ts";
import type { Endpoint } from "#platform/http/endpoint.ts";
import { addApiDescription, addPages } from "#platform/http/pages.ts";
import { ibanIssuerFault } from "#platform/iban.ts";
import type { Job } from "#platform/jobs.ts";
import { Lane } from "#platform/lane.ts";
import { Metrics } from "#platform/metrics.ts";
import { developmentMasterKeys } from "#platform/sealing.ts";
import { StartupError } from "#platform/startup-error.ts";
import { startWorker } from "#platform/worker.ts";
import { erasureList } from "./adapters/erasure-list.ts";
import { eventDelivery, eventSink } from "./adapters/event-sink.ts";
import { openCodeDelivery } from "./open-codes.ts";
import { NO_DOCUMENTS, openDocumentDeps } from "./open-documents.ts";
import { openMasterKeys } from "./open-keys.ts";
import { openVerificationProvision } from "./open-verification.ts";
import { ERASURE_LIST, PERSONAL_DATA } from "./personal-data.ts";

export const { version: VERSION } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };

/** Where the application's own role connects. `role`: to SET ROLE to, when the URL's user is another one. */
export type AppDatabase = { readonly url: string; readonly role: string | null };

export type App = {
  readonly http: FastifyInstance;
  /** Where the simulator shows the one-time codes that would go out; null where they go to a gateway, or nowhere. */
  readonly codesUrl: string | null;
  /** Where the simulator of the verification provider listens; null where there is a real one, or none. */
  readonly sumsubUrl: string | null;
  /** Serves; gives the port. */
  listen(): Promise<number>;
  /** Graceful stop: every accepted call is answered, then everything is closed. */
  close(): Promise<void>;
};

type Parts = {
  readonly db: Database;
  readonly writer: Writer;
  readonly clients: ClientProfile;
  readonly codes: OneTimeCodes;
  readonly verification: Verification;
};

function listEndpoints(
  config: Config,
  { db, writer, clients, codes, verification }: Parts,
  { lifecycle }: Pick<Edge, "lifecycle">,
): Endpoint[] {
  return [
    ...clients.endpoints,
    ...onboardingEndpoints({ importStatus: config.importStatus, clients }),
    ...importEndpoints({ db, importStatus: config.importStatus, clients, isStopping: () => lifecycle.draining }),
    ...verification.endpoints,
    ...generalLedgerEndpoints({
      db,
      writer,
      timeZone: config.bankTimeZone,
      accounts: accountSettings(config),
      findPlanLimits: clients.findPlanLimits,
      verifyOperation: codes.consumeVerificationToken,
    }),
    ...codes.endpoints,
  ];
}

function accountSettings(config: Config): AccountSettings {
  const { countryEur, codeEur, bankCodeGbp, sortCode, bic } = config.iban;
  const ibanIssuers = new Map([
    ["EUR", { country: countryEur, bankCode: codeEur }],
    ["GBP", { country: "GB", bankCode: `${bankCodeGbp}${sortCode}` }],
  ]);
  for (const [currency, issuer] of ibanIssuers) {
    const fault = ibanIssuerFault(issuer);
    if (fault !== null) throw new StartupError(`IBANs for ${currency} cannot be made: ${fault}`);
  }
  return { currencies: new Set(config.accountCurrencies), ibanIssuers, bic };
}

function privacySettings({ retentionYears, dataDir }: Config): Parameters<typeof openClientProfile>[0]["privacy"] {
  return { retentionYears, keepErasure: erasureList(join(dataDir, ERASURE_LIST)), data: PERSONAL_DATA };
}

function verificationSettings({ sumsub, mode }: Config): Pick<VerificationDeps, "levels" | "isProduction"> {
  return { levels: { individual: sumsub.levelIndividual, company: sumsub.levelCompany }, isProduction: mode === "production" };
}

/** Where this process reaches itself. */
export function ownAddress(host: string, port: number): string {
  const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  return `http://${reachable.includes(":") ? `[${reachable}]` : reachable}:${port}`;
}

/** Builds the application on a migrated database. Nothing is served before `listen`. */
export async function openApp(config: Config, database: AppDatabase, verify: VerifyToken, log: Logger): Promise<App> {
  const metrics = new Metrics();
  const onConnectionError = (error: Error): void => log.warn({ reason: error.message }, "a database connection was lost");
  const db = new Database({ ...database, poolSize: config.databasePoolSize, name: "finlego", onConnectionError });
  // Health must answer also when all connections are taken.
  const probe = new Database({ ...database, poolSize: 1, name: "finlego-probe", onConnectionError });
  const lanes = Array.from({ length: config.writerLanes }, (_, index) => new Lane({ ...database, name: `finlego-writer-${index + 1}` }));
  const writer = new Writer({
    lanes,
    timeZone: config.bankTimeZone,
    monotonicMs: () => performance.now(),
    onBatch: metrics.onBatch,
    onFault: (error, commands) => {
      metrics.onBatchFault();
      log.warn({ commands, fault: describeFault(error) }, "a batch of payments met an error");
    },
  });
  metrics.addGauge("finlego_ledger_writer_load", "Commands that wait or are being written.", () => writer.load);
  metrics.addGauge("finlego_database_connections", "Connections of the pool.", () => db.stats().total);
  metrics.addGauge("finlego_database_waiting", "Calls that wait for a connection.", () => db.stats().waiting);

  const codeDelivery = await openCodeDelivery(config);
  const vault = await clientKeys.openVault(db, await openMasterKeys(config));
  const clients = openClientProfile({
    db,
    vault,
    accounts: clientAccounts,
    liftCodeBlocks,
    documents: openDocumentDeps(config),
    privacy: privacySettings(config),
  });
  const codes = openOneTimeCodes({ db, delivery: codeDelivery.delivery, ownsAccount, findContact: clients.findContact });
  const provision = await openVerificationProvision(config);
  const verification = openVerification({ db, clients, ...provision, ...verificationSettings(config) });
  const lifecycle = { draining: false };
  const http = await buildApi(
    config,
    { db, writer, clients, codes, verification },
    { verify, log, metrics, lifecycle, isReady: async () => !lifecycle.draining && (await probe.isReachable()) },
  );
  const worker = await startJobs(config, database, { db, clients, codes, verification }, log);
  const deliver = config.eventsSinkUrl === null ? null : eventDelivery({ url: config.eventsSinkUrl });
  const tasks = startLedgerTasks({ db, writer, deliver, log });
  metrics.addGauge("finlego_ledger_events_waiting", "Changes of the ledger that this instance is still to send.", tasks.behind);
  return {
    http,
    codesUrl: codeDelivery.simulatorUrl,
    sumsubUrl: provision.simulatorUrl,
    async listen() {
      const port = await listen(http, config.host, config.port);
      provision.sendWebhooksTo(ownAddress(config.host, port));
      return port;
    },
    async close() {
      lifecycle.draining = true;
      await drain(http);
      await Promise.all([worker.stop(), tasks.stop()]);
      await Promise.all([codeDelivery.close(), provision.close()]);
      await writer.close();
      await Promise.all([db.close(), probe.close()]);
    },
  };
}

type Edge = {
  readonly verify: VerifyToken;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly lifecycle: { readonly draining: boolean };
  readonly isReady: () => Promise<boolean>;
};

async function buildApi(config: Config, parts: Parts, edge: Edge): Promise<FastifyInstance> {
  const options = {
    db: parts.db,
    endpoints: listEndpoints(config, parts, edge),
    verify: edge.verify,
    sealer: parts.clients.answerSealer,
    log: edge.log,
    rateLimitPerMinute: config.rateLimitPerMinute ?? 0,
    trustProxyHops: config.trustProxyHops,
    onAnswer: edge.metrics.onAnswer,
    isDraining: () => edge.lifecycle.draining,
  };
  const http = await buildHttp(options);
  await addApiDescription(http, VERSION);
  addEndpoints(http, options);
  await addPages(http, { version: VERSION, metrics: edge.metrics.registry, isReady: edge.isReady });
  await http.ready();
  return http;
}

async function startJobs(
  config: Config,
  database: AppDatabase,
  { db, clients, codes, verification }: Omit<Parts, "writer">,
  log: Logger,
): Promise<{ stop(): Promise<void> }> {
  const jobs: Job<unknown>[] = [...clients.jobs, ...codes.jobs, ...verification.jobs, ...ledgerJobs];
  const unsubscribe: (() => void)[] = [];
  if (config.eventsSinkUrl !== null) {
    const sink = eventSink({ url: config.eventsSinkUrl });
    unsubscribe.push(subscribe(sink));
    jobs.push(sink.job);
  }
  const worker = await startWorker({ ...database, db, jobs, log });
  await db.write({ kind: "job", id: "start", tenant: null, traceId: "start" }, (tx) => clients.schedule(tx));
  return {
    async stop() {
      for (const leave of unsubscribe) leave();
      await worker.stop();
    },
  };
}

/** The OpenAPI document, made without a database: what `npm run openapi` writes and `/openapi.json` serves. */
export async function describeApi(): Promise<unknown> {
  const config = readConfig({});
  const log = pino({ level: "silent" });
  const db = new Database({ url: "postgres://unused.invalid/unused", role: null, poolSize: 1, name: "describe" });
  const writer = new Writer({ lanes: [], timeZone: "UTC", monotonicMs: () => 0 });
  const vault = clientKeys.openNowhere(developmentMasterKeys());
  const clients = openClientProfile({
    db,
    vault,
    accounts: clientAccounts,
    liftCodeBlocks,
    documents: NO_DOCUMENTS,
    privacy: privacySettings(config),
  });
  const verify: VerifyToken = async () => ({ fault: "no tokens here" });
  const codes = openOneTimeCodes({ db, delivery: null, ownsAccount, findContact: clients.findContact });
  const keys = { secrets: [], algorithms: config.sumsub.webhookAlgorithms };
  const verification = openVerification({ db, clients, provider: null, keys, ...verificationSettings(config) });
  const http = await buildApi(
    config,
    { db, writer, clients, codes, verification },
    { verify, log, metrics: new Metrics(), lifecycle: { draining: false }, isReady: async () => true },
  );
  try {
    return http.swagger();
  } finally {
    await http.close();
    await writer.close();
    await db.close();
  }
}
