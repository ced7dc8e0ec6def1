// Secrets that development makes for itself and keeps below the data folder, each in a file that its owner alone can read. Several
// processes may start at once: one makes the secret, all use it.

import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { link, open, unlink } from "node:fs/promises";
import { dirname } from "node:path";
import { makeFolder } from "./folder.ts";
import { errorCode, explainFolderError, StartupError } from "./startup-error.ts";

/**
 * The text of the file, which is made with what `create` gives where there is none. `what` names the secret in sentences. Throws
 * StartupError for a folder or file that cannot be used, is a link, or can be read by other users.
 */
export async function openSecretFile(path: string, what: string, create: () => Promise<string> | string): Promise<string> {
  const folder = dirname(path);
  try {
    makeFolder(folder, 0o700);
  } catch (error) {
    throw explainFolderError(error, folder, "Choose another folder with FINLEGO_DATA.");
  }
  return (await readSecret(path, what)) ?? (await createSecret(path, what, await create()));
}

/** The secret of the file, or undefined when there is none yet. */
async function readSecret(path: string, what: string): Promise<string | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    // A link in its place could make us read, and trust, a secret somebody else chose.
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw new StartupError(`${what} cannot be read: ${path}.`);
  }
  try {
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0) throw new StartupError(`Other users can read the file of ${lowerFirst(what)}: run chmod 600 ${path}.`);
    return await file.readFile("utf8");
  } catch (error) {
    throw error instanceof StartupError ? error : new StartupError(`${what} cannot be read: ${path}.`);
  } finally {
    await file.close();
  }
}

/**
 * Gives the file its name in one step that fails when the name is taken: no reader ever sees half a secret, and of two processes one
 * wins and both use its secret.
 */
async function createSecret(path: string, what: string, secret: string): Promise<string> {
  const draft = `${path}.${randomBytes(8).toString("hex")}`;
  try {
    const file = await open(draft, "wx", 0o600);
    try {
      await file.writeFile(secret);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path).catch((error: unknown) => {
      if (errorCode(error) !== "EEXIST") throw error;
    });
  } catch {
    throw new StartupError(`${what} cannot be written: ${path}.`);
  } finally {
    await unlink(draft).catch(() => {});
  }
  return (await readSecret(path, what)) ?? secret;
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
