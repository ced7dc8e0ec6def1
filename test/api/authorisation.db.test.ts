// Who may call what: every served route against every kind of caller, made from the served API description. A route that is added is
// tested without a line here; one that is open to a caller too many fails.

import { SCOPES } from "#platform/access.ts";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeApi } from "../../src/app.ts";
import { openLedgerApp, type LedgerApp } from "../setup/ledger.ts";

type Operation = {
  readonly operationId: string;
  readonly "x-audience"?: "frontOffice" | "system" | "integration" | "signature";
  readonly "x-scope"?: string;
  readonly security?: readonly unknown[];
};
type Route = Operation & { readonly method: string; readonly path: string };

const api = (await describeApi()) as { paths: Record<string, Record<string, Operation>> };
const routes: Route[] = Object.entries(api.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ ...operation, method: method.toUpperCase(), path })),
);

/** Operations for whoever signs their bodies; all others ask for a token. */
const SIGNED: readonly string[] = ["/integration/sumsub-webhooks/update-state"];

const NOBODY = "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00";

let bank: LedgerApp;
beforeAll(async () => {
  bank = await openLedgerApp();
});
afterAll(() => bank.close());

/** The status of a call with nothing in it but the credential: whoever is let in meets 400, 404 or 200 next. */
async function statusOf(
  { method, path }: Route,
  authorization: string | null,
  spelling: (url: string) => string = (url) => url,
): Promise<number> {
  const url = spelling(path.replace(/\{\w+\}/g, NOBODY));
  const answer = await bank.app.inject({ method: method as "GET", url, headers: authorization === null ? {} : { authorization } });
  return answer.statusCode;
}
const bearer = (token: string): string => `Bearer ${token}`;
const systemToken = (scope: string): Promise<string> => bank.mint({ audience: "system", scope });

test("the description names audience, scope and credential of every operation that the app serves", () => {
  const served = bank.endpoints.map(({ id }) => id).sort();
  const described = routes
    .filter((route) => route["x-audience"] !== undefined)
    .map(({ operationId }) => operationId)
    .sort();
  expect(described).toEqual(served);
  expect(served.length).toBeGreaterThan(10);
  for (const route of routes.filter((each) => each["x-audience"] !== undefined)) {
    const scope = route["x-scope"];
    const isScoped = route["x-audience"] === "system" || route["x-audience"] === "integration";
    expect([route.operationId, scope !== undefined]).toEqual([route.operationId, isScoped]);
    if (scope !== undefined) expect(SCOPES).toContain(scope);
    const isSigned = route["x-audience"] === "signature";
    expect(route.security).toEqual([isSigned ? { signature: [] } : { bearer: scope === undefined ? [] : [scope] }]);
  }
});

test("the audience follows from the path, as documented: internal, integration, or the front office; signed operations are named", () => {
  expect(routes.filter((each) => each["x-audience"] === "signature").map(({ path }) => path)).toEqual(SIGNED);
  for (const route of routes.filter(isForTokens)) {
    const expected = route.path.startsWith("/integration/") ? "integration" : route.path.includes("/internal/") ? "system" : "frontOffice";
    expect([route.path, route["x-audience"]]).toEqual([route.path, expected]);
  }
});

/** The probes have no audience. */
function isForTokens(route: Route): boolean {
  return route["x-audience"] !== undefined && route["x-audience"] !== "signature";
}

const named = (some: readonly Route[]) => some.map((route) => [`${route.method} ${route.path}`, route] as const);

/** Credentials that no route may take. */
async function badCredentials(good: string): Promise<Record<string, string | null>> {
  const request = { audience: "system", scope: SCOPES.join(" ") } as const;
  const [header = "", claims = "", signature = ""] = good.split(".");
  return {
    "no header": null,
    "an empty one": "",
    "another scheme": `Basic ${Buffer.from("user:password").toString("base64")}`,
    "no scheme": good,
    garbage: bearer("garbage"),
    "an empty token": "Bearer ",
    "no signature": bearer(`${header}.${claims}.`),
    "another signature": bearer(`${header}.${claims}.${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`),
    "alg none": bearer(`${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString("base64url")}.${claims}.`),
    expired: bearer(await bank.mint({ ...request, expiresInSeconds: 1 }, { atMs: Date.now() - 3_600_000 })),
    "not yet issued": bearer(await bank.mint(request, { atMs: Date.now() + 3_600_000 })),
    "another audience": bearer(await bank.mint(request, { audience: "elsewhere" })),
    "another issuer": bearer(await bank.mint(request, { issuer: "https://elsewhere.test" })),
  };
}

