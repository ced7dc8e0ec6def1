import { type TSchema, Type } from "typebox";
import { expect, test } from "vitest";
import { buildAjv, buildQueryAjv, describeErrors } from "./ajv.ts";
import { FIELDS_MAX } from "./field-errors.ts";
import { AmountText, CurrencyCode, DateText, Email, enumOf, Nullable, SignedAmountText, strictObject, Uuid } from "./schema.ts";
import { processorMs } from "../../test/setup/processor-time.ts";

const ajv = buildAjv();
const queryAjv = buildQueryAjv();

/** The complaints about a body, by field; {} when it is accepted. */
function complaints(schema: TSchema, body: unknown): Record<string, string[]> {
  const validate = ajv.compile(schema);
  return validate(body) ? {} : describeErrors(validate.errors ?? []);
}

/** The complaints about one value. */
function about(schema: TSchema, value: unknown): string[] | undefined {
  return complaints(strictObject({ field: schema }), { field: value })["field"];
}

const Address = strictObject({
  streetLine1: Type.String({ minLength: 1, maxLength: 255, pattern: "^[A-Za-z0-9./,()\\-# ]+$" }),
  streetLine2: Type.Optional(Nullable(Type.String())),
  country: Type.String({ minLength: 2, maxLength: 2 }),
});

const Import = strictObject({
  riskLevel: enumOf(["low", "medium", "high", "prohibited"]),
  email: Email,
  birth: DateText,
  address: Address,
  transactions: Type.Optional(Type.Array(strictObject({ amount: AmountText, currency: CurrencyCode }), { minItems: 1, maxItems: 50 })),
});

const valid = {
  riskLevel: "low",
  email: "user@example.com",
  birth: "1990-02-28",
  address: { streetLine1: "Main St. 1/2", country: "LT" },
};

test("a right body is accepted and left as it is", () => {
  const body = structuredClone(valid);
  expect(complaints(Import, body)).toEqual({});
  expect(body).toEqual(valid);
});

test("everything wrong is named at once, by dotted path, in the same order every time", () => {
  const body = {
    ...valid,
    riskLevel: "Low",
    birth: "2023-02-30",
    address: { streetLine1: "", country: "LTU", planet: "Earth" },
    transactions: [
      { amount: "1.00", currency: "EUR" },
      { amount: "1,00", currency: "eur", note: 1 },
    ],
    "a/b~c": 1,
  };
  const expected = {
    "a/b~c": ["The field is not known."],
    "address.country": ["The field must have a length of 2."],
    "address.planet": ["The field is not known."],
    "address.streetLine1": [
      "The field must have a length between 1 and 255.",
      "The field must match the pattern ^[A-Za-z0-9./,()\\-# ]+$.",
    ],
    birth: ["The field must be a date (YYYY-MM-DD)."],
    riskLevel: ["The field must be one of: low, medium, high, prohibited."],
    "transactions.1.amount": ['The field must be a decimal number without a sign, such as "10.50".'],
    "transactions.1.currency": ["The field must match the pattern ^[A-Z]{3}$."],
    "transactions.1.note": ["The field is not known."],
  };
  expect(complaints(Import, body)).toEqual(expected);
  expect(Object.keys(complaints(Import, body))).toEqual(Object.keys(expected));
});

test("what is missing is named where it should be", () => {
  expect(complaints(Import, { address: {} })).toEqual({
    "address.country": ["The field is required."],
    "address.streetLine1": ["The field is required."],
    birth: ["The field is required."],
    email: ["The field is required."],
    riskLevel: ["The field is required."],
  });
});

test.each([null, [], "text", 1, true])("a body that is %j is refused as a whole", (body) => {
  expect(complaints(Import, body)).toEqual({ $: ["The field must be an object."] });
});

