// One database per test file: nothing is truncated, files run side by side, and a test may do to its database what it likes.

import { inject } from "vitest";
import { cloneTemplate, type TestDatabase, type TestServer } from "./server.ts";

/** Clones the migrated template (some 15 ms). Call it in `beforeAll`, and `drop` in `afterAll`. */
export async function openTestDatabase(): Promise<TestDatabase> {
  const server = inject("testServer") as TestServer | undefined;
  if (!server) throw new Error("No database server here: a test file that needs PostgreSQL ends in .db.test.ts");
  return cloneTemplate(server);
}
