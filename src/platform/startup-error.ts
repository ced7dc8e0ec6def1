// The one error that a person at a terminal is meant to read. Whoever starts the system (server, worker, cli)
// prints its message alone, without a stack, and exits with 1. Everything else that escapes is a bug and keeps its stack.

/** Something outside this program keeps it from starting. The message is a whole sentence: what is wrong, and what to do. Never holds a secret. */
export class StartupError extends Error {
  override readonly name = "StartupError";
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "this user may not write there",
  EPERM: "this user may not write there",
  EROFS: "the file system is read-only",
  ENOTDIR: "a part of the path is a file, not a folder",
  EEXIST: "a file of that name is in the way",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  ENOENT: "no folder can be made there",
};

/** Turns a file system error into the sentence for its folder; an error that says nothing to a person comes back unchanged. */
export function explainFolderError(error: unknown, folder: string, advice: string): unknown {
  const reason = REASONS[errorCode(error)];
  return reason === undefined ? error : new StartupError(`Cannot write to ${folder}: ${reason}. ${advice}`, { cause: error });
}

/** The code of a system or PostgreSQL error ("ENOENT", "57P03"), or "" when it has none. */
export function errorCode(error: unknown): string {
  return typeof error === "object" && error !== null && "code" in error && typeof error.code === "string" ? error.code : "";
}