test.each<[string, TSchema, unknown, string[]]>([
  ["a nullable text that is too long", Nullable(Type.String({ maxLength: 3 })), "long", ["The field must have a length of at most 3."]],
  ["a nullable text that is a number", Nullable(Type.String()), 1, ["The field must be a string or null."]],
  ["a nullable word that is another", Nullable(enumOf(["a", "b"])), "c", ["The field must be one of: a, b."]],
  ["a nullable date that is none", Nullable(DateText), "2023-02-30", ["The field must be a date (YYYY-MM-DD)."]],
  ["a nullable date that is a number", Nullable(DateText), 20230228, ["The field must be a date (YYYY-MM-DD)."]],
  ["a union of words", Type.Union([Type.Literal("a"), Type.Literal("b")]), "c", ["The field must be one of: a, b."]],
  ["a word that is a number", enumOf(["a", "b"]), 1, ["The field must be one of: a, b."]],
  ["a text that is null", Type.String(), null, ["The field must be a string."]],
  ["a text that is an array", Type.String(), ["x"], ["The field must be a string."]],
  ["an amount that is true", AmountText, true, ['The field must be a decimal number without a sign, such as "10.50".']],
  ["an amount that is a bare number", AmountText, 1, ['The field must be a decimal number without a sign, such as "10.50".']],
  ["an amount with a sign", AmountText, "-1", ['The field must be a decimal number without a sign, such as "10.50".']],
  ["a signed amount with a plus", SignedAmountText, "+1", ['The field must be a decimal number, such as "-10.50".']],
  ["a number as text", Type.Integer(), "1", ["The field must be a whole number."]],
  ["a fraction", Type.Integer(), 1.5, ["The field must be a whole number."]],
  ["a number out of range", Type.Integer({ minimum: 1, maximum: 100 }), 101, ["The field must be between 1 and 100."]],
  ["a number below its minimum", Type.Integer({ minimum: 1 }), 0, ["The field must be at least 1."]],
  ["a number not above its bound", Type.Number({ exclusiveMinimum: 0 }), 0, ["The field must be greater than 0."]],
  ["too short", Type.String({ minLength: 2 }), "x", ["The field must have a length of at least 2."]],
  ["too many elements", Type.Array(Type.String(), { maxItems: 1 }), ["a", "b"], ["The field must have at most 1 elements."]],
  ["too few elements", Type.Array(Type.String(), { minItems: 1, maxItems: 50 }), [], ["The field must have between 1 and 50 elements."]],
  ["an element twice", Type.Array(Type.String(), { uniqueItems: true }), ["a", "a"], ["The field must not have the same element twice."]],
  ["an empty change", Type.Object({}, { minProperties: 1 }), {}, ["The field must have at least 1 members."]],
  ["another constant", Type.Literal(true), false, ["The field must be true."]],
  ["not a boolean", Type.Boolean(), "true", ["The field must be true or false."]],
  ["no UUID", Uuid, "0197b0a44b1c7cc080003d3b2a1f0e00", ["The field must be a UUID with hyphens."]],
])("%s", (_what, schema, value, sentences) => {
  expect(about(schema, value)).toEqual(sentences);
});

test("of a nullable object the caller reads what is wrong inside, field by field", () => {
  const schema = strictObject({ address: Nullable(Address), other: Nullable(Address) });
  expect(complaints(schema, { address: { streetLine1: "x", country: "LTU" }, other: "text" })).toEqual({
    "address.country": ["The field must have a length of 2."],
    other: ["The field must be an object or null."],
  });
});

test("of two forms the caller reads about the one that is nearer", () => {
  const byId = strictObject({ kind: Type.Literal("id"), id: Uuid });
  const byNumber = strictObject({ kind: Type.Literal("number"), number: Type.String({ maxLength: 4 }) });
  const schema = strictObject({ items: Type.Array(Type.Union([byId, byNumber])) });
  expect(complaints(schema, { items: [{ kind: "number", number: "12345" }] })).toEqual({
    "items.0.number": ["The field must have a length of at most 4."],
  });
});

test("unions inside an array do not mix up their elements", () => {
  const schema = strictObject({ items: Type.Array(Nullable(Type.String({ maxLength: 1 }))) });
  const items = Array.from({ length: 12 }, (_, i) => (i === 1 ? 5 : i === 10 ? "xx" : "x"));
  expect(complaints(schema, { items })).toEqual({
    "items.1": ["The field must be a string or null."],
    "items.10": ["The field must have a length of at most 1."],
  });
});

test("the name of a free member is complained about as a name", () => {
  const schema = strictObject({
    metadata: Type.Record(Type.String({ pattern: "^[a-z]{1,3}$" }), Type.String(), { additionalProperties: false }),
  });
  expect(complaints(schema, { metadata: { ok: "1", "no!": "2" } })).toEqual({
    "metadata.no!": ["The name of the field must match the pattern ^[a-z]{1,3}$."],
  });
});

test("lengths count characters, not halves of them", () => {
  expect(about(Type.String({ maxLength: 2 }), "😀😀")).toBeUndefined();
  expect(about(Type.String({ maxLength: 2 }), "😀😀😀")).toBeDefined();
});

