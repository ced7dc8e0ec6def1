// Probes, figures and the reference page: public, without data, and complete without the internet.

import { Registry } from "prom-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { as, type Edge, openEdge, THING_ID } from "../../../test/setup/edge.ts";
import { Metrics } from "../metrics.ts";
import { addApiDescription, addPages } from "./pages.ts";

const state = { ready: true };
const metrics = new Metrics();
let edge: Edge;
beforeAll(async () => {
  edge = await openEdge({
    onAnswer: metrics.onAnswer,
    prepare: (app) => addApiDescription(app, "1.2.3"),
    finish: (app) => addPages(app, { version: "1.2.3", metrics: metrics.registry, isReady: async () => state.ready }),
  });
});
afterAll(() => edge.close());

const get = (url: string) => edge.app.inject({ url });

describe("probes", () => {
  test("the process lives, also when it is not ready to serve", async () => {
    state.ready = false;
    expect((await get("/health/live")).json()).toEqual({ status: "live" });
    const answer = await get("/health/ready");
    expect(answer.statusCode).toBe(503);
    expect(answer.headers["retry-after"]).toBe("1");
    expect(answer.json()).toMatchObject({ code: "busy", detail: "Not ready to serve." });
    state.ready = true;
    expect((await get("/health/ready")).json()).toEqual({ status: "ready" });
    expect((await get("/HEALTH/READY")).statusCode).toBe(200);
  });

  test("tell nothing but that", async () => {
    for (const path of ["/health/live", "/health/ready"]) expect(Object.keys((await get(path)).json<object>())).toEqual(["status"]);
  });
});

describe("figures", () => {
  test("name routes and statuses, never what a caller sent", async () => {
    await edge.app.inject({ url: `/Things/${THING_ID}`, headers: { ...as("client"), "x-correlation-id": "canary" } });
    await get("/canary/path");
    await edge.app.inject({ method: "PROPFIND" as "GET", url: "/canary" });
    const answer = await get("/metrics");
    expect(answer.headers["content-type"]).toBe(Registry.PROMETHEUS_CONTENT_TYPE);
    expect(answer.body).toContain('finlego_http_seconds_count{method="GET",route="/Things/:thingId",status="200"} 1');
    expect(answer.body).toContain('finlego_http_seconds_count{method="GET",route="unknown",status="404"} 1');
    expect(answer.body).toContain("process_cpu_seconds_total");
    expect(answer.body).not.toMatch(new RegExp(`canary|${THING_ID}`));
  });
});

describe("the description", () => {
  test("tells the operations and nothing of the pages", async () => {
    const answer = await get("/openapi.json");
    expect(answer.headers["content-type"]).toContain("application/json");
    const { openapi, info, paths } = answer.json<{ openapi: string; info: { version: string }; paths: Record<string, object> }>();
    expect([openapi, info.version]).toEqual(["3.1.0", "1.2.3"]);
    expect(Object.keys(paths).sort()).toEqual([
      "/Things",
      "/Things/latest",
      "/Things/{id}/cancel",
      "/Things/{thingId}",
      "/integration/things/notice",
      "/internal/Things",
      "/internal/Things/batch",
      "/internal/Things/upload",
    ]);
    // HEAD goes without saying.
    expect(Object.keys(paths["/Things"]!)).toEqual(["get"]);
  });

  test("says how each kind of body is sent, and how its sender is known", async () => {
    type Post = {
      readonly requestBody: { readonly required: boolean; readonly content: object };
      readonly security: object[];
      readonly responses: object;
      readonly description: string;
      readonly parameters?: readonly { readonly name: string }[];
    };
    const { paths, components } = (await get("/openapi.json")).json<{
      paths: Record<string, { post: Post }>;
      components: { securitySchemes: Record<string, object> };
    }>();
    const upload = paths["/internal/Things/upload"]!.post;
    expect(upload.requestBody).toMatchObject({ required: true });
    expect(Object.keys(upload.requestBody.content)).toEqual(["multipart/form-data", "application/octet-stream"]);
    expect([upload.security, upload.parameters?.map(({ name }) => name)]).toEqual([[{ bearer: ["ledger.write"] }], ["Idempotency-Key"]]);
    expect(Object.keys(upload.responses)).toEqual(["200", "400", "401", "403", "405", "409", "413", "415", "422", "429", "500", "503"]);

    const notice = paths["/integration/things/notice"]!.post;
    expect(Object.keys(notice.requestBody.content)).toEqual(["application/json"]);
    expect([notice.security, notice.parameters]).toEqual([[{ signature: [] }], undefined]);
    // Who signs needs no scope and no key.
    expect(Object.keys(notice.responses)).toEqual(["200", "400", "401", "405", "413", "415", "429", "500", "503"]);
    expect(notice.description).toContain("Audience: signature.");
    expect(components.securitySchemes["signature"]).toMatchObject({ type: "apiKey", in: "header", name: "x-payload-digest" });
  });

  test("asks for no query parameter that has a default", async () => {
    const { paths } = (await get("/openapi.json")).json<{
      paths: Record<string, { get: { parameters: { in: string; name: string; required?: boolean }[] } }>;
    }>();
    const { parameters } = paths["/Things"]!.get;
    expect(parameters.filter((parameter) => parameter.in === "query").map(({ name, required = false }) => [name, required])).toEqual([
      ["limit", false],
      ["order", false],
      ["tags", false],
    ]);
  });
});

