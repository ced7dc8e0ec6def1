// The yardstick without HTTP, with the number of connections that suits it best: sixteen, and eight where all want the same row; or one,
// which is better still there.

import { randomUUID } from "node:crypto";
import pg from "pg";
import { newId } from "#platform/new-id.ts";
import type { LoadName } from "../load.ts";
import type { SubjectOptions } from "../subject.ts";
import { transfer } from "./hand-written.store.ts";
import type { Payer } from "./payer.ts";

export const connectionsFor = (load: LoadName): number => (load === "hot" ? 8 : 16);

export async function openHandWritten({ url, role, accounts, way, connections }: SubjectOptions): Promise<Payer> {
  let pool: pg.Pool | null = null;
  return {
    accounts: accounts.length,
    async prepare({ load }) {
      await pool?.end();
      pool = openPool(url, role, connections ?? connectionsFor(load));
    },
    async pay(next) {
      if (pool === null) throw new Error("not prepared");
      await transfer(pool, way, next(), newId(), randomUUID());
      return 1;
    },
    async close() {
      await pool?.end();
    },
  };
}

export function openPool(url: string, role: string | null, connections: number): pg.Pool {
  return new pg.Pool({ connectionString: url, max: connections, ...(role === null ? {} : { options: `-c role=${role}` }) });
}
