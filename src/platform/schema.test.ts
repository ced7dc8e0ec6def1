import { expect, expectTypeOf, test } from "vitest";
import {
  AmountText,
  CurrencyCode,
  DateOrDateTimeText,
  DateText,
  DateTimeText,
  Email,
  enumOf,
  Nullable,
  SignedAmountText,
  type Static,
  strictObject,
  Type,
  Uuid,
} from "./schema.ts";
import { buildAjv } from "./ajv.ts";

const ajv = buildAjv();

test("every building block accepts its own examples", () => {
  for (const schema of [AmountText, SignedAmountText, CurrencyCode, Uuid, DateText, DateTimeText, DateOrDateTimeText, Email]) {
    const examples: readonly unknown[] = "examples" in schema && Array.isArray(schema.examples) ? schema.examples : [];
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect([example, ajv.validate(schema, example)]).toEqual([example, true]);
  }
});

test("the static type of a schema is the wire's", () => {
  const schema = strictObject({ level: enumOf(["low", "high"]), note: Type.Optional(Nullable(Type.String())), id: Uuid });
  expectTypeOf<Static<typeof schema>>().toEqualTypeOf<{ level: "low" | "high"; note?: string | null; id: string }>();
  expect(schema).toEqual({
    type: "object",
    additionalProperties: false,
    required: ["level", "id"],
    properties: {
      level: { type: "string", enum: ["low", "high"] },
      note: { anyOf: [{ type: "string" }, { type: "null" }] },
      id: { type: "string", format: "uuid", "x-lowercase": true, examples: ["0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00"] },
    },
  });
});

test("an object can not be made to take unknown members", () => {
  expect(strictObject({}, { additionalProperties: true })).toHaveProperty("additionalProperties", false);
});

test.each([
  ["2024-02-29", true],
  ["2023-02-30", false],
  ["0000-01-01", false],
  ["0001-01-01", true],
  ["9999-12-31", true],
  ["2023-02-28T00:00:00Z", false],
  ["20230228", false],
])("the date %s: accepted is %s", (text, accepted) => {
  expect(ajv.validate(DateText, text)).toBe(accepted);
});
