// From the validator's errors to sentences by field, in the words of the documented error body (contract section 3.4).

import type { ErrorObject } from "ajv";
import { textFormats } from "./text-formats.ts";

/** Most fields that one answer complains about. */
export const FIELDS_MAX = 100;

/** Most complaints that are looked at: to sort a hundred thousand of them would keep everybody else waiting. */
const ERRORS_MAX = 20 * FIELDS_MAX;

const NAME_LENGTH_MAX = 100;

/**
 * Sentences by dotted field path (`transactions.3.amount`; `$` is the body itself), sorted by path. A union is not explained branch
 * by branch: of a nullable text that is too long the caller reads the length, and nothing about null.
 */
export function describeErrors(errors: readonly ErrorObject[]): Record<string, string[]> {
  const fields = new Map<string, Set<string>>();
  for (const error of withoutEchoes(collapseUnions(errors.slice(0, ERRORS_MAX)))) {
    const path = pathOf(error);
    fields.set(path, (fields.get(path) ?? new Set()).add(sentenceOf(error)));
  }
  const sorted = [...fields].sort(([a], [b]) => (a < b ? -1 : 1)).slice(0, FIELDS_MAX);
  // fromEntries makes own members of all names, "__proto__" of a query string among them.
  return Object.fromEntries(sorted.map(([path, sentences]) => [path, [...sentences]]));
}

/** Puts the complaints of the branch that was meant in the place of all that a union said. */
function collapseUnions(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const kept: ErrorObject[] = [];
  for (const error of errors) {
    if (error.keyword === "anyOf" || error.keyword === "oneOf") {
      // The complaints of a union's branches stand right before its own.
      let start = kept.length;
      while (start > 0 && isInside(kept[start - 1], error)) start -= 1;
      const meant = meantBranch(error, kept.splice(start));
      kept.push(...(meant.length > 0 ? meant : [error]));
    } else kept.push(error);
  }
  return kept;
}

function isInside(error: ErrorObject | undefined, union: ErrorObject): boolean {
  if (!error?.schemaPath.startsWith(`${union.schemaPath}/`)) return false;
  return error.instancePath === union.instancePath || error.instancePath.startsWith(`${union.instancePath}/`);
}

/** The complaints of the one branch whose type fits the value; where several fit, of the one that is nearest; where none does, none. */
function meantBranch(union: ErrorObject, inside: readonly ErrorObject[]): readonly ErrorObject[] {
  const isAbout = (error: ErrorObject, keyword: string) => error.keyword === keyword && error.instancePath === union.instancePath;
  const branches = Map.groupBy(inside, (error) => error.schemaPath.slice(union.schemaPath.length + 1).split("/")[0]);
  const fitting = [...branches.values()].filter((branch) => !branch.some((error) => isAbout(error, "type") || isAbout(error, "const")));
  return fitting.reduce((nearest, branch) => (nearest.length === 0 || branch.length < nearest.length ? branch : nearest), []);
}

/** A value of the wrong type is not in the list of words either, and the list says more. */
function withoutEchoes(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const listed = new Set(errors.filter((error) => error.keyword === "enum").map((error) => error.instancePath));
  return errors.filter((error) => error.keyword !== "type" || !listed.has(error.instancePath));
}

function pathOf(error: ErrorObject): string {
  const steps = error.instancePath.split("/").slice(1);
  const named: unknown = error.params["missingProperty"] ?? error.params["additionalProperty"];
  const names = steps.map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~")).concat(typeof named === "string" ? [named] : []);
  return names.map((name) => (name.length > NAME_LENGTH_MAX ? `${name.slice(0, NAME_LENGTH_MAX)}…` : name)).join(".") || "$";
}

type Schema = Readonly<Record<string, unknown>>;

/** One sentence about one error. */
function sentenceOf(error: ErrorObject): string {
  const schema: Schema = error.parentSchema ?? {};
  switch (error.keyword) {
    case "required":
      return "The field is required.";
    case "additionalProperties":
      return unknownName(schema);
    case "type":
      return typeSentence([schema]);
    case "anyOf":
    case "oneOf":
      return unionSentence(error);
    case "enum":
      return `The field must be one of: ${list(schema["enum"])}.`;
    case "const":
      return `The field must be ${show(schema["const"])}.`;
    case "pattern":
      return `The field must match the pattern ${show(schema["pattern"])}.`;
    case "format":
      return formatRule(schema) ?? "The field has a wrong format.";
    case "minLength":
    case "maxLength":
      return `The field must have a length ${bounds(schema, "minLength", "maxLength", "of ")}.`;
    case "minItems":
    case "maxItems":
      return `The field must have ${bounds(schema, "minItems", "maxItems", "")} elements.`;
    case "minProperties":
    case "maxProperties":
      return `The field must have ${bounds(schema, "minProperties", "maxProperties", "")} members.`;
    case "minimum":
    case "maximum":
      return `The field must be ${bounds(schema, "minimum", "maximum", "")}.`;
    case "exclusiveMinimum":
      return `The field must be greater than ${show(schema["exclusiveMinimum"])}.`;
    case "exclusiveMaximum":
      return `The field must be less than ${show(schema["exclusiveMaximum"])}.`;
    case "multipleOf":
      return `The field must be a multiple of ${show(schema["multipleOf"])}.`;
    case "uniqueItems":
      return "The field must not have the same element twice.";
    default:
      return "The field is not valid.";
  }
}

/** A lower and an upper limit are one sentence, whichever was missed. */
function bounds(schema: Schema, lower: string, upper: string, of: string): string {
  const [min, max] = [schema[lower], schema[upper]];
  if (min === undefined) return `${of}at most ${show(max)}`;
  if (max === undefined) return `${of}at least ${show(min)}`;
  return min === max ? `${of}${show(min)}` : `between ${show(min)} and ${show(max)}`;
}

function unknownName(schema: Schema): string {
  const patterns = Object.keys((schema["patternProperties"] as Schema | undefined) ?? {});
  return patterns.length > 0 ? `The name of the field must match the pattern ${patterns.join(" or ")}.` : "The field is not known.";
}

function unionSentence(error: ErrorObject): string {
  if (error.params["passingSchemas"] != null) return "The field matches more than one of its forms.";
  const branches: readonly Schema[] = Array.isArray(error.schema) ? error.schema : [];
  const words = branches.map((branch) => branch["const"]);
  return words.some((word) => word === undefined) ? typeSentence(branches) : `The field must be one of: ${list(words)}.`;
}

const TYPE_NAMES = new Map([
  ["string", "a string"],
  ["number", "a number"],
  ["integer", "a whole number"],
  ["boolean", "true or false"],
  ["object", "an object"],
  ["array", "an array"],
  ["null", "null"],
]);

/** What a value may be, from one schema or the branches of a union. Where all is one format, its rule says more than "a string". */
function typeSentence(schemas: readonly Schema[]): string {
  const values = schemas.filter((schema) => schema["type"] !== "null");
  const rule = values.length === 1 && values[0] ? formatRule(values[0]) : undefined;
  if (rule) return rule;
  const types = schemas.flatMap((schema) => [schema["type"]].flat());
  const names = new Set(types.map((type) => TYPE_NAMES.get(String(type)) ?? "of another form"));
  return `The field must be ${[...names].join(" or ")}.`;
}

function formatRule(schema: Schema): string | undefined {
  const format = schema["format"];
  return typeof format === "string" ? textFormats.get(format)?.rule : undefined;
}

function list(words: unknown): string {
  return Array.isArray(words) ? words.map(show).join(", ") : "";
}

function show(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
