// The product as a process: started as an operator starts it, watched from outside, killed without mercy.

import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const START_MAX_MS = 30_000;
const OUTPUT_KEPT = 64_000;

export type ServerOptions = {
  readonly data: string;
  /** 0: any that is free when it listens; `port` tells which once it is ready. */
  readonly port: number;
  /** Absent: the embedded server below `data`. */
  readonly databaseUrl?: string | undefined;
  readonly env?: Readonly<Record<string, string>>;
};

export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

const running = new Set<ChildProcess>();
// Nothing that a suite started outlives it, whatever ended the suite.
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(1));

/** One server process. `spawnServer` does not wait; `startServer` gives it when it is ready. */
export class Server {
  readonly options: ServerOptions;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #said = "";
  #exit: Exit | null = null;

  constructor(options: ServerOptions) {
    this.options = options;
    this.#child = spawn(process.execPath, ["src/server.ts"], { cwd: ROOT, env: environmentOf(options), stdio: ["ignore", "pipe", "pipe"] });
    running.add(this.#child);
    this.pid = this.#child.pid ?? 0;
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#said = (this.#said + text).slice(-OUTPUT_KEPT);
      });
    }
    // `close` comes after the last of the output, so that `said` is whole.
    this.exited = new Promise((resolve) => {
      this.#child.once("close", (code, signal) => {
        running.delete(this.#child);
        this.#exit = { code, signal };
        resolve(this.#exit);
      });
    });
  }

  /** 0 until a server that was given none says where it listens. */
  get port(): number {
    return this.options.port || Number(/^ *API +http:\/\/\S+:(\d+)$/m.exec(this.#said)?.[1] ?? 0);
  }

  /** Null while it runs. */
  get exit(): Exit | null {
    return this.#exit;
  }

  /** The last of what it printed, both streams. */
  get said(): string {
    return this.#said;
  }

  /** Waits until it serves. Throws with its own words when it ends instead. */
  async ready(): Promise<this> {
    const deadline = performance.now() + START_MAX_MS;
    while (performance.now() < deadline) {
      if (this.#exit !== null) throw new Error(`the server ended (${describeExit(this.#exit)}) instead of serving:\n${this.#said}`);
      if (this.port !== 0 && (await isReady(this.port))) return this;
      await pause(20);
    }
    throw new Error(`the server is not ready after ${START_MAX_MS} ms:\n${this.#said}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Nothing happens to one that has ended. */
  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.exited;
  }

  async stop(): Promise<Exit> {
    this.signal("SIGTERM");
    return await this.exited;
  }
}

export function describeExit({ code, signal }: Exit): string {
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

export async function startServer(options: ServerOptions): Promise<Server> {
  return await new Server(options).ready();
}

/** A port that was free a moment ago, to be used again at each restart. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  return await new Promise((resolve, reject) => {
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}

export async function isReady(port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://127.0.0.1:${port}/health/ready`, {
      headers: { connection: "close" },
      signal: AbortSignal.timeout(3_000),
    });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}

function environmentOf({ data, port, databaseUrl, env }: ServerOptions): NodeJS.ProcessEnv {
  const { DATABASE_URL: _ours, NODE_ENV: _mode, ...inherited } = process.env;
  return {
    ...inherited,
    PORT: String(port),
    FINLEGO_DATA: data,
    FINLEGO_DEMO: "0",
    LOG_LEVEL: "error",
    // Otherwise writes to sockets may go past the system calls that the crash sweeps count.
    UV_USE_IO_URING: "0",
    ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
    ...env,
  };
}
