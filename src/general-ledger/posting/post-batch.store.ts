// The call of post_batch: commands go as arrays, results come back as comma-separated text, one column each. What is rarely said is sent
// and answered as null for the whole batch.

import type { Sql } from "#platform/db.ts";
import { invariant } from "#platform/problem.ts";
import { type ChangeCommand, isChange, type LedgerCommand, linesOf, type PaymentCommand, paymentIdOf } from "./command.ts";
import { hashes, plain, rare, rareTexts, rareUuids, texts, uuids } from "./post-batch-arrays.ts";
import { type CommandResult, type PostBatchRow, readResults } from "./post-batch-results.ts";

export type { CommandRefusal, CommandResult } from "./post-batch-results.ts";

export type BatchOptions = {
  /** All commands or none. */
  readonly atomic: boolean;
  readonly timeZone: string;
  /** Default true. False saves looking for commands that are repeats: a batch that holds one may then fail with 23505, whole. */
  readonly expectsRepeats?: boolean;
};

/** Judges the commands in order and books the accepted ones; in an atomic batch all or none. The statement is the last of its transaction. */
export async function postBatch(sql: Sql, commands: readonly LedgerCommand[], options: BatchOptions): Promise<CommandResult[]> {
  const accounts = touchedAccounts(commands);
  const position = new Map(accounts.map((id, index) => [id, index + 1]));
  const place = (id: string): number | null => position.get(id) ?? null;
  const made = <T>(read: (command: PaymentCommand) => T): (T | null)[] => commands.map((c) => (isChange(c) ? null : read(c)));
  const changed = <T>(read: (command: ChangeCommand) => T): (T | null)[] => commands.map((c) => (isChange(c) ? read(c) : null));
  const lines = commands.flatMap(linesOf);
  const captures = commands.flatMap((c) => linesOf(c).map((_, index) => (isChange(c) ? (c.captures?.[index] ?? null) : null)));
  const versions = commands.flatMap((command, index) =>
    isChange(command)
      ? []
      : Object.entries(command.ifVersion ?? {}).map(([id, version]) => ({ command: index + 1, account: place(id), version })),
  );
  const isPhased = commands.some(({ operation }) => operation !== "transfer");
  const isPlain = commands.every(isOneLineOfItsType);
  const rows = await sql<PostBatchRow>`
    select o_first_sequence as "firstSequence", o_booked_at as "bookedAt", o_today as today, o_first_open as "firstOpen",
           case when 0 <> any(o_code) then array_to_string(o_code, ',') end as codes,
           case when 0 <> any(o_code) then array_to_string(o_account, ',', '') end as accounts,
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
           case when 0 <> any(o_held) then array_to_string(o_held, ',', '') end as held,
           case when false = any(o_credit_normal) then array_to_string(o_credit_normal, ',', '') end as "creditNormal"
    from general_ledger.post_batch(
      ${uuids(accounts)}, ${options.atomic}, ${options.timeZone}, ${options.expectsRepeats ?? true},
      ${isPhased ? plain(commands.map((c) => c.operation)) : null},
      ${uuids(commands.map(paymentIdOf))}, ${texts(commands.map((c) => c.ownerTenant))}, ${plain(commands.map((c) => (c.isConfined ? "t" : "f")))},
      ${texts(commands.map((c) => c.createdBy))}, ${rareTexts(made((c) => c.externalId))}, ${rareUuids(made((c) => c.content))},
      ${uuids(commands.map((c) => c.key?.id ?? null))}, ${hashes(commands.map((c) => c.key?.request ?? null))},
      ${rareTexts(commands.map((c) => c.key?.traceId ?? null))}, ${rare(commands.map((c) => (c.key?.keepsAbsence ? "t" : null)))},
      ${rare(made((c) => c.type))}, ${rare(commands.map((c) => c.valueDate))},
      ${rareTexts(made((c) => c.description))}, ${rareTexts(made((c) => c.reference))},
      ${rareTexts(made((c) => c.metadata && JSON.stringify(c.metadata)))},
      ${rareTexts(changed((c) => c.reason))}, ${rare(made((c) => c.expiresAt?.toISOString() ?? null))},
      ${rareUuids(made((c) => c.reversesPaymentId))}, ${rareUuids(made((c) => c.clientId))},
      ${isPlain ? null : plain(commands.map((c) => linesOf(c).length))},
      ${plain(lines.map((l) => place(l.debitAccountId)))}, ${plain(lines.map((l) => place(l.creditAccountId)))},
      ${plain(lines.map((l) => l.amountMinor))}, ${plain(lines.map((l) => l.currency))}, ${rareTexts(lines.map((l) => l.description))},
      ${isPlain ? null : plain(lines.map((l) => l.type))}, ${rare(captures)},
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

/** Most payments are: then neither the number of lines nor their types need to be said. A change says nothing of types. */
function isOneLineOfItsType(command: LedgerCommand): boolean {
  const lines = linesOf(command);
  return lines.length === 1 && (isChange(command) || lines[0]?.type === command.type);
}
