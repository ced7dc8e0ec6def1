// The direction of the house holds in the database too: what a migration makes in one schema may lean on schemas below it,
// never on one above. A foreign key that points up could not be dropped with the module that owns it.

import { ROOMS, schemaOf } from "./house.ts";
import { type Fault, type Rule, type SourceFile } from "./source.ts";

const BELOW = new Map<string, readonly string[]>(
  Object.entries<readonly string[]>(ROOMS).map(([room, below]) => [schemaOf(room), [room, ...below].map(schemaOf)]),
);
const NAMED = new RegExp(`(?<![\\w.])(${[...BELOW.keys()].join("|")})\\.([a-z_]\\w*)`, "g");
const MADE =
  /^(?:create(?: or replace)?|alter)\s+(?:unlogged\s+)?(?:table|view|materialized view|function|procedure|sequence|type|domain)\s+(?:only\s+)?(?:if (?:not )?exists\s+)?([\w.]+)/;
const ATTACHED =
  /^(?:create|alter)(?: or replace)?\s+(?:constraint\s+)?(?:unique\s+)?(?:trigger|index|policy)\b[^]*?\son\s+(?:only\s+)?([\w.]+)/;

type Statement = { readonly sql: string; readonly line: number };

/** Cuts a migration at the semicolons that end statements; quoted text and function bodies stay whole, comments go. */
export function statementsOf(text: string): Statement[] {
  const statements: Statement[] = [];
  let sql = "";
  let start = 0;
  const pieces = /--[^\n]*|\/\*[^]*?\*\/|(\$\w*\$)[^]*?\1|'(?:[^']|'')*'|;|[^]/g;
  for (const piece of text.matchAll(pieces)) {
    const [token] = piece;
    if (token === ";") {
      statements.push({ sql: sql.trim(), line: lineAt(text, start) });
      sql = "";
    } else if (!token.startsWith("--") && !token.startsWith("/*")) {
      if (sql.trim() === "") start = piece.index;
      sql += token;
    }
  }
  if (sql.trim() !== "") statements.push({ sql: sql.trim(), line: lineAt(text, start) });
  return statements;
}

const lineAt = (text: string, index: number): number => text.slice(0, index).split("\n").length;

/** Comments inside a function's body, which `statementsOf` keeps whole, are words, not references. */
const withoutComments = (sql: string): string => sql.replace(/--[^\n]*|\/\*[^]*?\*\//g, " ");

function* faultsOf(file: SourceFile): Generator<Fault> {
  for (const { sql: raw, line } of statementsOf(file.text)) {
    const sql = withoutComments(raw).toLowerCase();
    const object = MADE.exec(sql)?.[1] ?? ATTACHED.exec(sql)?.[1];
    if (object === undefined) continue;
    const fault = (message: string): Fault => ({ path: file.path, line, message });
    const [schema = "", name] = object.split(".");
    if (name === undefined) {
      yield fault(`${object} stands without its schema`);
      continue;
    }
    const allowed = BELOW.get(schema);
    if (!allowed) {
      yield fault(`${object}: no room of the house has the schema ${schema}`);
      continue;
    }
    for (const [reference, target = ""] of sql.matchAll(NAMED)) {
      if (!allowed.includes(target)) yield fault(`${object} leans on ${reference}, which is not below it`);
    }
    for (const [, target = ""] of sql.matchAll(/\breferences\s+([\w.]+)/g)) {
      if (!target.includes(".")) yield fault(`${object} references ${target} without its schema`);
    }
  }
}

/** Tables, functions, triggers and views lean on their own schema and on those below. */
export const migrationsPointDown: Rule = (files) =>
  files.filter((file) => /^db\/migrations\/.*\.sql$/.test(file.path)).flatMap((file) => [...faultsOf(file)]);

/** Files are numbered without gaps, so that every database has run the same ones in the same order. */
export const migrationsAreNumbered: Rule = (files) => {
  const names = files
    .filter((file) => file.path.startsWith("db/migrations/") && file.path.endsWith(".sql"))
    .map((file) => file.path)
    .sort();
  return names.flatMap((path, index): Fault[] => {
    const wanted = `${String(index + 1).padStart(4, "0")}_`;
    const name = path.slice("db/migrations/".length);
    return name.startsWith(wanted) && /^\d{4}_[a-z0-9_]+\.sql$/.test(name)
      ? []
      : [{ path, line: 1, message: `expected the name ${wanted}<what_it_brings>.sql` }];
  });
};
