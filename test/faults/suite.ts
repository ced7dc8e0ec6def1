// What a fault suite is: it hurts a running bank from outside, and reports every promise that did not hold. Each one runs alone
// (`node test/faults/double-spend.ts --short`), with the others (`node tools/faults.ts --short`) and in the nightly tests.

/** `short` is for every change, `long` for the night. */
export type Size = "short" | "long";

export type Suite = {
  readonly name: string;
  /** The promise, as a sentence. */
  readonly promise: string;
  /** Left out of the short run unless it is named. */
  readonly nightly?: true;
  readonly run: (size: Size, report: Report) => Promise<void>;
};

const VIOLATIONS_SHOWN = 20;
const VIOLATION_LENGTH_MAX = 700;

/** Collects figures and broken promises. A suite goes on after a broken one: the next may tell more. */
export class Report {
  readonly #violations: string[] = [];
  readonly #figures = new Map<string, number | string>();
  #broken = 0;

  expect(holds: boolean, rule: string): void {
    if (holds) return;
    this.#broken++;
    if (this.#violations.length < VIOLATIONS_SHOWN)
      this.#violations.push(rule.length > VIOLATION_LENGTH_MAX ? `${rule.slice(0, VIOLATION_LENGTH_MAX)} …` : rule);
  }

  expectEqual(found: unknown, wanted: unknown, what: string): void {
    const [left, right] = [JSON.stringify(found), JSON.stringify(wanted)];
    this.expect(left === right, `${what}: ${left}, expected ${right}`);
  }

  count(figure: string, by = 1): void {
    this.#figures.set(figure, Number(this.#figures.get(figure) ?? 0) + by);
  }

  set(figure: string, value: number | string): void {
    this.#figures.set(figure, value);
  }

  figure(name: string): number {
    return Number(this.#figures.get(name) ?? 0);
  }

  get broken(): number {
    return this.#broken;
  }

  figures(): string {
    return [...this.#figures].map(([name, value]) => `${name} ${value}`).join(", ");
  }

  violations(): readonly string[] {
    return this.#violations;
  }
}

/** Runs a suite and prints one line with its figures, then what was broken. True: nothing was. */
export async function runSuite(suite: Suite, size: Size): Promise<boolean> {
  const report = new Report();
  const started = performance.now();
  try {
    await suite.run(size, report);
  } catch (error) {
    report.expect(false, `the suite itself failed: ${error instanceof Error ? error.stack : String(error)}`);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const passed = report.broken === 0;
  say(`${passed ? "ok    " : "BROKEN"}  ${suite.name.padEnd(20)} ${seconds.padStart(6)} s  ${report.figures()}`);
  if (!passed) {
    say(`        ${suite.promise}`);
    for (const violation of report.violations()) say(`        - ${violation}`);
    if (report.broken > VIOLATIONS_SHOWN) say(`        - and ${report.broken - VIOLATIONS_SHOWN} more`);
  }
  return passed;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** For a suite's own file: runs it when the file is the program. */
export async function runAlone(meta: ImportMeta, suite: Suite): Promise<void> {
  if (!meta.main) return;
  process.exitCode = (await runSuite(suite, process.argv.includes("--long") ? "long" : "short")) ? 0 : 1;
}
