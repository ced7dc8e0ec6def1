// The validator of requests: strict, all complaints at once, nothing dropped and nothing guessed in bodies.

import { Ajv, type Options } from "ajv";
import { isUuid } from "./ids.ts";
import { textFormats } from "./text-formats.ts";

export { describeErrors } from "./field-errors.ts";

// Patterns compile with the `u` flag (Ajv's default): a schema with a needless escape such as `\/` throws when it is compiled.
const OPTIONS: Options = {
  allErrors: true,
  coerceTypes: false,
  removeAdditional: false,
  useDefaults: true,
  strict: true,
  // Optional members of a union's branch are often required by another part of the schema.
  strictRequired: false,
  // Gives each error the schema around it: "length of 2" needs both bounds. Errors hold the caller's data: they are never logged.
  verbose: true,
};

/** The validator for bodies and path parameters: a string is no number, an unknown member is an error. */
export function buildAjv(): Ajv {
  return equip(new Ajv(OPTIONS));
}

/** The validator for query strings, where everything is text: "20" is taken as 20 and one value as a list of one. */
export function buildQueryAjv(): Ajv {
  return equip(new Ajv({ ...OPTIONS, coerceTypes: "array" }));
}

function equip(ajv: Ajv): Ajv {
  for (const [name, format] of textFormats) ajv.addFormat(name, { type: "string", validate: format.accepts });
  ajv.addKeyword({
    keyword: "x-lowercase",
    type: "string",
    schemaType: "boolean",
    modifying: true,
    errors: false,
    validate: lowerCaseUuid,
  });
  return ajv;
}

/** Where a validator stands: the object or array around the value, "" around the root. */
type Place = { readonly parentData: unknown; readonly parentDataProperty: string | number };

const CAPITAL_DIGIT = /[A-F]/;

/** Two spellings of one id must not pass as two ids. What is no UUID stays untouched: its format is complained about. */
function lowerCaseUuid(isWanted: boolean, text: string, _schema: unknown, place?: Place): boolean {
  // Nearly every id comes in lower case.
  if (!isWanted || !CAPITAL_DIGIT.test(text)) return true;
  const around = place?.parentData;
  if (place && typeof around === "object" && around !== null && isUuid(text)) {
    Reflect.set(around, place.parentDataProperty, text.toLowerCase());
  }
  return true;
}