test("the patterns of the documentation mean what they mean there", () => {
  const name = Type.String({ pattern: "^[A-Za-z\\-.' ]+$" });
  const accepted = ["Anna-Maria", "O'Brien", "   "].filter((text) => about(name, text) === undefined);
  const refused = ["José", "O\u2019Brien", "\u0430", "abc\n", "\nabc", "-1", ""].filter((text) => about(name, text) !== undefined);
  expect([accepted.length, refused.length]).toEqual([3, 7]);
});

test("a pattern that the u flag does not know stops the start, not the first request", () => {
  expect(() => ajv.compile(Type.String({ pattern: "^[A-Za-z0-9\\.\\/\\,\\(\\)\\-# ]+$" }))).toThrow(/Invalid/);
});

test("a schema with a mistyped keyword stops the start", () => {
  expect(() => ajv.compile(Type.String({ maxLenght: 3 }))).toThrow(/unknown keyword/);
  expect(() => ajv.compile(Type.String({ format: "amonut" }))).toThrow(/unknown format/);
});

test("equal ids are equal texts after the check, and only ids are touched", () => {
  const upper = "0197B0A4-4B1C-7CC0-8000-3D3B2A1F0E00";
  const body = { id: upper, maybe: upper, list: [upper], either: "ABC" };
  const schema = strictObject({ id: Uuid, maybe: Nullable(Uuid), list: Type.Array(Uuid), either: Type.Union([Uuid, Type.String()]) });
  expect(complaints(schema, body)).toEqual({});
  expect(body).toEqual({ id: upper.toLowerCase(), maybe: upper.toLowerCase(), list: [upper.toLowerCase()], either: "ABC" });
});

test("a default fills what is absent", () => {
  const body = {};
  expect(complaints(strictObject({ type: Type.Optional(Type.String({ default: "transfer" })) }), body)).toEqual({});
  expect(body).toEqual({ type: "transfer" });
});

test("a query's text becomes the number, truth value or list that is asked for; two values for one are refused", () => {
  const schema = strictObject({
    pageNumber: Type.Integer({ minimum: 1, default: 1 }),
    statuses: Type.Optional(Type.Array(enumOf(["active", "closed"]))),
    includeTotalCount: Type.Optional(Type.Boolean()),
    amountFrom: Type.Optional(AmountText),
  });
  const validate = queryAjv.compile(schema);
  const query = { pageNumber: "2", statuses: "active", includeTotalCount: "true", amountFrom: "10.50" };
  expect(validate(query)).toBe(true);
  expect(query).toEqual({ pageNumber: 2, statuses: ["active"], includeTotalCount: true, amountFrom: "10.50" });
  expect(validate({ pageNumber: ["1", "2"] })).toBe(false);
  expect(describeErrors(validate.errors ?? [])).toEqual({ pageNumber: ["The field must be a whole number."] });
  expect(validate({ pageNumber: "1", statuses: ["active", "x"], unknown: "1" })).toBe(false);
  expect(describeErrors(validate.errors ?? [])).toEqual({
    "statuses.1": ["The field must be one of: active, closed."],
    unknown: ["The field is not known."],
  });
});

test("names from outside stay names: no complaint sets a prototype", () => {
  const query = JSON.parse('{"__proto__":"x","constructor":"y"}');
  const found = complaints(strictObject({}), query);
  expect(Object.keys(found)).toEqual(["__proto__", "constructor"]);
  expect(Object.getPrototypeOf(found)).toBe(Object.prototype);
});

test("a body wrong in ten thousand places is answered soon and shortly", () => {
  const schema = strictObject({ items: Type.Array(Nullable(Type.Union([Uuid, DateText]))) });
  const body = { items: Array.from({ length: 10_000 }, () => "x"), [`n${"x".repeat(100_000)}`]: 1 };
  const started = processorMs();
  const found = complaints(schema, body);
  expect(processorMs() - started).toBeLessThan(1000);
  expect(Object.keys(found)).toHaveLength(FIELDS_MAX);
  expect(JSON.stringify(found).length).toBeLessThan(20_000);
});

test("a complaint never quotes the value", () => {
  const secret = "LT601010012345678901";
  const found = [
    about(DateText, secret),
    about(enumOf(["a"]), secret),
    about(Type.String({ maxLength: 1 }), secret),
    about(Type.Integer(), secret),
  ];
  expect(JSON.stringify(found)).not.toContain(secret);
});
