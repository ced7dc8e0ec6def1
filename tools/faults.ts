// The fault suites, one after the other, one line of figures each; exit code 1 when a promise was broken.
// `node tools/faults.ts --short` (for every change, some two minutes), `--long` (for the night), and names to run only those.

import { fileURLToPath } from "node:url";
import { runSuite } from "../test/faults/suite.ts";
import { SUITES } from "../test/faults/suites.ts";

const given = process.argv.slice(2);
const size = given.includes("--long") ? "long" : "short";
const names = given.filter((argument) => argument !== "--long" && argument !== "--short");
const unknown = names.filter((name) => !SUITES.some((suite) => suite.name === name));
if (unknown.length > 0) {
  process.stderr.write(`No suite is called ${unknown.join(", ")}. There are: ${SUITES.map(({ name }) => name).join(", ")}.\n`);
  process.exit(2);
}

// The suites start the product a hundred times: half of what a start costs is reading TypeScript, which is the same each time.
process.env["NODE_COMPILE_CACHE"] ??= fileURLToPath(new URL("../.cache/compiled", import.meta.url));

const started = performance.now();
let broken = 0;
for (const suite of SUITES) {
  if (names.length > 0 ? !names.includes(suite.name) : size === "short" && suite.nightly === true) continue;
  if (!(await runSuite(suite, size))) broken++;
}
const seconds = Math.round((performance.now() - started) / 1000);
process.stdout.write(
  broken === 0 ? `\nEvery promise held, in ${seconds} s.\n` : `\n${broken} of the suites found a broken promise, in ${seconds} s.\n`,
);
process.exitCode = broken === 0 ? 0 : 1;
