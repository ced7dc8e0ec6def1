// The comparison of catalogues, page and tests sees each way in which a problem code can be forgotten.

import { expect, test } from "vitest";
import { codesOf, contradictions, undocumented, unproduced } from "../tools/rules/problems.ts";

const PATH = "src/general-ledger/problems.ts";
const OTHER = "src/client-profile/problems.ts";
const codes = [{ code: "overspent", path: PATH, status: 409, retry: "later" }];
const SAID = "\n\n**409** · retry: later\n";
const texts = (faults: { message: string }[]): string[] => faults.map((fault) => fault.message);
const inTest = (text: string) => [{ path: "src/a.test.ts", text }];

test("a code with one section and one test is complete", () => {
  expect(undocumented(codes, `# Problems\n\n## overspent${SAID}\nToo much.\n\n## How to read this page\n`)).toEqual([]);
  expect(undocumented(codes, `### \`overspent\`${SAID}`)).toEqual([]);
  expect(unproduced(codes, inTest('test("t", () => expect(code).toBe("overspent"));'))).toEqual([]);
  expect(unproduced(codes, inTest("test('t', () => play(`\n  move 5 a b -> overspent\n`));"))).toEqual([]);
});

test("a code without a section is seen", () => {
  expect(texts(undocumented(codes, "overspent is mentioned, but has no heading"))).toEqual([
    "overspent has no section in docs/problems.md",
  ]);
});

test("a section without a code is seen, and so is a second section, each with its line", () => {
  expect(undocumented(codes, `## overspent${SAID}## gone\n## overspent${SAID}`)).toEqual([
    { path: "docs/problems.md", line: 4, message: "no catalogue has gone" },
    { path: "docs/problems.md", line: 5, message: "overspent has two sections" },
  ]);
});

test.each(["\n\nToo much.\n", "\n\n**400** · retry: later\n", "\n\n**409** · retry: no\n"])(
  "a section that says another status or advice is seen: %j",
  (said) => {
    expect(texts(undocumented(codes, `## overspent${said}`))).toEqual(["overspent should begin with **409** · retry: later"]);
  },
);

test.each([
  ["a comment", "// overspent"],
  ["a test's title", 'test("overspent is refused", () => {});'],
  ["a longer word", 'expect(code).toBe("overspentTwice");'],
  ["an identifier", "expect(code).toBe(overspent);"],
])("%s does not count as producing a code", (_, text) => {
  expect(texts(unproduced(codes, inTest(text)))).toEqual(["no test produces overspent"]);
});

test("one code in two catalogues is one status and one advice, whatever the title", () => {
  const spec = { status: 409, title: "Taken", retry: "no" };
  const twice = (other: object) => [
    { path: PATH, problems: { taken: spec } },
    { path: OTHER, problems: { taken: { ...spec, ...other } } },
  ];
  expect(codesOf(twice({}))).toEqual([{ code: "taken", path: PATH, status: 409, retry: "no" }]);
  expect(contradictions(twice({ title: "The client is taken" }))).toEqual([]);
  expect(texts(contradictions(twice({ status: 422 })))).toEqual([`taken is another problem in ${PATH}`]);
  expect(texts(contradictions(twice({ retry: "later" })))).toEqual([`taken is another problem in ${PATH}`]);
});

test("what a client is answered otherwise than a system has both statuses on its page, and no third one", () => {
  const twice = [403, 409].map((status) => ({ path: PATH, problems: { clientBlocked: { status, title: "Blocked", retry: "later" } } }));
  expect(contradictions(twice)).toEqual([]);
  expect(undocumented(codesOf(twice), "### clientBlocked\n\n**403 or 409** · retry: later\n")).toEqual([]);
  expect(texts(undocumented(codesOf(twice), "### clientBlocked\n\n**403** · retry: later\n"))).toEqual([
    "clientBlocked should begin with **403 or 409** · retry: later",
  ]);
  const third = { path: OTHER, problems: { clientBlocked: { status: 423, title: "Blocked", retry: "later" } } };
  expect(texts(contradictions([...twice, third]))).toEqual([`clientBlocked is another problem in ${PATH}`]);
});
