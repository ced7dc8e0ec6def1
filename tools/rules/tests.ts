// A test that cannot fail is worse than none: it says that something was looked at.

import ts from "typescript";
import { eachFile, faultAt, nodesOf, parse, type Rule, type SourceFile } from "./source.ts";

const ASSERTS = /^(?:expect|assert)/;

/** Leftmost and rightmost name of what is called: `fc.assert` → fc, assert; `expect(x).toBe` → expect, toBe. */
function namesOf(called: ts.Expression): string[] {
  if (ts.isIdentifier(called)) return [called.text];
  if (ts.isPropertyAccessExpression(called)) return [called.name.text, ...namesOf(called.expression)];
  if (ts.isCallExpression(called)) return namesOf(called.expression);
  return [];
}

function calledIn(node: ts.Node): Set<string> {
  const names = new Set<string>();
  const visit = (each: ts.Node): void => {
    if (ts.isCallExpression(each)) for (const name of namesOf(each.expression)) names.add(name);
    // A function handed on (`fc.property(…, holds)`) may be the one that looks.
    if (ts.isIdentifier(each) && ts.isCallExpression(each.parent)) names.add(each.text);
    ts.forEachChild(each, visit);
  };
  visit(node);
  return names;
}

/** Functions of the file by name, and names that come from our own files: those are tested where they stand. */
function surroundings(file: SourceFile): { bodies: Map<string, ts.Node>; imported: Set<string> } {
  const bodies = new Map<string, ts.Node>();
  const imported = new Set<string>();
  for (const node of nodesOf(file)) {
    if (ts.isFunctionDeclaration(node) && node.name) bodies.set(node.name.text, node);
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer) bodies.set(node.name.text, node.initializer);
    if (
      ts.isImportDeclaration(node) &&
      ts.isStringLiteral(node.moduleSpecifier) &&
      /\/(?:test|setup)\/|^\.\.?\/[^/]*(?:story|harness)/.test(node.moduleSpecifier.text)
    ) {
      const named = node.importClause?.namedBindings;
      if (named && ts.isNamedImports(named)) for (const element of named.elements) imported.add(element.name.text);
    }
  }
  return { bodies, imported };
}

const isTestCall = (node: ts.Node): node is ts.CallExpression =>
  ts.isCallExpression(node) &&
  /^(?:test|it)(?:\.(?:each|for|concurrent|sequential)\b[^]*)?$/.test(node.expression.getText()) &&
  node.arguments.length > 1;

/** Every test calls an assertion: its own, one of its file's functions', or a test tool's. */
export const testsCanFail: Rule = eachFile(
  (path) => path.endsWith(".test.ts"),
  function* (file) {
    parse(file);
    const { bodies, imported } = surroundings(file);
    const looks = (node: ts.Node, seen: Set<string>): boolean =>
      [...calledIn(node)].some((name) => {
        if (ASSERTS.test(name) || imported.has(name)) return true;
        const body = bodies.get(name);
        if (!body || seen.has(name)) return false;
        seen.add(name);
        return looks(body, seen);
      });
    for (const node of nodesOf(file)) {
      if (isTestCall(node) && !node.arguments.some((argument) => looks(argument, new Set()))) {
        yield faultAt(file, node, "a test without an assertion cannot fail");
      }
    }
  },
);
