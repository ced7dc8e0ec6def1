// The call of post_batch: commands go as arrays, results come back as comma-separated text, one column each. Arrays are written here
// because the driver's own encoder costs more than the rest of the call.

import type { Sql } from "#platform/db.ts";
import { invariant } from "#platform/problem.ts";
import type { PaymentCommand } from "./command.ts";
import { type AccountStand, lastStands, type Payment } from "../payments/payment.ts";
import { OUTCOMES, type Outcome } from "./posting.ts";

/** A refusal as it is kept under a key, in the database's words. */
export type KeptRefusal = { code: number; account: string | null; available: string | null; required: string | null; trace: string };

export type CommandRefusal = {
  readonly outcome: Exclude<Outcome, "accepted" | "replayed" | "refusedBefore">;
  readonly accountId: string | null;
  readonly availableMinor: bigint | null;
  readonly requiredMinor: bigint | null;
  /** Trace id of the call that was refused first, when this is a repeat. */
  readonly firstTraceId: string | null;
};

export type CommandResult =
  | { readonly outcome: "accepted"; readonly payment: Payment }
  /** The payment exists: the caller reads it by this id. */
  | { readonly outcome: "replayed"; readonly paymentId: string }
  /** Only in an atomic batch: this command would pass, another one did not. */
  | { readonly outcome: "withdrawn" }
  | CommandRefusal;

type Row = {
  firstSequence: bigint | null;
  bookedAt: Date;
  today: string;
  codes: string;
  accounts: string | null;
  available: string | null;
  required: string | null;
  places: string;
  existing: string | null;
  refusals: (string | null)[] | null;
  clients: string;
  debitSeq: string;
  debitBalance: string;
  creditSeq: string;
  creditBalance: string;
  held: string;
  creditNormal: string;
};

/** Judges the commands in order and books the accepted ones; in an atomic batch all or none. The statement is the last of its transaction. */
export async function postBatch(
  sql: Sql,
  commands: readonly PaymentCommand[],
  options: { readonly atomic: boolean; readonly timeZone: string },
): Promise<CommandResult[]> {
  const accounts = touchedAccounts(commands);
  const position = new Map(accounts.map((id, index) => [id, index + 1]));
  const lines = commands.flatMap((command) => command.lines.map((line, index) => ({ line, no: index + 1, payment: command.id })));
  const rows = await sql<Row>`
    select o_first_sequence as "firstSequence", o_booked_at as "bookedAt", o_today as today,
           array_to_string(o_code, ',') as codes, array_to_string(o_place, ',', '') as places,
           case when o_code <> array_fill(0::smallint, array[cardinality(o_code)]) then array_to_string(o_account, ',', '') end as accounts,
           case when 11 = any(o_code) then array_to_string(o_available, ',', '') end as available,
           case when 11 = any(o_code) then array_to_string(o_required, ',', '') end as required,
           case when 1 = any(o_code) then array_to_string(o_existing, ',', '') end as existing,
           case when 3 = any(o_code) then to_json(o_refusal) end as refusals,
           array_to_string(o_client, ',', '') as clients,
           array_to_string(o_debit_seq, ',', '') as "debitSeq", array_to_string(o_debit_balance, ',', '') as "debitBalance",
           array_to_string(o_credit_seq, ',', '') as "creditSeq", array_to_string(o_credit_balance, ',', '') as "creditBalance",
           array_to_string(o_held, ',', '') as held, array_to_string(o_credit_normal, ',', '') as "creditNormal"
    from general_ledger.post_batch(
      ${plain(accounts)}, ${options.atomic}, ${options.timeZone},
      ${plain(commands.map((c) => c.id))}, ${texts(commands.map((c) => c.ownerTenant))}, ${plain(commands.map((c) => (c.isConfined ? "t" : "f")))},
      ${texts(commands.map((c) => c.createdBy))}, ${texts(commands.map((c) => c.externalId))}, ${plain(commands.map((c) => c.content))},
      ${plain(commands.map((c) => c.key?.id ?? NULL))}, ${plain(commands.map((c) => c.key?.request ?? NULL))}, ${plain(commands.map((c) => c.key?.traceId ?? NULL))},
      ${plain(commands.map((c) => (c.key?.keepsAbsence === true ? "t" : "f")))},
      ${plain(commands.map((c) => c.type))}, ${plain(commands.map((c) => c.valueDate ?? NULL))},
      ${texts(commands.map((c) => c.description))}, ${texts(commands.map((c) => c.reference))},
      ${texts(commands.map((c) => (c.metadata === null ? null : JSON.stringify(c.metadata))))},
      ${plain(commands.map((c) => c.lines.length))},
      ${plain(lines.map((l) => l.payment))}, ${plain(lines.map((l) => l.no))},
      ${plain(lines.map((l) => position.get(l.line.debitAccountId) ?? NULL))}, ${plain(lines.map((l) => position.get(l.line.creditAccountId) ?? NULL))},
      ${plain(lines.map((l) => l.line.amountMinor))}, ${plain(lines.map((l) => l.line.currency))},
      ${plain(lines.map((l) => l.line.type))}, ${texts(lines.map((l) => l.line.description))})`;
  const row = rows[0];
  invariant(row, "post_batch gave no answer");
  return readResults(row, commands, accounts);
}

