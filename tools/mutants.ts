// Takes the product's guarantees away, one at a time, and runs the test that must notice. Exit code 1 when one survives, or when the
// product has changed so that one cannot be made any more. `node tools/mutants.ts` tries all; words given choose those in whose names they are.

import { MUTANTS, type Mutant, tryMutant } from "../test/faults/mutants.ts";

const words = process.argv.slice(2);
const chosen = MUTANTS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
if (chosen.length === 0) {
  process.stderr.write(`No mutant is called so. There are:\n${MUTANTS.map(({ name }) => `  ${name}\n`).join("")}`);
  process.exit(2);
}

const SAID_MAX = 400;
const killerOf = ({ killer }: Mutant): string => ("suite" in killer ? killer.suite : killer.tests);
let left = 0;
for (const mutant of chosen) {
  const { fate, seconds, said } = await tryMutant(mutant).catch((error: unknown) => ({
    fate: "not made",
    seconds: 0,
    said: String(error),
  }));
  process.stdout.write(`${fate.padEnd(9)} ${String(seconds).padStart(4)} s  ${mutant.name}  (${killerOf(mutant)})\n`);
  process.stdout.write(`${said.slice(0, SAID_MAX).replaceAll(/^/gm, "            ")}\n`);
  if (fate !== "killed") left++;
}
process.stdout.write(left === 0 ? `\nAll ${chosen.length} were noticed.\n` : `\n${left} of ${chosen.length} were not noticed.\n`);
process.exitCode = left === 0 ? 0 : 1;
