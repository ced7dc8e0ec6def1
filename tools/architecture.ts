// Prints every broken house rule, one line each, and fails when there is one. `npm run check` runs it.

import { faultsOf } from "./rules/index.ts";
import { readTree } from "./rules/tree.ts";

const faults = faultsOf(await readTree(process.cwd()));
for (const fault of faults) console.log(`${fault.path}:${fault.line} ${fault.message} (${fault.rule})`);
if (faults.length > 0) process.exitCode = 1;
