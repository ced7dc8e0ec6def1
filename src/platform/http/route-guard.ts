// Deny by default: a route that does not say whom it is for keeps the server from starting.

import type { FastifyInstance } from "fastify";
import type { AccessPolicy } from "../access.ts";
import type { RequestBody } from "./request-body.ts";

type Config = { readonly access?: AccessPolicy; readonly requestBody?: RequestBody["kind"] };
type Route = { readonly url: string; readonly method: string | string[]; readonly config?: Config | undefined };

export function refuseUnguardedRoutes(app: FastifyInstance): void {
  const routes: Route[] = [];
  app.addHook("onRoute", (route) => void routes.push(route));
  app.addHook("onReady", async () => {
    const unguarded = routes.filter((route) => !isGuarded(route.config)).map(({ method, url }) => `${String(method)} ${url}`);
    if (unguarded.length > 0) throw new Error(`routes without an audience and scope: ${unguarded.join("; ")}`);
  });
}

/**
 * An end user is confined to its own things and needs no scope; a system without a scope could do anything. A signature is judged with the
 * body: a route that does not read its body so would be open to all.
 */
function isGuarded({ access, requestBody }: Config = {}): boolean {
  if (access === undefined) return false;
  if (access.audience === "signature") return requestBody === "signed";
  return access.audience === "public" || access.audience === "frontOffice" || access.scope !== null;
}