/** How long the connection waits for a locked account from now on, in milliseconds. */
export async function setLockTimeout(sql: Sql, ms: number): Promise<void> {
  await sql`select set_config('lock_timeout', ${String(ms)}, false)`;
}

/** Every account that the commands name, once, in the order in which the database locks them. */
function touchedAccounts(commands: readonly PaymentCommand[]): string[] {
  const ids = new Set<string>();
  for (const { lines } of commands) {
    for (const line of lines) ids.add(line.debitAccountId).add(line.creditAccountId);
  }
  return [...ids].sort();
}

function readResults(row: Row, commands: readonly PaymentCommand[], accounts: readonly string[]): CommandResult[] {
  const codes = row.codes.split(",");
  const places = row.places.split(",");
  const culprits = row.accounts?.split(",");
  const existing = row.existing?.split(",");
  const available = row.available?.split(",");
  const required = row.required?.split(",");
  const clients = row.clients.split(",");
  const stands = standReader(row, accounts);
  let line = 0;
  return commands.map((command, index) => {
    const start = line;
    line += command.lines.length;
    const outcome = outcomeOf(Number(codes[index]));
    if (outcome === "accepted") {
      if (row.firstSequence === null) return { outcome: "withdrawn" };
      const sequence = row.firstSequence + BigInt(places[index] ?? "");
      return { outcome, payment: postedPayment(command, row, sequence, clients[index] || null, stands(command, start)) };
    }
    if (outcome === "replayed") return { outcome, paymentId: existing?.[index] ?? "" };
    if (outcome === "refusedBefore") return readKept(row.refusals?.[index] ?? null);
    return {
      outcome,
      accountId: accounts[Number(culprits?.[index] || 0) - 1] ?? null,
      availableMinor: amountOrNull(available?.[index]),
      requiredMinor: amountOrNull(required?.[index]),
      firstTraceId: null,
    };
  });
}

function outcomeOf(code: number): Outcome {
  const outcome = OUTCOMES[code];
  invariant(outcome, `post_batch answered an unknown code ${code}`);
  return outcome;
}

/** Reads back a refusal kept under a key. */
function readKept(text: string | null): CommandRefusal {
  invariant(text !== null, "a key without payment or refusal");
  const kept = JSON.parse(text) as KeptRefusal;
  const outcome = outcomeOf(kept.code);
  invariant(outcome !== "accepted" && outcome !== "replayed" && outcome !== "refusedBefore", "a kept refusal that is none");
  return {
    outcome,
    accountId: kept.account,
    availableMinor: kept.available === null ? null : BigInt(kept.available),
    requiredMinor: kept.required === null ? null : BigInt(kept.required),
    firstTraceId: kept.trace,
  };
}

function standReader(row: Row, accounts: readonly string[]): (command: PaymentCommand, start: number) => AccountStand[] {
  const debit = { seq: row.debitSeq.split(","), balance: row.debitBalance.split(",") };
  const credit = { seq: row.creditSeq.split(","), balance: row.creditBalance.split(",") };
  const held = row.held.split(",");
  const sides = row.creditNormal.split(",");
  const terms = new Map(accounts.map((id, index) => [id, { heldMinor: BigInt(held[index] || 0), creditNormal: sides[index] === "t" }]));
  const stand = (side: typeof debit, accountId: string, index: number): AccountStand => {
    const known = terms.get(accountId);
    invariant(known, "an account that was not named");
    return { accountId, seq: BigInt(side.seq[index] ?? ""), balanceMinor: BigInt(side.balance[index] ?? ""), ...known };
  };
  return (command, start) =>
    lastStands(
      command.lines.flatMap((line, offset) => [
        stand(debit, line.debitAccountId, start + offset),
        stand(credit, line.creditAccountId, start + offset),
      ]),
    );
}

function postedPayment(command: PaymentCommand, row: Row, sequence: bigint, clientId: string | null, accounts: AccountStand[]): Payment {
  return {
    id: command.id,
    externalId: command.externalId,
    type: command.type,
    state: "posted",
    clientId,
    description: command.description,
    reference: command.reference,
    reason: null,
    metadata: command.metadata,
    valueDate: command.valueDate ?? row.today,
    createdAt: row.bookedAt,
    pendedAt: null,
    postedAt: row.bookedAt,
    cancelledAt: null,
    sequence,
    lines: command.lines.map((line, index) => ({ lineNo: index + 1, ...line })),
    accounts,
  };
}

function amountOrNull(text: string | undefined): bigint | null {
  return text === undefined || text === "" ? null : BigInt(text);
}

const NULL = "NULL";

/** An array literal of values that need no quotes: ids, numbers, dates, words of ours. */
function plain(values: readonly (string | number | bigint)[]): string {
  return `{${values.join(",")}}`;
}

/** An array literal of callers' texts. */
function texts(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? NULL : `"${value.replace(/["\\]/g, "\\$&")}"`)).join(",")}}`;
}
