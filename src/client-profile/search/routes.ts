// Operation 4: the list of clients.

import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import type { Vault } from "../keys/vault.ts";
import { findListedClients } from "../profiles/clients.ts";
import { filterOf } from "./client-filter.ts";
import { readClientList } from "./client-list.ts";
import { ClientPage, ClientQuery } from "./contract.ts";

export function clientListEndpoints({ vault }: { readonly vault: Vault }): readonly Endpoint[] {
  return [
    endpoint({
      id: "listClients",
      method: "GET",
      path: "/internal/Clients",
      tags: ["ClientProfile - System / Clients"],
      summary: "Clients by filter",
      description:
        "Newest first. A token with a tenant sees the clients of that tenant. All filters that are given must hold; of a list one value. Persons of companies are left out and numbers of identification documents masked: read the client by its id. A client that waits to be forgotten is not found by `search`. A page by cursor of a search that matches very many may hold fewer items than asked for, or none; go on while nextCursor is not null.",
      audience: "system",
      scope: "clients.read",
      query: ClientQuery,
      reply: ClientPage,
      work: "read",
      async handle(tx, { query, caller }) {
        const { ids, page } = await readClientList(tx, vault, filterOf(query, caller.tenant), query);
        return { items: await findListedClients(tx, vault, ids), ...page };
      },
    }),
  ];
}
