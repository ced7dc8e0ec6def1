// Who may call what. A route's policy is data {audience, scope}; a caller is what a verified token says and nothing more.
// Pure: the answer depends on these two values alone, and whatever is not plainly allowed is refused.

/**
 * Whom a route is for (contract 3.1): end users, internal services, the import of white-label customers, whoever signs the bytes of its body
 * with the route's own secret (a provider's webhook), or anybody.
 */
export type Audience = "frontOffice" | "system" | "integration" | "signature" | "public";

/** Every scope a system token may carry (contract 3.2 and decision 18). No scope implies another. */
export const SCOPES = [
  "clients.read",
  "clients.write",
  "documents.read",
  "documents.write",
  "ledger.read",
  "ledger.write",
  "ledger.admin",
  "transfers.read",
  "transfers.write",
  "transfers.operate",
  "integration.import",
  "integration.transfers",
  "events.read",
] as const;

export type Scope = (typeof SCOPES)[number];

/** An end user. Everything it reads or writes is confined to `clientId` (a lower-case uuid). */
export type ClientCaller = {
  readonly kind: "client";
  readonly subject: string;
  readonly clientId: string;
  readonly tenant: string | null;
};

/** An internal or integrated system. `scopes` may hold words that are not ours; they open nothing. */
export type SystemCaller = {
  readonly kind: "system";
  readonly subject: string;
  readonly scopes: ReadonlySet<string>;
  /** null: the token names no tenant, so it is the bank's own and sees every tenant (decision 19). */
  readonly tenant: string | null;
};

export type Caller = ClientCaller | SystemCaller;

/** What a token says of its caller, or why it says nothing. A fault means 401 and is for the log alone. */
export type TokenVerdict = Caller | { readonly fault: string };

/**
 * Who calls, judged by the Authorization header (contract 3.2, decision 18); at once where nothing has to be waited for.
 * Of a header sent twice Node's `headers` shows only the first: hand in `headersDistinct.authorization`, which shows both.
 */
export type VerifyToken = (authorizationHeader: string | undefined | string[]) => TokenVerdict | Promise<TokenVerdict>;

/** What a route asks of its caller. A route for end users needs no scope: pass null. */
export type AccessPolicy = { readonly audience: Audience; readonly scope: Scope | null };

/** Who signed the body of a call, by the operation whose secret it knows. It has no scopes: what it may is that one operation. */
export function signingCaller(operation: string): SystemCaller {
  return { kind: "system", subject: `signature:${operation}`, scopes: new Set(), tenant: null };
}

const DEFAULT_TENANT = "default";

/** The tenant that owns what this caller creates, unless a client's own tenant says otherwise (decision 19). */
export function callerTenant(caller: Caller): string {
  return caller.tenant ?? DEFAULT_TENANT;
}

/**
 * The owner of an Idempotency-Key (decision 2): tenant, then the client of a front-office token, else the subject.
 * A tenant holds no colon and the last part is free, so two different owners never share a text. The bank's own token has
 * an empty tenant: it sees every tenant, and its stored answers are not those of a token confined to `default`.
 */
export function idempotencyOwner(caller: Caller): string {
  return caller.kind === "client" ? `client:${callerTenant(caller)}:${caller.clientId}` : `system:${caller.tenant ?? ""}:${caller.subject}`;
}

/** `unauthorized` answers 401 (nobody vouches for the caller), `forbidden` 403 (known, but not for this route). */
export function checkAccess(policy: AccessPolicy, caller: Caller | null): "ok" | "unauthorized" | "forbidden" {
  if (policy.audience === "public") return "ok";
  // The bytes of the body say it, once they are there: no token opens such a route.
  if (policy.audience === "signature") return "unauthorized";
  if (caller === null) return "unauthorized";
  if (policy.audience === "frontOffice") return caller.kind === "client" ? "ok" : "forbidden";
  if (caller.kind !== "system") return "forbidden";
  return policy.scope === null || caller.scopes.has(policy.scope) ? "ok" : "forbidden";
}
