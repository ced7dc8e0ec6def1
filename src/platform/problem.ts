// Refusals with a name. A problem is the caller's business and is answered as RFC 9457 problem+json in the
// shape of contract 3.4; a bug is ours: `invariant` throws, the answer is a bare 500 with the trace id.

/** What a catalogue says of one refusal. `retry: "later"` means that the same call may succeed at another time. */
export type ProblemSpec = { readonly status: number; readonly title: string; readonly retry: "no" | "later" };
export type Catalogue = Readonly<Record<string, ProblemSpec>>;

/** Sentences by dotted field path, as in ASP.NET's ProblemDetails. */
export type FieldErrors = Record<string, string[]>;

export type ProblemExtras = {
  readonly detail?: string;
  readonly errors?: FieldErrors;
  /** Members beside the standard ones, for example `available` and `required`. */
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Trace id of the call that was refused first, when this answer repeats that refusal. */
  readonly traceId?: string;
  /** True when the refusal was kept under the idempotency key and is answered again. */
  readonly isRepeat?: boolean;
  /** What lies behind a 503: for the log, never for the caller. */
  readonly cause?: unknown;
};

/** Problems that any operation may answer (contract 3.3, 3.4, decision 25). */
export const platformProblems = {
  validationFailed: { status: 400, title: "One or more validation errors occurred.", retry: "no" },
  malformedRequest: { status: 400, title: "The request could not be read.", retry: "no" },
  unauthorized: { status: 401, title: "A valid access token is required.", retry: "no" },
  forbidden: { status: 403, title: "The token does not allow this operation.", retry: "no" },
  notFound: { status: 404, title: "Not found.", retry: "no" },
  methodNotAllowed: { status: 405, title: "The method is not allowed here.", retry: "no" },
  preconditionFailed: { status: 412, title: "A condition of the request does not hold any more.", retry: "no" },
  payloadTooLarge: { status: 413, title: "The request body is too large.", retry: "no" },
  unsupportedMediaType: { status: 415, title: "The media type is not supported.", retry: "no" },
  idempotencyInProgress: { status: 409, title: "A call with the same idempotency key is still running.", retry: "later" },
  idempotencyKeyReused: { status: 422, title: "The idempotency key was used for another request.", retry: "no" },
  rateLimited: { status: 429, title: "Too many requests.", retry: "later" },
  internalError: { status: 500, title: "An unexpected error occurred.", retry: "later" },
  busy: { status: 503, title: "The service is busy. Repeat the call with the same idempotency key.", retry: "later" },
} as const satisfies Catalogue;

/** A refusal on its way to the caller. Thrown by shells at one line; never by pure code. */
export class Problem extends Error {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly extras: ProblemExtras;

  constructor(code: string, spec: ProblemSpec, extras: ProblemExtras = {}) {
    super(`${spec.status} ${code}${extras.detail === undefined ? "" : `: ${extras.detail}`}`, { cause: extras.cause });
    this.name = "Problem";
    this.code = code;
    this.status = spec.status;
    this.title = spec.title;
    this.extras = extras;
  }
}

/** Builds the `refuse` function of a catalogue: throws the named problem. */
export function refuser<C extends Catalogue>(catalogue: C): (code: keyof C & string, extras?: ProblemExtras) => never {
  return (code, extras) => {
    throw problemOf(catalogue, code, extras);
  };
}

/** The named problem of a catalogue as a value, for answers that list refusals one by one. */
export function problemOf<C extends Catalogue>(catalogue: C, code: keyof C & string, extras?: ProblemExtras): Problem {
  const spec = catalogue[code];
  invariant(spec, `no problem ${code} in the catalogue`);
  return new Problem(code, spec, extras);
}

export const refusePlatform = refuser(platformProblems);

/** Raised when something that the code relies on is not so: a bug, answered as 500 and alarmed. */
export class Bug extends Error {}

/** States what must hold. Stays on in production: a wrong figure is worse than a failed call. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Bug(message);
}

export type ProblemBody = {
  type: string;
  title: string;
  status: number;
  detail: string | null;
  instance: string;
  traceId: string;
  code: string;
  errors?: FieldErrors;
  [member: string]: unknown;
};

const RFC9110 = "https://tools.ietf.org/html/rfc9110#section-";
const RFC6585 = "https://tools.ietf.org/html/rfc6585#section-";
const TYPES: Readonly<Record<number, string>> = {
  400: `${RFC9110}15.5.1`,
  401: `${RFC9110}15.5.2`,
  403: `${RFC9110}15.5.4`,
  404: `${RFC9110}15.5.5`,
  405: `${RFC9110}15.5.6`,
  406: `${RFC9110}15.5.7`,
  408: `${RFC9110}15.5.9`,
  409: `${RFC9110}15.5.10`,
  412: `${RFC9110}15.5.13`,
  413: `${RFC9110}15.5.14`,
  415: `${RFC9110}15.5.16`,
  422: `${RFC9110}15.5.21`,
  429: `${RFC6585}4`,
  431: `${RFC6585}5`,
  500: `${RFC9110}15.6.1`,
  503: `${RFC9110}15.6.4`,
};

/** The body of contract 3.4. `type` points to the status code's section, `code` names the refusal. */
export function problemBody(problem: Problem, instance: string, traceId: string): ProblemBody {
  return {
    type: TYPES[problem.status] ?? "about:blank",
    title: problem.title,
    status: problem.status,
    detail: problem.extras.detail ?? null,
    instance,
    traceId: problem.extras.traceId ?? traceId,
    code: problem.code,
    ...(problem.extras.errors === undefined ? {} : { errors: problem.extras.errors }),
    ...problem.extras.members,
  };
}
