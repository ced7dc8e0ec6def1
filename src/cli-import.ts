// The command `import`: sends a file of clients to a running bank and stays until it is settled. The report goes to standard output as JSON,
// everything else to standard error. Exit code 0: every row made a client or named one that was there; 1: rows were at fault; 2: the bank
// refused the file or could not be reached. The same command again goes on where it was interrupted.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat, writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { Command } from "commander";
import { isTenant, isUuid } from "#platform/token-claims.ts";
import { StartupError } from "#platform/startup-error.ts";
import { type BankImports, type ImportAnswer, NoAnswer, openBankImports, type SentFile } from "./adapters/bank-imports.ts";

export type ImportCommandDeps = {
  /** Where the bank of this configuration listens. */
  readonly defaultUrl: () => string;
  /** A token of the development issuer that may import for that tenant. */
  readonly mintToken: (tenant: string | undefined) => Promise<string>;
  /** A person is looking on. */
  readonly isTerminal: boolean;
};

type ImportOptions = {
  readonly file: string;
  readonly dryRun?: true;
  readonly tenant?: string;
  readonly importId?: string;
  readonly url?: string;
  readonly token?: string;
  readonly faults?: string;
};

const EXIT_FAULTY = 1;
const EXIT_REFUSED = 2;
const MEDIA_TYPES: Readonly<Record<string, string>> = { csv: "text/csv", ndjson: "application/x-ndjson", jsonl: "application/x-ndjson" };
const FAULTS_SHOWN = 10;
const RETRY_SECONDS = 2;
/** Tries in a row that settled nothing. */
const TRIES_MAX = 30;

/** Adds `import` to the program. */
export function registerImportCommand(program: Command, deps: ImportCommandDeps): void {
  program
    .command("import")
    .description("import clients from a file into a running bank; the same command again goes on where it was interrupted")
    .requiredOption("--file <file>", "clients as .ndjson (or .jsonl) or .csv")
    .option("--dry-run", "judge every row and store nothing")
    .option("--tenant <tenant>", "whose clients they are; without --token only")
    .option("--import-id <uuid>", "name of the import; default: made from what the file holds")
    .option("--url <url>", "where the bank's API is; default: as configured, on this machine")
    .option("--token <token>", "access token with the scope integration.import; default: one of the development issuer")
    .option("--faults <file>", "write the faults there as CSV")
    // An option that is misspelt must not look like faulty rows.
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT_REFUSED))
    .action(async (options: ImportOptions, command: Command) => {
      try {
        process.exitCode = await runImport(options, deps, command.configureOutput());
      } catch (error) {
        const isTold = error instanceof StartupError || error instanceof NoAnswer;
        command.error(isTold ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error), {
          exitCode: EXIT_REFUSED,
        });
      }
    });
}

type Output = { readonly writeOut?: (text: string) => void; readonly writeErr?: (text: string) => void };

async function runImport(options: ImportOptions, deps: ImportCommandDeps, output: Output): Promise<number> {
  const say = (line: string): void => output.writeErr?.(`${line}\n`);
  const file = await readFile(options);
  const url = urlOf(options.url ?? deps.defaultUrl());
  const token = options.token ?? (await deps.mintToken(options.tenant));
  const bank = openBankImports(url, token);
  const importId = options.dryRun === true ? null : (options.importId ?? file.importId);
  say(importId === null ? `Rehearsing ${options.file}` : `Import ${importId} of ${options.file}`);
  const progress = new Progress(bank, importId, file.size, deps.isTerminal ? process.stderr : null, say);
  const answer = await sendUntilSettled(bank, importId, file, progress, say);
  if (answer.status !== 200) {
    say(refusalOf(answer));
    return EXIT_REFUSED;
  }
  output.writeOut?.(`${JSON.stringify(answer.body, null, 2)}\n`);
  await tellFaults(bank, importId, answer, options.faults, say);
  return Number(answer.body["faulty"]) > 0 ? EXIT_FAULTY : 0;
}

type FileToSend = SentFile & { readonly importId: string };

async function readFile({ file, importId, tenant, token }: ImportOptions): Promise<FileToSend> {
  const mediaType = MEDIA_TYPES[file.split(".").at(-1)?.toLowerCase() ?? ""];
  if (mediaType === undefined) throw new StartupError("The file must be .ndjson, .jsonl or .csv.");
  if (importId !== undefined && !isUuid(importId)) throw new StartupError("An import id is a UUID.");
  if (tenant !== undefined && token !== undefined) throw new StartupError("Whose clients they are says the token: leave out --tenant.");
  if (tenant !== undefined && !isTenant(tenant)) throw new StartupError("A tenant is 1 to 64 letters, digits, _ or -.");
  try {
    const { size } = await stat(file);
    const hash = createHash("sha256").update(mediaType);
    for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
    const hex = hash.digest("hex");
    const name = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
    return { mediaType, size, importId: name, open: () => createReadStream(file) };
  } catch (error) {
    throw new StartupError(`Cannot read ${file}: ${error instanceof Error ? error.message : String(error)}.`, { cause: error });
  }
}

function urlOf(text: string): URL {
  if (!URL.canParse(text)) throw new StartupError(`No address of a bank: ${text}.`);
  return new URL(text);
}

