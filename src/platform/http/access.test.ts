// Who is let in: deny by default, told apart by nothing but the token, and a token only from its one place.

import { describe, expect, test, onTestFinished } from "vitest";
import { aThing, as, type Edge, type EdgeOptions, openEdge, readRaw, sendRaw, THING_ID, verify } from "../../../test/setup/edge.ts";
import type { VerifyToken } from "../access.ts";
import { strictObject } from "../schema.ts";
import { PUBLIC } from "./app.ts";
import { endpoint } from "./endpoint.ts";

async function open(options: EdgeOptions = {}): Promise<Edge> {
  const edge = await openEdge(options);
  onTestFinished(() => edge.close());
  return edge;
}

describe("a route that does not say whom it is for", () => {
  const unguarded: Record<string, EdgeOptions> = {
    "no policy": { finish: (app) => void app.get("/planted", () => "open") },
    "no policy, in a plugin": {
      finish: (app) => void app.register(async (inner) => void inner.get("/planted", () => "open")),
    },
    "no policy, before the endpoints": { prepare: (app) => void app.get("/planted", () => "open") },
    "a system route without a scope": {
      endpoints: [
        endpoint({
          id: "planted",
          method: "GET",
          path: "/planted",
          tags: [],
          summary: "Planted",
          audience: "system",
          scope: null,
          work: "own",
          reply: strictObject({}),
          handle: async () => ({ body: {}, replayed: false }),
        }),
      ],
    },
  };

  test.each(Object.keys(unguarded))("keeps the server from starting: %s", async (name) => {
    await expect(openEdge(unguarded[name])).rejects.toThrow("routes without an audience and scope: GET /planted");
  });

  test("one that says so starts", async () => {
    const edge = await open({ finish: (app) => void app.get("/planted", { config: { access: PUBLIC } }, () => "open") });
    expect((await edge.app.inject({ url: "/planted" })).statusCode).toBe(200);
  });
});

describe("a call", () => {
  const routes = [
    { method: "GET", url: "/Things", allows: ["client"] },
    { method: "GET", url: `/Things/${THING_ID}`, allows: ["client"] },
    { method: "PUT", url: `/Things/${THING_ID}/cancel`, allows: ["client"] },
    { method: "POST", url: "/internal/Things", allows: ["writer"] },
    { method: "POST", url: "/internal/Things/batch", allows: ["writer"] },
  ] as const;

  const ways = {
    "known at once": verify,
    "that must be waited for": async (header) => {
      await new Promise((resolve) => setImmediate(resolve));
      return verify(header);
    },
  } as const satisfies Record<string, VerifyToken>;
  const matrix = routes.flatMap((route) => (["known at once", "that must be waited for"] as const).map((way) => ({ ...route, way })));

  test.each(matrix)("of $method $url, a caller $way: 401 for nobody, 403 for others, before anything of it is read", async (row) => {
    const { method, url, allows, way } = row;
    const edge = await open({ verify: ways[way] });
    for (const who of ["nobody", "client", "writer", "reader"] as const) {
      const isAllowed = (allows as readonly string[]).includes(who);
      const headers = { ...(who === "nobody" ? {} : as(who)), "content-type": isAllowed ? "application/json" : "text/plain" };
      const payload = isAllowed && method === "POST" ? JSON.stringify(aThing()) : isAllowed ? "" : "{";
      const answer = await edge.app.inject({ method, url: `${url}${isAllowed ? "" : "?unknown=1"}`, headers, payload });
      expect(answer.statusCode, who).toBe(who === "nobody" ? 401 : isAllowed ? 200 : 403);
      expect(answer.headers["www-authenticate"], who).toBe(who === "nobody" ? "Bearer" : undefined);
    }
    expect(edge.calls).toHaveLength(1);
  });

  test.each(["Bearer nonsense", "Bearer", "bearer", "Basic d3JpdGVyOng=", "writer", "Bearer writer,Bearer client", ""])(
    "with the credential %o is answered 401 and told that the token is the fault",
    async (authorization) => {
      const edge = await open();
      const answer = await edge.app.inject({ url: "/Things", headers: { authorization } });
      expect(answer.statusCode).toBe(401);
      expect(answer.headers["www-authenticate"]).toBe('Bearer error="invalid_token"');
      expect(answer.json()).toMatchObject({ code: "unauthorized", detail: null });
      expect(edge.calls).toEqual([]);
    },
  );

  test("with two credentials is answered 401, though each alone would do", async () => {
    const edge = await open();
    const port = await edge.listen();
    const twice =
      "GET /Things HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer client\r\nAuthorization: Bearer client\r\n\r\n";
    expect(readRaw(await sendRaw(port, twice)).status).toBe(401);
    expect(edge.calls).toEqual([]);
  });

  test.each(["access_token", "token", "Authorization", "bearer", "jwt"])(
    "with its token in the query (%s) is refused, and the token is not logged",
    async (name) => {
      const edge = await open();
      const alone = await edge.app.inject({ url: `/Things?${name}=client` });
      expect(alone.statusCode).toBe(401);
      const besides = await edge.app.inject({ url: `/Things?${name}=eyJ-canary`, headers: as("client") });
      expect(besides.statusCode).toBe(400);
      expect(besides.json()).toMatchObject({ code: "validationFailed", instance: "/Things" });
      expect(`${besides.body}${alone.body}${edge.log.join()}`).not.toContain("eyJ-canary");
      expect(edge.calls).toEqual([]);
    },
  );

  test("with its token in a cookie or in the body is nobody's", async () => {
    const edge = await open();
    const headers = { cookie: "access_token=client; authorization=Bearer client", "content-type": "application/json" };
    const answer = await edge.app.inject({ method: "POST", url: "/internal/Things", headers, payload: { access_token: "writer" } });
    expect(answer.statusCode).toBe(401);
  });

  const bug = new TypeError("canary of the verifier");
  const throwing: VerifyToken = () => {
    throw bug;
  };
  test.each([
    ["later", async () => Promise.reject(bug)],
    ["at once", throwing],
  ] as const)("whose token cannot be judged because of a bug of ours, seen %s, is answered 500, and not let in", async (_when, failing) => {
    const edge = await open({ verify: failing });
    const answer = await edge.app.inject({ url: "/Things", headers: as("client") });
    expect(answer.statusCode).toBe(500);
    expect(answer.body).not.toContain("canary");
    expect(edge.calls).toEqual([]);
  });
});
