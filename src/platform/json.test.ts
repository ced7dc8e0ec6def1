import fc from "fast-check";
import { expect, test } from "vitest";
import { JSON_DEPTH_MAX, JSON_MEMBERS_MAX, JsonNumber, parseJson, reviveNumbers } from "./json.ts";
import { processorMs } from "../../test/setup/processor-time.ts";

function parse(text: string | Buffer, membersMax?: number) {
  return parseJson(Buffer.from(text), membersMax);
}

/** The document with plain numbers; undefined when it is refused. */
function read(text: string): unknown {
  const outcome = parse(text);
  return "code" in outcome ? undefined : reviveNumbers(outcome.value, {}).value;
}

/** The field that a refusal names, "" for the whole body; "accepted" when there is no refusal. */
function refusedAt(text: string | Buffer): string {
  const outcome = parse(text);
  return "code" in outcome ? (outcome.path ?? "") : "accepted";
}

test("a body without numbers is what JSON.parse makes of it", () => {
  expect(parse('{"a":["x",null,true],"b":{"c":""}}')).toEqual({ value: { a: ["x", null, true], b: { c: "" } }, hasNumbers: false });
});

test("every number keeps its text", () => {
  expect(parse('{"a":1.10,"b":[9007199254740993,-1E+2]}')).toEqual({
    value: { a: new JsonNumber("1.10"), b: [new JsonNumber("9007199254740993"), new JsonNumber("-1E+2")] },
    hasNumbers: true,
  });
  expect(parse("0.10")).toEqual({ value: new JsonNumber("0.10"), hasNumbers: true });
});

test("digits inside strings are no numbers", () => {
  expect(parse('{"a":"12","b-1":"-"}')).toHaveProperty("hasNumbers", false);
});

test.each([
  ["a duplicate", '{"amount":1,"amount":1000}', "amount"],
  ["a duplicate with equal values", '{"a":"x","a":"x"}', "a"],
  ["a duplicate written as an escape", '{"a":1,"\\u0061":2}', "a"],
  ["a duplicate of the empty name", '{"":1,"":2}', ""],
  ["a duplicate deep down", '{"transactions":[{"amount":"1"},{"amount":"1","note":{},"amount":"2"}]}', "transactions.1.amount"],
  ["a duplicate after an array", '{"a":[1,2],"a":3}', "a"],
  ["a duplicate after an object", '{"x":{"a":{"b":1},"c":2,"a":3}}', "x.a"],
  ["a duplicate at the root's array", '[{"a":1},{"a":1,"a":1}]', "1.a"],
  ["a quote in a name", '{"a\\"":1,"a\\u0022":2}', 'a"'],
  ["__proto__", '{"metadata":{"__proto__":{"admin":true}}}', "metadata.__proto__"],
  ["__proto__ written as escapes", '{"\\u005f_proto__":1}', "__proto__"],
  ["NUL", '{"name":"a\\u0000b"}', "name"],
  ["NUL in an array", '{"names":["a","\\u0000"]}', "names.1"],
  ["the first half of a pair", '{"name":"\\ud83d"}', "name"],
  ["the first half of a pair before a letter", '{"name":"\\ud83dx"}', "name"],
  ["two first halves", '{"name":"\\ud83d\\ud83d"}', "name"],
  ["the second half of a pair", '{"name":"\\ude00"}', "name"],
])("%s is refused by name", (_what, text, path) => {
  expect(refusedAt(text)).toBe(path);
});

test.each([
  ["the same name in two objects", '{"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]}'],
  ["a name that is its parent's", '{"a":{"a":{"a":1}}}'],
  ["a value that is the name", '{"a":"a","b":"a"}'],
  ["a whole surrogate pair", '{"a":"\\ud83d\\ude00 \\uD83D\\uDE00"}'],
  ["an escaped backslash before u0000", '{"a":"\\\\u0000"}'],
  ["names that exist on every object", '{"constructor":{"prototype":"x"},"toString":"y"}'],
  ["a name with a colon, comma, brace and quote", '{"a:,{}[]\\"":{"b":1}}'],
  ["white space", ' \r\n\t{ "a" : [ 1 , 2 ] } '],
])("%s is accepted", (_what, text) => {
  expect(refusedAt(text)).toBe("accepted");
});

