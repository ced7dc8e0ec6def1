import { expect, test } from "vitest";
import { withDatabase, withoutPassword } from "./database-url.ts";

test.each([
  ["postgresql://ann:secret@db.example:5433/bank", "postgresql://ann:secret@db.example:5433/copy"],
  ["postgres://localhost/bank?sslmode=require", "postgres://localhost/copy?sslmode=require"],
  ["postgresql://ann@/bank?host=/run/pg&port=5433", "postgresql://ann@/copy?host=/run/pg&port=5433"],
  ["postgresql:///bank?host=/run/pg", "postgresql:///copy?host=/run/pg"],
  ["postgresql://ann@%2Frun%2Fpg/bank", "postgresql://ann@%2Frun%2Fpg/copy"],
])("only the database's name changes: %s", (given, expected) => {
  expect(withDatabase(given, "copy")).toBe(expected);
});

test("an address without a database is refused, and its password is not told", () => {
  expect(() => withDatabase("postgresql://ann:secret@db.example", "copy")).toThrow("postgresql://ann:***@db.example");
  expect(withoutPassword("postgresql://ann:secret@db.example/bank")).toBe("postgresql://ann:***@db.example/bank");
});
