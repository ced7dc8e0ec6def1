import pg from "pg";
import { expect, test } from "vitest";
import { describeFault } from "./fault.ts";

const NAME = "Annabel Canary";

function refusal(code: string, message: string): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError(message, 1, "error"), {
    code,
    table: "client",
    constraint: "client_individual_is_whole",
    detail: `Failing row contains (1, ${NAME}, 1990-01-01).`,
    where: `unnamed portal parameter $1 = '${NAME}'`,
  });
}

test("a violated constraint is named; the row that violated it is not told", () => {
  const fault = describeFault(refusal("23514", 'new row violates check constraint "client_individual_is_whole"'));
  expect(fault).toMatchObject({ kind: "DatabaseError", code: "23514", table: "client", constraint: "client_individual_is_whole" });
  expect(JSON.stringify(fault)).not.toContain("Canary");
});

test.each([
  ["a value that the server could not read", refusal("22P02", `invalid input syntax for type uuid: "${NAME}"`)],
  ["a text that is no JSON", parseError(() => JSON.parse(NAME))],
  ["a text that is no whole number", parseError(() => BigInt(NAME))],
  ["the same behind other errors", new Error("call failed", { cause: new Error("again", { cause: parseError(() => JSON.parse(NAME)) }) })],
  ["what is no error at all", NAME],
])("%s is not quoted", (_what, error) => {
  expect(JSON.stringify(describeFault(error))).not.toContain("Canary");
});

test("an error of ours keeps its words, its place and its cause", () => {
  const fault = describeFault(new RangeError("too far", { cause: Object.assign(new Error("connect"), { code: "ECONNREFUSED" }) }));
  expect(fault).toMatchObject({
    kind: "RangeError",
    message: "too far",
    cause: { kind: "Error", message: "connect", code: "ECONNREFUSED" },
  });
  expect(fault.at?.[0]).toContain("fault.test.ts");
  expect(fault.at?.join()).not.toContain("too far");
});

function parseError(parse: () => unknown): unknown {
  try {
    return parse();
  } catch (error) {
    return error;
  }
}
