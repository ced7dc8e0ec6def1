// Process ids are reused, so "is process 4711 still alive?" is the wrong question. A process is its id and the moment it began;
// watchdog.sh computes the same two values, and the files in users/ hold them.

import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";

/** The moment a process began, in the kernel's own notation, only to be compared; null when there is no such process (a zombie is none). */
export function processStart(pid: number): string | null {
  if (process.platform !== "linux") return startFromPs(pid);
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The program's name, in parentheses, may itself hold spaces and parentheses: count from behind the last one.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" || fields[0] === "X" ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

function startFromPs(pid: number): string | null {
  try {
    const env = { PATH: "/bin:/usr/bin", LC_ALL: "C" };
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8", env, stdio: "pipe" }).trim() || null;
  } catch {
    return null;
  }
}

/** The folder a process works in, or null when it cannot be told. A PostgreSQL server works in its data folder. */
export function workingFolder(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}
