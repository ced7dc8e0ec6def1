// What the database may do to a unit of work, told apart: a violated constraint by its name, "not now" (503), an outcome that nobody
// knows, and a bug. Judged by kind and SQLSTATE, never by the words of a message: "timeout" in a text proves nothing.

import pg from "pg";
import { platformProblems, type Problem, problemOf } from "./problem.ts";

/** The COMMIT's fate is not known: the connection broke or the standby's confirmation was cancelled. Answered 503; the idempotency key settles it. */
export class OutcomeUnknown extends Error {}

/** There is no connection, or it broke before anything was committed: the work had no effect. Answered 503. */
export class DatabaseAway extends Error {}

export function isServerError(error: unknown): error is pg.DatabaseError {
  return error instanceof pg.DatabaseError;
}

/** SQLSTATE of a database error, or null. */
export function sqlState(error: unknown): string | null {
  return isServerError(error) ? (error.code ?? null) : null;
}

/** Deadlock or serialization failure: the transaction had no effect and may run again. */
export function isRetryable(error: unknown): boolean {
  const state = sqlState(error);
  return state === "40001" || state === "40P01";
}

/** The server's last word on a connection (shut down, crashed, protocol broken): what it was doing may be done or not. */
export function endsConnection(error: unknown): boolean {
  return /^(57P|08)/.test(sqlState(error) ?? "");
}

/**
 * What the driver threw, by kind. A server's error has an SQLSTATE and stays what it is, and so does a value that could not be written
 * or read (a bug of ours); whatever else a driver throws (broken socket, time-out, name not found) means that the server is not there.
 */
export function withoutServer(error: unknown): unknown {
  const isBug = error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
  return isServerError(error) || isBug ? error : new DatabaseAway("the connection to the database is gone", { cause: error });
}

/** Turns a violated constraint, by its name, into a refusal at the statement that can raise it. */
export async function onConstraint<T>(work: Promise<T>, constraint: string, refuse: () => never): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isServerError(error) && error.constraint === constraint) return refuse();
    throw error;
  }
}

/** 503: the same call may be repeated, with the same key. `cause` is for the log. */
export function busy(detail: string, cause?: unknown): Problem {
  return problemOf(platformProblems, "busy", { detail, headers: { "retry-after": "1" }, ...(cause === undefined ? {} : { cause }) });
}

/** Lock and statement time-outs, a server that is away or full and an unknown outcome are all "not now" (503), never a refusal. Null: none of these. */
export function toBusy(error: unknown): Problem | null {
  if (error instanceof OutcomeUnknown) return busy("The outcome is not known yet. Repeat the call with the same key to learn it.", error);
  if (error instanceof DatabaseAway) return busy("The database is not available.", error);
  const state = sqlState(error);
  if (state === null) return null;
  if (state === "55P03") return busy("A needed row is locked by another call.", error);
  if (state === "57014") return busy("The database took too long.", error);
  // 25P03: idle for too long inside the transaction. 25006: the server has become a standby. 53: a disk or the connections are used up.
  if (/^(57P|08|53)/.test(state) || ["25P03", "25006", "58030"].includes(state)) return busy("The database is not available.", error);
  return null;
}
