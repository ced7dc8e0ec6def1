// What became of a client's standing, newest first: who changed it, when, from what to what, and why.

import { type PageRequest, readPage, writeCursor } from "#platform/page.ts";
import { refusePlatform } from "#platform/problem.ts";
import type { Tx } from "#platform/db.ts";
import type { Vault } from "../keys/vault.ts";
import type { ClientHistory, ClientHistoryLine } from "./contract.ts";
import * as store from "./history.store.ts";
import { notePlace } from "./standing-changes.ts";

/** One page. Refuses with 404 for a client that is not seen or erased. */
export async function readHistory(
  tx: Tx,
  vault: Vault,
  clientId: string,
  visibleTo: string | null,
  request: PageRequest,
): Promise<ClientHistory> {
  const mark = `history ${clientId}`;
  const start = readPage(request, mark);
  const client = (await store.findKey(tx, clientId, visibleTo)) ?? refusePlatform("notFound");
  const key = vault.openClientKey(client) ?? refusePlatform("notFound");
  const skip = "skip" in start ? start.skip : 0;
  const before = "after" in start ? versionIn(start.after) : null;
  const rows = await store.findHistory(tx, clientId, { before, skip, limit: request.pageSize + 1 });

  const items = rows.slice(0, request.pageSize).map((row, index): ClientHistoryLine => {
    const { at, actorKind, actorId, reason, sealedNote, version } = row;
    const from = rows[index + 1];
    return {
      at: at.toISOString(),
      by: { kind: actorKind, id: actorId },
      from: from === undefined ? null : standingOf(from),
      to: standingOf(row),
      reason,
      note: sealedNote === null ? null : key.unsealText(notePlace(clientId, version), sealedNote),
    };
  });
  const last = rows[request.pageSize - 1];
  const nextCursor = rows.length > request.pageSize && last !== undefined ? writeCursor(String(last.version), mark) : null;
  return { items, pageNumber: request.pageNumber ?? 1, pageSize: request.pageSize, nextCursor };
}

/** A cursor of our making holds a version; anything else was made by somebody else. */
function versionIn(position: string): bigint {
  if (!/^[1-9][0-9]{0,17}$/.test(position)) {
    refusePlatform("validationFailed", { errors: { cursor: ["The field must be a nextCursor of the same list."] } });
  }
  return BigInt(position);
}

function standingOf({ status, verificationStatus, riskLevel }: store.HistoryRow): ClientHistoryLine["to"] {
  return { status, verificationStatus, riskLevel };
}
