// Clients full of unmistakable words go through everything that the product does with clients, and are erased. Then everything that a running
// bank leaves behind is searched for the words: logs of product and server, all tables, the write-ahead log, the database's files, metrics,
// events, jobs and documents in their store (reliability DP-1). One database, some seconds.

import { createHmac } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text as textOf } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import type { VerifyToken } from "#platform/access.ts";
import { SCOPES } from "#platform/access.ts";
import { readConfig } from "#platform/config.ts";
import pg from "pg";
import pino from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSumsubSimulator, type SumsubSimulator } from "../src/adapters/simulators/sumsub.ts";
import { type App, openApp } from "../src/app.ts";
import { aCompany, anIndividual, aNewClient, aRelatedIndividual } from "./builders.ts";
import { findCanaries, findServerFiles, makeCanaries, searchDatabase, searchFiles } from "./setup/canaries.ts";
import { openTestDatabase } from "./setup/database.ts";
import { aPdf } from "./setup/document-files.ts";
import type { TestDatabase } from "./setup/server.ts";

const SECRETS = {
  appToken: "sbx:0123456789abcdef0123456789abcdef",
  secretKey: "k".repeat(16) + "0123456789abcdef",
  webhookSecret: "w".repeat(16) + "0123456789abcdef",
};

const canaries = makeCanaries();
const { word, digits, date } = canaries;
const TOKEN = `eyJ${word}.${word}.${word}`;

let folder: string;
let database: TestDatabase;
let owner: pg.Client;
let sink: Server;
let sumsub: SumsubSimulator;
let app: App;
let began: string;
const log: string[] = [];
const events: string[] = [];

/** Whoever holds the token may do everything; with a client's id behind it, what that client may. */
const verify: VerifyToken = async (header) => {
  const [, clientId] = /^Bearer \S+ ?(\S*)$/.exec(String(header)) ?? [];
  if (!String(header).startsWith(`Bearer ${TOKEN}`)) return { fault: "nobody we know" };
  if (clientId) return { kind: "client", subject: "a client", clientId, tenant: null };
  return { kind: "system", subject: "officer", scopes: new Set(SCOPES), tenant: null };
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "finlego-canaries-"));
  database = await openTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  began = await currentWal();
  sink = createServer((request, response) => {
    void textOf(request).then((body) => {
      events.push(body);
      response.end();
    });
  });
  await new Promise<void>((resolve) => sink.listen(0, "127.0.0.1", resolve));
  sumsub = await openSumsubSimulator({ mode: "test", ...SECRETS });
  const config = readConfig({
    FINLEGO_DATA: folder,
    LOG_LEVEL: "trace",
    RETENTION_YEARS: "0",
    ONBOARDING_IMPORT_STATUS: "active",
    EVENTS_SINK_URL: `http://127.0.0.1:${(sink.address() as AddressInfo).port}`,
    SUMSUB_URL: sumsub.url,
    SUMSUB_APP_TOKEN: SECRETS.appToken,
    SUMSUB_SECRET_KEY: SECRETS.secretKey,
    SUMSUB_WEBHOOK_SECRET: SECRETS.webhookSecret,
  });
  const logger = pino({ level: "trace" }, { write: (line: string) => void log.push(line) });
  app = await openApp(config, { url: database.appUrl, role: database.appRole }, verify, logger);
});
afterAll(async () => {
  await app.close();
  await sumsub.close();
  sink.closeAllConnections();
  await new Promise((resolve) => sink.close(resolve));
  await owner.end();
  await database.drop();
  await rm(folder, { recursive: true });
});

async function currentWal(): Promise<string> {
  const { rows } = await owner.query<{ file: string }>("select pg_walfile_name(pg_current_wal_insert_lsn()) as file");
  return rows[0]?.file ?? "";
}

type Sent = { readonly status: number; readonly body: Record<string, unknown> };
const statuses = new Map<string, number>();
let keys = 0;

