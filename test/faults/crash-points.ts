// FLT-2: the server dies before the k-th write of one call, for every k, until the call survives; for each system call by itself, because
// one count over several of them skips points. Then it starts again and the client repeats the call: exactly one effect, and the answer
// that the first call would have had.

import { insist, NoAnswer } from "./calls.ts";
import { type Bank, Caller, withBank } from "./bank.ts";
import { checkBooks } from "./books.ts";
import { type Body, type KeyedOperation, keyedOperations, prepareKeyedBank } from "./keyed-operations.ts";
import type { Server } from "./server.ts";
import { setTrap } from "./strace.ts";
import { type Report, runAlone, type Suite } from "./suite.ts";

/** What libuv and Node may send bytes with; those that a call never uses survive at once and cost one call each. */
const SYSCALLS = ["write", "writev", "sendto", "sendmsg", "pwrite64"] as const;
const POINTS_MAX = 60;

export const crashPoints: Suite = {
  name: "crash-points",
  promise: "Wherever a call is cut off, its repeat finds it done once or does it once.",
  async run(size, report) {
    await withBank(async (bank) => {
      const sweep = new Sweep(bank, report, await bank.start());
      const on = await prepareKeyedBank(bank, sweep.port);
      const operations = keyedOperations(on);
      for (const operation of size === "long" ? operations : operations.filter(({ name }) => name === "transfer")) {
        await sweep.operation(operation, "key");
        // Only a payment and an import are named by their externalId alone.
        if (size === "long" && operation.name === "transfer") await sweep.operation(operation, "externalId");
      }
      await checkBooks(bank, report, "after the sweep");
    });
  },
};

class Sweep {
  readonly #bank: Bank;
  readonly #report: Report;
  #server: Server;

  constructor(bank: Bank, report: Report, server: Server) {
    this.#bank = bank;
    this.#report = report;
    this.#server = server;
  }

  get port(): number {
    return this.#server.port;
  }

  async operation(operation: KeyedOperation, named: "key" | "externalId"): Promise<void> {
    const points: string[] = [];
    for (const syscall of SYSCALLS) {
      let when = 1;
      while (!(await this.#survives(operation, syscall, when, named))) {
        this.#report.count("points");
        if (++when > POINTS_MAX) throw new Error(`${operation.name} does not survive ${POINTS_MAX} calls of ${syscall}`);
      }
      if (when > 1) points.push(`${when - 1} ${syscall}`);
    }
    this.#report.expect(points.length > 0, `${operation.name} by ${named}: no crash point was met, so nothing was shown`);
    this.#report.set(`${operation.name} by ${named}`, points.join(" + "));
  }

  /** One call with the trap set. True: it was answered before the trap went off. */
  async #survives(operation: KeyedOperation, syscall: string, when: number, named: "key" | "externalId"): Promise<boolean> {
    const caller = new Caller(this.port, this.#bank.token);
    // Connections, prepared statements and compiled code are there, as in a server that has been at work.
    for (let round = 0; round < 3; round++) {
      const warm = await operation.body();
      await caller.post(operation.path(warm), warm, crypto.randomUUID());
    }
    const [body, key] = [await operation.body(), named === "key" ? crypto.randomUUID() : undefined];
    const trap = await setTrap(this.#server.pid, syscall, when);
    const answer = await caller.post(operation.path(body), body, key).catch((error: unknown) => {
      if (error instanceof NoAnswer) return null;
      throw error;
    });
    await trap.release();
    const where = `${operation.name} by ${named}, before ${syscall} ${when}`;
    if (answer !== null) {
      this.#report.expectEqual(answer.status, 200, `${where}: status of the call that survived`);
      // The trap may go off right after the answer: the process is then gone, or it dies at some later write.
      await this.#server.kill();
      this.#server = await this.#bank.restart(this.#server);
      return true;
    }
    await this.#server.exited;
    this.#server = await this.#bank.restart(this.#server);
    await this.#repeat(operation, body, key, where);
    return false;
  }

  async #repeat(operation: KeyedOperation, body: Body, key: string | undefined, where: string): Promise<void> {
    const before = await operation.effects(body);
    this.#report.expect(before === 0 || before === 1 || operation.name === "batch", `${where}: ${before} effects after the crash`);
    const options = { ports: [this.port], token: this.#bank.token, key };
    const repeat = await insist(operation.path(body), body, options);
    this.#report.expectEqual(repeat.status, 200, `${where}: status of the repeat (${repeat.text.slice(0, 200)})`);
    this.#report.expectEqual(
      repeat.headers["idempotency-replayed"] ?? null,
      before === 1 ? "true" : null,
      `${where}: Idempotency-Replayed of the repeat`,
    );
    this.#report.expectEqual(await operation.effects(body), 1, `${where}: effects after the repeat`);
    const again = await insist(operation.path(body), body, options);
    this.#report.expectEqual([again.status, again.text], [repeat.status, repeat.text], `${where}: status and bytes of a second repeat`);
    if (before === 1) this.#report.count("done before the crash");
  }
}

await runAlone(import.meta, crashPoints);
