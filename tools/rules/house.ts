// The plan of the house as data: which rooms there are, who stands on whom, and which files may do what others may not.
// The dependency rules, the rules about SQL and the rules about migrations all read these tables; there is no second copy.

/** Each folder under src/ and the rooms below it. Calls and foreign keys go down, events go up. */
export const ROOMS = {
  platform: [],
  "client-profile": ["platform"],
  "general-ledger": ["client-profile", "platform"],
  onboarding: ["client-profile", "platform"],
  "one-time-codes": ["client-profile", "platform"],
  adapters: ["platform"],
} as const satisfies Record<string, readonly string[]>;

export type Room = keyof typeof ROOMS;

/** Rooms that are banking modules: they have a face, a README and a database schema, and know each other by alias only. */
export const MODULES = ["client-profile", "general-ledger", "onboarding", "one-time-codes"] as const satisfies readonly Room[];

/** Folders of the platform that show only their index.ts to the rest of the house. */
export const CORNERS = ["embedded-postgres"] as const;

/** Schema of a room: its folder's name in the database's spelling. */
export const schemaOf = (room: string): string => room.replaceAll("-", "_");

/** Tables of the platform that a module's own SQL may name, because they must change in the module's own statement. */
export const BORROWED_TABLES: Partial<Record<Room, readonly string[]>> = {
  // The ledger claims keys for a whole batch in the statement that books it.
  "general-ledger": ["platform.idempotency_key"],
};

/** Names of files that are pure wherever they stand: same input, same output; no database, no network, no clock, no chance. */
export const PURE_FILES = [
  "account-number.ts",
  "account-state.ts",
  "account.ts",
  "attempts.ts",
  "bearer-token.ts",
  "canonical.ts",
  "client-filter.ts",
  "command.ts",
  "company-rules.ts",
  "content-judge.ts",
  "contract.ts",
  "country.ts",
  "currency.ts",
  "date-bounds.ts",
  "dates.ts",
  "decimal.ts",
  "destination.ts",
  "document.ts",
  "file-name.ts",
  "foreign.ts",
  "header.ts",
  "iban.ts",
  "json-numbers.ts",
  "json-scan.ts",
  "json.ts",
  "marks.ts",
  "mask.ts",
  "mod97.ts",
  "money.ts",
  "page.ts",
  "notification.ts",
  "payment-life.ts",
  "payment.ts",
  "person-rules.ts",
  "plan.ts",
  "plain-text.ts",
  "posting.ts",
  "problem.ts",
  "problems.ts",
  "retention.ts",
  "schema.ts",
  "standing.ts",
  "token-claims.ts",
  "verdict.ts",
  "webhook-digest.ts",
  "webhook-event.ts",
  "words.ts",
] as const;

/** Also pure: wire words that fill more than one file of their folder. */
export const PURE_ENDING = ".contract.ts";

/** Packages that pure files may use. */
export const PURE_PACKAGES = ["typebox", "ibantools", "i18n-iso-countries", "libphonenumber-js"] as const;

/** Besides store.ts and *.store.ts: who opens transactions, brings the schema up, or makes the very first database. */
export const SQL_PLACES = [
  "src/platform/db.ts",
  "src/platform/migrations.ts",
  "src/platform/database-target.ts",
  "src/platform/embedded-postgres/",
];

/** Who may open connections. Everybody else is handed a transaction. */
export const CONNECTION_PLACES = [
  "src/platform/db.ts",
  // Two with connections of their own kind: the ledger's writer, and the queue that must be woken.
  "src/platform/lane.ts",
  "src/platform/worker.ts",
  // One read-only session without time limits.
  "src/platform/verify.ts",
  "src/platform/migrations.ts",
  // One without time limits, for what a start has to do once.
  "src/platform/start-work.ts",
  "src/platform/database-target.ts",
  "src/platform/embedded-postgres/",
];

/** Who may speak to the outside world. */
export const NETWORK_PLACES = ["src/adapters/", "src/platform/key-set.ts"];

/** Who is spoken to by the outside world: sockets that listen. */
export const LISTENING_PLACES = ["src/platform/http/", "src/platform/embedded-postgres/", "src/adapters/simulators/"];

/** Who may round or use floating point: nothing here is money. */
export const FLOAT_PLACES = ["src/platform/metrics.ts", "src/platform/database-target.ts"];

export const isIn = (places: readonly string[], path: string): boolean =>
  places.some((place) => (place.endsWith("/") ? path.startsWith(place) : path === place));

export const isTest = (path: string): boolean => path.endsWith(".test.ts") || path.startsWith("test/");

export const isPure = (path: string): boolean =>
  path.startsWith("src/") &&
  (path.endsWith(PURE_ENDING) || (PURE_FILES as readonly string[]).includes(path.slice(path.lastIndexOf("/") + 1)));

/** The folder under src/ that a file belongs to; undefined for the files at the top and outside src/. */
export const roomOf = (path: string): string | undefined => /^src\/([^/]+)\//.exec(path)?.[1];
