// Where figures come from: without commit, versions and machine they cannot be compared with others.

import { execFileSync } from "node:child_process";
import { availableParallelism, cpus, loadavg, totalmem, type } from "node:os";

export type Machine = {
  readonly commit: string;
  readonly node: string;
  readonly system: string;
  readonly processors: string;
  readonly memoryGiB: number;
  /** Of the minute before the bench: above 0 somebody else was at work. */
  readonly loadBefore: number;
};

export function describeMachine(): Machine {
  return {
    commit: readCommit(),
    node: process.version,
    system: `${type()} ${process.arch}`,
    processors: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? "unknown"}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  };
}

/** Short id of the commit, with `-changed` when files differ from it; `unknown` outside of a git checkout. */
function readCommit(): string {
  const git = (...parameters: string[]): string =>
    execFileSync("git", parameters, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    const changed = git("status", "--porcelain", "--", "src", "db", "bench/*.ts", "bench/subjects", "package-lock.json") !== "";
    return `${git("rev-parse", "--short=10", "HEAD")}${changed ? "-changed" : ""}`;
  } catch {
    return "unknown";
  }
}
