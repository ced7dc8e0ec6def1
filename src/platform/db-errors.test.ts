import pg from "pg";
import { expect, test } from "vitest";
import { DatabaseAway, OutcomeUnknown, toBusy, withoutServer } from "./db-errors.ts";

function refusedWith(code: string): pg.DatabaseError {
  const error = new pg.DatabaseError("said the server", 1, "error");
  error.code = code;
  return error;
}

test.each([
  ["55P03", "a lock that was not to be had"],
  ["57014", "a statement that took too long"],
  ["57P01", "a server that shuts down"],
  ["57P03", "a server that starts"],
  ["08006", "a broken connection"],
  ["53100", "a full disk"],
  ["53300", "too many connections"],
  ["25P03", "a transaction that was idle too long"],
  ["25006", "a server that has become a standby"],
  ["58030", "a disk that fails"],
])("%s (%s) is 503: come again", (code) => {
  expect(toBusy(refusedWith(code))).toMatchObject({ status: 503, code: "busy" });
});

test.each([
  ["23505", "a unique key"],
  ["23514", "a check"],
  ["22P02", "a wrong text"],
  ["42P01", "a table that is not there"],
  ["42501", "a right that is missing"],
  ["25P02", "a statement after a failed one"],
  ["XX000", "a bug of the server"],
])("%s (%s) is not an answer that coming again would change", (code) => {
  expect(toBusy(refusedWith(code))).toBeNull();
});

test.each([
  new TypeError("Cannot read properties of undefined (reading 'timeout')"),
  new Error("the account is closed"),
  new Error("socket factory not configured"),
  Object.assign(new Error("no such file: connection terminated"), { code: "ENOENT", syscall: "open" }),
  Object.assign(new Error("aborted"), { code: "ECONNRESET" }),
  "timeout",
  undefined,
  null,
])("words such as timeout, socket or closed make no database error: %s", (error) => {
  expect(toBusy(error)).toBeNull();
});

test("what the driver throws is the server's word, a bug of ours, or nobody there", () => {
  const refused = refusedWith("23505");
  const bug = new TypeError("Do not know how to serialize a BigInt");
  expect(withoutServer(refused)).toBe(refused);
  expect(withoutServer(bug)).toBe(bug);
  for (const away of [
    new Error("Query read timeout"),
    new AggregateError([], "neither address answers"),
    Object.assign(new Error("connect"), { code: "ECONNREFUSED" }),
  ]) {
    const error = withoutServer(away);
    expect(error).toBeInstanceOf(DatabaseAway);
    expect(toBusy(error)).toMatchObject({ status: 503 });
  }
});

test("an outcome that nobody knows asks for the same key, and its cause goes to the log and not to the caller", () => {
  const cause = new Error("read ECONNRESET 10.0.0.7");
  const unknown = new OutcomeUnknown("the connection broke", { cause });
  const problem = toBusy(unknown);
  expect(problem?.extras.detail).toContain("same key");
  expect(problem?.extras.detail).not.toContain("10.0.0.7");
  expect(problem?.cause).toBe(unknown);
});
