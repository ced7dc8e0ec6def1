// The documented operations are served as documented; those that are not yet served stand in a list that only shrinks.

import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { describeApi } from "../src/app.ts";
import { type Documented, disagreements, type ServedDocument } from "./api-inventory.ts";

const read = async <T>(name: string): Promise<T> => JSON.parse(await readFile(new URL(`fixtures/${name}`, import.meta.url), "utf8")) as T;

const DOCUMENTED: Documented[] = [
  { method: "GET", path: "/Accounts/{id}", audience: "frontOffice", scope: null },
  { method: "GET", path: "/Accounts/{accountNumber}", audience: "frontOffice", scope: null },
  { method: "POST", path: "/internal/Clients", audience: "system", scope: "clients.write" },
];
const account = { "x-audience": "frontOffice" };
const clients = { "x-audience": "system", "x-scope": "clients.write" };
const SERVED: ServedDocument = { paths: { "/Accounts/{id}": { get: account }, "/internal/Clients": { post: clients } } };

const withPaths = (paths: ServedDocument["paths"]): ServedDocument => ({ paths: { ...SERVED.paths, ...paths } });

test("lists that agree have nothing to say, and one route may serve two documented paths", () => {
  expect(disagreements(DOCUMENTED, SERVED, [])).toEqual([]);
});

test.each<[string, ServedDocument, string[], string]>([
  ["an absent operation", { paths: { "/Accounts/{id}": { get: account } } }, [], "POST /internal/Clients is documented but not served"],
  [
    "a served operation listed as absent",
    SERVED,
    ["POST /internal/Clients"],
    "POST /internal/Clients is served: take it off the list of absent ones",
  ],
  [
    "a listed operation that nobody documented",
    SERVED,
    ["GET /Nothing"],
    "GET /Nothing stands on the list of absent ones but is not documented",
  ],
  ["an operation that nobody documented", withPaths({ "/extra": { get: account } }), [], "GET /extra is served but not documented"],
  [
    "another scope",
    withPaths({ "/internal/Clients": { post: { ...clients, "x-scope": "clients.read" } } }),
    [],
    "POST /internal/Clients: scope clients.read instead of clients.write",
  ],
  [
    "no scope",
    withPaths({ "/internal/Clients": { post: { "x-audience": "system" } } }),
    [],
    "POST /internal/Clients: scope missing instead of clients.write",
  ],
  [
    "another audience",
    withPaths({ "/internal/Clients": { post: { ...clients, "x-audience": "frontOffice" } } }),
    [],
    "POST /internal/Clients: audience frontOffice instead of system",
  ],
])("the comparison sees %s", (_, served, notYetServed, sentence) => {
  expect(disagreements(DOCUMENTED, served, notYetServed)).toEqual([sentence]);
});

test("the comparison sees a parameter with a name of our own", () => {
  const served: ServedDocument = { paths: { "/Accounts/{key}": { get: account }, "/internal/Clients": { post: clients } } };
  expect(disagreements(DOCUMENTED, served, [])).toEqual([
    "GET /Accounts/{id}: served as /Accounts/{key}",
    "GET /Accounts/{accountNumber}: served as /Accounts/{key}",
  ]);
});

test("every documented operation is served as documented, or stands on the list of absent ones", async () => {
  const [documented, ours, absent] = await Promise.all([
    read<Documented[]>("operations.json"),
    // Aliases, and what the documentation has not.
    read<Documented[]>("ours.json"),
    read<string[]>("not-yet-served.json"),
  ]);
  expect(disagreements([...documented, ...ours], (await describeApi()) as ServedDocument, absent)).toEqual([]);
});
