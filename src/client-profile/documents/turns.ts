// One after another within this process: uploads of one client would wait for each other in the database anyway, where each of them would hold a
// connection that somebody else needs.

export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs the work when all that was given for the same name before has ended, however it ended. */
  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#last.set(name, mine);
    try {
      return await mine;
    } finally {
      if (this.#last.get(name) === mine) this.#last.delete(name);
    }
  }
}
