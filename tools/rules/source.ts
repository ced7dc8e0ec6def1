// What a rule looks at and what it answers. Rules are pure: they get paths and texts, never a folder, so that a planted
// fault is a string in a test.

import ts from "typescript";

/** A file of the project; `path` from the project's root with forward slashes. */
export type SourceFile = { readonly path: string; readonly text: string };

/** One broken rule at one place, in a sentence that says what to do. */
export type Fault = { readonly path: string; readonly line: number; readonly message: string };

/** A house rule over the whole tree. */
export type Rule = (files: readonly SourceFile[]) => Fault[];

/** Lifts a rule about one file to the tree. */
export const eachFile =
  (applies: (path: string) => boolean, check: (file: SourceFile) => Iterable<Fault>): Rule =>
  (files) =>
    files.filter((file) => applies(file.path)).flatMap((file) => [...check(file)]);

export const isCode = (path: string): boolean => /\.(ts|mjs)$/.test(path);

export const isSourceCode = (path: string): boolean => path.startsWith("src/") && isCode(path) && !path.endsWith(".test.ts");

const parsed = new WeakMap<SourceFile, ts.SourceFile>();

/** The syntax tree of a file; each file is parsed once whatever the number of rules. */
export function parse(file: SourceFile): ts.SourceFile {
  const known = parsed.get(file);
  if (known) return known;
  const tree = ts.createSourceFile(file.path, file.text, ts.ScriptTarget.Latest, true);
  parsed.set(file, tree);
  return tree;
}

/** All nodes of a file, parents before children. */
export function* nodesOf(file: SourceFile): Generator<ts.Node> {
  const waiting: ts.Node[] = [parse(file)];
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    yield node;
    const children: ts.Node[] = [];
    ts.forEachChild(node, (child) => void children.push(child));
    waiting.push(...children.reverse());
  }
}

export function faultAt(file: SourceFile, node: ts.Node, message: string): Fault {
  const line = parse(file).getLineAndCharacterOfPosition(node.getStart()).line + 1;
  return { path: file.path, line, message };
}

/** For rules that read text, not syntax: a fault for each match. */
export function faultsOfPattern(file: SourceFile, pattern: RegExp, message: (found: string) => string): Fault[] {
  const global = new RegExp(pattern.source, `${pattern.flags.replace("g", "")}g`);
  return [...file.text.matchAll(global)].map((match) => ({
    path: file.path,
    line: file.text.slice(0, match.index).split("\n").length,
    message: message(match[0]),
  }));
}