const SPELLINGS: readonly ((url: string) => string)[] = [
  (url) => url.toUpperCase(),
  (url) => url.toLowerCase(),
  (url) => `${url}/`,
  (url) => `/${url}`,
  (url) => url.replace(/\/(?=[^/]*$)/, "//"),
  (url) => url.replace(/\/(?=[^/]*$)/, "/./"),
  (url) => url.replace(/\/(?=[^/]*$)/, "%2f"),
  (url) => url.replace(/\/(?=[^/]*$)/, "%5c"),
  (url) => url.replace(/[a-z](?=[^/]*$)/i, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  (url) => `${url};x=y`,
  (url) => `${url}%00`,
  (url) => `${url}?scope=ledger.write`,
  (url) => `/v2${url}`,
  (url) => `/x/..${url}`,
];

describe.each(named(routes.filter((route) => route["x-audience"] === "signature")))("%s", (_, route) => {
  test("opens to no token whatever, good or bad, in no spelling of its path", async () => {
    const good = [await systemToken(SCOPES.join(" ")), await bank.mint({ audience: "frontOffice", clientId: NOBODY })];
    const credentials = { ...(await badCredentials(good[0] ?? "")), ...Object.fromEntries(good.map((token) => [token, bearer(token)])) };
    for (const [name, credential] of Object.entries(credentials)) {
      expect([name, await statusOf(route, credential)]).toEqual([name, 401]);
      for (const spelling of SPELLINGS) expect([401, 404, 400, 405]).toContain(await statusOf(route, credential, spelling));
    }
  });

  test("other methods are not there", async () => {
    for (const method of ["HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "GET"]) {
      expect([method, await statusOf({ ...route, method }, null)]).toEqual([method, 405]);
    }
  });
});

describe.each(named(routes.filter(isForTokens)))("%s", (_, route) => {
  const isFrontOffice = route["x-audience"] === "frontOffice";

  test("without a sound token: 401", async () => {
    const scope = SCOPES.join(" ");
    const good = isFrontOffice ? await bank.mint({ audience: "frontOffice", clientId: NOBODY }) : await systemToken(scope);
    const bad = await badCredentials(good);
    const found = await Promise.all(Object.entries(bad).map(async ([name, credential]) => [name, await statusOf(route, credential)]));
    expect(found).toEqual(Object.keys(bad).map((name) => [name, 401]));
  });

  test("with a client's token", async () => {
    const status = await statusOf(route, bearer(await bank.mint({ audience: "frontOffice", clientId: NOBODY })));
    if (isFrontOffice) expect([200, 400, 404, 415]).toContain(status);
    else expect(status).toBe(403);
  });

  test("with a client's token that claims every scope", async () => {
    const status = await statusOf(route, bearer(await bank.mint({ audience: "frontOffice", clientId: NOBODY, scope: SCOPES.join(" ") })));
    if (isFrontOffice) expect([200, 400, 404, 415]).toContain(status);
    else expect(status).toBe(403);
  });

  test("with each scope alone, with none, with all others, and with words that look like it", async () => {
    const needed = route["x-scope"] ?? "";
    const others = SCOPES.filter((scope) => scope !== needed).join(" ");
    const lookalikes = [
      needed.toUpperCase(),
      `${needed}s`,
      `x${needed}`,
      needed.replace(".", " "),
      needed.split(".")[0] ?? "",
      "*",
      `${needed.split(".")[0]}.*`,
      "admin",
    ];
    for (const scope of [...SCOPES, "", others, ...lookalikes, lookalikes.join(" ")]) {
      const status = await statusOf(route, bearer(await systemToken(scope)));
      if (!isFrontOffice && scope === needed) expect([200, 400, 404, 415], scope).toContain(status);
      else expect([scope, status]).toEqual([scope, 403]);
    }
  });

  test("in another spelling of its path it opens to nobody more", async () => {
    const wrong = bearer(
      isFrontOffice ? await systemToken(SCOPES.join(" ")) : await bank.mint({ audience: "frontOffice", clientId: NOBODY }),
    );
    for (const spelling of SPELLINGS) {
      expect([401, 404, 400, 405]).toContain(await statusOf(route, null, spelling));
      expect([403, 404, 400, 405]).toContain(await statusOf(route, wrong, spelling));
    }
  });

  test("HEAD asks for what GET asks for; other methods are not there", async () => {
    const wrong = bearer(await bank.mint({ audience: "frontOffice", clientId: NOBODY }));
    // A path with a parameter may stand for this one too, with other methods: it is guarded as this one is.
    const own = routes
      .filter(({ path }) => new RegExp(`^${path.replace(/\{\w+\}/g, "[^/]+")}$`).test(route.path))
      .flatMap(({ method }) => (method === "GET" ? ["GET", "HEAD"] : [method]));
    for (const method of ["HEAD", "OPTIONS", "TRACE", "PUT", "PATCH", "DELETE", "POST", "GET"]) {
      const status = await statusOf({ ...route, method }, isFrontOffice ? null : wrong);
      expect([method, own.includes(method) ? (isFrontOffice ? 401 : 403) : 405]).toEqual([method, status]);
    }
  });
});
