import fc from "fast-check";
import { expect, test } from "vitest";
import { type Audience, type Caller, callerTenant, checkAccess, idempotencyOwner, SCOPES, signingCaller } from "./access.ts";

const CLIENT = "0b0e7f9c-6a43-4c0e-9d0a-3f2b1c4d5e6f";
const client: Caller = { kind: "client", subject: "user-7", clientId: CLIENT, tenant: null };
const system = (...scopes: string[]): Caller => ({ kind: "system", subject: "core", scopes: new Set(scopes), tenant: null });

test("there are thirteen scopes, each named once", () => {
  expect(SCOPES).toHaveLength(13);
  expect(new Set(SCOPES).size).toBe(13);
});

test("a system route opens to exactly its own scope: no scope and no pair of others implies it", () => {
  for (const asked of SCOPES) {
    for (const first of SCOPES) {
      for (const second of SCOPES) {
        const expected = first === asked || second === asked ? "ok" : "forbidden";
        expect(checkAccess({ audience: "system", scope: asked }, system(first, second))).toBe(expected);
        expect(checkAccess({ audience: "integration", scope: asked }, system(first, second))).toBe(expected);
      }
    }
  }
});

test("words like our scopes open nothing", () => {
  for (const word of ["*", "ledger", "ledger.*", "LEDGER.READ", "ledger.read,ledger.write", "ledger.readx", "admin", "toString"]) {
    expect(checkAccess({ audience: "system", scope: "ledger.read" }, system(word))).toBe("forbidden");
  }
});

test("end users and systems never reach each other's routes", () => {
  expect(checkAccess({ audience: "frontOffice", scope: null }, client)).toBe("ok");
  expect(checkAccess({ audience: "frontOffice", scope: null }, system(...SCOPES))).toBe("forbidden");
  for (const audience of ["system", "integration"] as const) {
    for (const scope of [null, ...SCOPES]) expect(checkAccess({ audience, scope }, client)).toBe("forbidden");
  }
});

test("without a caller only public routes answer", () => {
  const answers = (["frontOffice", "system", "integration", "signature", "public"] as Audience[]).map((audience) =>
    checkAccess({ audience, scope: null }, null),
  );
  expect(answers).toEqual(["unauthorized", "unauthorized", "unauthorized", "unauthorized", "ok"]);
});

test("no token opens a route for signatures", () => {
  for (const scope of [null, ...SCOPES]) {
    for (const caller of [client, system(...SCOPES)]) expect(checkAccess({ audience: "signature", scope }, caller)).toBe("unauthorized");
  }
});

test("who signs the bodies of one operation may do nothing else", () => {
  const caller = signingCaller("noticeThing");
  for (const scope of SCOPES) expect(checkAccess({ audience: "system", scope }, caller)).toBe("forbidden");
  expect(checkAccess({ audience: "frontOffice", scope: null }, caller)).toBe("forbidden");
  expect(idempotencyOwner(caller)).not.toBe(idempotencyOwner(signingCaller("other")));
});

test("the bank's own token owns things of the default tenant", () => {
  expect(callerTenant(system())).toBe("default");
  expect(callerTenant({ ...system(), tenant: "acme" })).toBe("acme");
});

test("an idempotency key of an end user belongs to the client, whoever of its users sends it", () => {
  expect(idempotencyOwner({ ...client, subject: "user-8" })).toBe(idempotencyOwner(client));
});

test("two different owners never share the text of an owner", () => {
  const tenant = fc.option(fc.constantFrom("default", "acme", "a", "b", "client", "system"));
  const name = fc.oneof(fc.constantFrom(CLIENT, "a", ":a", "a:a", "default:a", "b:a"), fc.string());
  const caller: fc.Arbitrary<Caller> = fc.oneof(
    fc.record({ kind: fc.constant("client" as const), subject: name, clientId: fc.constantFrom(CLIENT, CLIENT.replace("0", "1")), tenant }),
    fc.record({ kind: fc.constant("system" as const), subject: name, scopes: fc.constant(new Set<string>()), tenant }),
  );
  const identity = (of: Caller) =>
    JSON.stringify(of.kind === "client" ? ["client", callerTenant(of), of.clientId] : ["system", of.tenant, of.subject]);
  fc.assert(
    fc.property(caller, caller, (a, b) => (idempotencyOwner(a) === idempotencyOwner(b)) === (identity(a) === identity(b))),
    { numRuns: 2000 },
  );
});
