// What a starting process has to do to a database once, before anybody is served. Of several processes that start together one does it;
// the others wait, and take over when it dies.

import { setTimeout as pause } from "node:timers/promises";
import { Client } from "pg";
import { rewriteTable, tryStartLock } from "./start-work.store.ts";

const ASK_AGAIN_MS = 200;

export type StartTools = {
  /** Writes a table anew, without its old row versions, and learns its statistics anew: what rows held before is in neither. */
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
    return await work({ rewrite: (table) => rewriteTable(client, table) });
  } finally {
    await client.end();
  }
}
