// The erasure list: a file below the data folder with a line for each erasure. It stands outside the database on purpose, because a restored
// database has forgotten what was forgotten since its backup. Lines are only ever added, and a line that was asked for is on disk before
// anybody hears of its erasure. Several processes may add to one file.

import { constants } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "#platform/folder.ts";
import { errorCode } from "#platform/startup-error.ts";

const APPEND = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;

/** Adds lines to the file at `path`; makes file and folder where there are none. Throws the file system's error: then nobody was told anything. */
export function erasureList(path: string): (line: string) => Promise<void> {
  return async (line) => {
    makeFolder(dirname(path), 0o700);
    const file = await open(path, APPEND, 0o600);
    try {
      // A write that a crash has cut leaves half a line, which must not spoil the next one.
      const start = (await endsWithLine(file)) ? "" : "\n";
      await file.appendFile(`${start}${line}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await syncFolder(dirname(path));
  };
}

/** The lines of an erasure list, empty ones left out. Throws where there is no file. */
export async function readErasureList(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8");
  return text.split("\n").filter((line) => line !== "");
}

async function endsWithLine(file: Awaited<ReturnType<typeof open>>): Promise<boolean> {
  const { size } = await file.stat();
  if (size === 0) return true;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
  return bytesRead === 1 && buffer[0] === 0x0a;
}

/** A new file is lost with a power cut until its folder knows of it. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY);
  try {
    await folder.sync();
  } catch (error) {
    // Some file systems sync no folders, and need not.
    if (errorCode(error) !== "EINVAL") throw error;
  } finally {
    await folder.close();
  }
}
