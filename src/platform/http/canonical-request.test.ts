import { expect, test } from "vitest";
import { AmountText, Nullable, strictObject, Type } from "../schema.ts";
import { canonicalBody } from "./canonical-request.ts";

const Part = strictObject({ amount: Type.Optional(Nullable(AmountText)), note: Type.Optional(Nullable(Type.String())) });
const Body = strictObject({ amount: AmountText, parts: Type.Optional(Nullable(Type.Array(Part))), size: Type.Optional(Type.Integer()) });

test("a body is written with its names in order and without white space", () => {
  expect(canonicalBody({ size: 10, parts: [{ note: 'é "q"' }], amount: "1" }, Body)).toBe(
    '{"amount":"1","parts":[{"note":"é \\"q\\""}],"size":10}',
  );
});

test("names stand in the order of their code units, numbers too", () => {
  expect(canonicalBody({ b: 1, a: 2, B: 3, "10": 4, "9": 5 }, undefined)).toBe('{"10":4,"9":5,"B":3,"a":2,"b":1}');
});

test("the items of a list are written each by its own names, be they those of the item before or as many others", () => {
  const list = [{ b: 1, a: 2 }, { b: 3, a: 4 }, { a: 5, b: 6 }, { b: 7, c: 8 }, { c: 9, a: 0, b: 1 }, {}];
  expect(canonicalBody(list, undefined)).toBe('[{"a":2,"b":1},{"a":4,"b":3},{"a":5,"b":6},{"b":7,"c":8},{"a":0,"b":1,"c":9},{}]');
});

test("an amount is its value, wherever it stands; other texts are themselves", () => {
  const body = { amount: "10.500", parts: [{ amount: "2.00", note: "2.00" }, { amount: "200" }] };
  expect(canonicalBody(body, Body)).toBe('{"amount":"10.5","parts":[{"amount":"2","note":"2.00"},{"amount":"200"}]}');
});

test("null is like absent in an object, and keeps its place in a list", () => {
  expect(canonicalBody({ amount: "1", parts: null, note: undefined }, Body)).toBe('{"amount":"1"}');
  expect(canonicalBody({ list: [null, { a: null }] }, undefined)).toBe('{"list":[null,{}]}');
});

test("what the schema does not know is written as it is", () => {
  expect(canonicalBody({ more: { amount: "1.0" }, amount: true }, Body)).toBe('{"amount":true,"more":{"amount":"1.0"}}');
  expect(canonicalBody("1.0", undefined)).toBe('"1.0"');
});
