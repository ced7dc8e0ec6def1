// Clock, chance, network, floating point and connections: each only where the house has a place for it.

import ts from "typescript";
import { CONNECTION_PLACES, FLOAT_PLACES, isIn, isPure, MODULES, NETWORK_PLACES, roomOf } from "./house.ts";
import { eachFile, type Fault, faultAt, isSourceCode, nodesOf, type Rule, type SourceFile } from "./source.ts";

/** `a.b.c` of a call or of `new`, with brackets and `globalThis.` taken away; undefined for other nodes. */
function calleeOf(node: ts.Node): string | undefined {
  if (!ts.isCallExpression(node) && !ts.isNewExpression(node)) return undefined;
  const callee = node.expression
    .getText()
    .replaceAll("?.", ".")
    .replace(/^globalThis\./, "");
  return ts.isNewExpression(node) ? `new ${callee}${node.arguments?.length ? "(…)" : "()"}` : `${callee}()`;
}

function* calls(file: SourceFile, refused: RegExp, message: (callee: string) => string): Generator<Fault> {
  for (const node of nodesOf(file)) {
    const callee = calleeOf(node);
    if (callee !== undefined && refused.test(callee)) yield faultAt(file, node, message(callee));
  }
}

const CLOCK = /^(?:Date\.now\(\)|new Date\(\)|Date\(\)|performance\.now\(\)|process\.hrtime(?:\.bigint)?\(\)|Temporal\.Now\.\w+\(\))$/;
const CHANCE = /^(?:Math\.random\(\)|(?:\w+\.)*(?:random(?:UUID(?:v7)?|Bytes|Int|Fill|FillSync)|getRandomValues|generateKey\w*)\(\))$/;
const WALL_CLOCK = /^(?:Date\.now\(\)|new Date\(\)|Date\(\)|Temporal\.Now\.\w+\(\))$/;

/** Pure files get time and chance as arguments. */
export const pureFilesHaveNoClockAndNoChance: Rule = eachFile(
  (path) => isSourceCode(path) && isPure(path),
  function* (file) {
    yield* calls(file, CLOCK, (callee) => `${callee} in a pure file: take the time as an argument`);
    yield* calls(file, CHANCE, (callee) => `${callee} in a pure file: take the value as an argument`);
  },
);

/** In the modules "now" is `tx.now`: tests set it, and all rows of one commit agree. How long something took is another matter. */
export const modulesTakeTheTimeFromTheTransaction: Rule = eachFile(
  (path) => isSourceCode(path) && !isPure(path) && (MODULES as readonly string[]).includes(roomOf(path) ?? ""),
  (file) => calls(file, WALL_CLOCK, (callee) => `${callee} in a module: use tx.now (or performance.now() for a duration)`),
);

/** Calls to the outside world stand in adapters, so that none happens while a transaction is open. */
export const networkOnlyInAdapters: Rule = eachFile(
  (path) => isSourceCode(path) && !isIn(NETWORK_PLACES, path),
  (file) =>
    calls(
      file,
      /^(?:fetch|createRemoteJWKSet|https?\.(?:request|get)|net\.(?:connect|createConnection)|tls\.connect)\(\)$|^new (?:WebSocket|EventSource)\(/,
      (callee) => `${callee} outside src/adapters`,
    ),
);

/** Nothing near money is rounded by a method of floating point numbers. */
export const noFloatingPoint: Rule = eachFile(
  (path) => isSourceCode(path) && !isIn(FLOAT_PLACES, path),
  (file) =>
    calls(
      file,
      /^(?:(?:Number\.)?parseFloat\(\)|Math\.(?:round|fround)\(\))$|\.(?:toFixed|toPrecision|toExponential)\(\)$/,
      (callee) => `${callee}: amounts are bigint minor units; rounding has a named function that says its mode`,
    ),
);

/** Who is handed a transaction needs no connection. */
export const connectionsOnlyInPlatform: Rule = eachFile(
  (path) => isSourceCode(path) && !isIn(CONNECTION_PLACES, path),
  (file) =>
    calls(
      file,
      /^new (?:\w+\.)*(?:Pool|Client)\(|(?:^|\.)pool\.connect\(\)$/i,
      (callee) => `${callee}: connections are opened by src/platform/db.ts alone`,
    ),
);
