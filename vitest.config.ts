// Four groups of tests. `pure` needs nothing and takes milliseconds; `database` needs PostgreSQL and starts one when
// DATABASE_URL is absent; `embedded` starts and shoots servers of its own, whatever DATABASE_URL says; `nightly` (npm test -- --nightly) holds what is too long or too rough for every change.
// A group whose files are not selected starts nothing: running one pure file never waits for a database.

import { defineConfig } from "vitest/config";

const nightly = process.env["FINLEGO_NIGHTLY"] === "1";
const everywhere = ["src", "test"];
const bringTheirServer = "src/platform/embedded-postgres/**/*.db.test.ts";
const neverHere = ["**/node_modules/**", "test/faults/**", "**/*.nightly.test.ts"];

export default defineConfig({
  test: {
    // One more than most machines that run them have to spare: many tests wait for servers that they start or kill.
    maxWorkers: 3,
    projects: [
      {
        test: {
          name: "pure",
          // They share modules, which hold no state that a test could leave behind: half of their time was loading the same files anew.
          isolate: false,
          include: everywhere.map((folder) => `${folder}/**/*.test.ts`),
          exclude: [...neverHere, "**/*.db.test.ts"],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "database",
          // As the pure ones: what a file needs to itself is its database, and it has one.
          isolate: false,
          include: everywhere.map((folder) => `${folder}/**/*.db.test.ts`),
          exclude: [...neverHere, bringTheirServer],
          globalSetup: ["test/setup/global.ts"],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "embedded",
          isolate: false,
          include: [bringTheirServer],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      ...(nightly
        ? [
            {
              test: {
                name: "nightly",
                include: [...everywhere.map((folder) => `${folder}/**/*.nightly.test.ts`), "test/faults/**/*.test.ts"],
                globalSetup: ["test/setup/global.ts"],
                fileParallelism: false,
                testTimeout: 600_000,
                hookTimeout: 120_000,
              },
            },
          ]
        : []),
    ],
  },
});
