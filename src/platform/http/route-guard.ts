// Deny by default: a route that does not say whom it is for keeps the server from starting.

import type { FastifyInstance } from "fastify";
import type { AccessPolicy } from "../access.ts";

type Route = { readonly url: string; readonly method: string | string[]; readonly config?: { readonly access?: AccessPolicy } | undefined };

export function refuseUnguardedRoutes(app: FastifyInstance): void {
  const routes: Route[] = [];
  app.addHook("onRoute", (route) => void routes.push(route));
  app.addHook("onReady", async () => {
    const unguarded = routes.filter((route) => !isGuarded(route.config?.access)).map(({ method, url }) => `${String(method)} ${url}`);
    if (unguarded.length > 0) throw new Error(`routes without an audience and scope: ${unguarded.join("; ")}`);
  });
}

/** An end user is confined to its own things and needs no scope; a system without a scope could do anything. */
function isGuarded(access: AccessPolicy | undefined): boolean {
  return access !== undefined && (access.audience === "public" || access.audience === "frontOffice" || access.scope !== null);
}
