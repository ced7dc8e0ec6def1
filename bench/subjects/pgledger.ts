// pgledger, a public peer: SQL functions, called unchanged, one transfer per call. Its code is never part of this project; whoever
// wants the comparison names a file that holds it.

import type pg from "pg";
import type { SubjectOptions } from "../subject.ts";
import { connectionsFor, openPool } from "./hand-written.ts";
import type { Payer } from "./payer.ts";
import { createTransfer, findAccounts } from "./pgledger.store.ts";

export async function openPgledger({ url, connections }: SubjectOptions): Promise<Payer> {
  const ids = await findAccounts(url);
  let pool: pg.Pool | null = null;
  return {
    accounts: ids.length,
    async prepare({ load }) {
      await pool?.end();
      pool = openPool(url, null, connections ?? connectionsFor(load));
    },
    async pay(next) {
      if (pool === null) throw new Error("not prepared");
      const { debit, credit, amount } = next();
      await createTransfer(pool, ids[debit] ?? "", ids[credit] ?? "", amount);
      return 1;
    },
    async close() {
      await pool?.end();
    },
  };
}
