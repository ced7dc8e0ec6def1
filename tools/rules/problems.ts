// Every refusal has a name, a page and a test: the catalogues, docs/problems.md and the tests are held against each other.

import ts from "typescript";
import { type Fault, nodesOf, type SourceFile } from "./source.ts";

/** A problem code and the file whose catalogue brings it. */
export type ProblemCode = { readonly code: string; readonly path: string };

export const PROBLEMS_PAGE = "docs/problems.md";
const HEADING = /^#{2,3}\s+`?([a-z][A-Za-z0-9]*)`?\s*$/;

/** Each code has one section in the page, each section a code in a catalogue. */
export function undocumented(codes: readonly ProblemCode[], page: string): Fault[] {
  const sections = page.split("\n").flatMap((text, index) => {
    const code = HEADING.exec(text)?.[1];
    return code === undefined ? [] : [{ code, line: index + 1 }];
  });
  const missing = codes
    .filter(({ code }) => !sections.some((section) => section.code === code))
    .map(({ code, path }): Fault => ({ path, line: 1, message: `${code} has no section in ${PROBLEMS_PAGE}` }));
  const stale = sections
    .filter(({ code }) => !codes.some((known) => known.code === code))
    .map(({ code, line }): Fault => ({ path: PROBLEMS_PAGE, line, message: `no catalogue has ${code}` }));
  const repeated = sections
    .filter(({ code, line }) => sections.some((other) => other.code === code && other.line < line))
    .map(({ code, line }): Fault => ({ path: PROBLEMS_PAGE, line, message: `${code} has two sections` }));
  return [...missing, ...stale, ...repeated];
}

/** Each code is a text of its own in at least one test: somebody made it happen and looked at the answer. */
export function unproduced(codes: readonly ProblemCode[], tests: readonly SourceFile[]): Fault[] {
  const seen = new Set(tests.flatMap((file) => [...codesNamed(file)]));
  return codes
    .filter(({ code }) => !seen.has(code))
    .map(({ code, path }): Fault => ({ path, line: 1, message: `no test produces ${code}` }));
}

/** Texts of a test that are one word, or lines of a story ending in `-> code`; comments and titles do not count. */
function* codesNamed(file: SourceFile): Generator<string> {
  for (const node of nodesOf(file)) {
    if (!ts.isStringLiteralLike(node)) continue;
    if (/^[a-z][A-Za-z0-9]*$/.test(node.text)) yield node.text;
    for (const [, code = ""] of node.text.matchAll(/->\s*([a-z][A-Za-z0-9]*)\s*$/gm)) yield code;
  }
}

/** Two catalogues may both know a code (the ledger and the transfers refuse alike) if they say the same of it. */
export function contradictions(
  catalogues: readonly { readonly path: string; readonly catalogue: Readonly<Record<string, unknown>> }[],
): Fault[] {
  const first = new Map<string, { readonly path: string; readonly said: string }>();
  return catalogues.flatMap(({ path, catalogue }) =>
    Object.entries(catalogue).flatMap(([code, spec]): Fault[] => {
      const said = JSON.stringify(spec);
      const before = first.get(code);
      if (!before) first.set(code, { path, said });
      return !before || before.said === said ? [] : [{ path, line: 1, message: `${code} is another problem in ${before.path}` }];
    }),
  );
}
