// Operations 1, 3, 7 and 8: a client as systems see and tell it, and as it sees itself.

import { callerTenant } from "#platform/access.ts";
import { today } from "#platform/dates.ts";
import type { Tx } from "#platform/db.ts";
import { type Call, type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { invariant, platformProblems, refusePlatform } from "#platform/problem.ts";
import { strictObject, Type, Uuid } from "#platform/schema.ts";
import type { Vault } from "../keys/vault.ts";
import { clientProfileProblems, standingProblems } from "../problems.ts";
import type { StandingKit } from "../standing/standing-changes.ts";
import { readCreation } from "./client-bodies.ts";
import { updateClient } from "./client-update.ts";
import { findClient, findClientVersion } from "./clients.ts";
import { Client, CreateClient, CreatedClient, OwnClient, UpdateClient } from "./contract.ts";
import { registerClient } from "./registration.ts";

const TAGS = ["ClientProfile - System / Clients"];
const ClientId = strictObject({ clientId: Uuid });
const IfMatch = strictObject({
  ifMatch: Type.Optional(
    Type.String({ minLength: 1, maxLength: 200, description: "ETag of the client as it was read; 412 when it has changed since." }),
  ),
});

const createClient = ({ vault }: StandingKit): Endpoint =>
  endpoint({
    id: "createClient",
    method: "POST",
    path: "/internal/Clients",
    tags: TAGS,
    summary: "Create a client",
    description:
      "The client is pending and its verification notStarted; one of riskLevel `prohibited` is stored as rejected. It belongs to the token's tenant, else to `default`. One e-mail address leads to one client of a tenant here (409 duplicateEmail; letter case does not count); an import takes the same address twice. Countries and dates are judged as in the import of an individual, a registrationDate like a dateOfBirth. Texts have no control characters and none that change the direction of writing.",
    audience: "system",
    scope: "clients.write",
    body: CreateClient,
    reply: CreatedClient,
    problems: clientProfileProblems,
    answerTellsOf: (_call, { clientId }) => clientId,
    work: "write",
    async handle(tx, { body, caller }) {
      const read = readCreation(body, today(tx.now, "UTC"));
      if ("errors" in read) return refusePlatform("validationFailed", { errors: read.errors });
      const { clientId } = await registerClient(tx, vault, callerTenant(caller), read.client);
      return { clientId, externalId: read.client.externalId };
    },
  });

const changeClient = (kit: StandingKit): Endpoint =>
  endpoint({
    id: "updateClient",
    method: "PUT",
    path: "/internal/Clients/{clientId}",
    tags: TAGS,
    summary: "Update a client's profile",
    description:
      "The whole profile as it shall be: an optional field that is left out is emptied. Type and externalId stay what they are. Persons of a company are known again by their relatedIndividualId; without it one is added, and whoever is left out is removed. riskLevel `prohibited` blocks an active client and rejects a pending one in the same commit. 409 duplicateEmail when a new address is another client's, 409 invalidState while the client waits to be forgotten.",
    audience: "system",
    scope: "clients.write",
    params: ClientId,
    query: IfMatch,
    headerOf: { ifMatch: "If-Match" },
    body: UpdateClient,
    reply: Client,
    problems: {
      duplicateEmail: clientProfileProblems.duplicateEmail,
      invalidState: standingProblems.invalidState,
      preconditionFailed: platformProblems.preconditionFailed,
    },
    answerTellsOf: ({ params }) => params.clientId,
    work: "write",
    async handle(tx, { params, query, body, caller, tag }) {
      const { clientId } = params;
      await updateClient(tx, kit, { clientId, visibleTo: caller.tenant, ifMatch: query.ifMatch }, body);
      return await show(tx, kit.vault, { clientId, caller, tag });
    },
  });

const getClient = (vault: Vault): Endpoint =>
  endpoint({
    id: "getClient",
    method: "GET",
    path: "/internal/Clients/{clientId}",
    tags: TAGS,
    summary: "A client's profile",
    description:
      "A token with a tenant sees the clients of that tenant only: the others answer 404. The ETag of the answer is the version of the client.",
    audience: "system",
    scope: "clients.read",
    params: ClientId,
    reply: Client,
    work: "read",
    handle: (tx, { params, caller, tag }) => show(tx, vault, { clientId: params.clientId, caller, tag }),
  });

async function show(
  tx: Tx,
  vault: Vault,
  { clientId, caller, tag }: Pick<Call<unknown, unknown, unknown>, "caller" | "tag"> & { clientId: string },
): Promise<Client> {
  const { client, version } = (await findClientVersion(tx, vault, clientId, caller.tenant)) ?? refusePlatform("notFound");
  tag(version);
  return client;
}

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

/** Operations 1, 3, 7 and 8 of the contract. */
export function profileEndpoints(kit: StandingKit): readonly Endpoint[] {
  return [getOwnClient(kit.vault), createClient(kit), getClient(kit.vault), changeClient(kit)];
}