/** One call under a key of its own that holds a canary; `as`: the client that calls. Its status is kept under `name`. */
async function call(
  name: string,
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE",
  url: string,
  {
    body,
    as = "",
    headers = {},
    key = `key-${word}-${++keys}`,
  }: { body?: unknown; as?: string; headers?: Record<string, string>; key?: string } = {},
): Promise<Sent> {
  const raw = typeof body === "string" || Buffer.isBuffer(body);
  const answer = await app.http.inject({
    method,
    url,
    headers: {
      authorization: `Bearer ${TOKEN}${as === "" ? "" : ` ${as}`}`,
      "x-correlation-id": word,
      ...(method === "GET" ? {} : { "idempotency-key": key }),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(body === undefined ? {} : { payload: raw ? body : JSON.stringify(body) }),
  });
  statuses.set(name, answer.statusCode);
  return { status: answer.statusCode, body: answer.body.startsWith("{") ? (JSON.parse(answer.body) as Record<string, unknown>) : {} };
}

const address = { streetLine1: `${word} street`, streetLine2: `${word} back`, city: word, state: word, zip: `Z ${word}`, country: "DE" };
const person = {
  address,
  phoneNumber: `+49151${digits}`,
  email: `${word}@example.com`,
  firstName: word,
  lastName: `Last ${word}`,
  dateOfBirth: date,
  identificationDocument: {
    issuedBy: `Office ${word}`,
    expirationDate: "2031-05-01",
    type: "passport",
    number: word,
    issuedCountryCode: "DE",
    issuedDate: "2021-05-01",
  },
};
const company = {
  address,
  phoneNumber: `+49151${digits}`,
  email: `${word}@example.com`,
  companyName: `${word} GmbH`,
  registrationNumber: `HRB ${word}`,
  legalForm: word,
  taxNumber: word,
  businessActivity: word,
  website: `https://${word}.example`,
  operatingAddress: address,
  relatedIndividuals: [aRelatedIndividual(person)],
};

/** A form with files, as a browser sends it. */
function form(parts: Readonly<Record<string, string | { readonly fileName: string; readonly content: Buffer }>>) {
  const boundary = `----${word}`;
  const pieces = Object.entries(parts).flatMap(([name, part]) => {
    const isField = typeof part === "string";
    const file = isField ? "" : `; filename="${part.fileName}"\r\ncontent-type: application/pdf`;
    return [
      Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n`),
      isField ? Buffer.from(part) : part.content,
      Buffer.from("\r\n"),
    ];
  });
  return {
    body: Buffer.concat([...pieces, Buffer.from(`--${boundary}--\r\n`)]),
    headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
  };
}

/** Everything that is done with an individual; gives its id. */
async function liveAsIndividual(): Promise<string> {
  const body = anIndividual(person);
  const imported = await call("import", "POST", "/integration/clients/individuals", { body, key: `key-${word}` });
  await call("import again", "POST", "/integration/clients/individuals", { body, key: `key-${word}` });
  await call("key for another request", "POST", "/integration/clients/individuals", {
    body: { ...body, firstName: `Other ${word}` },
    key: `key-${word}`,
  });
  await call("externalId in use", "POST", "/integration/clients/individuals", { body });
  await call("rehearsed import", "POST", "/integration/clients/individuals?dryRun=true", { body: anIndividual(person) });
  await call("faulty import", "POST", "/integration/clients/individuals", {
    body: { ...body, email: word, dateOfBirth: `${date}T`, [word]: word },
  });
  await call("half an import", "POST", "/integration/clients/individuals", { body: `{"firstName":"${word}",` });
  await call("import as text", "POST", "/integration/clients/individuals", { body: word, headers: { "content-type": "text/plain" } });
  await call("unknown path", "POST", `/${word}/${word}`, { body });
  const clientId = String(imported.body["clientId"]);
  await call("search", "GET", `/internal/Clients?search=${word}`);
  await call("search by phone", "GET", `/internal/Clients?search=%2B49151${digits}`);
  await call("strange search", "GET", `/internal/Clients?search=${word}&${word}=${word}`);
  await call("read", "GET", `/internal/Clients/${clientId}`);
  await call("own profile", "GET", "/Client", { as: clientId });
  await call("block", "PUT", `/internal/Clients/${clientId}/block`, { body: { reason: `because ${word}` } });
  await call("unblock", "PUT", `/internal/Clients/${clientId}/unblock`, { body: { comment: word } });
  await call("history", "GET", `/internal/Clients/${clientId}/history`);
  const account = await call("account", "POST", "/Accounts", { as: clientId, body: { currency: "EUR", name: "Plain" } });
  await call("code", "POST", "/Accounts/send-otp", { as: clientId, body: { operation: "closeAccount", accountId: account.body["id"] } });
  await call("wrong code", "POST", "/Accounts/otp-verification", { as: clientId, body: { otpId: clientId, code: word } });
  await call("close account", "PUT", `/v2/internal/Accounts/${String(account.body["id"])}/close`);
  return clientId;
}

async function liveAsCompany(): Promise<string> {
  const imported = await call("import company", "POST", "/integration/clients/companies", { body: aCompany(company) });
  await call("faulty company", "POST", "/integration/clients/companies", {
    body: aCompany({ ...company, relatedIndividuals: [{ ...person, roles: [word] }] }),
  });
  const clientId = String(imported.body["clientId"]);
  await call("read company", "GET", `/internal/Clients/${clientId}`);
  const { type, externalId, individual, ...rest } = aNewClient("individual", { address, phoneNumber: person.phoneNumber });
  const { address: _address, phoneNumber: _phone, email: _email, ...facts } = person;
  const staffs = { ...rest, email: `x${word}@example.com`, individual: { ...(individual as object), ...facts } };
  const registered = await call("register", "POST", "/internal/Clients", { body: { type, externalId, ...staffs } });
  await call("e-mail in use", "POST", "/internal/Clients", { body: { type, ...staffs, email: `X${word}@example.com` } });
  const newcomer = String(registered.body["clientId"]);
  await call("update", "PUT", `/internal/Clients/${newcomer}`, { body: { ...staffs, email: `y${word}@example.com` } });
  await call("reject", "PUT", `/internal/Clients/${newcomer}/status`, { body: { status: "rejected", reason: word } });
  return clientId;
}

async function bringDocuments(clientId: string): Promise<void> {
  const path = `/internal/Clients/${clientId}/Documents`;
  const fill = { fileName: `${word}.pdf`, content: aPdf(`passport of ${word}`) };
  const { body } = await call("upload", "POST", `${path}/upload`, form({ type: "passport", description: word, file: fill }));
  await call(
    "upload what is no document",
    "POST",
    `${path}/upload`,
    form({ type: "passport", description: word, file: { ...fill, content: Buffer.from(word) } }),
  );
  await call("upload of an unknown type", "POST", `${path}/upload`, form({ type: word, [word]: word, file: fill }));
  await call("upload many", "POST", `${path}/upload/bulk`, form({ types: "passport", files: fill }));
  await call("half a form", "POST", `${path}/upload`, {
    ...form({ file: fill }),
    body: Buffer.from(`------${word}\r\ncontent-disposition: form-data; name="file"; filename="${word}.pdf"\r\n\r\n%PDF-1.4 ${word}`),
  });
  await call("documents", "GET", path);
  await call("download", "GET", `${path}/${String(body["documentId"])}/download`);
  await call("delete document", "DELETE", `${path}/${String(body["documentId"])}`);
}

/** The names of members that nobody knows are told as faults: they are words of a program, not of a person. Their values are not. */
async function importMany(): Promise<void> {
  const rows = [anIndividual(person), anIndividual({ ...person, email: word }), { surprise: word, address: { surprise: word } }]
    .map((row) => JSON.stringify(row))
    .join("\n");
  const { body } = await call("bulk import", "POST", "/integration/clients/import", {
    body: `${rows}\n{"firstName":"${word}`,
    headers: { "content-type": "application/x-ndjson" },
  });
  await call("bulk import of CSV", "POST", "/integration/clients/import", {
    body: `externalId,${word}\n${word},${word}\n`,
    headers: { "content-type": "text/csv" },
  });
  await call("import faults", "GET", `/integration/clients/imports/${String(body["importId"])}/faults`);
}

async function beVerified(clientId: string): Promise<void> {
  await call("start verification", "POST", `/internal/Clients/${clientId}/verification`);
  const { body } = await call("verification", "GET", `/internal/Clients/${clientId}/verification`);
  const webhook = async (name: string, payload: object, secret = SECRETS.webhookSecret) => {
    const json = JSON.stringify(payload);
    const digest = createHmac("sha256", secret).update(json).digest("hex");
    await call(name, "POST", "/integration/sumsub-webhooks/update-state", {
      body: json,
      headers: { "x-payload-digest": digest, "x-payload-digest-alg": "HMAC_SHA256_HEX" },
    });
  };
  const event = {
    type: "applicantReviewed",
    applicantId: body["applicantId"] ?? "0123456789abcdef01234567",
    externalUserId: clientId,
    correlationId: "req-1",
    createdAtMs: "2026-11-23 10:15:30.123",
    reviewStatus: "completed",
    reviewResult: { reviewAnswer: "GREEN", moderationComment: `saw ${word}`, clientComment: `told ${word}` },
    [`member${word.slice(0, 3)}`]: { firstName: word, dob: date },
  };
  await webhook("webhook", event);
  await webhook("webhook again", event);
  await webhook("forged webhook", { ...event, firstName: word }, "somebody else's secret of 32 characters");
  await call("simulate", "POST", "/integration/sumsub-webhooks/simulate-verification-response", {
    body: { clientId, reviewAnswer: "GREEN", [word]: word },
  });
}

async function end(clientId: string): Promise<void> {
  const asked = await call("ask for deletion", "POST", "/Client/deletion-notifications", {
    as: clientId,
    body: { reason: "privacy", comment: `forget ${word}` },
  });
  await call("ask again", "POST", "/Client/deletion-notifications", { as: clientId, body: { comment: `forget ${word} at last` } });
  const path = `/internal/Clients/${clientId}`;
  await call("review", "PUT", `${path}/deletion-notifications/${String(asked.body["notificationId"])}`, {
    body: { status: "inReview", reason: word },
  });
  await call("notifications", "GET", `${path}/deletion-notifications`);
  await call("list of notifications", "GET", "/internal/DeletionNotifications");
  await call("export", "GET", `${path}/export`);
  await call("close", "PUT", `${path}/status`, { body: { status: "closed", reason: `closed ${word}` } });
  await call("erase for no reason", "POST", `${path}/erasure`, { body: { reason: word } });
}

const EXPECTED: Readonly<Record<string, number>> = {
  "key for another request": 422,
  "externalId in use": 409,
  "faulty import": 400,
  "half an import": 400,
  "import as text": 415,
  "unknown path": 404,
  "strange search": 400,
  "wrong code": 400,
  "faulty company": 400,
  "e-mail in use": 409,
  "upload what is no document": 415,
  "upload of an unknown type": 400,
  "half a form": 400,
  "bulk import of CSV": 400,
  "forged webhook": 401,
  simulate: 400,
  "ask again": 409,
  "erase for no reason": 400,
};

/** Until the queue is empty, but for what waits for its time. */
async function untilQuiet(): Promise<void> {
  for (let round = 0; round < 200; round++) {
    const { rows } = await owner.query("select from graphile_worker.jobs where run_at <= now() and attempts < 3");
    if (rows.length === 0) return;
    await pause(50);
  }
  throw new Error("the queue does not become empty");
}

test("no word of a client is left anywhere, whatever is done with it, and whether it is erased in the end or not", {
  timeout: 120_000,
}, async () => {
  const individual = await liveAsIndividual();
  const works = await liveAsCompany();
  await bringDocuments(individual);
  await bringDocuments(works);
  await importMany();
  await beVerified(individual);
  await end(individual);
  await end(works);
  await untilQuiet();
  expect(Object.fromEntries([...statuses].filter(([name, status]) => status !== (EXPECTED[name] ?? 200)))).toEqual({});

  // The errors of the database: they quote what it could not take.
  await owner.query("alter table client_profile.client add constraint planted check (phone_is_e164 is null) not valid");
  expect((await call("planted", "POST", "/integration/clients/individuals", { body: anIndividual(person) })).status).toBe(500);
  await owner.query("alter table client_profile.client drop constraint planted");

  const before = await hits();
  await call("erase", "POST", `/internal/Clients/${individual}/erasure`, { body: { reason: "clientRequest" } });
  await call("erase company", "POST", `/internal/Clients/${works}/erasure`, { body: { reason: "clientRequest" } });
  expect([statuses.get("erase"), statuses.get("erase company")]).toEqual([200, 200]);
  await untilQuiet();
  expect({ before, after: await hits() }).toEqual({ before: NOTHING, after: NOTHING });

  // All this was spoken of, and looked at.
  expect(log.filter((line) => line.includes('"msg":"answered"')).length).toBeGreaterThanOrEqual(statuses.size);
  expect(events.some((event) => event.includes("client.deletionRequested"))).toBe(true);
});

const NOTHING = { log: [], serverLog: [], tables: [], wal: [], files: [], temporary: [], data: [], metrics: [], events: [] };

/** Of the write-ahead log what was written since this test began, of other folders all files. */
const isNew = (path: string): boolean => !path.includes("/pg_wal/") || (/\/[0-9A-F]{24}$/.test(path) && path.slice(-24) >= began);

/** Where canaries are found, by place. */
async function hits(): Promise<Record<keyof typeof NOTHING, string[]>> {
  const inText = (lines: readonly string[]) => lines.filter((line) => findCanaries(canaries, line).length > 0);
  await owner.query("checkpoint");
  const server = await findServerFiles(owner);
  const metrics = await app.http.inject({ url: "/metrics" });
  return {
    log: inText(log),
    tables: await searchDatabase(owner, canaries),
    metrics: inText([metrics.body]),
    events: inText(events),
    data: await searchFiles(folder, canaries),
    serverLog: (await Promise.all((server?.logs ?? []).map((path) => searchFiles(path, canaries)))).flat(),
    wal: server === null ? [] : await searchFiles(server.wal, canaries, isNew),
    files: server === null ? [] : await searchFiles(server.base, canaries),
    temporary: server === null ? [] : await searchFiles(server.temporary, canaries),
  };
}

test("the search finds a word in each of the places, however it is written", async () => {
  const plant = async (name: string, value: string) => {
    await owner.query(`create table public.${name} (value text, bytes bytea)`);
    await owner.query(`insert into public.${name} values ($1, convert_to($1, 'UTF8'))`, [value]);
    const found = await searchDatabase(owner, canaries);
    await owner.query("checkpoint");
    const server = await findServerFiles(owner);
    // Of a server that is given the files are somebody else's.
    const isOwn = process.env["DATABASE_URL"] === undefined;
    const isIn = async (place: "base" | "wal") =>
      server === null ? !isOwn : (await searchFiles(server[place], canaries, isNew)).length > 0;
    const places = { tables: found.length > 0, files: await isIn("base"), wal: await isIn("wal") };
    await owner.query(`drop table public.${name}`);
    return places;
  };
  expect(await plant("capitals", word.toUpperCase())).toEqual({ tables: true, files: true, wal: true });
  expect(await plant("digits", `+49151${digits}`)).toEqual({ tables: true, files: true, wal: true });
  for (const text of [`a${word}`, `ab${word}`, `abc${word} and more`]) {
    expect(findCanaries(canaries, Buffer.from(text).toString("base64"))).not.toEqual([]);
    expect(findCanaries(canaries, Buffer.from(text).toString("hex"))).not.toEqual([]);
    expect(findCanaries(canaries, Buffer.from(text, "utf16le"))).not.toEqual([]);
  }
  expect(findCanaries(canaries, "canary")).toEqual([]);
});
