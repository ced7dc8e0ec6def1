// Making a folder with its parents. Node's own recursive mkdir never ends where a parent exists but takes no folders (/proc), so the
// missing parents are made here one by one, and the first that cannot be made is the error.

import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { errorCode } from "./startup-error.ts";

/** Makes what is missing of the path; `mode` (before the umask) is for each new folder. Throws the file system's error. */
export function makeFolder(path: string, mode: number): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Another process was faster.
    if (errorCode(error) !== "EEXIST" || !existsSync(path)) throw error;
  }
}
