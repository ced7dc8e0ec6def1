// Registers this process as a user of the server and sees to it that the server ends with its last user, even after kill -9:
// a shell outside our process group (watchdog.sh) holds the other end of a pipe. A clean stop goes the same way, so there is one way only.

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { StartupError } from "../startup-error.ts";
import type { Home } from "./home.ts";
import { processStart } from "./process-identity.ts";

export type Watchdog = {
  /** Names the process to stop when we die before the server has written its own pid file. */
  readonly tell: (serverPid: number) => void;
  /** We need the server no more. Resolves when it has stopped, or goes on for other users. */
  readonly release: () => Promise<void>;
};

const RESTART_MS = 500;

/** From here on the server is not stopped under us. With `remove` the home folder goes, too, once its last user is gone. */
export function keepServer(home: Home, remove: boolean): Watchdog {
  const name = `${process.pid}.${randomBytes(6).toString("hex")}`;
  register(home, name);
  let released = false;
  let shell = startShell(home, name, remove);
  let told = "";
  const restart = () => {
    register(home, name);
    shell = startShell(home, name, remove);
    shell.stdin?.write(told);
    watch();
  };
  // Somebody shot the shell; our claim on the server must not lose its guard.
  const watch = () => shell.once("exit", () => released || setTimeout(() => released || restart(), RESTART_MS).unref());
  watch();
  return {
    tell: (serverPid) => {
      told = `${serverPid}\n`;
      shell.stdin?.write(told);
    },
    release: async () => {
      if (released) return;
      released = true;
      if (shell.exitCode !== null || shell.signalCode !== null) restart();
      const gone = new Promise((resolve) => shell.once("exit", resolve));
      shell.ref();
      shell.stdin?.end();
      await gone;
    },
  };
}

function register(home: Home, name: string): void {
  const draft = join(home.users, `.${name}`);
  rmSync(draft, { force: true });
  writeFileSync(draft, `${processStart(process.pid)}\n`, { flag: "wx" });
  renameSync(draft, join(home.users, name));
}

function startShell(home: Home, name: string, remove: boolean): ChildProcess {
  if (!existsSync("/bin/sh"))
    throw new StartupError(
      "The bundled PostgreSQL needs /bin/sh, which this machine lacks. Set DATABASE_URL to a PostgreSQL server of your own.",
    );
  const script = fileURLToPath(new URL("./watchdog.sh", import.meta.url));
  const shell = spawn("/bin/sh", [script, home.users, name, home.cluster, String(home.user.uid), remove ? home.folder : ""], {
    // Its own session: Ctrl-C in the terminal, or the end of the terminal, is not meant for it.
    detached: true,
    cwd: "/",
    env: { PATH: "/usr/bin:/bin" },
    stdio: ["pipe", "ignore", "ignore"],
  });
  shell.unref();
  // A pipe from spawn is a net.Socket; neither it nor the shell may keep this process alive.
  (shell.stdin as Socket | null)?.unref();
  shell.stdin?.on("error", () => undefined);
  return shell;
}

const PATIENCE_MS = 40_000;

/** Waits while another process's watchdog is stopping the server. Call it after keepServer: then either it saw us, or we see it. */
export async function waitForStoppers(home: Home): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (Date.now() < deadline && readdirSync(home.users).some((name) => isStopping(home, name))) await pause(20);
}

function isStopping(home: Home, name: string): boolean {
  if (!name.endsWith(".stopping")) return false;
  const start = processStart(Number.parseInt(name, 10));
  // An empty file is one that is just being written.
  if (start !== null && ["", start].includes(readStart(join(home.users, name)))) return true;
  rmSync(join(home.users, name), { force: true });
  return false;
}

function readStart(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}
