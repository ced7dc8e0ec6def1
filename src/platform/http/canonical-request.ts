// What a request means, as text: equal for key order, white space, `1.0` against `1.00`, and a null against an absent member. The hash of
// it tells a repeat under an Idempotency-Key from another request (contract decision 2), so a released version's texts never change.

import { canonicalJson } from "../canonical.ts";
import type { TSchema } from "../schema.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Input } from "./input.ts";

/** Method, route, parameters and body; each a text. */
export function canonicalRequest({ method, path, body }: Endpoint, input: Input): string[] {
  return [
    method,
    path,
    canonicalJson(input.params),
    canonicalJson({ ...(input.query as object) }),
    input.body === undefined ? "" : canonicalBody(input.body, body),
  ];
}

/** The text of a body or a part of it that its schema has accepted. Nulls are left out; ids are lower case since they were checked. */
export function canonicalBody(value: unknown, schema: TSchema | undefined): string {
  return write(value, schema === undefined ? ANYTHING : planOf(schema));
}

/** Where in a schema amounts stand. */
type Plan = { readonly isAmount: boolean; readonly members: ReadonlyMap<string, Member>; readonly items: Plan | null };
/** A member that the schema knows, its name already written. */
type Member = { readonly name: string; readonly plan: Plan };

const ANYTHING: Plan = { isAmount: false, members: new Map(), items: null };

function write(value: unknown, plan: Plan): string {
  if (typeof value === "string") return JSON.stringify(plan.isAmount ? evenOut(value) : value);
  if (typeof value !== "object" || value === null) return canonicalJson(value);
  if (Array.isArray(value)) return `[${value.map((item) => write(item, plan.items ?? ANYTHING)).join(",")}]`;
  const members = value as Record<string, unknown>;
  let text = "";
  for (const name of inOrder(Object.keys(members))) {
    const member = members[name];
    if (member === null || member === undefined) continue;
    const known = plan.members.get(name);
    if (text !== "") text += ",";
    text += known === undefined ? `${writeName(name)}${write(member, ANYTHING)}` : `${known.name}${write(member, known.plan)}`;
  }
  return `{${text}}`;
}

/** The names of the last object, and the same in order. The items of a list mostly have equal names, and to sort takes as long as to write. */
let latest: { readonly names: readonly string[]; readonly sorted: readonly string[] } = { names: [], sorted: [] };

/** By code unit, as in canonicalJson. */
function inOrder(names: readonly string[]): readonly string[] {
  const isKnown = names.length === latest.names.length && names.every((name, index) => name === latest.names[index]);
  if (!isKnown) latest = { names, sorted: names.toSorted() };
  return latest.sorted;
}

function writeName(name: string): string {
  return `${JSON.stringify(name)}:`;
}

/** One text for one amount: no zeros at its end. */
function evenOut(amount: string): string {
  return amount.includes(".") ? amount.replace(/\.?0+$/, "") : amount;
}

type AnySchema = TSchema & { format?: string; properties?: Record<string, AnySchema>; items?: AnySchema; anyOf?: AnySchema[] };

const plans = new WeakMap<TSchema, Plan>();

function planOf(schema: AnySchema): Plan {
  const known = plans.get(schema);
  if (known !== undefined) return known;
  // What the schema says itself, else the first of its alternatives that says it.
  const properties = schema.properties ?? alternative(schema, "properties")?.properties;
  const items = schema.items ?? alternative(schema, "items")?.items;
  const format = schema.format ?? alternative(schema, "format")?.format;
  const plan: Plan = {
    isAmount: format === "amount",
    members: new Map(Object.entries(properties ?? {}).map(([name, member]) => [name, { name: writeName(name), plan: planOf(member) }])),
    items: items === undefined ? null : planOf(items),
  };
  plans.set(schema, plan);
  return plan;
}

function alternative({ anyOf }: AnySchema, member: "format" | "items" | "properties"): AnySchema | undefined {
  return anyOf?.find((option) => option[member] !== undefined);
}
