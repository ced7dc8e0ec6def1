// The ratios that matter, each "this ÷ that" with the goal it is to reach. Goals are set against the hand-written way as people write it;
// the same against the prepared one stands beside.

import type { Measure } from "./closed-loop.ts";
import type { LoadName } from "./load.ts";
import * as plan from "./plan.ts";

/** One measure of a cell; of several cells the highest. */
export type Term = { readonly cells: readonly string[]; readonly of: Measure };
export type RatioLine = { readonly title: string; readonly above: Term; readonly below: Term; readonly goal: number | null };

const rate = (...cells: string[]): Term => ({ cells, of: "perSecond" });
const at =
  (load: LoadName, callers: number) =>
  (subject: string): string =>
    plan.nameOf(subject, load, callers);
const [uniform1, uniform64, uniform256] = [at("uniform", 1), at("uniform", 64), at("uniform", 256)];
const [hot64, hot256, zipf64, zipf256] = [at("hot", 64), at("hot", 256), at("zipf", 64), at("zipf", 256)];

function line(title: string, above: Term, below: Term, goal: number | null = null): RatioLine {
  return { title, above, below, goal };
}

const direct = rate(uniform256(plan.PRODUCT));
const hot = rate(hot256(plan.PRODUCT));
const overHttp = rate(uniform64(plan.PRODUCT_HTTP));
const hotOverHttp = rate(hot64(plan.PRODUCT_HTTP));

const IN_PROCESS: readonly RatioLine[] = [
  line("256 callers, uniform ÷ hand-written", direct, rate(uniform64(plan.HAND_WRITTEN)), 8),
  line("256 callers, uniform ÷ hand-written, prepared", direct, rate(uniform64(plan.PREPARED))),
  line("256 callers, Zipf ÷ hand-written", rate(zipf256(plan.PRODUCT)), rate(zipf64(plan.HAND_WRITTEN))),
  line("256 callers, Zipf ÷ hand-written, prepared", rate(zipf256(plan.PRODUCT)), rate(zipf64(plan.PREPARED))),
  line("256 callers, hot ÷ hand-written", hot, rate(hot64(plan.HAND_WRITTEN)), 30),
  line("256 callers, hot ÷ hand-written, prepared", hot, rate(hot64(plan.PREPARED))),
  line(
    "256 callers, hot ÷ hand-written at its best of 8 and 1 connections",
    hot,
    rate(hot64(plan.HAND_WRITTEN), hot64(plan.HAND_WRITTEN_SINGLE)),
    20,
  ),
  line(
    "256 callers, hot ÷ hand-written, prepared, at its best of 8 and 1 connections",
    hot,
    rate(hot64(plan.PREPARED), hot64(plan.PREPARED_SINGLE)),
  ),
  line("64 callers, uniform ÷ hand-written", rate(uniform64(plan.PRODUCT)), rate(uniform64(plan.HAND_WRITTEN))),
  line("64 callers, uniform ÷ hand-written, prepared", rate(uniform64(plan.PRODUCT)), rate(uniform64(plan.PREPARED))),
  line("1 caller ÷ hand-written, 1 caller", rate(uniform1(plan.PRODUCT)), rate(uniform1(plan.HAND_WRITTEN)), 1),
  line("1 caller ÷ hand-written, prepared, 1 caller", rate(uniform1(plan.PRODUCT)), rate(uniform1(plan.PREPARED))),
  line("256 callers, hot ÷ uniform", hot, direct, 1),
  line("256 callers, uniform ÷ pgledger", direct, rate(uniform64(plan.PGLEDGER)), 8),
  line("256 callers, hot ÷ pgledger", hot, rate(hot64(plan.PGLEDGER)), 30),
  line("256 callers, hot ÷ pgledger at its best of 8 and 1 connections", hot, rate(hot64(plan.PGLEDGER), hot64(plan.PGLEDGER_SINGLE)), 20),
  line(
    "256 callers, uniform ÷ best pgbench TPC-B",
    direct,
    rate(...[8, 16, 32].map((callers) => plan.nameOf(plan.TPCB, "uniform", callers))),
    6,
  ),
  line("256 callers, uniform: hold and post ÷ transfer", rate(uniform256(plan.PRODUCT_HOLDS)), direct, 0.5),
  line("256 callers, uniform: draft, pend and post ÷ transfer", rate(uniform256(plan.PRODUCT_DRAFTS)), direct),
  line("256 callers, hot: hold and post ÷ transfer", rate(hot256(plan.PRODUCT_HOLDS)), hot),
  line("256 callers, hot: draft, pend and post ÷ transfer", rate(hot256(plan.PRODUCT_DRAFTS)), hot),
];

