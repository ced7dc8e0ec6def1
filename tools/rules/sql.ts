// Where SQL may stand and what it may name.

import ts from "typescript";
import { BORROWED_TABLES, isIn, ROOMS, type Room, roomOf, SQL_PLACES, schemaOf } from "./house.ts";
import { eachFile, type Fault, faultAt, isSourceCode, nodesOf, type Rule, type SourceFile } from "./source.ts";

const OBJECTS = "table|schema|(?:unique )?index|view|function|procedure|trigger|role|database|type|sequence|policy|extension";
const STATEMENTS = [
  /^select\s[^]*?(?:\bfrom\s|\()|^select\s+\$?\d+$/,
  /\binsert\s+into\s+[\w".$]+\s*(?:\(|values|select|default)/,
  /\bdelete\s+from\s+[\w".$]+(?:\s+(?:where|using|as|returning)\b|\s*$)/,
  /\bupdate\s+[\w".$]+(?:\s+as)?(?:\s+\w+)?\s+set\s+[\w".]+\s*=/,
  /\bfrom\s+[a-z_]+\.[a-z_]+\b[^]*\bwhere\b/,
  /^with\s+(?:recursive\s+)?\w+\s*(?:\([^)]*\))?\s*as\s+(?:not\s+|materialized\s+)*\(/,
  new RegExp(`^(?:create(?: or replace)?|alter|drop) (?:${OBJECTS})\\b`),
  /^(?:grant|revoke)\s[^]*\son\s/,
  /^(?:truncate|lock)\s+(?:table\s+)?[a-z_]+\.?[a-z_]*$/,
  /^(?:begin|commit|rollback|start transaction|discard all)(?:;|$|\s+(?:to|isolation|read|transaction)\b)/,
  /^(?:savepoint|release savepoint|listen|notify|deallocate)\s+\w+;?$|^call\s+[\w.]+\s*\(/,
  /^set\s+(?:local|session|role|transaction|constraints)\s|^set\s+[a-z_.]+\s*(?:=|to)\s|^reset role$/,
  // Pieces from which somebody builds a statement elsewhere.
  /^(?:where|and|or|order by|on conflict|returning|(?:left |inner )?join|having|group by|limit)\s[^]*(?:\$\d|\b[a-z_]+\.[a-z_]+\s*=)/,
];

/** Static text of a literal; what is put in stands as `$0`. Undefined for nodes that are no text. */
function textOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (ts.isTemplateExpression(node)) return node.head.text + node.templateSpans.map((span) => `$0${span.literal.text}`).join("");
  return undefined;
}

const withoutComments = (sql: string): string => sql.replace(/--[^\n]*|\/\*[^]*?\*\//g, " ");

export function looksLikeSql(text: string): boolean {
  const sql = withoutComments(text).trim();
  // House style is lower case; shouting is SQL all the same. A sentence ("Select an account from …") is neither.
  const judged = /^[A-Z]{2,}\s/.test(sql) ? sql.toLowerCase() : sql;
  return STATEMENTS.some((statement) => statement.test(judged));
}

type Statement = { readonly node: ts.Node; readonly sql: string };

function* statementsOf(file: SourceFile): Generator<Statement> {
  for (const node of nodesOf(file)) {
    const text = textOf(node);
    if (text === undefined) continue;
    const tagged = ts.isTaggedTemplateExpression(node.parent) && /(?:^|\.)sql$/.test(node.parent.tag.getText());
    if (tagged || looksLikeSql(text)) yield { node, sql: withoutComments(text).toLowerCase() };
  }
}

const mayHoldSql = (path: string): boolean => /(?:\/|\.)store\.ts$/.test(path) || isIn(SQL_PLACES, path);

/** SQL stands in store.ts, *.store.ts and the few files of the platform that own the connection. */
export const sqlOnlyInStores: Rule = eachFile(
  (path) => isSourceCode(path) && !mayHoldSql(path),
  function* (file) {
    for (const { node } of statementsOf(file))
      yield faultAt(file, node, "SQL outside a store: move the statement to store.ts or <noun>.store.ts");
  },
);

const SCHEMAS = [...Object.keys(ROOMS).map(schemaOf), "graphile_worker"];
const QUALIFIED = new RegExp(`(?<![\\w.])"?(${SCHEMAS.join("|")})"?\\."?([a-z_]+)`, "g");

/** A module's SQL names its own schema only; what belongs to others is asked for at their face. */
export const ownSchemaOnly: Rule = eachFile(
  (path) => isSourceCode(path) && roomOf(path) !== undefined,
  function* (file): Generator<Fault> {
    const room = roomOf(file.path) as Room;
    const own = room === "platform" ? ["platform", "graphile_worker"] : [schemaOf(room)];
    for (const { node, sql } of statementsOf(file)) {
      for (const [, schema = "", table = ""] of sql.matchAll(QUALIFIED)) {
        if (own.includes(schema) || BORROWED_TABLES[room]?.includes(`${schema}.${table}`)) continue;
        yield faultAt(file, node, `${schema}.${table} is not a table of ${room}: ask the room that owns it`);
      }
      for (const [, name = ""] of sql.matchAll(
        /\b(?:insert\s+into|delete\s+from|(?<!do\s)update)\s+([a-z_][\w]*)\b(?!\s*\.)(?=\s+(?:set|where|using|values|select|as)\b|\s*\()/g,
      )) {
        yield faultAt(file, node, `${name} stands without its schema: the search path is nobody's promise`);
      }
    }
  },
);
