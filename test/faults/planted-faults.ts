// All mutants as a suite of the night; in the short form the first of them, to see that the check itself works.

import { MUTANTS, tryMutant } from "./mutants.ts";
import { runAlone, type Suite } from "./suite.ts";

export const plantedFaults: Suite = {
  name: "planted-faults",
  promise: "Each guarantee that is taken away is missed by the test that is named for it.",
  nightly: true,
  async run(size, report) {
    for (const mutant of size === "long" ? MUTANTS : MUTANTS.slice(0, 1)) {
      const { fate, said } = await tryMutant(mutant);
      report.expect(fate === "killed", `${mutant.name}: ${fate} (${said})`);
      report.count("planted");
    }
  },
};

await runAlone(import.meta, plantedFaults);
