// Makes the data folder. It is made beside its place and moved there when it is whole, so a crash half-way leaves a draft to sweep
// away and never a half cluster; of two processes that make one at the same moment the first to finish wins.

import { execFile } from "node:child_process";
import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { errorCode, StartupError } from "../startup-error.ts";
import type { Binaries } from "./binaries.ts";
import { ACCESS_FILES, type Home, OWNER, serverCluster } from "./home.ts";
import { explainFailure, serverEnvironment } from "./postmaster.ts";
import { processStart } from "./process-identity.ts";

type Progress = { readonly log: (line: string) => void; readonly started: (pid: number) => void };

/** Makes the data folder if there is none; refuses data of another major version. */
export async function ensureCluster(home: Home, binaries: Binaries, options: Progress): Promise<void> {
  const version = join(home.cluster, "PG_VERSION");
  sweepDrafts(home);
  if (!existsSync(version)) {
    await makeCluster(home, binaries, options);
    // Once more: a maker that was shot a moment ago may still have had an initdb that put files back while we swept.
    sweepDrafts(home);
  }
  const found = readFileSync(version, "utf8").trim();
  if (found !== binaries.major) {
    throw new StartupError(
      `The data in ${home.cluster} were made by PostgreSQL ${found}, and the bundled one is ${binaries.major}. ` +
        "Start with the release that made them and move the data over, or choose another folder with FINLEGO_DATA.",
    );
  }
}

const DRAFT = "cluster-draft-";

async function makeCluster(home: Home, binaries: Binaries, options: Progress): Promise<void> {
  options.log(`making a new database in ${home.folder}`);
  const draft = mkdtempSync(join(home.folder, `${DRAFT}${process.pid}-`));
  try {
    if (home.user.drops) chownSync(draft, home.user.uid, home.user.gid);
    await runInitdb(home, binaries, draft, options);
    for (const [name, ours] of Object.entries(ACCESS_FILES)) {
      rmSync(join(draft, name));
      symlinkSync(`../${ours}`, join(draft, name));
    }
    renameSync(draft, home.cluster);
    syncFolder(home.folder);
  } catch (error) {
    if (!["ENOTEMPTY", "EEXIST"].includes(errorCode(error))) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Removes the drafts of makers that are gone. What cannot be removed now (two sweep at once) goes at the next start. */
function sweepDrafts(home: Home): void {
  for (const name of readdirSync(home.folder).filter((entry) => entry.startsWith(DRAFT))) {
    const maker = Number.parseInt(name.slice(DRAFT.length), 10);
    if (maker === process.pid || processStart(maker) !== null) continue;
    try {
      rmSync(join(home.folder, name), { recursive: true, force: true });
    } catch (error) {
      if (!["ENOTEMPTY", "ENOENT"].includes(errorCode(error))) throw error;
    }
  }
}

/** A rename is safe against a power cut only once the folder that holds the names is on disk. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, "r");
  fsyncSync(handle);
  closeSync(handle);
}

function runInitdb(home: Home, binaries: Binaries, draft: string, progress: Progress): Promise<void> {
  const flags = [
    `--pgdata=${serverCluster(home.user, draft)}`,
    `--username=${OWNER}`,
    "--encoding=UTF8",
    // One collation everywhere, independent of the machine's C library: an index never goes bad by a change of machine.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--data-checksums",
    "--auth-local=peer",
    "--auth-host=reject",
  ];
  const { uid, gid, drops } = home.user;
  return new Promise((resolve, reject) => {
    const identity = drops ? { uid, gid } : {};
    const options = { cwd: draft, env: serverEnvironment(binaries), encoding: "utf8", ...identity } as const;
    const child = execFile(binaries.initdb, flags, options, (error, stdout, stderr) => {
      if (error === null) resolve();
      else reject(explainFailure(home, error, `${stdout}${stderr}`));
    });
    if (child.pid !== undefined) progress.started(child.pid);
  });
}
