// npm run check: every rule of the house that a program can judge, in well under a minute. One line for each check; what
// a failing one has to say follows at the end. `npm run check -- lint types` runs only those.

import { availableParallelism } from "node:os";
import { type Check, CHECKS, type Outcome, runCheck } from "./checks.ts";

const root = new URL("..", import.meta.url).pathname;
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !CHECKS.some((check) => check.name === name));
if (unknown.length > 0) {
  console.error(`No check is called ${unknown.join(", ")}. There are: ${CHECKS.map((check) => check.name).join(", ")}.`);
  process.exit(2);
}

const waiting: Check[] = CHECKS.filter((check) => wanted.length === 0 || wanted.includes(check.name));
const failed: Outcome[] = [];
const started = performance.now();

async function work(): Promise<void> {
  for (let check = waiting.shift(); check; check = waiting.shift()) {
    const outcome = await runCheck(check, root);
    console.log(`${outcome.passed ? "ok    " : "failed"}  ${outcome.name.padEnd(14)} ${outcome.seconds.toFixed(1).padStart(5)} s`);
    if (!outcome.passed) failed.push(outcome);
  }
}

await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work));
for (const { name, output } of failed) console.log(`\n--- ${name}\n${output || "(it said nothing)"}`);
const seconds = ((performance.now() - started) / 1000).toFixed(1);
console.log(failed.length === 0 ? `\nAll checks passed in ${seconds} s.` : `\n${failed.length} of the checks failed, in ${seconds} s.`);
if (failed.length > 0) process.exitCode = 1;