/** Sends the file again as long as the bank says "later", or nothing: what was settled it passes over. */
async function sendUntilSettled(
  bank: BankImports,
  importId: string | null,
  file: SentFile,
  progress: Progress,
  say: (line: string) => void,
): Promise<ImportAnswer> {
  const query = importId === null ? { dryRun: "true" } : { importId };
  let settled = 0;
  for (let tries = 1; ; tries++) {
    const answer = await progress.during((onSent) => bank.send(query, file, onSent)).catch(noAnswer);
    if (!(answer instanceof NoAnswer) && !comesAgain(answer)) return answer;
    const rows = await progress.read();
    if (rows > settled) tries = 1;
    settled = Math.max(rows, settled);
    if (tries >= TRIES_MAX)
      throw new StartupError(`The bank cannot be reached or is busy: ${describe(answer)}. Send the same again later.`);
    say(`Interrupted at row ${settled} (${describe(answer)}): going on`);
    await pause(((answer instanceof NoAnswer ? null : answer.retryAfter) ?? RETRY_SECONDS) * 1000);
  }
}

function noAnswer(error: unknown): NoAnswer {
  if (error instanceof NoAnswer) return error;
  throw error;
}

function comesAgain({ status, body }: ImportAnswer): boolean {
  return status >= 500 || status === 429 || status === 408 || body["code"] === "importInProgress";
}

function describe(answer: ImportAnswer | NoAnswer): string {
  return answer instanceof NoAnswer
    ? answer.message || "no answer"
    : `${answer.status}${typeof answer.body["code"] === "string" ? ` ${answer.body["code"]}` : ""}`;
}

function refusalOf({ status, body }: ImportAnswer): string {
  const { title, detail, errors } = body;
  const fields = Object.entries((errors ?? {}) as Record<string, string[]>).map(([field, texts]) => `\n  ${field}: ${texts.join(" ")}`);
  return `Refused (${status}): ${typeof title === "string" ? title : "no reason given"}${typeof detail === "string" ? ` ${detail}` : ""}${fields.join("")}`;
}

type Fault = { readonly row: number; readonly externalId: string | null; readonly errors: Readonly<Record<string, readonly string[]>> };

async function tellFaults(
  bank: BankImports,
  importId: string | null,
  { body }: ImportAnswer,
  path: string | undefined,
  say: (line: string) => void,
): Promise<void> {
  const found = importId === null ? body["faults"] : (await bank.get(`imports/${importId}/faults?pageSize=${FAULTS_SHOWN}`)).body["items"];
  const faults = (Array.isArray(found) ? found : []) as readonly Fault[];
  for (const { row, externalId, errors } of faults.slice(0, FAULTS_SHOWN)) {
    const sentences = Object.entries(errors).map(([field, texts]) => `${field}: ${texts.join(" ")}`);
    say(`row ${row}${externalId === null ? "" : ` (${JSON.stringify(externalId)})`}: ${sentences.join("; ")}`);
  }
  const more = Number(body["duplicates"]) + Number(body["faulty"]) - Math.min(faults.length, FAULTS_SHOWN);
  if (more > 0) say(`${more} more`);
  if (path === undefined || importId === null) return;
  await writeFile(path, (await bank.get(`imports/${importId}/faults?format=csv`)).text);
}

const TERMINAL_MS = 500;
const LINE_MS = 5_000;
const BAR = 30;

/** Tells how far an import is: a bar for a person, a line now and then for a log. */
class Progress {
  readonly #bank: BankImports;
  readonly #importId: string | null;
  readonly #size: number;
  readonly #terminal: NodeJS.WriteStream | null;
  readonly #say: (line: string) => void;
  #sent = 0;
  #isReading = false;

  constructor(bank: BankImports, importId: string | null, size: number, terminal: NodeJS.WriteStream | null, say: (line: string) => void) {
    this.#bank = bank;
    this.#importId = importId;
    this.#size = size;
    this.#terminal = terminal;
    this.#say = say;
  }

  async during<T>(work: (onSent: (bytes: number) => void) => Promise<T>): Promise<T> {
    this.#sent = 0;
    const timer = setInterval(() => void this.#tell(), this.#terminal === null ? LINE_MS : TERMINAL_MS);
    try {
      return await work((bytes) => (this.#sent += bytes));
    } finally {
      clearInterval(timer);
      this.#terminal?.write("\r\u001b[K");
    }
  }

  /** Rows that are settled; 0 where nobody can say. */
  async read(): Promise<number> {
    if (this.#importId === null) return 0;
    const answer = await this.#bank.get(`imports/${this.#importId}`).catch(noAnswer);
    return answer instanceof NoAnswer || answer.status !== 200 ? 0 : Number(answer.body["rows"]);
  }

  async #tell(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    const rows = await this.read().finally(() => {
      this.#isReading = false;
    });
    const percent = Math.trunc((100 * this.#sent) / Math.max(this.#size, 1));
    const told = this.#importId === null ? `${percent} % sent` : `${percent} % sent, ${rows} rows settled`;
    if (this.#terminal === null) {
      this.#say(told);
      return;
    }
    const full = Math.trunc((BAR * percent) / 100);
    this.#terminal.write(`\r\u001b[K[${"#".repeat(full)}${".".repeat(BAR - full)}] ${told}`);
  }
}
