// The whole way of a code through the product as `npm start` puts it together: asked for, sent by the worker to the simulator, verified, and
// used up by the operation that it confirms.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { readConfig } from "#platform/config.ts";
import { type DevelopmentIssuer } from "#platform/development-issuer.ts";
import pino from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SimulatedMessage } from "../../src/adapters/simulators/code-sender.ts";
import { type App, openApp } from "../../src/app.ts";
import { openAccess } from "../../src/open-access.ts";
import { anIndividual } from "../builders.ts";
import { codeOf } from "../setup/codes.ts";
import { openTestDatabase } from "../setup/database.ts";
import type { TestDatabase } from "../setup/server.ts";

let folder: string;
let database: TestDatabase;
let issuer: DevelopmentIssuer;
let app: App;
const log: string[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finlego-codes-"));
  database = await openTestDatabase();
  const config = readConfig({ FINLEGO_DATA: folder, LOG_LEVEL: "trace" });
  const access = await openAccess(config, () => undefined);
  if (access.issuer === null) throw new Error("development without an issuer");
  issuer = access.issuer;
  const logger = pino({ level: "trace" }, { write: (line: string) => void log.push(line) });
  app = await openApp(config, { url: database.appUrl, role: database.appRole }, access.verify, logger);
});
afterAll(async () => {
  await app.close();
  await database.drop();
  await rm(folder, { recursive: true });
});

type Request = { method: "GET" | "POST" | "DELETE"; url: string; body?: object };

async function call(token: string, { method, url, body }: Request) {
  const answer = await app.http.inject({
    method,
    url,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
  });
  return { status: answer.statusCode, body: JSON.parse(answer.body || "{}") as Record<string, unknown> };
}

/** What the simulator was given for a code. */
async function messageOf(otpId: unknown): Promise<SimulatedMessage> {
  for (;;) {
    const { items } = (await (await fetch(app.codesUrl ?? "")).json()) as { items: SimulatedMessage[] };
    const message = items.find(({ id }) => id === otpId);
    if (message !== undefined) return message;
    await pause(10);
  }
}

test("a client closes its account with the code that it was sent, once, and the code is in no line of the log", async () => {
  const system = await issuer.mint({ audience: "system", scope: "integration.import ledger.write" }, Date.now());
  const imported = await call(system, { method: "POST", url: "/integration/clients/individuals", body: anIndividual() });
  const clientId = String(imported.body["clientId"]);
  const client = await issuer.mint({ audience: "frontOffice", clientId }, Date.now());
  const accounts: string[] = [];
  for (const name of ["One", "Two"]) {
    const { body } = await call(client, { method: "POST", url: "/Accounts", body: { currency: "EUR", name } });
    accounts.push(String(body["id"]));
  }
  const [account = "", other = ""] = accounts;

  expect((await call(client, { method: "DELETE", url: `/Accounts/${account}` })).body).toMatchObject({ code: "otpRequired" });
  const stranger = await call(client, {
    method: "POST",
    url: "/Accounts/send-otp",
    body: { operation: "closeAccount", accountId: clientId },
  });
  expect(stranger.status).toBe(404);
  const sent = await call(client, { method: "POST", url: "/Accounts/send-otp", body: { operation: "closeAccount", accountId: account } });
  const code = codeOf(await messageOf(sent.body["otpId"]));
  const verified = await call(client, { method: "POST", url: "/Accounts/otp-verification", body: { otpId: sent.body["otpId"], code } });
  expect(verified).toMatchObject({ status: 200, body: { verified: true } });

  const token = String(verified.body["verificationToken"]);
  const close = (id: string) => call(client, { method: "DELETE", url: `/Accounts/${id}?verificationToken=${token}` });
  expect((await close(other)).body).toMatchObject({ code: "otpRequired" });
  expect((await close(account)).status).toBe(200);
  expect((await close(other)).body).toMatchObject({ code: "otpRequired" });
  expect((await call(client, { method: "GET", url: `/Accounts/${account}` })).body).toMatchObject({ status: "closed" });

  const lines = log.join("");
  expect(lines).toContain("send_one_time_code");
  expect(lines).not.toContain("is your code");
  expect(lines).not.toContain(`"${code}`);
  expect(lines).not.toContain(token);
});
