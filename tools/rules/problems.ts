// Every refusal has a name, a page and a test: the catalogues, docs/problems.md and the tests are held against each other.

import ts from "typescript";
import { type Fault, nodesOf, type SourceFile } from "./source.ts";

/** What every catalogue that knows a code must say of it; the title may name the thing that was refused. */
type Spec = { readonly status: number; readonly retry: string };
export type Catalogue = { readonly path: string; readonly problems: Readonly<Record<string, Spec>> };
/** A problem code, the first catalogue that brings it and what that says. */
export type ProblemCode = Spec & { readonly code: string; readonly path: string };

export const PROBLEMS_PAGE = "docs/problems.md";

/** Codes that answer the client itself with another status than systems (contract decision 22): by name, so that nothing else does by mistake. */
const STATUSES: Readonly<Record<string, readonly number[]>> = { clientBlocked: [403, 409] };

const statusesOf = ({ code, status }: { code: string; status: number }): readonly number[] => STATUSES[code] ?? [status];

/** A heading that is a code, and the line of status and advice below it. */
const SECTION = /^#{2,3} `?([a-z][A-Za-z0-9]*)`?\n\n?(?:\*\*(\d{3}(?: or \d{3})?)\*\* · retry: (no|later)$)?/gm;

/** Each code has one section in the page with its status and advice, each section a code in a catalogue. */
export function undocumented(codes: readonly ProblemCode[], page: string): Fault[] {
  const sections = [...page.matchAll(SECTION)].map(({ 1: code = "", 2: status, 3: retry, index }) => {
    return { code, status, retry, line: page.slice(0, index).split("\n").length };
  });
  const missing = codes
    .filter(({ code }) => !sections.some((section) => section.code === code))
    .map(({ code, path }): Fault => ({ path, line: 1, message: `${code} has no section in ${PROBLEMS_PAGE}` }));
  const wrong = sections.flatMap(({ code, status, retry, line }, index): Fault[] => {
    const fault = (message: string): Fault[] => [{ path: PROBLEMS_PAGE, line, message }];
    const known = codes.find((each) => each.code === code);
    if (!known) return fault(`no catalogue has ${code}`);
    if (sections.findIndex((each) => each.code === code) < index) return fault(`${code} has two sections`);
    const statuses = statusesOf(known).join(" or ");
    if (statuses === status && known.retry === retry) return [];
    return fault(`${code} should begin with **${statuses}** · retry: ${known.retry}`);
  });
  return [...missing, ...wrong];
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

/** All codes, each once, with the first catalogue that brings it. */
export function codesOf(catalogues: readonly Catalogue[]): ProblemCode[] {
  const first = new Map<string, ProblemCode>();
  for (const { path, problems } of catalogues) {
    for (const [code, { status, retry }] of Object.entries(problems)) if (!first.has(code)) first.set(code, { code, path, status, retry });
  }
  return [...first.values()];
}

/** Two modules may refuse alike (the ledger and the clients both know a duplicate), but one code is one status and one advice, unless it stands in `STATUSES`. */
export function contradictions(catalogues: readonly Catalogue[]): Fault[] {
  const codes = codesOf(catalogues);
  return catalogues.flatMap(({ path, problems }) =>
    Object.entries(problems).flatMap(([code, { status, retry }]): Fault[] => {
      const first = codes.find((each) => each.code === code);
      if (!first || (statusesOf(first).includes(status) && first.retry === retry)) return [];
      return [{ path, line: 1, message: `${code} is another problem in ${first.path}` }];
    }),
  );
}
