// What post_batch answers, told command by command. An accepted command is told as the payment that it made or changed: the same
// figures that a later reader finds in the rows, so the answer of now and its replay are equal.

import { invariant } from "#platform/problem.ts";
import { type AccountStand, lastStands, type Payment } from "../payments/payment.ts";
import { type ChangeCommand, isChange, type LedgerCommand, linesOf, type PaymentCommand } from "./command.ts";
import { OUTCOMES, type Outcome } from "./posting.ts";

/** A refusal as it is kept under a key, in the database's words. */
export type KeptRefusal = { code: number; account: string | null; available: string | null; required: string | null; trace: string };

export type CommandRefusal = {
  readonly outcome: Exclude<Outcome, "accepted" | "replayed" | "refusedBefore" | "unchanged">;
  readonly accountId: string | null;
  /** Of insufficientFunds in minor units; of versionMismatch the version found and the version asked for. */
  readonly availableMinor: bigint | null;
  readonly requiredMinor: bigint | null;
  /** Trace id of the call that was refused first, when this is a repeat. */
  readonly firstTraceId: string | null;
};

export type CommandResult =
  | { readonly outcome: "accepted"; readonly payment: Payment }
  /** The payment exists: the caller reads it as this change left it, which was its last one when a new key or an externalId met it. */
  | { readonly outcome: "replayed"; readonly paymentId: string; readonly change: number }
  /** The change was made before: the caller reads the payment as it stood when that was judged, after this change. */
  | { readonly outcome: "unchanged"; readonly paymentId: string; readonly change: number }
  /** Only in an atomic batch: this command would pass, another one did not. */
  | { readonly outcome: "withdrawn" }
  | CommandRefusal;

/** The columns of the call: lists as comma-separated text. */
export type PostBatchRow = {
  firstSequence: bigint | null;
  bookedAt: Date;
  today: string;
  firstOpen: string | null;
  codes: string | null;
  accounts: string | null;
  available: string | null;
  required: string | null;
  existing: string | null;
  changes: string | null;
  refusals: (string | null)[] | null;
  clients: string;
  debitSeq: string;
  debitBalance: string;
  debitHeld: string | null;
  creditSeq: string;
  creditBalance: string;
  creditHeld: string | null;
  stands: string | null;
  pendedAt: (string | null)[] | null;
  reasons: (string | null)[] | null;
  held: string | null;
  creditNormal: string | null;
};

/** The result of each command, in order. */
export function readResults(row: PostBatchRow, commands: readonly LedgerCommand[], accounts: readonly string[]): CommandResult[] {
  const codes = row.codes?.split(",");
  const culprits = row.accounts?.split(",");
  const existing = row.existing?.split(",");
  const changes = row.changes?.split(",");
  const available = row.available?.split(",");
  const required = row.required?.split(",");
  const clients = row.clients.split(",");
  const stands = new Stands(row, accounts);
  let line = 0;
  let accepted = 0n;
  return commands.map((command, index): CommandResult => {
    const start = line;
    line += linesOf(command).length;
    const outcome = outcomeOf(codes === undefined ? 0 : Number(codes[index]));
    if (outcome === "accepted") {
      if (row.firstSequence === null) return { outcome: "withdrawn" };
      const sequence = row.firstSequence + accepted;
      accepted += 1n;
      const left = stands.of(command, start);
      const payment = isChange(command)
        ? changedPayment(command, row, index, { sequence, accounts: left })
        : newPayment(command, row, { sequence, clientId: clients[index] || null, accounts: left });
      return { outcome, payment };
    }
    if (outcome === "replayed" || outcome === "unchanged") {
      return { outcome, paymentId: existing?.[index] ?? "", change: Math.abs(Number(changes?.[index])) };
    }
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
  invariant(
    outcome !== "accepted" && outcome !== "replayed" && outcome !== "refusedBefore" && outcome !== "unchanged",
    "a kept refusal that is none",
  );
  return {
    outcome,
    accountId: kept.account,
    availableMinor: kept.available === null ? null : BigInt(kept.available),
    requiredMinor: kept.required === null ? null : BigInt(kept.required),
    firstTraceId: kept.trace,
  };
}

type Side = { readonly seq: string[]; readonly balance: string[]; readonly held: string[] | null };

/** The accounts as each command left them. Of transfers the figures of a line tell it; other commands have six figures for each line. */
class Stands {
  readonly #debit: Side;
  readonly #credit: Side;
  readonly #accounts: ReadonlyMap<string, { readonly heldMinor: bigint; readonly creditNormal: boolean }>;
  readonly #phased: readonly string[];

  constructor(row: PostBatchRow, accounts: readonly string[]) {
    this.#debit = { seq: row.debitSeq.split(","), balance: row.debitBalance.split(","), held: row.debitHeld?.split(",") ?? null };
    this.#credit = { seq: row.creditSeq.split(","), balance: row.creditBalance.split(","), held: row.creditHeld?.split(",") ?? null };
    this.#phased = row.stands?.split(",") ?? [];
    const held = row.held?.split(",");
    const sides = row.creditNormal?.split(",");
    this.#accounts = new Map(
      accounts.map((id, index) => [id, { heldMinor: BigInt(held?.[index] || 0), creditNormal: sides?.[index] !== "f" }]),
    );
  }

  of(command: LedgerCommand, start: number): AccountStand[] {
    const lines = linesOf(command);
    const [first] = lines;
    // Nearly every payment: one line, whose accounts differ.
    if (command.operation === "transfer" && first !== undefined && lines.length === 1) {
      return [this.#booked(this.#debit, first.debitAccountId, start), this.#booked(this.#credit, first.creditAccountId, start)];
    }
    if (command.operation === "transfer") {
      return lastStands(
        lines.flatMap((line, offset) => [
          this.#booked(this.#debit, line.debitAccountId, start + offset),
          this.#booked(this.#credit, line.creditAccountId, start + offset),
        ]),
      );
    }
    return lastStands(
      lines.flatMap((line, offset) => [
        this.#taken(line.debitAccountId, 6 * (start + offset)),
        this.#taken(line.creditAccountId, 6 * (start + offset) + 3),
      ]),
    );
  }

  #booked(side: Side, accountId: string, index: number): AccountStand {
    const known = this.#known(accountId);
    return {
      accountId,
      seq: BigInt(side.seq[index] ?? ""),
      balanceMinor: BigInt(side.balance[index] ?? ""),
      heldMinor: side.held === null ? known.heldMinor : BigInt(side.held[index] ?? ""),
      creditNormal: known.creditNormal,
    };
  }

  #taken(accountId: string, at: number): AccountStand {
    const [seq = "", balance = "", held = ""] = this.#phased.slice(at, at + 3);
    return {
      accountId,
      seq: BigInt(seq),
      balanceMinor: BigInt(balance),
      heldMinor: BigInt(held),
      creditNormal: this.#known(accountId).creditNormal,
    };
  }

  #known(accountId: string): { readonly heldMinor: bigint; readonly creditNormal: boolean } {
    const known = this.#accounts.get(accountId);
    invariant(known, "an account that was not named");
    return known;
  }
}

