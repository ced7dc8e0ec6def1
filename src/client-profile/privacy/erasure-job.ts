// Once a day the clients that wait to be forgotten are looked through, and those whose time has come are erased, each in a transaction of its
// own: a run that dies goes on where it stood, and a client that is erased meanwhile is passed by.

import type { Actor, Database, Tx } from "#platform/db.ts";
import { enqueue, type Job, job } from "#platform/jobs.ts";
import { isDefinite } from "#platform/http/idempotency.ts";
import { Problem } from "#platform/problem.ts";
import { strictObject } from "#platform/schema.ts";
import { eraseClient, type ErasureKit } from "./erasure.ts";
import { findCandidates } from "./erasure.store.ts";

const DAY_MS = 86_400_000;
const AT_ONCE = 100;
/** A leap day more than the exact end of a retention could be off: each client is judged exactly. */
const SLACK_MS = 2 * DAY_MS;
const KEY = "erase_due_clients";

/** It is told nothing. */
export type ErasureJob = Job<object>;

export function erasureJob(kit: ErasureKit): ErasureJob {
  const daily: ErasureJob = job({
    name: KEY,
    payload: strictObject({}),
    async run(_payload, { db, actor, signal }) {
      // First, so that a run that fails for the last time does not end the days.
      await db.write(actor, (tx) => enqueue(tx, daily, {}, { key: KEY, runAt: new Date(tx.now.getTime() + DAY_MS) }));
      await eraseDueClients(db, actor, kit, signal);
    },
  });
  return daily;
}

/** Adds the next run, at once: whoever starts. Runs that many have added are one. */
export async function scheduleErasures(tx: Tx, daily: ErasureJob): Promise<void> {
  await enqueue(tx, daily, {}, { key: KEY });
}

/** Erases every restricted client whose time has come; gives their number. */
export async function eraseDueClients(db: Database, actor: Actor, kit: ErasureKit, signal: AbortSignal): Promise<number> {
  let erased = 0;
  let after: string | null = null;
  do {
    const last: string | null = after;
    const ids: string[] = await db.read(actor, (tx) => findCandidates(tx, latestEnd(tx.now, kit.retentionYears), last, AT_ONCE));
    for (const clientId of ids) {
      signal.throwIfAborted();
      if (await eraseIfDue(db, actor, kit, clientId)) erased += 1;
    }
    after = ids.at(-1) ?? null;
  } while (after !== null);
  return erased;
}

async function eraseIfDue(db: Database, actor: Actor, kit: ErasureKit, clientId: string): Promise<boolean> {
  try {
    await db.write(actor, (tx) => eraseClient(tx, kit, { clientId, visibleTo: null, reason: "clientRequest" }));
    return true;
  } catch (error) {
    // Not due yet, to the day.
    if (error instanceof Problem && isDefinite(error)) return false;
    throw error;
  }
}

function latestEnd(now: Date, retentionYears: number): Date {
  const end = new Date(now.getTime() + SLACK_MS);
  end.setUTCFullYear(end.getUTCFullYear() - retentionYears);
  return end;
}
