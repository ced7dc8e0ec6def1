// What a database of an earlier release needs beyond its migrations, done by the first start of this release.

import { clientKeys } from "#client-profile";
import { Database } from "#platform/db.ts";
import type { MasterKeys } from "#platform/sealing.ts";
import { runAlone } from "#platform/start-work.ts";

/** Longer than the rewrite of any table of clients takes. */
const SILENCE_MS = 3_600_000;

/** Seals clients that stand in the clear. Looks once and does nothing on a database that has none. */
export async function upgradeClients(ownerUrl: string, masterKeys: MasterKeys, say: (line: string) => void): Promise<void> {
  const db = new Database({ url: ownerUrl, role: null, poolSize: 1, name: "finlego-upgrade", silenceMs: SILENCE_MS });
  try {
    if (!(await clientKeys.hasUnsealedClients(db))) return;
    const vault = await clientKeys.openVault(db, masterKeys);
    await runAlone(
      ownerUrl,
      async ({ rewrite }) => {
        if (!(await clientKeys.hasUnsealedClients(db))) return;
        say("Clients of an earlier release are being encrypted.");
        const progress = { told: 0 };
        const onProgress = (sealed: number): void => {
          if (sealed - progress.told >= 50_000) say(`${sealed} clients are encrypted.`);
          if (sealed - progress.told >= 50_000) progress.told = sealed;
        };
        await clientKeys.sealOldClients({ db, vault, rewrite, onProgress });
        say("All clients are encrypted.");
      },
      () => say("Another process is encrypting the clients of an earlier release: waiting for it."),
    );
  } finally {
    await db.close();
  }
}