test.each([
  ["nothing", ""],
  ["a trailing comma", '{"a":1,}'],
  ["a comment", '{"a":1} // x'],
  ["NaN", '{"a":NaN}'],
  ["Infinity", "[-Infinity]"],
  ["two documents", "{}{}"],
  ["single quotes", "{'a':1}"],
  ["an unquoted name", "{a:1}"],
  ["a leading zero", "[01]"],
  ["a plus sign", "[+1]"],
  ["a bare point", "[1.]"],
  ["a hexadecimal number", "[0x10]"],
  ["an open string", '{"a":"b'],
  ["an open escape", '"\\'],
  ["an open unicode escape", '"\\u00'],
  ["a broken unicode escape", '{"\\u00zz":1}'],
  ["a line break in a string", '"a\nb"'],
  ["a raw NUL", '"a\u0000b"'],
  ["too many closing brackets", "{}}"],
  ["only closing brackets", "]]]"],
  ["a byte order mark", "\ufeff{}"],
  ["a byte order mark inside", "{\ufeff}"],
  ["UTF-16 with a mark", Buffer.from("\ufeff{}", "utf16le")],
  ["UTF-16 without a mark", Buffer.from('{"a":"b"}', "utf16le")],
  ["bytes that are no UTF-8", Buffer.from([0x22, 0xff, 0x22])],
  ["an overlong encoding", Buffer.from([0x22, 0xc0, 0x80, 0x22])],
  ["a surrogate in UTF-8", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
])("%s is no JSON document", (_what, text) => {
  expect(refusedAt(text)).toBe("");
});

test("nesting is bounded", () => {
  const nested = (depth: number) => "[".repeat(depth) + "]".repeat(depth);
  expect(refusedAt(nested(JSON_DEPTH_MAX))).toBe("accepted");
  expect(parse(nested(JSON_DEPTH_MAX + 1))).toHaveProperty("message", "The body must not be nested deeper than 64 levels.");
});

test("members and elements are counted together, and an endpoint may allow more", () => {
  const members = (count: number) => `{"a":{${Array.from({ length: count - 1 }, (_, i) => `"m${i}":""`).join(",")}}}`;
  expect(refusedAt(members(JSON_MEMBERS_MAX))).toBe("accepted");
  expect(parse(members(JSON_MEMBERS_MAX + 1))).toHaveProperty("message", "The body must not have more than 10000 members and elements.");
  expect(parse(members(JSON_MEMBERS_MAX + 1), 20_000)).toHaveProperty("value");
  expect(parse(`[${"1,".repeat(JSON_MEMBERS_MAX)}1]`)).toHaveProperty("code", "malformed");
});

test("a refusal never quotes the body", () => {
  const outcome = parse('{"iban":"LT601010012345678901" oops');
  expect(JSON.stringify(outcome)).not.toContain("LT60");
});

test("a duplicate is found among any number of names, wherever it stands", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ unit: "binary" }), { minLength: 1, maxLength: 60, size: "max" }), fc.nat(), (names, pick) => {
      fc.pre(names.every((name) => name !== "__proto__" && !name.includes("\u0000")));
      const member = (name: string) => `${JSON.stringify(name)}:[{}]`;
      expect(refusedAt(`{${names.map(member).join(",")}}`)).toBe("accepted");
      expect(refusedAt(`{${[...names, names[pick % names.length] ?? ""].map(member).join(",")}}`)).toBe(names[pick % names.length]);
    }),
  );
});

test("what is accepted is exactly what JSON.parse reads, and nothing it refuses is accepted", () => {
  const token = fc.constantFrom(
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"a"',
    '"b"',
    '"\\u0061"',
    '"\\\\"',
    '"',
    "\\",
    "1",
    "-",
    "0.5",
    "true",
    "null",
    " ",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        fc.array(token, { maxLength: 12 }).map((tokens) => tokens.join("")),
      ),
      (text) => {
        const value = read(text);
        if (value !== undefined) expect(value).toStrictEqual(JSON.parse(text));
      },
    ),
    { numRuns: 5000 },
  );
});

test("every document that JSON.stringify writes is accepted", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "grapheme" }), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!text.includes('"__proto__"') && !text.includes("\\u0000"));
      expect(read(text)).toEqual(JSON.parse(text));
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ["a million brackets", "[".repeat(1_000_000)],
  ["a hundred thousand members", `{${Array.from({ length: 100_000 }, (_, i) => `"m${i}":1`).join(",")}}`],
  ["a string of a megabyte", `{"a":"${"x".repeat(1_000_000)}"}`],
  ["a megabyte of escapes", `{"a":"${"\\u0041".repeat(170_000)}"}`],
  ["a name of a megabyte of escapes, twice", `{"${"\\u0041".repeat(90_000)}":1,"${"A".repeat(90_000)}":1}`],
  ["a number of a megabyte", `[${"9".repeat(1_000_000)}]`],
])("%s costs milliseconds, not seconds", (_what, text) => {
  const bytes = Buffer.from(text);
  const started = processorMs();
  parseJson(bytes);
  parseJson(bytes, 1_000_000);
  expect(processorMs() - started).toBeLessThan(4_000);
});
