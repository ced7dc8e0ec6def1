// Figures for Prometheus: the process, the calls, the writer, the pool. Labels are route patterns and status codes, never values of callers.

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000];

export class Metrics {
  readonly registry = new Registry();
  readonly #calls = new Histogram({
    name: "finlego_http_seconds",
    help: "Time to answer a call.",
    labelNames: ["method", "route", "status"],
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly #batches = new Histogram({
    name: "finlego_ledger_batch_size",
    help: "Commands in one batch of the ledger's writer.",
    buckets: BATCH_SIZES,
    registers: [this.registry],
  });
  readonly #batchSeconds = new Histogram({
    name: "finlego_ledger_batch_seconds",
    help: "Time to write one batch.",
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly #faults = new Counter({
    name: "finlego_ledger_batch_faults_total",
    help: "Batches that met a database error.",
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  /** Looking a label set up costs more than counting in it, and there are few: routes times statuses. */
  readonly #callsByRoute = new Map<string, Histogram.Internal<"method" | "route" | "status">>();

  readonly onAnswer = (method: string, route: string, status: number, seconds: number): void => {
    const name = `${method} ${route} ${status}`;
    let calls = this.#callsByRoute.get(name);
    if (calls === undefined) {
      calls = this.#calls.labels(method, route, String(status));
      this.#callsByRoute.set(name, calls);
    }
    calls.observe(seconds);
  };

  readonly onBatch = (commands: number, ms: number): void => {
    this.#batches.observe(commands);
    this.#batchSeconds.observe(ms / 1000);
  };

  readonly onBatchFault = (): void => this.#faults.inc();

  /** A figure that is read when it is asked for. */
  addGauge(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [this.registry], collect: () => gauge.set(read()) });
  }
}
