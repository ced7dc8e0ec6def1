// How staff ends a block: the secure procedure by which a client gets codes again (Delegated Regulation (EU) 2018/389, article 4(4)).

import { writeAudit } from "#platform/audit.ts";
import type { Tx } from "#platform/db.ts";
import { publish } from "#platform/events.ts";
import * as blocks from "./block.store.ts";
import type { Holder } from "./challenges.ts";

/**
 * Lifts the block that stands, and with it those of the last 24 hours: lifted ones count no more, so that the next five failures are a
 * first block again. Codes that a block has ended stay ended. Nothing happens where no block stands. The caller holds the client's row.
 */
export async function liftCodeBlocks(tx: Tx, { clientId, tenant }: Holder): Promise<void> {
  await blocks.lockFailures(tx, clientId);
  if ((await blocks.findBlock(tx, clientId)) === null) return;
  const lifted = await blocks.liftBlocks(tx, clientId, tx.actor.id);
  const subject = `client:${clientId}`;
  await writeAudit(tx, { action: "oneTimeCode.blocksLifted", subject, detail: { blocks: lifted } });
  await publish(tx, { type: "client.oneTimeCodesUnblocked", subject, tenant, data: { clientId } });
}
