// Kills a process immediately before its k-th system call of one kind, counted from the moment strace is attached. Only the main thread is
// traced: it does all socket writes of Node, and the others' wake-ups would use up the count.

import { spawn } from "node:child_process";

export type Trap = {
  /** Ends the tracing; the process goes on if it lives. */
  release(): Promise<void>;
};

const ATTACH_MAX_MS = 5_000;

/** The next `when`-th call of `syscall` will not happen. Resolves when the trap is set. */
export async function setTrap(pid: number, syscall: string, when: number): Promise<Trap> {
  const tracer = spawn(
    "strace",
    ["-o", "/dev/null", "-p", String(pid), "-e", `trace=${syscall}`, "-e", `inject=${syscall}:signal=SIGKILL:when=${when}`],
    {
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  let said = "";
  const ended = new Promise<void>((resolve) => tracer.once("close", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`strace did not attach: ${said}`)), ATTACH_MAX_MS);
    tracer.once("error", (error) => reject(new Error(`strace cannot be run (${error.message}): install the package strace`)));
    void ended.then(() => reject(new Error(`strace ended: ${said}`)));
    tracer.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      if (!said.includes(" attached")) return;
      clearTimeout(late);
      resolve();
    });
  });
  return {
    async release() {
      tracer.kill("SIGINT");
      await ended;
    },
  };
}
