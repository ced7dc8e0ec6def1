// One-time codes to test: their operations over a real database, the worker that sends, and the simulator that shows what was sent.

import { type OneTimeCodes, openOneTimeCodes } from "#one-time-codes";
import { startWorker, type WorkerLog } from "#platform/worker.ts";
import pg from "pg";
import { codeDelivery } from "../../src/adapters/code-sender.ts";
import { type Behaviour, openCodeSimulator, type SimulatedMessage } from "../../src/adapters/simulators/code-sender.ts";
import { aClient } from "../builders.ts";
import { openTestApp, type TestAnswer, type TestApp, type TestCalls } from "./http.ts";
import { clientEndpoints, openTestClients } from "./clients.ts";

export const SECRET = "test-secret-of-one-time-codes-0123456789abcdef";
export const SEND = "/Accounts/send-otp";
export const VERIFY = "/Accounts/otp-verification";
/** Belongs to whoever asks for it; all other accounts belong to nobody. */
export const OWN_ACCOUNT = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e99";

export type CodesApp = TestApp & {
  readonly codes: OneTimeCodes;
  /** The database as its owner: to look behind the API, and to let time pass. */
  readonly owner: pg.Client;
  readonly simulatorUrl: string;
  /** Every line that the worker has logged, as text. */
  readonly log: readonly string[];
  /** A new client and its calls. */
  aHolder(changes?: Record<string, unknown>): Promise<{ readonly clientId: string; readonly calls: TestCalls }>;
  /** Asks for a code and waits until it was delivered. */
  aCode(calls: TestCalls, order?: Readonly<Record<string, unknown>>): Promise<{ readonly otpId: string; readonly code: string }>;
  /** All messages of a challenge. */
  messagesOf(otpId: string): Promise<SimulatedMessage[]>;
  /** Waits until the queue holds no job that can run. */
  untilSent(): Promise<void>;
  /** Waits until the gateway has let the challenge's job down. */
  untilFailed(otpId: string): Promise<void>;
  behave(behaviour: Partial<Behaviour>): Promise<void>;
  /** Lets time pass for everything that a client has asked for and suffered. */
  age(clientId: string, interval: string): Promise<void>;
};

export async function openCodesApp({ hasWorker = true, poolSize = 10 } = {}): Promise<CodesApp> {
  const simulator = await openCodeSimulator({ mode: "test" });
  const opened: OneTimeCodes[] = [];
  const app = await openTestApp(
    (db) => {
      const clients = openTestClients();
      const codes = openOneTimeCodes({
        db,
        findContact: clients.findContact,
        delivery: { secret: SECRET, deliver: codeDelivery({ url: simulator.url, timeoutMs: 1_000 }) },
        ownsAccount: async (_tx, _clientId, accountId) => accountId === OWN_ACCOUNT,
      });
      opened.push(codes);
      return [...clientEndpoints(clients), ...codes.endpoints];
    },
    {
      poolSize,
      onClose: async () => {
        await worker?.stop();
        await owner.end();
        await simulator.close();
      },
    },
  );
  const [codes] = opened;
  if (codes === undefined) throw new Error("the endpoints were not made");
  const owner = new pg.Client({ connectionString: app.database.ownerUrl });
  await owner.connect();
  const log: string[] = [];
  const { appUrl: url, appRole: role } = app.database;
  const worker = hasWorker ? await startWorker({ url, role, db: app.db, jobs: codes.jobs, log: logTo(log) }) : null;
  return { ...app, codes, owner, log, simulatorUrl: simulator.url, ...shortcuts(app, owner, simulator.url) };
}

/** Errors as the product's logger writes them: with message, stack and cause. */
function logTo(lines: string[]): WorkerLog {
  const write = (detail: object, message: string): void => {
    const texts = Object.values(detail).map((value: unknown) =>
      value instanceof Error ? `${value.stack} ${String(value.cause)}` : JSON.stringify(value),
    );
    lines.push([message, ...texts].join(" "));
  };
  return { debug: write, info: write, warn: write, error: write };
}

function shortcuts(
  app: TestApp,
  owner: pg.Client,
  simulatorUrl: string,
): Pick<CodesApp, "aHolder" | "aCode" | "messagesOf" | "untilSent" | "untilFailed" | "behave" | "age"> {
  const messagesOf = async (otpId: string): Promise<SimulatedMessage[]> => {
    const { items } = (await (await fetch(simulatorUrl)).json()) as { items: SimulatedMessage[] };
    return items.filter(({ id }) => id === otpId);
  };
  const untilSent = async (): Promise<void> => {
    for (;;) {
      await owner.query("update graphile_worker._private_jobs set run_at = clock_timestamp() where attempts > 0 and locked_at is null");
      await owner.query("select pg_notify('jobs:insert', '{\"count\": 1}')");
      const { rows } = await owner.query("select from graphile_worker._private_jobs where attempts < max_attempts");
      if (rows.length === 0) return;
    }
  };
  return {
    messagesOf,
    untilSent,
    async untilFailed(otpId) {
      for (;;) {
        const { rows } = await owner.query(
          "select from graphile_worker._private_jobs where last_error is not null and locked_at is null and payload -> 'payload' ->> 'challengeId' = $1",
          [otpId],
        );
        if (rows.length === 1) return;
      }
    },
    async aHolder(changes = {}) {
      const clientId = await aClient(app, { changes });
      return { clientId, calls: app.callAs({ kind: "client", clientId }) };
    },
    async aCode(calls, order = { operation: "openAccount" }) {
      const otpId = otpIdOf(await calls.post(SEND, order));
      await untilSent();
      const [message] = await messagesOf(otpId);
      return { otpId, code: codeOf(message) };
    },
    async behave(behaviour) {
      const url = new URL("/behaviour", simulatorUrl);
      const answer = await fetch(url, { method: "PUT", body: JSON.stringify({ mode: "normal", ...behaviour }) });
      if (!answer.ok) throw new Error(`the simulator answered ${answer.status}`);
    },
    async age(clientId, interval) {
      // As a superuser past the trigger: what has ended may not be changed otherwise.
      await owner.query("set session_replication_role = replica");
      await owner.query(
        `update one_time_codes.challenge
         set created_at = created_at - $2::interval, expires_at = expires_at - $2::interval, proof_expires_at = proof_expires_at - $2::interval
         where client_id = $1`,
        [clientId, interval],
      );
      await owner.query("update one_time_codes.block set at = at - $2::interval, until = until - $2::interval where client_id = $1", [
        clientId,
        interval,
      ]);
      await owner.query("reset session_replication_role");
    },
  };
}

export function otpIdOf(answer: TestAnswer): string {
  if (answer.status !== 200) throw new Error(`expected a code, got ${answer.status}: ${answer.text}`);
  return String(answer.body["otpId"]);
}

/** The six digits of a message. */
export function codeOf(message: SimulatedMessage | undefined): string {
  const code = /(?<!\d)\d{6}(?!\d)/.exec(message?.text ?? "")?.[0];
  if (code === undefined) throw new Error(`no code in ${message?.text}`);
  return code;
}

/** Another code than the right one. */
export function wrong(code: string, n = 1): string {
  return String((Number(code) + n) % 1_000_000).padStart(6, "0");
}
