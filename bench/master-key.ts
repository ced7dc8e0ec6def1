// The master key of benchmarks: the same for whoever fills books and whoever serves them. Published, so it protects nothing.

import { createHash } from "node:crypto";
import { MasterKeys } from "#platform/sealing.ts";

const KEY = createHash("sha256").update("finlego bench master key").digest();

/** As MASTER_KEY takes it. */
export const BENCH_MASTER_KEY = KEY.toString("base64");

export const benchMasterKeys = new MasterKeys([KEY]);
