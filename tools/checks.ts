// What `npm run check` runs. Each check is a program over the folder it is started in, so that its test can point it,
// with the project's own settings, at a folder with a planted fault.

import { spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export type Check = {
  readonly name: string;
  /** Program in node_modules/.bin, or a script of this folder, and its arguments. */
  readonly command: readonly [string, ...string[]];
};

export type Outcome = { readonly name: string; readonly passed: boolean; readonly seconds: number; readonly output: string };

const TIME_LIMIT_MS = 120_000;

/** Longest first: two run at a time on two cores. */
export const CHECKS = [
  { name: "lint", command: ["oxlint", "--deny-warnings", "--report-unused-disable-directives", "src", "test", "tools", "bench"] },
  { name: "types", command: ["tsc", "--project", ".", "--pretty", "false"] },
  { name: "schema dump", command: ["schema-dump.ts", "--check"] },
  { name: "openapi", command: ["openapi.ts", "--check"] },
  { name: "boundaries", command: ["depcruise", "--config", ".dependency-cruiser.mjs", "src", "test", "tools", "bench"] },
  { name: "dead code", command: ["knip", "--no-progress", "--no-config-hints"] },
  { name: "problem codes", command: ["problem-codes.ts"] },
  { name: "architecture", command: ["architecture.ts"] },
  { name: "format", command: ["biome", "format", "."] },
] as const satisfies readonly Check[];

/** Runs one check over `root`. Never throws: a program that cannot start is a check that failed. */
export function runCheck(check: Check, root: string): Promise<Outcome> {
  const [program, ...given] = check.command;
  const script = program.endsWith(".ts");
  const here = fileURLToPath(new URL(".", import.meta.url));
  const [file, args] = script ? [process.execPath, [join(here, program), ...given]] : [join(here, "../node_modules/.bin", program), given];
  // The programs of packages start with `env node`: this very node, not whichever the machine has.
  const env = {
    ...process.env,
    PATH: `${dirname(process.execPath)}${delimiter}${process.env["PATH"] ?? ""}`,
    NO_COLOR: "1",
    FORCE_COLOR: undefined,
  };
  const started = performance.now();
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const child = spawn(file, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"], timeout: TIME_LIMIT_MS });
    const end = (passed: boolean, more = "") => {
      const output = `${Buffer.concat(chunks).toString("utf8")}${more}`.trim();
      resolve({ name: check.name, passed, seconds: (performance.now() - started) / 1000, output });
    };
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.on("error", (failure) => end(false, failure.message));
    child.on("close", (code, signal) => end(code === 0, signal ? `\nstopped by ${signal}` : ""));
  });
}
