// Reads the project's text files for the rules: what a fresh clone has, not what was built, downloaded or left by a run.

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { SourceFile } from "./source.ts";

const NOT_OURS = new Set(["node_modules", ".git", ".data", ".cache", "dist", "coverage", "package-lock.json", "bench/results/local"]);
const TEXT = /(?:\.(?:ts|mjs|js|json|md|sql|ya?ml|sh|txt|toml)|^[^.]+|^\.[a-z]+|Dockerfile)$/;

export async function readTree(root: string, folder = ""): Promise<SourceFile[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  const read = entries.map(async (entry): Promise<SourceFile[]> => {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    if (NOT_OURS.has(entry.name) || NOT_OURS.has(path)) return [];
    if (entry.isDirectory()) return readTree(root, path);
    if (!entry.isFile() || !TEXT.test(entry.name)) return [];
    return [{ path, text: await readFile(join(root, path), "utf8") }];
  });
  return (await Promise.all(read)).flat();
}
