// What is served beside the endpoints: probes, metrics, the API's description and its reference page. All public, none with data.

import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";
import type { Registry } from "prom-client";
import { problemOf, platformProblems } from "../problem.ts";
import { PUBLIC } from "./app.ts";
import { relaxBodies, SECURITY_SCHEMES } from "./openapi.ts";

export type PageOptions = {
  readonly version: string;
  readonly metrics: Registry;
  /** True when calls can be served: the database answers and the process is not draining. */
  readonly isReady: () => Promise<boolean>;
};

const HIDDEN = { schema: { hide: true } as object, config: { access: PUBLIC } };
const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/** Collects the routes that follow into an OpenAPI 3.1 document. Call before the endpoints are added. */
export async function addApiDescription(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "FinLego Core",
        version,
        description:
          "Core banking: clients, a double-entry ledger, onboarding. Amounts are decimal strings; every refusal is an RFC 9457 problem with a stable code.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      servers: [{ url: "/" }],
      components: { securitySchemes: SECURITY_SCHEMES },
    },
    transformObject(given) {
      if (!("openapiObject" in given)) return given.swaggerObject;
      relaxBodies(given.openapiObject);
      return given.openapiObject;
    },
  });
}

export async function addPages(app: FastifyInstance, { metrics, isReady }: PageOptions): Promise<void> {
  app.get("/health/live", HIDDEN, () => ({ status: "live" }));
  app.get("/health/ready", HIDDEN, async () => {
    if (!(await isReady())) throw problemOf(platformProblems, "busy", { detail: "Not ready to serve.", headers: { "retry-after": "1" } });
    return { status: "ready" };
  });
  app.get("/metrics", HIDDEN, async (_request, reply) => reply.type(metrics.contentType).send(await metrics.metrics()));
  app.get("/openapi.json", HIDDEN, () => app.swagger());
  await app.register(async (docs) => {
    // The reference's own routes come from its plugin; they are public and need a policy that lets the page run.
    docs.addHook("onRoute", (route) => {
      route.config = { ...route.config, access: PUBLIC };
    });
    docs.addHook("onSend", (_request, reply, payload, done) => {
      void reply.header("content-security-policy", DOCS_POLICY);
      done(null, payload);
    });
    await docs.register(swaggerUi, { routePrefix: "/docs", uiConfig: { deepLinking: true, docExpansion: "none" } });
  });
}
