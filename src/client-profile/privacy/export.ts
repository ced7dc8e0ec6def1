// Everything the bank knows of one client, as a file that the client can be given (Regulation (EU) 2016/679 art. 15 and 20). Read page by page,
// each on a snapshot of its own, so that a slow reader holds no connection of the database. A client that is erased meanwhile ends the
// file: it breaks off, and the part that was sent is not taken for the whole. Who of the bank acted is left out: that is their data.

import { Readable } from "node:stream";
import { type AuditLine, readAudit, writeAudit } from "#platform/audit.ts";
import type { Actor, Database, Tx } from "#platform/db.ts";
import type { FileAnswer } from "#platform/http/endpoint.ts";
import { refusePlatform } from "#platform/problem.ts";
import { readDocuments } from "../documents/export.ts";
import { findClientKey } from "../keys/key.store.ts";
import type { Vault } from "../keys/vault.ts";
import { findClient } from "../profiles/clients.ts";
import type { Client } from "../profiles/contract.ts";
import { openPerson } from "../profiles/profile.ts";
import { readHistory } from "../standing/history.ts";
import { findFormerIndividuals } from "./export.store.ts";
import { readNotifications } from "./notifications.ts";
import type { DataPage, PersonalData } from "./ports.ts";

/** Named in the file: readers can tell what they have. */
export const EXPORT_FORMAT = "finlego.client-export.v1";

const PAGE = 100;

export type ExportDeps = { readonly db: Database; readonly vault: Vault; readonly data: readonly PersonalData[] };

/**
 * Makes the file. Who exported whom is in the audit trail before the first row goes out, and how many rows it were after the last. For HEAD
 * there is nothing to make and nothing to tell of: only what would be refused is.
 */
export async function exportClient(
  { db, vault, data }: ExportDeps,
  actor: Actor,
  clientId: string,
  visibleTo: string | null,
  isHead: boolean,
): Promise<FileAnswer> {
  const client = (await db.read(actor, (tx) => findClient(tx, vault, clientId, visibleTo))) ?? refusePlatform("notFound");
  const head = { name: `client_${clientId}.json`, mediaType: "application/json; charset=utf-8" };
  if (isHead) return { ...head, content: Readable.from([]) };
  const subject = `client:${clientId}`;
  await db.write(actor, (tx) => writeAudit(tx, { action: "client.exportStarted", subject }));
  const kinds = [...ownData(vault), ...data.filter(({ readPage }) => readPage !== undefined), auditData];
  const content = writeFile(
    client,
    kinds,
    (kind, after) => readKind(db, actor, clientId, kind, after),
    async (counts, isWhole) => {
      await db.write(actor, (tx) => writeAudit(tx, { action: "client.exported", subject, detail: { ...counts, isWhole } }));
    },
  );
  return { ...head, content };
}

/** What this room knows of a client beside its profile. */
function ownData(vault: Vault): PersonalData[] {
  const openKey = async (tx: Tx, clientId: string) => {
    const stored = await findClientKey(tx, clientId);
    return stored === null ? null : vault.openClientKey(stored);
  };
  return [
    {
      name: "formerRelatedIndividuals",
      async readPage(tx, clientId) {
        const key = await openKey(tx, clientId);
        const rows = key === null ? [] : await findFormerIndividuals(tx, clientId);
        return {
          rows: rows.map(({ id, sealedProfile, removedAt, sharePercent, ...row }) => ({
            relatedIndividualId: id,
            ...row,
            sharePercent: sharePercent === null ? null : Number(sharePercent),
            ...(key === null ? {} : openPerson(key, id, sealedProfile)),
            removedAt: removedAt.toISOString(),
          })),
          next: null,
        };
      },
    },
    {
      name: "documents",
      async readPage(tx, clientId, after) {
        const key = await openKey(tx, clientId);
        return key === null ? { rows: [], next: null } : await readDocuments(tx, key, clientId, after);
      },
    },
    {
      name: "standingHistory",
      async readPage(tx, clientId, after) {
        const { items, nextCursor } = await readHistory(tx, vault, clientId, null, {
          pageSize: PAGE,
          ...(after === null ? {} : { cursor: after }),
        });
        return { rows: items.map(({ by, ...line }) => ({ ...line, by: by.kind })), next: nextCursor };
      },
    },
    {
      name: "deletionNotifications",
      async readPage(tx, clientId) {
        const key = await openKey(tx, clientId);
        const rows = key === null ? [] : await readNotifications(tx, key, clientId);
        const shown = rows.map((row) => ({ ...row, history: row.history.map(({ by, ...line }) => ({ ...line, by: by.kind })) }));
        return { rows: shown, next: null };
      },
    },
  ];
}

const auditData: PersonalData = {
  name: "audit",
  async readPage(tx, clientId, after) {
    const lines = await readAudit(tx, `client:${clientId}`, after === null ? null : BigInt(after), PAGE);
    const last = lines.at(-1);
    return { rows: lines.map(shownLine), next: lines.length === PAGE && last !== undefined ? String(last.id) : null };
  },
};

function shownLine({ at, action, actorKind, detail }: AuditLine): object {
  return { at: at.toISOString(), action, by: actorKind, detail };
}

/** One page of one kind, and that the client is not erased, on one snapshot. */
async function readKind(db: Database, actor: Actor, clientId: string, kind: PersonalData, after: string | null): Promise<DataPage> {
  return await db.read(actor, async (tx: Tx) => {
    if (await isErased(tx, clientId)) return refusePlatform("notFound");
    return (await kind.readPage?.(tx, clientId, after)) ?? { rows: [], next: null };
  });
}

async function isErased(tx: Tx, clientId: string): Promise<boolean> {
  return (await findClientKey(tx, clientId))?.wrappedKey === null;
}

/** Tells how many rows of each kind went out, also where the reader or the database goes away before the end. */
async function* writeFile(
  client: Client,
  kinds: readonly PersonalData[],
  read: (kind: PersonalData, after: string | null) => Promise<DataPage>,
  tell: (counts: Readonly<Record<string, number>>, isWhole: boolean) => Promise<void>,
): AsyncGenerator<string> {
  const counts: Record<string, number> = {};
  let isWhole = false;
  try {
    yield `{"format":${JSON.stringify(EXPORT_FORMAT)},\n"client":${JSON.stringify(client)}`;
    for (const kind of kinds) {
      counts[kind.name] = 0;
      yield `,\n${JSON.stringify(kind.name)}:[`;
      let after: string | null = null;
      do {
        const page: DataPage = await read(kind, after);
        const isFirst = counts[kind.name] === 0;
        if (page.rows.length > 0) yield `${isFirst ? "\n" : ",\n"}${page.rows.map((row) => JSON.stringify(row)).join(",\n")}`;
        counts[kind.name] = (counts[kind.name] ?? 0) + page.rows.length;
        after = page.next;
      } while (after !== null);
      yield "]";
    }
    yield "}\n";
    isWhole = true;
  } finally {
    await tell(counts, isWhole);
  }
}
