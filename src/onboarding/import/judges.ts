// Pure: the rules by which rows are judged are those of operations 99 and 100: the same shapes, the same reader, the same first standing.

import { NewCompany, NewIndividual, readNewClient } from "#client-profile";
import type { LocalDate } from "#platform/dates.ts";
import { bodyChecker } from "#platform/http/input.ts";
import { reviveNumbers } from "#platform/json.ts";
import type { FieldErrors } from "#platform/problem.ts";
import type { Static, TSchema } from "#platform/schema.ts";
import { type ImportStatus, importedStanding } from "../imported-standing.ts";
import { columnsOf } from "./csv.ts";
import type { JudgeBody, Judges } from "./rows.ts";

/** The columns that a CSV file may have: the fields of an individual. */
export const COLUMNS = columnsOf(NewIndividual);

export type JudgeDeps = { readonly tenant: string; readonly importStatus: ImportStatus; readonly today: LocalDate };

export function judgesOf(deps: JudgeDeps): Judges {
  return { individual: judgeOf(NewIndividual, checkIndividual, deps), company: judgeOf(NewCompany, checkCompany, deps) };
}

type Check = (value: unknown) => FieldErrors | null;

const checkIndividual = bodyChecker(NewIndividual);
const checkCompany = bodyChecker(NewCompany);

function judgeOf(schema: typeof NewIndividual | typeof NewCompany, check: Check, deps: JudgeDeps): JudgeBody {
  return (body) => {
    const errors = shapeFaults(schema, check, body);
    if (errors !== null) return { errors };
    const told = body as Static<typeof schema>;
    const read = readNewClient(told, deps.today);
    if ("errors" in read) return read;
    return { client: { tenant: deps.tenant, ...read.client, ...importedStanding(told.riskLevel, deps.importStatus), reason: "import" } };
  };
}

/** Numbers become what the schema asks for, in place, before its checks see them. */
function shapeFaults(schema: TSchema, check: Check, body: Record<string, unknown>): FieldErrors | null {
  const { faults } = reviveNumbers(body, schema);
  if (faults.length === 0) return check(body);
  const errors: FieldErrors = {};
  for (const { path, message } of faults) (errors[path] ??= []).push(message);
  return errors;
}
