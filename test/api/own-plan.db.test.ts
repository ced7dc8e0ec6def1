// GET /Client/plan: what the signed-in client's plan costs and allows.

import { afterAll, beforeAll, expect, test } from "vitest";
import { unique } from "../builders.ts";
import { bodyOf } from "../setup/ledger.ts";
import { codeOf, openStandingBank, STATUSES, type StandingBank } from "../setup/standing.ts";

let bank: StandingBank;
beforeAll(async () => {
  bank = await openStandingBank();
});
afterAll(() => bank.close());

const ownPlan = (clientId: string, tenant?: string) => bank.clientCalls(clientId, tenant).get("/Client/plan");

test.each(STATUSES)("a %s client reads its plan", async (status) => {
  expect(bodyOf(await ownPlan(await bank.aClientThatIs(status)))).toMatchObject({ code: "standard", name: "Standard", monthlyFee: "4.90" });
});

test("the plan has what it costs and allows, amounts with their currencies, and nothing of the bank's own", async () => {
  const code = unique("plan");
  const words = {
    name: "Yen",
    currency: "JPY",
    monthlyFee: "500",
    limits: [{ kind: "dailyOutgoing", count: null, amount: "1000000", currency: "JPY" }],
    fees: [{ kind: "outgoingTransfer", transferType: "swift", amount: "2.500", percent: null, minimum: null, currency: "KWD" }],
  };
  bodyOf(await bank.staff.put(`/internal/Plans/${code}`, words));
  const clientId = await bank.aClientThatIs("active", "north");
  bodyOf(await bank.staff.put(`/internal/Clients/${clientId}/plan`, { code }));
  const answer = bodyOf(await ownPlan(clientId, "north"));
  expect(answer).toEqual({ code, ...words });
  expect(Object.keys(answer)).toEqual(["code", "name", "currency", "monthlyFee", "limits", "fees"]);
});

test("a change of the plan is read at once", async () => {
  const code = unique("plan");
  const words = { name: "A", currency: "EUR", monthlyFee: "1.00", limits: [], fees: [] };
  bodyOf(await bank.staff.put(`/internal/Plans/${code}`, words));
  const clientId = await bank.aClientThatIs("active");
  bodyOf(await bank.staff.put(`/internal/Clients/${clientId}/plan`, { code }));
  bodyOf(await bank.staff.put(`/internal/Plans/${code}`, { ...words, name: "B" }));
  expect(bodyOf(await ownPlan(clientId))).toMatchObject({ name: "B" });
});

test("a client of another tenant than its token's, and one that never was, have none: 404", async () => {
  const clientId = await bank.aClientThatIs("active", "north");
  expect(codeOf(await ownPlan(clientId, "south"))).toEqual([404, "notFound"]);
  expect(codeOf(await ownPlan("0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00"))).toEqual([404, "notFound"]);
  expect((await bank.staff.get("/Client/plan")).status).toBe(403);
});
