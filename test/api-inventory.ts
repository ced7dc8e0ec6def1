// Holds the served description of the API against the documented list of operations. Pure: documents in, sentences out.

export type Documented = {
  readonly method: string;
  readonly path: string;
  /** frontOffice, system, integration, or sumsubDigest (no token, a signature of the body). */
  readonly audience: string;
  readonly scope: string | null;
};

export type ServedDocument = {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, ServedOperation>>>>;
};

type ServedOperation = { readonly "x-audience"?: string; readonly "x-scope"?: string };

/** What the document says where the documentation says otherwise: a signed call carries no token. */
const AUDIENCE_IN_DOCUMENT: Readonly<Record<string, string>> = { sumsubDigest: "signature" };

/** Two documented paths may be one route: `/Accounts/{id}` and `/Accounts/{accountNumber}`. */
const routeOf = (method: string, path: string): string => `${method} ${path.replace(/\{[^}]*\}/g, "{}")}`;

const nameOf = ({ method, path }: Documented): string => `${method} ${path}`;

/**
 * Every way in which the three lists disagree: `served` must give each documented operation its path, audience and scope,
 * and `notYetServed` must name exactly the documented operations that are absent, so that it can only shrink.
 */
export function disagreements(documented: readonly Documented[], served: ServedDocument, notYetServed: readonly string[]): string[] {
  const routes = new Map<string, { path: string; operation: ServedOperation }>();
  for (const [path, methods] of Object.entries(served.paths ?? {})) {
    for (const [method, operation] of Object.entries(methods)) routes.set(routeOf(method.toUpperCase(), path), { path, operation });
  }
  const faults = documented.flatMap((wanted): string[] => {
    const name = nameOf(wanted);
    const found = routes.get(routeOf(wanted.method, wanted.path));
    if (!found) return notYetServed.includes(name) ? [] : [`${name} is documented but not served`];
    if (notYetServed.includes(name)) return [`${name} is served: take it off the list of absent ones`];
    return differences(wanted, found.path, found.operation, documented).map((difference) => `${name}: ${difference}`);
  });
  const known = new Set(documented.map(nameOf));
  const expected = new Set(documented.map(({ method, path }) => routeOf(method, path)));
  const invented = notYetServed
    .filter((name) => !known.has(name))
    .map((name) => `${name} stands on the list of absent ones but is not documented`);
  const extra = [...routes]
    .filter(([route]) => !expected.has(route))
    .map(([route, { path }]) => `${route.split(" ")[0]} ${path} is served but not documented`);
  return [...faults, ...invented, ...extra];
}

function differences(wanted: Documented, path: string, operation: ServedOperation, documented: readonly Documented[]): string[] {
  const audience = AUDIENCE_IN_DOCUMENT[wanted.audience] ?? wanted.audience;
  const spelled = documented.some((each) => each.method === wanted.method && each.path === path);
  return [
    ...(spelled ? [] : [`served as ${path}`]),
    ...(operation["x-audience"] === audience ? [] : [`audience ${operation["x-audience"] ?? "missing"} instead of ${audience}`]),
    ...((operation["x-scope"] ?? null) === wanted.scope
      ? []
      : [`scope ${operation["x-scope"] ?? "missing"} instead of ${wanted.scope ?? "none"}`]),
  ];
}
