// npm test: all tests of the default set. `--nightly` adds the long and the rough ones (*.nightly.test.ts, test/faults).
// Everything else on the command line goes to vitest: `npm test -- src/platform`, `npm test -- -t "held money"`.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { findRoomyFolder } from "../test/setup/roomy-folder.ts";

const given = process.argv.slice(2);
const nightly = given.includes("--nightly");
const vitest = fileURLToPath(new URL("vitest.mjs", import.meta.resolve("vitest/package.json")));
// Many tests start programs of ours: half of what a start costs is reading TypeScript, which is the same each time.
const compileCache = fileURLToPath(new URL("../.cache/compiled", import.meta.url));
// What survives a crash is shown on disks, so the night's files lie there.
const own = nightly ? {} : { TMPDIR: await findRoomyFolder() };

const run = spawn(process.execPath, [vitest, "run", ...given.filter((argument) => argument !== "--nightly")], {
  stdio: "inherit",
  env: { NODE_COMPILE_CACHE: compileCache, ...own, ...process.env, ...(nightly ? { FINLEGO_NIGHTLY: "1" } : {}) },
});
run.on("exit", (code, signal) => {
  process.exitCode = signal ? 1 : (code ?? 1);
});
