// The call of post_batch: commands go as arrays, results come back as comma-separated text, one column each. Arrays are written here
// because the driver's own encoder costs more than the rest of the call; a list in which nobody says anything goes as null.

import type { Sql } from "#platform/db.ts";
import { invariant } from "#platform/problem.ts";
import { type ChangeCommand, isChange, type LedgerCommand, linesOf, type PaymentCommand, paymentIdOf } from "./command.ts";
import { type CommandResult, type PostBatchRow, readResults } from "./post-batch-results.ts";

export type { CommandRefusal, CommandResult } from "./post-batch-results.ts";

/** Judges the commands in order and books the accepted ones; in an atomic batch all or none. The statement is the last of its transaction. */
export async function postBatch(
  sql: Sql,
  commands: readonly LedgerCommand[],
  options: { readonly atomic: boolean; readonly timeZone: string },
): Promise<CommandResult[]> {
  const accounts = touchedAccounts(commands);
  const position = new Map(accounts.map((id, index) => [id, index + 1]));
  const place = (id: string): number | null => position.get(id) ?? null;
  const made = (read: (command: PaymentCommand) => Value): Value[] => commands.map((c) => (isChange(c) ? null : read(c)));
  const changed = (read: (command: ChangeCommand) => Value): Value[] => commands.map((c) => (isChange(c) ? read(c) : null));
  const lines = commands.flatMap((command) =>
    linesOf(command).map((line, index) => ({
      line,
      no: index + 1,
      payment: paymentIdOf(command),
      capture: isChange(command) ? (command.captures?.[index] ?? null) : null,
    })),
  );
  const versions = commands.flatMap((command, index) =>
    isChange(command)
      ? []
      : Object.entries(command.ifVersion ?? {}).map(([id, version]) => ({ command: index + 1, account: place(id), version })),
  );
  const isPhased = commands.some(({ operation }) => operation !== "transfer");
  const rows = await sql<PostBatchRow>`
    select o_first_sequence as "firstSequence", o_booked_at as "bookedAt", o_today as today, o_first_open as "firstOpen",
           array_to_string(o_code, ',') as codes, array_to_string(o_place, ',', '') as places,
           case when o_code <> array_fill(0::smallint, array[cardinality(o_code)]) then array_to_string(o_account, ',', '') end as accounts,
           case when o_code && '{11,15}'::smallint[] then array_to_string(o_available, ',', '') end as available,
           case when o_code && '{11,15}'::smallint[] then array_to_string(o_required, ',', '') end as required,
           case when o_code && '{1,12}'::smallint[] then array_to_string(o_existing, ',', '') end as existing,
           case when o_code && '{1,12}'::smallint[] then array_to_string(o_change, ',', '') end as changes,
           case when 3 = any(o_code) then to_json(o_refusal) end as refusals,
           array_to_string(o_client, ',', '') as clients,
           array_to_string(o_debit_seq, ',', '') as "debitSeq", array_to_string(o_debit_balance, ',', '') as "debitBalance",
           array_to_string(o_credit_seq, ',', '') as "creditSeq", array_to_string(o_credit_balance, ',', '') as "creditBalance",
           array_to_string(o_debit_held, ',', '') as "debitHeld", array_to_string(o_credit_held, ',', '') as "creditHeld",
           array_to_string(o_stands, ',', '') as stands, to_json(o_pended_at) as "pendedAt", to_json(o_reason) as reasons,
           array_to_string(o_held, ',', '') as held, array_to_string(o_credit_normal, ',', '') as "creditNormal"
    from general_ledger.post_batch(
      ${plain(accounts)}, ${options.atomic}, ${options.timeZone},
      ${isPhased ? plain(commands.map((c) => c.operation)) : null},
      ${plain(commands.map(paymentIdOf))}, ${texts(commands.map((c) => c.ownerTenant))}, ${plain(commands.map((c) => (c.isConfined ? "t" : "f")))},
      ${texts(commands.map((c) => c.createdBy))}, ${rareTexts(made((c) => c.externalId))}, ${rare(made((c) => c.content))},
      ${plain(commands.map((c) => c.key?.id ?? NULL))}, ${plain(commands.map((c) => c.key?.request ?? NULL))}, ${rare(commands.map((c) => c.key?.traceId ?? null))},
      ${plain(commands.map((c) => (c.key?.keepsAbsence === true ? "t" : "f")))},
      ${rare(made((c) => c.type))}, ${rare(commands.map((c) => c.valueDate))},
      ${rareTexts(made((c) => c.description))}, ${rareTexts(made((c) => c.reference))},
      ${rareTexts(made((c) => (c.metadata === null ? null : JSON.stringify(c.metadata))))},
      ${rareTexts(changed((c) => c.reason))}, ${rare(made((c) => c.expiresAt?.toISOString() ?? null))}, ${rare(made((c) => c.reversesPaymentId))},
      ${rare(made((c) => c.clientId))},
      ${plain(commands.map((c) => linesOf(c).length))},
      ${plain(lines.map((l) => l.payment))}, ${plain(lines.map((l) => l.no))},
      ${plain(lines.map((l) => place(l.line.debitAccountId) ?? NULL))}, ${plain(lines.map((l) => place(l.line.creditAccountId) ?? NULL))},
      ${plain(lines.map((l) => l.line.amountMinor))}, ${plain(lines.map((l) => l.line.currency))},
      ${plain(lines.map((l) => l.line.type))}, ${rareTexts(lines.map((l) => l.line.description))}, ${rare(lines.map((l) => l.capture))},
      ${rare(versions.map((v) => v.command))}, ${rare(versions.map((v) => v.account))}, ${rare(versions.map((v) => v.version))})`;
  const row = rows[0];
  invariant(row, "post_batch gave no answer");
  return readResults(row, commands, accounts);
}

/** How long the connection waits for a locked account from now on, in milliseconds. */
export async function setLockTimeout(sql: Sql, ms: number): Promise<void> {
  await sql`select set_config('lock_timeout', ${String(ms)}, false)`;
}

/** Every account that the commands name, once, in the order in which the database locks them. */
function touchedAccounts(commands: readonly LedgerCommand[]): string[] {
  const ids = new Set<string>();
  for (const command of commands) for (const line of linesOf(command)) ids.add(line.debitAccountId).add(line.creditAccountId);
  return [...ids].sort();
}

const NULL = "NULL";

type Value = string | number | bigint | null;

/** An array literal of values that need no quotes: ids, numbers, dates, words of ours. */
function plain(values: readonly (string | number | bigint)[]): string {
  return `{${values.join(",")}}`;
}

/** The same where most say nothing. */
function rare(values: readonly Value[]): string | null {
  return values.every((value) => value === null) ? null : `{${values.map((value) => value ?? NULL).join(",")}}`;
}

/** An array literal of callers' texts. */
function texts(values: readonly Value[]): string {
  return `{${values.map((value) => (value === null ? NULL : `"${String(value).replace(/["\\]/g, "\\$&")}"`)).join(",")}}`;
}

function rareTexts(values: readonly Value[]): string | null {
  return values.every((value) => value === null) ? null : texts(values);
}
