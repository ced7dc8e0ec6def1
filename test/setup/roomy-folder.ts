// Where tests put their files: memory, where there is enough of it. They make and remove hundreds of databases, folders and keys, and a disk
// costs more than all that is done with them. It is as durable there as the tests need: what survives which end is shown on disks (test/faults).

import { access, constants, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";

const MEMORY = "/dev/shm";
const MEMORY_MIN = 4 * 1024 ** 3;

/** The folder in memory, or that of the system for temporary files. */
export async function findRoomyFolder(): Promise<string> {
  try {
    const { bavail, bsize } = await statfs(MEMORY);
    await access(MEMORY, constants.W_OK);
    return bavail * bsize >= MEMORY_MIN ? MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}
