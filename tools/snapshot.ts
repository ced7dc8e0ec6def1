// Files that a program writes and people review: written on command, compared by `npm run check`.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** With `--check` on the command line says where `path` first differs from `wanted` and answers 1; otherwise writes it and answers 0. */
export async function checkOrWrite(path: string, wanted: string, command: string): Promise<0 | 1> {
  if (!process.argv.includes("--check")) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, wanted);
    console.log(`Wrote ${path}`);
    return 0;
  }
  const found = await readFile(path, "utf8").catch(() => "");
  const difference = firstDifference(found, wanted);
  if (difference === undefined) return 0;
  console.log(`${path} is not what the sources make. Run \`${command}\` and commit the file.\n${difference}`);
  return 1;
}

/** The first line that differs, in both readings; undefined when the texts are equal. */
export function firstDifference(found: string, wanted: string): string | undefined {
  if (found === wanted) return undefined;
  const [left, right] = [found.split("\n"), wanted.split("\n")];
  const index = left.findIndex((line, at) => line !== right[at]);
  const at = index === -1 ? left.length : index;
  return `line ${at + 1}\n- ${left[at] ?? "(end of file)"}\n+ ${right[at] ?? "(end of file)"}`;
}
