// Pure: whether a PostgreSQL server may hold the ledger, and why not. Judged once at start, and by `verify`.

import type { Mode } from "./settings.ts";
import type { ServerFacts } from "./server-facts.store.ts";

/** Sentences about a server: `refusals` keep us from starting, `warnings` go to the log. */
export type Fitness = { readonly refusals: readonly string[]; readonly warnings: readonly string[] };

const OLDEST_MAJOR = 15;

// With one of these off a power cut loses or garbles postings that were already confirmed.
const DURABILITY = ["fsync", "full_page_writes", "synchronous_commit"];

/** `remote`: the connection leaves this machine. */
export function judgeServer(facts: ServerFacts, mode: Mode, remote: boolean): Fitness {
  const { major, readOnly, encrypted, settings } = facts;
  const refusals: string[] = [];
  const warnings: string[] = [];
  if (major < OLDEST_MAJOR) refusals.push(`It is PostgreSQL ${major}; version ${OLDEST_MAJOR} or newer is needed.`);
  if (readOnly) refusals.push("It is read-only (a standby, perhaps after a failover): give the address of the primary.");
  for (const name of DURABILITY.filter((setting) => settings[setting] === "off")) {
    const sentence = `${name} is off there: a power cut would lose confirmed postings. Switch it on.`;
    (mode === "production" ? refusals : warnings).push(sentence);
  }
  if (settings.data_checksums === "off")
    warnings.push("data_checksums is off there: damaged pages would go unnoticed (pg_checksums --enable).");
  if (settings.password_encryption === "md5") warnings.push("password_encryption is md5 there: use scram-sha-256.");
  if (settings.log_parameter_max_length !== "0" && logsStatements(settings)) {
    warnings.push(
      "It logs statements with their parameters, and these hold names and amounts of clients: set log_parameter_max_length to 0.",
    );
  }
  if (mode === "production" && remote && !encrypted)
    warnings.push("The connection is not encrypted: add sslmode=verify-full to its address.");
  return { refusals, warnings };
}

function logsStatements(settings: ServerFacts["settings"]): boolean {
  return (settings.log_statement ?? "none") !== "none" || Number(settings.log_min_duration_statement ?? "-1") >= 0;
}
