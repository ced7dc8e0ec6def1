// What becomes of the numbers of a document once its schema is known: an amount stays text, everything else becomes a JavaScript
// number, and only if that number is exactly the one that was written.

import type { TSchema } from "typebox";
import { plainDecimal, sameDecimal } from "./decimal.ts";
import { AMOUNT_TEXT_MAX } from "./money.ts";

/** A number of a document, as it was written. `reviveNumbers` turns it into what a schema asks for. */
export class JsonNumber {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/** A number that cannot be kept: the dotted path of the field ("$" is the body itself) and the sentence for the caller. */
export type NumberFault = { readonly path: string; readonly message: string };

/** Formats of `schema.ts` whose numbers stay text. */
const TEXT_FORMATS = new Set(["amount", "signed-amount"]);

/** A longer number is refused unread. */
const NUMBER_TEXT_MAX = 64;

/** Where in a schema amounts stand, all of its alternatives laid over each other. */
type Plan = {
  readonly isText: boolean;
  /** The schema takes anything: whoever judges the part later is told of its faults. */
  readonly isOpen: boolean;
  readonly members: ReadonlyMap<string, Plan>;
  /** For members that have no name of their own in the schema. */
  readonly others: Plan | null;
  readonly items: Plan | null;
};

const PLAIN: Plan = { isText: false, isOpen: false, members: new Map(), others: null, items: null };

const plans = new WeakMap<TSchema, Plan>();

/**
 * Replaces every `JsonNumber` of a parsed document, in place, and answers the document. Under a schema of an amount it becomes the
 * number's text (an exponent is written out); elsewhere a number. A number that would lose digits is a fault and stays a
 * `JsonNumber`: with faults the document must not be used. Where the schema takes anything it stays one without being a fault.
 */
export function reviveNumbers(value: unknown, schema: TSchema): { readonly value: unknown; readonly faults: readonly NumberFault[] } {
  let plan = plans.get(schema);
  if (!plan) {
    plan = planOf([schema]);
    plans.set(schema, plan);
  }
  const faults: NumberFault[] = [];
  return { value: revive(value, plan, [], faults), faults };
}

function revive(value: unknown, plan: Plan, path: string[], found: NumberFault[]): unknown {
  if (typeof value !== "object" || value === null) return value;
  const faults = plan.isOpen ? [] : found;
  if (value instanceof JsonNumber) return plan.isText ? amountText(value) : exactNumber(value, path, faults);
  const target = value as Record<string, unknown>;
  for (const name of Object.keys(target)) {
    const member = target[name];
    if (typeof member !== "object" || member === null) continue;
    path.push(name);
    target[name] = revive(member, (Array.isArray(value) ? plan.items : (plan.members.get(name) ?? plan.others)) ?? PLAIN, path, faults);
    path.pop();
  }
  return value;
}

/** What is too long to write out stays as it is: the amount's own check refuses it. */
function amountText(number: JsonNumber): string {
  return plainDecimal(number.source, AMOUNT_TEXT_MAX) ?? number.source;
}

function exactNumber(number: JsonNumber, path: readonly string[], faults: NumberFault[]): number | JsonNumber {
  const { source } = number;
  const double = Number(source);
  const isExact = String(double) === source || (source.length <= NUMBER_TEXT_MAX && sameDecimal(String(double), source));
  // Negative zero is no number anybody means.
  if (isExact) return double === 0 ? 0 : double;
  faults.push({ path: path.join(".") || "$", message: "The field must be a number of at most 15 digits." });
  return number;
}

/** The parts of a JSON schema that say where a value's parts are described. */
type SchemaParts = {
  readonly format?: string;
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly patternProperties?: Readonly<Record<string, TSchema>>;
  readonly additionalProperties?: TSchema | boolean;
  readonly items?: TSchema | readonly TSchema[];
  readonly prefixItems?: readonly TSchema[];
  readonly anyOf?: readonly TSchema[];
  readonly oneOf?: readonly TSchema[];
  readonly allOf?: readonly TSchema[];
};

function planOf(schemas: readonly TSchema[]): Plan {
  const parts = schemas.flatMap(alternatives);
  const named = new Map<string, TSchema[]>();
  for (const part of parts) {
    for (const [name, schema] of Object.entries(part.properties ?? {})) named.set(name, [...(named.get(name) ?? []), schema]);
  }
  return {
    isOpen: parts.some((part) => Object.keys(part).length === 0),
    isText: parts.some((part) => part.format !== undefined && TEXT_FORMATS.has(part.format)),
    members: new Map([...named].map(([name, found]) => [name, planOf(found)])),
    others: planOfSome(parts.flatMap(otherMembers)),
    items: planOfSome(parts.flatMap((part) => [...(part.items ? [part.items].flat() : []), ...(part.prefixItems ?? [])])),
  };
}

function planOfSome(schemas: readonly TSchema[]): Plan | null {
  return schemas.length > 0 ? planOf(schemas) : null;
}

function alternatives(schema: TSchema): SchemaParts[] {
  const part = schema as SchemaParts;
  return [part, ...[part.anyOf, part.oneOf, part.allOf].flatMap((branches) => (branches ?? []).flatMap(alternatives))];
}

function otherMembers(part: SchemaParts): TSchema[] {
  const rest = part.additionalProperties;
  return [...Object.values(part.patternProperties ?? {}), ...(typeof rest === "object" ? [rest] : [])];
}
