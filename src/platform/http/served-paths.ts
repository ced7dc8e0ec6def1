// Which methods a path is served with: what a 405 must say in `Allow` (RFC 9110, 15.5.6).

type ServedPath = { readonly pattern: RegExp; readonly methods: Set<string> };

export class ServedPaths {
  readonly #paths = new Map<string, ServedPath>();

  /** `url` as routes are written: `/Accounts/:accountId`, `/docs/*`. */
  add(url: string, methods: readonly string[]): void {
    // Paths that differ only in the names of their parameters are one path to the router.
    const shape = url.toLowerCase().replace(/:[^/]+/g, ":");
    const path = this.#paths.get(shape) ?? { pattern: patternOf(shape), methods: new Set() };
    for (const method of methods) path.methods.add(method);
    this.#paths.set(shape, path);
  }

  /** The methods of a called path, sorted; none: the path is not served. A path without parameters wins, as in the router. */
  methodsOf(path: string): readonly string[] {
    const served = this.#paths.get(path.toLowerCase()) ?? [...this.#paths.values()].find(({ pattern }) => pattern.test(path));
    return [...(served?.methods ?? [])].sort();
  }
}

function patternOf(shape: string): RegExp {
  const steps = shape.split("/").map((step) => (step === ":" ? "[^/]+" : step === "*" ? ".*" : step.replace(/[^\w-]/g, "\\$&")));
  return new RegExp(`^${steps.join("/")}$`, "i");
}