const OVER_HTTP: readonly RatioLine[] = [
  line("64 callers, uniform ÷ hand-written over HTTP", overHttp, rate(uniform64(plan.HAND_WRITTEN_HTTP)), 5),
  line("64 callers, uniform ÷ hand-written, prepared, over HTTP", overHttp, rate(uniform64(plan.PREPARED_HTTP))),
  line("256 callers, uniform ÷ hand-written over HTTP", rate(uniform256(plan.PRODUCT_HTTP)), rate(uniform64(plan.HAND_WRITTEN_HTTP))),
  line(
    "256 callers, uniform ÷ hand-written, prepared, over HTTP",
    rate(uniform256(plan.PRODUCT_HTTP)),
    rate(uniform64(plan.PREPARED_HTTP)),
  ),
  line("64 callers, hot ÷ hand-written over HTTP", hotOverHttp, rate(hot64(plan.HAND_WRITTEN_HTTP))),
  line("64 callers, hot ÷ hand-written, prepared, over HTTP", hotOverHttp, rate(hot64(plan.PREPARED_HTTP))),
  line("64 callers, hot ÷ uniform", hotOverHttp, overHttp, 1),
  line("64 callers ÷ Fastify without a database", overHttp, rate(uniform64(plan.BARE_HTTP))),
  line("64 callers: hold and post ÷ transfer", rate(uniform64(plan.PRODUCT_HTTP_HOLDS)), overHttp),
  line("256 callers, uniform ÷ in process", rate(uniform256(plan.PRODUCT_HTTP)), direct),
  ...plan.BATCHES.map(({ size, callers }) =>
    line(
      `batches of ${size}, ${callers} callers ÷ in process, 256 callers`,
      rate(plan.nameOf(plan.batchName(size), "uniform", callers)),
      direct,
      0.9,
    ),
  ),
];

const work = (cell: string): Term => ({ cells: [cell], of: "workMicros" });

/** What neighbours disturb least. Beside a busy neighbour rates flatter whoever has more processes that ask for a share. */
const COSTS: readonly RatioLine[] = [
  ...[plan.HAND_WRITTEN, plan.PREPARED, plan.PGLEDGER].flatMap((peer) => [
    line(`uniform: ${peer} ÷ product in process, 256 callers`, work(uniform64(peer)), work(uniform256(plan.PRODUCT))),
    line(`hot: ${peer} ÷ product in process, 256 callers`, work(hot64(peer)), work(hot256(plan.PRODUCT))),
  ]),
  line("hot ÷ uniform, product in process, 256 callers", work(hot256(plan.PRODUCT)), work(uniform256(plan.PRODUCT))),
  line("uniform, 256 callers: hold and post ÷ transfer", work(uniform256(plan.PRODUCT_HOLDS)), work(uniform256(plan.PRODUCT))),
  line("uniform, 256 callers: draft, pend and post ÷ transfer", work(uniform256(plan.PRODUCT_DRAFTS)), work(uniform256(plan.PRODUCT))),
  ...[plan.HAND_WRITTEN_HTTP, plan.PREPARED_HTTP].map((peer) =>
    line(`uniform: ${peer} ÷ product over HTTP, 64 callers`, work(uniform64(peer)), work(uniform64(plan.PRODUCT_HTTP))),
  ),
  ...[plan.HAND_WRITTEN, plan.PREPARED, plan.PGLEDGER].map((peer) =>
    line(
      `PostgreSQL alone, uniform: ${peer} ÷ product in process, 256 callers`,
      { cells: [uniform64(peer)], of: "databaseMicros" },
      { cells: direct.cells, of: "databaseMicros" },
    ),
  ),
];

const titled = (prefix: string, lines: readonly RatioLine[]): RatioLine[] =>
  lines.map((each) => ({ ...each, title: `${prefix}, ${each.title}` }));

export const RATIOS: readonly RatioLine[] = [
  ...titled("in process", IN_PROCESS),
  ...titled("over HTTP", OVER_HTTP),
  ...titled("processor time per payment", COSTS),
];