describe("the reference page", () => {
  const policyOf = (headers: Record<string, unknown>) =>
    new Map(
      String(headers["content-security-policy"])
        .split(";")
        .map((rule) => {
          const [name = "", ...sources] = rule.trim().split(" ");
          return [name, sources] as const;
        }),
    );
  /** What a browser would fetch for the page, as the page names it. */
  const linksOf = (html: string) => [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? "");

  test.each(["/docs", "/docs/"])("%s loads all that it names from here", async (path) => {
    const page = await get(path);
    expect(page.statusCode).toBe(200);
    expect(page.headers["content-type"]).toContain("text/html");
    const links = linksOf(page.body);
    expect(links.length).toBeGreaterThanOrEqual(6);
    for (const link of links) {
      const url = new URL(link, `http://here${path}`);
      expect(url.host).toBe("here");
      const file = await get(url.pathname);
      expect(file.statusCode, link).toBe(200);
      expect(file.body.length, link).toBeGreaterThan(0);
      expect(file.headers["content-type"], link).toMatch(/javascript|css|image/);
      expect(file.headers["x-content-type-options"]).toBe("nosniff");
    }
  });

  test("has a policy that forbids everything from elsewhere, and a page that needs nothing it forbids", async () => {
    const page = await get("/docs");
    const policy = policyOf(page.headers);
    expect(policy.get("default-src")).toEqual(["'none'"]);
    expect(policy.get("script-src")).toEqual(["'self'"]);
    expect(policy.get("connect-src")).toEqual(["'self'"]);
    expect(policy.get("frame-ancestors")).toEqual(["'none'"]);
    expect([...policy.values()].flat().filter((source) => /^(https?:|\*)/.test(source))).toEqual([]);
    // Scripts that stand in the page, and handlers in its tags, would not run.
    expect(page.body).not.toMatch(/<script(?![^>]*\ssrc=)[^>]*>/);
    expect(page.body).not.toMatch(/\son\w+=/);
  });

  test("styles fetch no fonts and images from elsewhere", async () => {
    for (const link of linksOf((await get("/docs")).body).filter((name) => name.endsWith(".css"))) {
      const { body } = await get(link);
      expect(body).not.toMatch(/@import/);
      const fetched = [...body.matchAll(/url\(\s*["']?([^"')]+)/g)].map(([, url]) => url ?? "");
      expect(fetched.filter((url) => !url.startsWith("data:") && !url.startsWith("#"))).toEqual([]);
    }
  });

  test("sends the description to no validator elsewhere", async () => {
    const { body } = await get("/docs/static/swagger-initializer.js");
    expect(body).toContain("validatorUrl: null");
    expect(body).toContain("resolveUrl('./json')");
    expect((await get("/docs/json")).json()).toEqual((await get("/openapi.json")).json());
  });

  test("serves its own files and no others", async () => {
    for (const path of [
      "../../package.json",
      "%2e%2e/%2e%2e/package.json",
      "..%2f..%2fpackage.json",
      "....//package.json",
      "%00",
      "nothing.js",
    ]) {
      const answer = await get(`/docs/static/${path}`);
      expect(answer.statusCode, path).toBe(404);
      expect(answer.headers["content-type"], path).toBe("application/problem+json; charset=utf-8");
      expect(answer.body).not.toContain('"dependencies"');
    }
  });

  test("is for reading: no other method", async () => {
    for (const url of ["/docs", "/openapi.json", "/metrics", "/health/live", "/docs/static/swagger-ui.css"]) {
      const answer = await edge.app.inject({ method: "POST", url });
      expect(answer.statusCode, url).toBe(405);
      expect(answer.headers["allow"], url).toBe("GET, HEAD");
    }
  });
});
