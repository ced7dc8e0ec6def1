// Operations 1 and 8: a client as systems see it, and as it sees itself.

import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { invariant, platformProblems, refusePlatform } from "#platform/problem.ts";
import { strictObject, Uuid } from "#platform/schema.ts";
import type { Vault } from "../keys/vault.ts";
import { findClient } from "./clients.ts";
import { Client, OwnClient } from "./contract.ts";

const getClient = (vault: Vault): Endpoint =>
  endpoint({
    id: "getClient",
    method: "GET",
    path: "/internal/Clients/{clientId}",
    tags: ["ClientProfile - System / Clients"],
    summary: "A client's profile",
    description: "A token with a tenant sees the clients of that tenant only: the others answer 404.",
    audience: "system",
    scope: "clients.read",
    params: strictObject({ clientId: Uuid }),
    reply: Client,
    work: "read",
    async handle(tx, { params, caller }) {
      return (await findClient(tx, vault, params.clientId, caller.tenant)) ?? refusePlatform("notFound");
    },
  });

const getOwnClient = (vault: Vault): Endpoint =>
  endpoint({
    id: "getOwnClient",
    method: "GET",
    path: "/Client",
    tags: ["ClientProfile - FrontOffice / Client"],
    summary: "The signed-in client's own profile",
    audience: "frontOffice",
    scope: null,
    reply: OwnClient,
    problems: { notFound: platformProblems.notFound },
    work: "read",
    async handle(tx, { caller }) {
      invariant(caller.kind === "client", "a front-office route with a system caller");
      const client = (await findClient(tx, vault, caller.clientId, caller.tenant)) ?? refusePlatform("notFound");
      const { riskLevel: _judgement, blockReason: _why, ...own } = client;
      return own;
    },
  });

/** Operations 1 and 8 of the contract: `GET /Client` and `GET /internal/Clients/{clientId}`. */
export function profileEndpoints({ vault }: { readonly vault: Vault }): readonly Endpoint[] {
  return [getOwnClient(vault), getClient(vault)];
}
