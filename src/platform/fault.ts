// What a log may hold of an error. Errors quote what they choke on: a row that broke a constraint, a parameter, a piece of a body. That
// may be anybody's name or birth date, so a log gets the kind, the place and the names of things, and words only where they are ours.

import type { DatabaseError } from "pg";
import { isServerError } from "./db-errors.ts";

export type Fault = {
  readonly kind: string;
  readonly message?: string;
  /** SQLSTATE or system error code. */
  readonly code?: string;
  readonly table?: string;
  readonly constraint?: string;
  /** The function of the server that complained. */
  readonly routine?: string;
  /** The frames of the stack, without its first line (which repeats the message). */
  readonly at?: readonly string[];
  readonly cause?: Fault;
};

/** Describes an error without the data it was about. */
export function describeFault(error: unknown): Fault {
  if (!(error instanceof Error)) return { kind: typeof error };
  return {
    kind: error.constructor.name,
    ...(isServerError(error) ? serverWords(error) : ownWords(error)),
    at: framesOf(error),
    ...(error.cause === undefined ? {} : { cause: describeFault(error.cause) }),
  };
}

/** `detail` and `where` quote rows and values; so do the messages of class 22 ("invalid input syntax for type …"). */
function serverWords({ message, code, table, constraint, routine }: DatabaseError): Partial<Fault> {
  const words = { code, table, constraint, routine, message: code?.startsWith("22") === true ? undefined : message };
  return Object.fromEntries(Object.entries(words).filter(([, value]) => value !== undefined));
}

/** The parsers of JSON and BigInt quote their input, always in a SyntaxError. */
function ownWords(error: Error): Partial<Fault> {
  const code = "code" in error && typeof error.code === "string" ? { code: error.code } : {};
  return error instanceof SyntaxError ? code : { ...code, message: error.message };
}

function framesOf({ stack = "" }: Error): string[] {
  return stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line))
    .map((line) => line.trim());
}
