// The operation of the ledger's events.

import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { EventPage, EventQuery } from "./contract.ts";
import { readEvents } from "./events.ts";

/** The feed of accepted changes. */
export function eventEndpoints(): Endpoint[] {
  return [
    endpoint({
      id: "listEvents",
      method: "GET",
      path: "/internal/Events",
      tags: ["GeneralLedger - System (1) / Events"],
      summary: "Accepted changes of the ledger, in the order of their commits",
      description:
        "Every change exactly once, as CloudEvents. Ask again with `after` = `lastSequence`: at once while `hasMore`, else after a while. A caller " +
        "confined to a tenant sees that tenant's changes under their own numbers; its pages may be empty and have more all the same.",
      audience: "system",
      scope: "events.read",
      query: EventQuery,
      reply: EventPage,
      work: "read",
      handle: (tx, { query, caller }) => readEvents(tx, { ...query, tenant: caller.tenant }),
    }),
  ];
}
