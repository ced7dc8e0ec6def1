import fc from "fast-check";
import { type TSchema, Type } from "typebox";
import { expect, test } from "vitest";
import { JsonNumber, parseJson, reviveNumbers } from "./json.ts";

const Amount = Type.String({ format: "amount" });

function revive(text: string, schema: TSchema) {
  const document = parseJson(Buffer.from(text));
  if ("code" in document) throw new Error(document.message);
  return reviveNumbers(document.value, schema);
}

test.each<[string, string]>([
  ["10.50", "10.50"],
  ["1.10", "1.10"],
  ["90071992547409.93", "90071992547409.93"],
  ["0.10000000000000000000001", "0.10000000000000000000001"],
  ["1e2", "100"],
  ["1e-2", "0.01"],
  ["-1", "-1"],
  ["1e400", "1e400"],
  ["1e-400", "1e-400"],
])("the amount %s becomes the text %s", (source, text) => {
  expect(revive(source, Amount)).toEqual({ value: text, faults: [] });
});

test.each<[string, number]>([
  ["1", 1],
  ["-7", -7],
  ["1.0", 1],
  ["0.1", 0.1],
  ["1.50", 1.5],
  ["1e21", 1e21],
  ["15e-1", 1.5],
  ["-0", 0],
  ["9007199254740991", 9007199254740991],
])("%s elsewhere becomes the number %d", (source, number) => {
  const { value, faults } = revive(source, Type.Number());
  expect([Object.is(value, number), faults]).toEqual([true, []]);
});

test.each(["9007199254740993", "0.10000000000000000000001", "1e400", "1e-400", "-1e999", `1${"0".repeat(100)}`, "9".repeat(100_000)])(
  "%.30s elsewhere is refused, because digits would be lost",
  (source) => {
    const { value, faults } = revive(`{"page":[${source}]}`, Type.Object({ page: Type.Array(Type.Number()) }));
    expect(faults).toEqual([{ path: "page.0", message: "The field must be a number of at most 15 digits." }]);
    expect(value).toEqual({ page: [new JsonNumber(source)] });
  },
);

test("the fault of a body that is a number names the body", () => {
  expect(revive("9007199254740993", Type.Object({})).faults).toHaveProperty("0.path", "$");
});

test("amounts are found in objects, arrays, unions, records and nullable fields", () => {
  const Line = Type.Object({ amount: Amount, count: Type.Integer() });
  const schema = Type.Object({
    amount: Amount,
    limit: Type.Union([Amount, Type.Null()]),
    lines: Type.Optional(Type.Array(Line)),
    either: Type.Union([Type.Object({ fee: Amount }), Type.Object({ fee: Type.Number(), level: Type.Number() })]),
    both: Type.Intersect([Type.Object({ a: Amount }), Type.Object({ b: Type.Number() })]),
    perCurrency: Type.Record(Type.String(), Amount),
    pair: Type.Tuple([Amount, Amount]),
    signed: Type.String({ format: "signed-amount" }),
    none: Type.Union([Amount, Type.Null()]),
  });
  const body = `{"amount":1.10,"limit":2.20,"lines":[{"amount":3.30,"count":4},{"amount":"5.50","count":6}],
    "either":{"fee":7.70,"level":8},"both":{"a":9.90,"b":1.0},"perCurrency":{"EUR":1.20},"pair":[1.0,2.0],"signed":-3.0,"none":null}`;
  expect(revive(body, schema)).toEqual({
    value: {
      amount: "1.10",
      limit: "2.20",
      lines: [
        { amount: "3.30", count: 4 },
        { amount: "5.50", count: 6 },
      ],
      either: { fee: "7.70", level: 8 },
      both: { a: "9.90", b: 1 },
      perCurrency: { EUR: "1.20" },
      pair: ["1.0", "2.0"],
      signed: "-3.0",
      none: null,
    },
    faults: [],
  });
});

test("what the schema does not know becomes a plain number, whatever the shape", () => {
  const schema = Type.Object({ amount: Amount });
  expect(revive('{"amount":[1.5],"unknown":{"deep":[1.5,"x"]}}', schema).value).toEqual({ amount: [1.5], unknown: { deep: [1.5, "x"] } });
  expect(revive('{"constructor":1,"toString":{"amount":2}}', schema).value).toEqual({ constructor: 1, toString: { amount: 2 } });
});

test("where the schema takes anything, a number that would lose digits is no fault and stays as it was written", () => {
  const Item = Type.Object({ amount: Amount, count: Type.Integer() });
  const schema = Type.Object({ items: Type.Array(Type.Union([Item, Type.Unknown()])), count: Type.Integer() });
  expect(revive('{"items":[{"amount":1.10,"count":1e400},7,1e400]}', schema)).toEqual({
    value: { items: [{ amount: "1.10", count: new JsonNumber("1e400") }, 7, new JsonNumber("1e400")] },
    faults: [],
  });
  expect(revive('{"items":[],"count":1e400}', schema).faults).toHaveLength(1);
});

test("every double comes back as itself, and every amount as its text", () => {
  const schema = Type.Object({ amount: Amount, number: Type.Number() });
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.bigInt(0n, 10n ** 40n), fc.nat(999), (number, whole, fraction) => {
      const { value } = revive(`{"amount":${whole}.${fraction},"number":${JSON.stringify(number)}}`, schema);
      expect(value).toEqual({ amount: `${whole}.${fraction}`, number: number === 0 ? 0 : number });
    }),
    { numRuns: 2000 },
  );
});
