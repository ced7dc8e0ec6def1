// A bank whose clients stand as a test needs them: imported as pending, and moved on by the operations that move clients.

import type { ClientProfile } from "#client-profile";
import type { Actor } from "#platform/db.ts";
import { aClient } from "../builders.ts";
import { openTestClients } from "./clients.ts";
import type { TestAnswer, TestCalls } from "./http.ts";
import { bodyOf, type LedgerApp, type LedgerAppOptions, openLedgerApp } from "./ledger.ts";

export type ClientStatus = "pending" | "active" | "blocked" | "rejected" | "closed";
export const STATUSES: readonly ClientStatus[] = ["pending", "active", "blocked", "rejected", "closed"];

type Verdict = Parameters<ClientProfile["applyVerification"]>[1];

export type StandingBank = LedgerApp & {
  /** May read and change clients of all tenants. */
  readonly staff: TestCalls;
  staffOf(tenant: string, subject?: string): TestCalls;
  /** As onboarding does it, when the verification of a client has a result. */
  judge(verdict: Verdict): ReturnType<ClientProfile["applyVerification"]>;
  /** A new client, whose verification is approved. */
  aClientThatIs(status: ClientStatus, tenant?: string): Promise<string>;
  block(clientId: string, reason?: string): Promise<TestAnswer>;
  unblock(clientId: string, comment?: string): Promise<TestAnswer>;
  setStatus(clientId: string, status: string, reason?: string): Promise<TestAnswer>;
  /** The client as systems see it. */
  client(clientId: string): Promise<Readonly<Record<string, unknown>>>;
  /** What became of its standing, oldest first. */
  history(clientId: string): Promise<readonly HistoryLine[]>;
  /** What the listeners are told of the client, in the order of writing. */
  events(clientId: string): Promise<readonly { type: string; tenant: string; data: unknown }[]>;
  auditOf(clientId: string, action: string): Promise<readonly unknown[]>;
};

export type HistoryLine = {
  readonly at: string;
  readonly by: { readonly kind: string; readonly id: string };
  readonly from: { readonly status: string } | null;
  readonly to: { readonly status: string; readonly verificationStatus: string; readonly riskLevel: string };
  readonly reason: string;
  readonly note: string | null;
};

const actor: Actor = { kind: "job", id: "verification", tenant: null, traceId: "test" };
const SCOPES = ["clients.read", "clients.write"] as const;

export async function openStandingBank(options: LedgerAppOptions = {}): Promise<StandingBank> {
  const bank = await openLedgerApp({ importStatus: "pending", ...options });
  const staff = bank.callAs({ kind: "system", scopes: SCOPES });
  const block: StandingBank["block"] = (clientId, reason = "a test") => staff.put(`/internal/Clients/${clientId}/block`, { reason });
  const setStatus: StandingBank["setStatus"] = (clientId, status, reason = "a test") =>
    staff.put(`/internal/Clients/${clientId}/status`, { status, reason });
  return {
    ...bank,
    staff,
    staffOf: (tenant, subject = "officer") => bank.callAs({ kind: "system", scopes: SCOPES, tenant, subject }),
    judge: (verdict) => bank.db.write(actor, (tx) => openTestClients().applyVerification(tx, verdict)),
    block,
    unblock: (clientId, comment) => staff.put(`/internal/Clients/${clientId}/unblock`, comment === undefined ? undefined : { comment }),
    setStatus,
    async aClientThatIs(status, tenant) {
      const clientId = await aClient(bank, tenant === undefined ? {} : { tenant });
      if (status === "rejected") bodyOf(await setStatus(clientId, "rejected"));
      else if (status !== "pending") bodyOf(await setStatus(clientId, "active"));
      if (status === "blocked") bodyOf(await block(clientId));
      if (status === "closed") bodyOf(await setStatus(clientId, "closed"));
      return clientId;
    },
    client: async (clientId) => bodyOf(await staff.get(`/internal/Clients/${clientId}`)),
    async history(clientId) {
      const { items } = bodyOf(await staff.get(`/internal/Clients/${clientId}/history?pageSize=100`));
      return (items as HistoryLine[]).toReversed();
    },
    async events(clientId) {
      const { rows } = await bank.owner.query<{ type: string; tenant: string; data: unknown }>(
        "select type, tenant, data from platform.event where subject = $1 order by id",
        [`client:${clientId}`],
      );
      return rows;
    },
    async auditOf(clientId, action) {
      const { rows } = await bank.owner.query<{ detail: unknown }>(
        "select detail from platform.audit_entry where subject = $1 and action = $2 order by at, id",
        [`client:${clientId}`, action],
      );
      return rows.map(({ detail }) => detail);
    },
  };
}

/** Lets a client stand so behind the back of every operation and of the database's triggers: for states that it would not reach with what it owns. */
export async function standAs({ owner }: Pick<LedgerApp, "owner">, clientId: string | null, status: ClientStatus): Promise<void> {
  await owner.query("begin");
  try {
    await owner.query("set local session_replication_role = replica");
    await owner.query(
      `update client_profile.client
       set status = $2::text, blocked_at = case when $2::text = 'blocked' then now() end, closed_at = case when $2::text = 'closed' then now() end,
           sealed_block_reason = null
       where id = $1`,
      [clientId, status],
    );
  } finally {
    await owner.query("commit");
  }
}

export const codeOf = ({ status, body }: TestAnswer): unknown[] => [status, body["code"]];
