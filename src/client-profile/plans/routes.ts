// Plans (contract 5.16): the client's own, those of the bank, and which client has which.

import { callerTenant } from "#platform/access.ts";
import { type Endpoint, endpoint } from "#platform/http/endpoint.ts";
import { pageQuery } from "#platform/page.ts";
import { invariant, platformProblems, refusePlatform } from "#platform/problem.ts";
import { strictObject, Uuid } from "#platform/schema.ts";
import type { Vault } from "../keys/vault.ts";
import { standingProblems } from "../problems.ts";
import { findClient } from "../profiles/clients.ts";
import { Client } from "../profiles/contract.ts";
import { ChooseClientPlan, OwnPlan, Plan as PlanDto, PlanCode, PlanPage, PutPlan } from "./contract.ts";
import { toWords } from "./plan.ts";
import { choosePlan, findPlanOfClient, listPlans, type Plan, putPlan } from "./plans.ts";

const TAGS = ["ClientProfile - System / Clients"];

/** All operations of plans. */
export function planEndpoints(vault: Vault): readonly Endpoint[] {
  return [getOwnPlan, getPlans, changePlan, chooseClientPlan(vault)];
}

const getOwnPlan = endpoint({
  id: "getOwnPlan",
  method: "GET",
  path: "/Client/plan",
  tags: ["ClientProfile - FrontOffice / Client"],
  summary: "The signed-in client's plan: what it costs and what it allows",
  audience: "frontOffice",
  scope: null,
  reply: OwnPlan,
  problems: { notFound: platformProblems.notFound },
  work: "read",
  async handle(tx, { caller }) {
    invariant(caller.kind === "client", "a front-office route with a system caller");
    const plan = (await findPlanOfClient(tx, caller.clientId, caller.tenant)) ?? refusePlatform("notFound");
    return { code: plan.code, ...toWords(plan) };
  },
});

const getPlans = endpoint({
  id: "listPlans",
  method: "GET",
  path: "/internal/Plans",
  tags: TAGS,
  summary: "The bank's plans",
  description: "In the order of their codes, each in the version that holds.",
  audience: "system",
  scope: "clients.read",
  query: strictObject(pageQuery),
  reply: PlanPage,
  work: "read",
  async handle(tx, { query }) {
    const { plans, page } = await listPlans(tx, query);
    return { items: plans.map(toDto), ...page };
  },
});

const changePlan = endpoint({
  id: "putPlan",
  method: "PUT",
  path: "/internal/Plans/{code}",
  tags: TAGS,
  summary: "Create a plan, or replace what it says",
  description:
    "The body is the whole plan: a limit or a fee that it does not name is one that the plan does not have. A change is a further version and holds at once for every client of the plan; what is open beyond a lower limit stays open. Said once more, nothing changes. Plans are the bank's own: a token that is confined to a tenant is refused with 403.",
  audience: "system",
  scope: "clients.write",
  params: strictObject({ code: PlanCode }),
  body: PutPlan,
  reply: PlanDto,
  work: "write",
  async handle(tx, { params, body, caller }) {
    if (caller.tenant !== null) refusePlatform("forbidden", { detail: "Plans are the bank's own; this token is confined to a tenant." });
    return toDto(await putPlan(tx, params.code, body, callerTenant(caller)));
  },
});

const chooseClientPlan = (vault: Vault): Endpoint =>
  endpoint({
    id: "chooseClientPlan",
    method: "PUT",
    path: "/internal/Clients/{clientId}/plan",
    tags: TAGS,
    summary: "Give a client another plan",
    description: "Holds at once. 400 for a plan that does not exist; 409 invalidState for a client that is rejected or closed.",
    audience: "system",
    scope: "clients.write",
    params: strictObject({ clientId: Uuid }),
    body: ChooseClientPlan,
    reply: Client,
    problems: { invalidState: standingProblems.invalidState },
    work: "write",
    answerTellsOf: (_call, { clientId }) => clientId,
    async handle(tx, { params, body, caller }) {
      await choosePlan(tx, params.clientId, caller.tenant, body.code);
      return (await findClient(tx, vault, params.clientId, caller.tenant)) ?? refusePlatform("notFound");
    },
  });

function toDto(plan: Plan): PlanDto {
  const { code, version, createdAt, updatedAt } = plan;
  return { code, ...toWords(plan), version, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}
