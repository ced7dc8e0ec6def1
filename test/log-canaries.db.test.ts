// A client full of unmistakable words goes through every kind of success and failure. None of the words may be in the log: not in the most
// talkative one, not in the error of a database that quotes the row it refused.

import type { VerifyToken } from "#platform/access.ts";
import { Database } from "#platform/db.ts";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { anIndividual } from "./builders.ts";
import { openTestDatabase } from "./setup/database.ts";
import { type Edge, openEdge, sendRaw } from "./setup/edge.ts";
import type { TestDatabase } from "./setup/server.ts";
import { clientEndpoints, openTestClients } from "./setup/clients.ts";

const TOKEN = "eyJhbGciOi.tokencanary.c2lnbmF0dXJl";

/** Whoever holds the token is a system that may import and read clients. */
const verify: VerifyToken = async (header) =>
  header === `Bearer ${TOKEN}`
    ? { kind: "system", subject: "importer", scopes: new Set(["integration.import", "clients.read"]), tenant: "north" }
    : { fault: "nobody we know" };

const aPerson = (changes: Record<string, unknown> = {}) =>
  anIndividual({
    externalId: "ext-canary-1",
    address: {
      streetLine1: "Streetcanary 1",
      streetLine2: "Backcanary",
      city: "Citycanary",
      state: "Statecanary",
      zip: "ZC-9876",
      country: "DE",
    },
    phoneNumber: "+4915199988877",
    email: "mailcanary@example.com",
    firstName: "Firstcanary",
    lastName: "Lastcanary",
    dateOfBirth: "1977-07-17",
    ...changes,
  });

const CANARIES = /canary|ZC-9876|15199988877|1977-07-17|DOC-99-88-77|eyJ/i;

let database: TestDatabase;
let db: Database;
let owner: pg.Client;
let edge: Edge;
beforeAll(async () => {
  database = await openTestDatabase();
  owner = new pg.Client({ connectionString: database.ownerUrl });
  await owner.connect();
  db = new Database({ url: database.appUrl, role: database.appRole, poolSize: 2, name: "finlego-test" });
  const clients = openTestClients({ db });
  edge = await openEdge({ db, verify, endpoints: clientEndpoints(clients), sealer: clients.answerSealer });
});
afterAll(async () => {
  await edge.close();
  await db.close();
  await owner.end();
  await database.drop();
});

const PATH = "/integration/clients/individuals";

const call = (payload: unknown, { url = PATH, headers = {} }: { url?: string; headers?: Record<string, string> } = {}) =>
  edge.app.inject({
    method: "POST",
    url,
    headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", ...headers },
    payload: typeof payload === "string" ? payload : JSON.stringify(payload),
  });

test("no word of a client, no token, no key and no query string is in the log, whatever happens to the call", async () => {
  const document = { ...(aPerson()["identificationDocument"] as object), number: "DOC-99-88-77" };
  const statuses: number[] = [];
  const say = ({ statusCode }: { statusCode: number }) => void statuses.push(statusCode);

  const first = await call(aPerson({ identificationDocument: document }), {
    headers: { "idempotency-key": "keycanary", "x-correlation-id": "corrcanary" },
  });
  say(first);
  say(await call(aPerson({ identificationDocument: document }), { headers: { "idempotency-key": "keycanary" } }));
  say(await call(aPerson({ externalId: "ext-canary-2" }), { headers: { "idempotency-key": "keycanary" } }));
  say(await call(aPerson()));
  say(await call(aPerson({ email: "no mail canary", dateOfBirth: "1977-07-17T00:00", surprisecanary: 1 })));
  say(await call('{"firstName":"Firstcanary",'));
  say(await call(aPerson(), { headers: { "content-type": "text/canary" } }));
  say(await call(aPerson(), { url: `${PATH}?access_token=tokencanary` }));
  say(await call(aPerson(), { headers: { authorization: "Bearer eyJ.othercanary" } }));
  say(await call(aPerson(), { url: "/canary/path" }));
  say(await edge.app.inject({ url: "/internal/Clients/canary?x=canary", headers: { authorization: `Bearer ${TOKEN}` } }));
  say(
    await edge.app.inject({
      url: `/internal/Clients/${first.json<{ clientId: string }>().clientId}`,
      headers: { authorization: `Bearer ${TOKEN}` },
    }),
  );

  // The database quotes the row in its error: a constraint that nobody maps, a value that it cannot take, a table that is not there.
  await owner.query("alter table client_profile.client add constraint planted check (phone_is_e164 is null) not valid");
  say(await call(aPerson({ externalId: "ext-canary-3" })));
  await owner.query("alter table client_profile.client drop constraint planted");
  await owner.query("alter table client_profile.client_key alter column master_key type varchar(1) using 'x'");
  say(await call(aPerson({ externalId: "ext-canary-4" })));
  await owner.query("drop table client_profile.client cascade");
  say(await call(aPerson({ externalId: "ext-canary-5" })));

  expect(statuses).toEqual([200, 200, 422, 409, 400, 400, 415, 400, 401, 404, 404, 200, 500, 500, 500]);

  const port = await edge.listen();
  await sendRaw(port, "canary canary\r\n\r\n");
  await sendRaw(
    port,
    `POST ${PATH}?x=canary HTTP/1.1\r\nhost: canary\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"firstName":"Firstcanary"`,
    { end: true },
  );

  // The log did speak of all this.
  expect(edge.log.filter((line) => line.includes('"msg":"answered"')).length).toBeGreaterThanOrEqual(statuses.length);
  expect(edge.log.filter((line) => line.includes('"msg":"call failed"'))).toHaveLength(3);
  expect(edge.log.filter((line) => line.includes('"planted"'))).toHaveLength(1);
  expect(edge.log.filter((line) => CANARIES.test(line))).toEqual([]);
});
