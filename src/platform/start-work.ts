// What a starting process has to do to a database once, before anybody is served. Of several processes that start together one does it;
// the others wait, and take over when it dies.

import { setTimeout as pause } from "node:timers/promises";
import { Client } from "pg";
import { hasOlderSnapshots, newestTransaction, rewriteStatistics, rewriteTable, tryStartLock } from "./start-work.store.ts";

const ASK_AGAIN_MS = 200;
const SNAPSHOTS_MAX_MS = 30_000;

export type StartTools = {
  /**
   * Writes a table anew, without its old row versions, and learns its statistics anew: what rows held before is in neither. Only where somebody
   * looks at the database as it was before for more than half a minute, old versions stay until the next vacuum.
   */
  readonly rewrite: (table: string) => Promise<void>;
};

/** Runs `work` when no other process runs any. The lock goes with the connection, also after kill -9. `onWait` is called once, if at all. */
export async function runAlone<T>(ownerUrl: string, work: (tools: StartTools) => Promise<T>, onWait: () => void): Promise<T> {
  const client = new Client({ connectionString: ownerUrl, application_name: "finlego-start" });
  // A connection that breaks is told by the statement that runs on it.
  client.on("error", () => undefined);
  await client.connect();
  try {
    // Asked again and again: whoever waited inside the database would hold a snapshot, and a rewrite keeps the old rows that it still sees.
    for (let told = false; !(await tryStartLock(client)); await pause(ASK_AGAIN_MS)) {
      if (!told) onWait();
      told = true;
    }
    return await work({ rewrite: (table) => rewrite(client, table) });
  } finally {
    await client.end();
  }
}

async function rewrite(client: Client, table: string): Promise<void> {
  await outwaitSnapshots(client);
  await rewriteTable(client, table);
  // Where statistics were replaced their pages still hold the old ones.
  await outwaitSnapshots(client);
  await rewriteStatistics(client);
}

/** A rewrite keeps the old rows that somebody's snapshot still sees. */
async function outwaitSnapshots(client: Client): Promise<void> {
  const xid = await newestTransaction(client);
  for (let waited = 0; waited < SNAPSHOTS_MAX_MS && (await hasOlderSnapshots(client, xid)); waited += ASK_AGAIN_MS)
    await pause(ASK_AGAIN_MS);
}
