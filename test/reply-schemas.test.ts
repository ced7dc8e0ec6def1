// The check of answers is as strict as the schemas it reads: each object of a reply names its members, requires them, and allows no other.

import { expect, test } from "vitest";
import { describeApi } from "../src/app.ts";

type Schema = {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
};
type Operation = { readonly operationId?: string; readonly responses: Record<string, { content?: Record<string, { schema?: Schema }> }> };

/** Members that may be left out or hold anything, and why. */
const OPEN = new Set([
  // A page counts its rows only where that is cheap (decision 14).
  "totalCount",
  // One of the two, by what became of the item (decision 6).
  "payment",
  "problem",
  // AddressDto is one for requests and answers, as documented.
  "streetLine2",
  "state",
  // A rehearsed import tells its faults at once; one that is kept has them at an address of their own.
  "faults",
]);

function* objectsOf(schema: Schema, path: string): Generator<{ path: string; schema: Schema }> {
  if (schema.type === "object") yield { path, schema };
  for (const [name, member] of Object.entries(schema.properties ?? {})) yield* objectsOf(member, `${path}.${name}`);
  if (schema.items) yield* objectsOf(schema.items, `${path}[]`);
  for (const branch of schema.anyOf ?? []) yield* objectsOf(branch, path);
}

test("every object of every reply is closed: its members are named and required", async () => {
  const api = (await describeApi()) as { paths: Record<string, Record<string, Operation>> };
  const replies = Object.values(api.paths)
    .flatMap((methods) => Object.values(methods))
    .flatMap(({ operationId = "", responses }) => {
      const schema = responses["200"]?.content?.["application/json"]?.schema;
      return schema === undefined ? [] : [...objectsOf(schema, operationId)];
    });
  expect(replies.length).toBeGreaterThan(20);
  for (const { path, schema } of replies) {
    const { properties, required = [], additionalProperties } = schema;
    // A map has no names, but a form for its values; a problem may carry members of its own.
    if (properties === undefined) {
      expect([path, typeof additionalProperties === "object" || path.endsWith(".problem")]).toEqual([path, true]);
      continue;
    }
    expect([path, additionalProperties]).toEqual([path, false]);
    const optional = Object.keys(properties).filter((name) => !required.includes(name) && !OPEN.has(name));
    expect([path, optional]).toEqual([path, []]);
  }
});
