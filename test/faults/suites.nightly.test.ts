// The fault suites at their full length, as a part of the nightly tests. Their short form is `node tools/faults.ts`.

import { expect, test } from "vitest";
import { Report } from "./suite.ts";
import { SUITES } from "./suites.ts";

const LONGEST_MS = 1_200_000;

test.each(SUITES.map((suite) => ({ suite, title: `${suite.name}: ${suite.promise}` })))(
  "$title",
  async ({ suite }) => {
    const report = new Report();
    await suite.run("long", report);
    process.stdout.write(`${suite.name}: ${report.figures()}\n`);
    expect(report.violations()).toEqual([]);
  },
  LONGEST_MS,
);