type Made = { readonly sequence: bigint; readonly clientId: string | null; readonly accounts: AccountStand[] };

function newPayment(command: PaymentCommand, row: PostBatchRow, made: Made): Payment {
  const { operation } = command;
  const { valueDate, askedValueDate } = valueDates(command.valueDate, row);
  return {
    sequence: made.sequence,
    clientId: made.clientId,
    accounts: made.accounts,
    id: command.id,
    externalId: command.externalId,
    type: command.type,
    state: operation === "transfer" ? "posted" : operation === "draft" ? "draft" : "pending",
    description: command.description,
    reference: command.reference,
    reason: null,
    metadata: command.metadata,
    valueDate,
    askedValueDate,
    createdAt: row.bookedAt,
    pendedAt: operation === "hold" ? row.bookedAt : null,
    postedAt: operation === "transfer" ? row.bookedAt : null,
    cancelledAt: null,
    expiresAt: command.expiresAt,
    reversesPaymentId: command.reversesPaymentId,
    reversedByPaymentId: null,
    lines: command.lines.map((line, index) => ({
      lineNo: index + 1,
      debitAccountId: line.debitAccountId,
      creditAccountId: line.creditAccountId,
      amountMinor: line.amountMinor,
      postedMinor: null,
      currency: line.currency,
      type: line.type,
      description: line.description,
    })),
  };
}

const STATE_AFTER = { pend: "pending", post: "posted", cancel: "cancelled", expire: "cancelled" } as const;

function changedPayment(command: ChangeCommand, row: PostBatchRow, index: number, made: Omit<Made, "clientId">): Payment {
  const { operation, payment, captures } = command;
  const pended = row.pendedAt?.[index] ?? null;
  const posts = operation === "post";
  return {
    ...payment,
    ...made,
    state: STATE_AFTER[operation],
    reason: command.reason ?? row.reasons?.[index] ?? null,
    ...(posts ? valueDates(command.valueDate, row) : { valueDate: payment.valueDate, askedValueDate: payment.askedValueDate }),
    pendedAt: operation === "pend" ? row.bookedAt : pended === null ? null : new Date(pended),
    postedAt: posts ? row.bookedAt : null,
    cancelledAt: operation === "cancel" || operation === "expire" ? row.bookedAt : null,
    reversedByPaymentId: null,
    lines: payment.lines.map((line, at) => ({ ...line, postedMinor: posts ? (captures?.[at] ?? line.amountMinor) : null })),
  };
}

/** A closed day takes no value: the next open one does. */
function valueDates(asked: string | null, { today, firstOpen }: PostBatchRow): { valueDate: string; askedValueDate: string | null } {
  const wanted = asked ?? today;
  const isClosed = firstOpen !== null && wanted < firstOpen;
  return { valueDate: isClosed ? firstOpen : wanted, askedValueDate: isClosed ? asked : null };
}

function amountOrNull(text: string | undefined): bigint | null {
  return text === undefined || text === "" ? null : BigInt(text);
}
