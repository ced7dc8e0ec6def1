// What the documents say of the program is true: settings and commands are compared with their sources.

import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { SETTINGS, type Setting } from "#platform/settings.ts";

const read = (path: string): Promise<string> => readFile(new URL(`../${path}`, import.meta.url), "utf8");

/** The rows that docs/operations.md must have. */
function settingRows(settings: readonly Setting[]): string[] {
  const shown = (value: string | null): string => (value === null ? "-" : value);
  return settings.map((setting) => {
    const initial = setting.default;
    const text =
      initial === null ? "-" : typeof initial === "string" ? `\`${initial}\`` : `\`${shown(initial[0])}\` / \`${shown(initial[1])}\``;
    return `| \`${setting.name}\` | ${text} | ${setting.meaning} |`;
  });
}

test("docs/operations.md lists every setting with its default and meaning, and no other", async () => {
  const rows = (await read("docs/operations.md")).split("\n").filter((line) => /^\| `[A-Z0-9_]+` \|/.test(line));
  expect(rows).toEqual(settingRows(SETTINGS));
});

test("the comparison of settings sees a planted difference", () => {
  const planted: Setting[] = SETTINGS.map((setting) => (setting.name === "PORT" ? { ...setting, default: "9090" } : setting));
  expect(settingRows(planted)).not.toEqual(settingRows(SETTINGS));
});

test("every npm command that a document names exists", async () => {
  const { scripts } = JSON.parse(await read("package.json")) as { scripts: Record<string, string> };
  for (const path of ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "docs/operations.md", "docs/problems.md"]) {
    const named = [...(await read(path)).matchAll(/npm run (?:--silent )?([a-z:-]+)/g)].map((match) => match[1] ?? "");
    for (const name of named) expect(Object.keys(scripts), `${path} names npm run ${name}`).toContain(name);
  }
});
