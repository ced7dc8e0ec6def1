// Makes package-lock.json whole for every platform: `node tools/complete-lock.mjs`, after each change of the dependencies.
// npm leaves out optional packages of other platforms where node_modules exists or the registry (a mirror) lacks them, and then
// `npm ci` refuses the lock in a clean clone. The missing entries carry version, os and cpu, so that npm passes them over where they
// do not fit; npm itself adds the checksum when it next resolves them. `--check` only reports, and fails when something is missing.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

const SYSTEMS = ["android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"];
const PROCESSORS = ["arm", "arm64", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "wasm32", "x64"];

/** Adds what is missing to a parsed lock file. @returns the names added */
export function completeLock(lock) {
  const added = [];
  for (const [path, parent] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(parent.optionalDependencies ?? {})) {
      const isThere = lock.packages[`node_modules/${name}`] ?? lock.packages[`${path}/node_modules/${name}`];
      if (isThere !== undefined) continue;
      if (!/^\d+\.\d+\.\d+/.test(version)) throw new Error(`${name} is missing in the lock, and ${version} is no single version to add`);
      lock.packages[`node_modules/${name}`] = describe(name, version, parent);
      added.push(name);
    }
  }
  lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
  return added;
}

/** Platform packages say in their name where they fit. */
function describe(name, version, { dev }) {
  const words = name.split("/").at(-1).split("-");
  const os = SYSTEMS.filter((system) => words.includes(system));
  const cpu = PROCESSORS.filter((processor) => words.includes(processor));
  if (os.length === 0) throw new Error(`${name} is missing in the lock, and its name does not say for which system it is`);
  const libc = words.some((word) => word.startsWith("musl")) ? { libc: ["musl"] } : {};
  return { version, ...(cpu.length > 0 ? { cpu } : {}), ...(dev ? { dev } : {}), ...libc, optional: true, os };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const file = fileURLToPath(new URL("../package-lock.json", import.meta.url));
  const lock = JSON.parse(readFileSync(file, "utf8"));
  const added = completeLock(lock);
  const checking = process.argv.includes("--check");
  if (!checking && added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
  process.stderr.write(added.length === 0 ? "package-lock.json is whole\n" : `${checking ? "missing" : "added"}: ${added.join(", ")}\n`);
  process.exitCode = checking && added.length > 0 ? 1 : 0;
}
