// Operations 5 and 6, the change of a client's status (contract 5.16), and the history of its standing.

import type { Caller } from "#platform/access.ts";
import type { Tx } from "#platform/db.ts";
import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { pageQuery } from "#platform/page.ts";
import { refusePlatform } from "#platform/problem.ts";
import { strictObject, Uuid } from "#platform/schema.ts";
import { standingProblems } from "../problems.ts";
import type { LiftCodeBlocks } from "../ports.ts";
import { findClient } from "../profiles/clients.ts";
import { Client } from "../profiles/contract.ts";
import { BlockClient, ChangeClientStatus, ClientHistory, UnblockClient } from "./contract.ts";
import { readHistory } from "./history.ts";
import type { Change } from "./standing.ts";
import { lockForChange } from "./standing.store.ts";
import { changeStanding, type StandingKit } from "./standing-changes.ts";

const TAGS = ["ClientProfile - System / Clients"];
const ClientId = strictObject({ clientId: Uuid });

/** Why a person changes a standing is told in the note. */
const BY_STAFF = "staff";

type UnblockKit = { readonly liftCodeBlocks: LiftCodeBlocks };

/** The operations that change how a client stands, and its history. */
export function standingEndpoints(kit: StandingKit & UnblockKit): readonly Endpoint[] {
  return [blockClient(kit), unblockClient(kit), changeStatus(kit), getHistory(kit)];
}

const blockClient = (kit: StandingKit): Endpoint =>
  endpoint({
    id: "blockClient",
    method: "PUT",
    path: "/internal/Clients/{clientId}/block",
    tags: TAGS,
    summary: "Block a client",
    description:
      "Once the answer is given no debit of the client is booked on any route; money that comes in is. The client itself may read, and is refused with 403 clientBlocked where it would move or prepare money. A blocked client is answered as it is: the first reason stays. 409 invalidState for a client that is not active.",
    audience: "system",
    scope: "clients.write",
    params: ClientId,
    body: BlockClient,
    reply: Client,
    problems: { invalidState: standingProblems.invalidState },
    work: "write",
    answerTellsOf: (_call, { clientId }) => clientId,
    handle: (tx, { params, body, caller }) => change(tx, kit, caller, params.clientId, { kind: "move", event: "block" }, body.reason),
  });

const unblockClient = (kit: StandingKit & UnblockKit): Endpoint =>
  endpoint({
    id: "unblockClient",
    method: "PUT",
    path: "/internal/Clients/{clientId}/unblock",
    tags: TAGS,
    summary: "Let a blocked client move money again",
    description:
      "A block of the client's one-time codes ends, too, also of a client that is active; else an active client is answered as it is. 409 clientProhibited while the client's riskLevel is prohibited, 409 invalidState for a client that is neither blocked nor active.",
    audience: "system",
    scope: "clients.write",
    params: ClientId,
    body: UnblockClient,
    isBodyOptional: true,
    reply: Client,
    problems: standingProblems,
    work: "write",
    answerTellsOf: (_call, { clientId }) => clientId,
    async handle(tx, { params: { clientId }, body, caller }) {
      const client = (await lockForChange(tx, clientId, caller.tenant)) ?? refusePlatform("notFound");
      // Before the change, which may hold the ledger's head. Where that is refused this is taken back.
      await kit.liftCodeBlocks(tx, client);
      return await change(tx, kit, caller, clientId, { kind: "move", event: "unblock" }, body.comment ?? null);
    },
  });

const changeStatus = (kit: StandingKit): Endpoint =>
  endpoint({
    id: "changeClientStatus",
    method: "PUT",
    path: "/internal/Clients/{clientId}/status",
    tags: TAGS,
    summary: "Change a client's status",
    description:
      "pending becomes active (its verification must be approved) or rejected; active and blocked become each other, or closed once the client has no account that is not closed. rejected and closed are for ever. The status that the client has already is answered as it is. 409 invalidState for every other way, 409 clientProhibited where a prohibited client would become active.",
    audience: "system",
    scope: "clients.write",
    params: ClientId,
    body: ChangeClientStatus,
    reply: Client,
    problems: standingProblems,
    work: "write",
    answerTellsOf: (_call, { clientId }) => clientId,
    handle: (tx, { params, body, caller }) =>
      change(tx, kit, caller, params.clientId, { kind: "status", status: body.status }, body.reason),
  });

const getHistory = ({ vault }: StandingKit): Endpoint =>
  endpoint({
    id: "getClientHistory",
    method: "GET",
    path: "/internal/Clients/{clientId}/history",
    tags: TAGS,
    summary: "How a client came to stand as it does",
    description: "Every change of status, verification and risk level, newest first: who, when, from what to what, and why.",
    audience: "system",
    scope: "clients.read",
    params: ClientId,
    query: strictObject(pageQuery),
    reply: ClientHistory,
    work: "read",
    handle: (tx, { params, query, caller }) => readHistory(tx, vault, params.clientId, caller.tenant, query),
  });

async function change(tx: Tx, kit: StandingKit, caller: Caller, clientId: string, wanted: Change, words: string | null): Promise<Client> {
  // An empty comment says nothing.
  const note = words === "" ? null : words;
  await changeStanding(tx, kit, clientId, caller.tenant, { change: wanted, reason: BY_STAFF, note });
  return (await findClient(tx, kit.vault, clientId, caller.tenant)) ?? refusePlatform("notFound");
}
