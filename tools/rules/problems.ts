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

/** What two catalogues must say alike of one code; the title may name the thing that was refused. */
type Spec = { readonly status: number; readonly retry: string };
export type Catalogue = { readonly path: string; readonly problems: Readonly<Record<string, Spec>> };

/** All codes, each once, with the first catalogue that brings it. */
export function codesOf(catalogues: readonly Catalogue[]): ProblemCode[] {
  const first = new Map<string, string>();
  for (const { path, problems } of catalogues) for (const code of Object.keys(problems)) first.set(code, first.get(code) ?? path);
  return [...first].map(([code, path]) => ({ code, path }));
}

/** Two modules may refuse alike (the ledger and the clients both know a duplicate), but one code is one status and one advice. */
export function contradictions(catalogues: readonly Catalogue[]): Fault[] {
  const first = new Map<string, { readonly path: string; readonly spec: Spec }>();
  return catalogues.flatMap(({ path, problems }) =>
    Object.entries(problems).flatMap(([code, spec]): Fault[] => {
      const before = first.get(code);
      if (!before) first.set(code, { path, spec });
      if (!before || (before.spec.status === spec.status && before.spec.retry === spec.retry)) return [];
      return [{ path, line: 1, message: `${code} is another problem in ${before.path}` }];
    }),
  );
}
