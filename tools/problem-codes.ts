// Holds the problem catalogues against their page and their tests. `npm run check` runs it.

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Catalogue, codesOf, contradictions, PROBLEMS_PAGE, undocumented, unproduced } from "./rules/problems.ts";
import { readTree } from "./rules/tree.ts";

const root = process.cwd();
const files = await readTree(root);
const isCatalogue = (path: string): boolean => path === "src/platform/problem.ts" || /^src\/.*\/problems\.ts$/.test(path);

/** Catalogues are exported constants whose name ends in Problems. */
async function cataloguesOf(path: string): Promise<Catalogue[]> {
  const exported = (await import(pathToFileURL(join(root, path)).href)) as Record<string, unknown>;
  return Object.entries(exported)
    .filter(([name, value]) => name.endsWith("Problems") && typeof value === "object" && value !== null)
    .map(([, value]) => ({ path, problems: value as Catalogue["problems"] }));
}

const catalogues = (await Promise.all(files.filter((file) => isCatalogue(file.path)).map((file) => cataloguesOf(file.path)))).flat();
const codes = codesOf(catalogues);
const page = files.find((file) => file.path === PROBLEMS_PAGE)?.text ?? "";
const tests = files.filter((file) => file.path.endsWith(".test.ts"));

const faults = [...contradictions(catalogues), ...undocumented(codes, page), ...unproduced(codes, tests)];
if (codes.length === 0) faults.push({ path: "src", line: 1, message: "no problem catalogue was found" });
for (const fault of faults) console.log(`${fault.path}:${fault.line} ${fault.message}`);
if (faults.length > 0) process.exitCode = 1;
