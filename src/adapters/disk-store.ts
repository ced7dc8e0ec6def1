// Keeps the bytes of documents as files of this machine, below one folder: 256 folders named after the last two digits of the id, in each
// the files by their ids. A file gets its name when it is whole and on the disk, in one step, so no reader ever sees a part of one. Folders
// and files belong to their owner alone. Several processes may share the folder.

import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "#platform/folder.ts";
import { isUuid } from "#platform/ids.ts";
import { errorCode, explainFolderError } from "#platform/startup-error.ts";
import type { DocumentStore, StoredDocument } from "../client-profile/ports.ts";

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
const PLACES = Array.from({ length: 256 }, (_, number) => number.toString(16).padStart(2, "0"));
const DRAFT = /^\.draft-/;

/** Fills the port of client profiles. Throws StartupError where the folder cannot be used. */
export function diskStore(folder: string): DocumentStore {
  try {
    makeFolder(folder, FOLDER_MODE);
  } catch (error) {
    throw explainFolderError(error, folder, "Choose another folder with FINLEGO_DATA.");
  }
  const placeOf = (id: string): string => join(folder, id.slice(-2));
  const fileOf = (id: string): string => join(placeOf(id), requireId(id));
  return {
    async put(id, content, signal) {
      const file = fileOf(id);
      await mkdir(placeOf(id), { mode: FOLDER_MODE }).then(
        () => syncFolder(folder),
        (error: unknown) => ignoring(error, "EEXIST"),
      );
      const draft = join(placeOf(id), `.draft-${id}-${randomBytes(4).toString("hex")}`);
      try {
        await writeDurably(draft, content, signal);
        await rename(draft, file);
      } catch (error) {
        await unlink(draft).catch((failure: unknown) => ignoring(failure, "ENOENT"));
        throw error;
      }
      await syncFolder(placeOf(id));
    },

    async get(id) {
      const file = await open(fileOf(id), "r").catch((error: unknown) => ignoring(error, "ENOENT"));
      return file === undefined ? null : createReadStream("", { fd: file, highWaterMark: 64 * 1024 });
    },

    async delete(id) {
      await unlink(fileOf(id)).catch((error: unknown) => ignoring(error, "ENOENT"));
    },

    async list(cursor) {
      const place = cursor ?? PLACES[0] ?? "";
      const next = PLACES[PLACES.indexOf(place) + 1] ?? null;
      return { items: await listPlace(join(folder, place)), next };
    },

    async dropUnfinished(before) {
      for (const place of PLACES) {
        for (const name of await namesIn(join(folder, place))) {
          const path = join(folder, place, name);
          if (DRAFT.test(name) && ((await timeOf(path)) ?? before) < before)
            await unlink(path).catch((error: unknown) => ignoring(error, "ENOENT"));
        }
      }
    },
  };
}

async function writeDurably(path: string, content: AsyncIterable<Uint8Array>, signal: AbortSignal | undefined): Promise<void> {
  const file = await open(path, "wx", FILE_MODE);
  try {
    for await (const piece of content) {
      signal?.throwIfAborted();
      await file.writeFile(piece);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the names in it durable. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function listPlace(path: string): Promise<readonly StoredDocument[]> {
  const items: StoredDocument[] = [];
  for (const id of (await namesIn(path)).filter(isUuid).sort()) {
    const storedAt = await timeOf(join(path, id));
    // One that was removed meanwhile is not there.
    if (storedAt !== null) items.push({ id, storedAt });
  }
  return items;
}

async function namesIn(path: string): Promise<readonly string[]> {
  return (await readdir(path).catch((error: unknown) => ignoring(error, "ENOENT"))) ?? [];
}

async function timeOf(path: string): Promise<Date | null> {
  return (await stat(path).catch((error: unknown) => ignoring(error, "ENOENT")))?.mtime ?? null;
}

/** An id is all that ever becomes part of a path. */
function requireId(id: string): string {
  if (!isUuid(id)) throw new RangeError("not the id of a document");
  return id.toLowerCase();
}

function ignoring(error: unknown, code: string): undefined {
  if (errorCode(error) !== code) throw error;
}
