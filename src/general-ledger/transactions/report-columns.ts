// The columns of a report: those of TransactionDto, in its order. Amounts carry no sign but that of a balance. Pure.

import type { Column } from "#platform/table-file.ts";
import type { TransactionDto } from "./contract.ts";

type Name = keyof TransactionDto;

/** Words that came from outside; all other columns are the ledger's own. */
const TEXTS: readonly Name[] = ["description", "reference", "counterpartyName", "counterpartyAccount"];
const FIGURES = {
  before: ["id", "paymentId", "accountId", "counterAccountId", "direction", "amount", "currency", "balanceAfter", "type", "state"],
  behind: ["transferId", "valueDate", "createdAt", "postedAt", "sequence", "accountSequence"],
} as const satisfies Record<string, readonly Name[]>;

function figure(name: Exclude<Name, "metadata">): Column<TransactionDto> {
  return { name, kind: "figure", value: (row) => row[name]?.toString() ?? null };
}

/** In the order of the file. */
export const REPORT_COLUMNS: readonly Column<TransactionDto>[] = [
  ...FIGURES.before.map(figure),
  ...TEXTS.map((name): Column<TransactionDto> => ({ name, kind: "text", value: (row) => row[name] as string | null })),
  ...FIGURES.behind.map(figure),
  { name: "metadata", kind: "text", value: ({ metadata }) => (Object.keys(metadata).length === 0 ? null : JSON.stringify(metadata)) },
];
