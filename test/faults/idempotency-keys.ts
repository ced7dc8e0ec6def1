// LED-5 to LED-8: the idempotency contract, row by row, for every operation that honours a key, on two instances and across a kill -9.

import { type Answer, insist, isDefinite, post, sendRaw } from "./calls.ts";
import { anIndividual } from "../builders.ts";
import { ACCOUNTS, atOnce, type Bank, Caller, IMPORTS, TRANSFER, withBank } from "./bank.ts";
import { checkBooks } from "./books.ts";
import { type Body, type KeyedBank, type KeyedOperation, keyedOperations, prepareKeyedBank } from "./keyed-operations.ts";
import { type Report, runAlone, type Size, type Suite } from "./suite.ts";

export const idempotencyKeys: Suite = {
  name: "idempotency-keys",
  promise: "One key of one caller has at most one effect, for ever, and its repeat is answered with the same bytes.",
  async run(size, report) {
    await withBank(async (bank) => {
      const first = await bank.start();
      const second = await bank.start();
      const on = await prepareKeyedBank(bank, first.port);
      const there = new Caller(second.port, bank.token);
      // All steps of a payment's life honour a key in one way: one of them is enough for every day.
      const operations = keyedOperations(on).filter(({ name }) => size === "long" || (name !== "post" && name !== "cancel"));
      for (const operation of operations) {
        const scene: Scene = { report, operation, here: on.caller, there };
        await replaysSuccess(scene);
        await storm(scene, size);
        await replaysRefusal(scene);
        await refusesReuse(scene);
        await evaluatesAfresh(scene, bank);
        await keepsCallersApart(scene, bank);
        await readsFormsOfOneKey(scene);
        await refusesBadKeys(scene, bank);
        await ignoresSpelling(scene);
        report.count("operations");
      }
      await externalIds(report, on, there);
      await namesAcrossAccounts(report, on, there);
      await twins(report, on, there);
      await evaluatesAfreshAfterRateLimit(report, bank, on, operations);
      await survivesKill(report, bank, operations, [first.port, second.port], async () => {
        await Promise.all([first.kill(), second.kill()]);
        await Promise.all([bank.restart(first), bank.restart(second)]);
      });
      await checkBooks(bank, report, "after the key suites");
    });
  },
};

type Scene = { readonly report: Report; readonly operation: KeyedOperation; readonly here: Caller; readonly there: Caller };

const REPLAYED = "idempotency-replayed";
const newKey = (): string => crypto.randomUUID();

async function expectEffects({ report, operation }: Scene, body: Body, wanted: number, when: string): Promise<void> {
  report.expectEqual(await operation.effects(body), wanted, `${operation.name}, ${when}: effects`);
  report.count("cases");
}

function expectStatus({ report, operation }: Scene, answer: Answer, status: number, when: string, code?: string): void {
  report.expect(
    answer.status === status && (code === undefined || answer.body["code"] === code),
    `${operation.name}, ${when}: answered ${answer.status} ${answer.text.slice(0, 300)}, expected ${status} ${code ?? ""}`,
  );
}

function expectReplay(scene: Scene, first: Answer, repeat: Answer, when: string): void {
  const { report, operation } = scene;
  report.expectEqual(
    [repeat.status, repeat.text],
    [first.status, first.text],
    `${operation.name}, ${when}: status and bytes of the repeat`,
  );
  report.expectEqual(repeat.headers[REPLAYED] ?? null, "true", `${operation.name}, ${when}: Idempotency-Replayed of the repeat`);
  report.expectEqual(repeat.headers["content-type"], first.headers["content-type"], `${operation.name}, ${when}: media type of the repeat`);
}

/** First use, repeat here, repeat at the other instance. */
async function replaysSuccess(scene: Scene): Promise<void> {
  const { operation, here, there, report } = scene;
  const [body, key] = [await operation.body(), newKey()];
  const first = await here.post(operation.path(body), body, key);
  expectStatus(scene, first, 200, "first use");
  report.expectEqual(first.headers[REPLAYED] ?? null, null, `${operation.name}: Idempotency-Replayed of the first answer`);
  expectReplay(scene, first, await here.post(operation.path(body), body, key), "repeat after success");
  expectReplay(scene, first, await there.post(operation.path(body), body, key), "repeat at the other instance");
  await expectEffects(scene, body, 1, "after three calls with one key");
}

/** One key, many calls at once on both instances: one effect; every definite answer the same. */
async function storm(scene: Scene, size: Size): Promise<void> {
  const { operation, here, there, report } = scene;
  const [body, key] = [await operation.body(), newKey()];
  const calls = operation.name.includes("batch") && size === "short" ? 60 : 200;
  const answers = await atOnce(calls, (index) => (index % 2 === 0 ? here : there).post(operation.path(body), body, key));
  const settled = await here.post(operation.path(body), body, key);
  expectStatus(scene, settled, 200, "after the storm");
  for (const answer of answers) {
    const asSettled = answer.status === settled.status && answer.text === settled.text;
    const later = !isDefinite(answer) && answer.status !== 500 && answer.headers["retry-after"] !== undefined;
    report.expect(asSettled || later, `${operation.name}, ${calls} at once: ${answer.status} ${answer.text.slice(0, 300)}`);
    if (later) report.count("storm answers 'later'");
  }
  const originals = answers.filter((answer) => answer.status === 200 && answer.headers[REPLAYED] === undefined);
  // The items of a list settle one by one: each instance may have done a part of the work.
  const most = operation.name === "batch" ? 2 : 1;
  report.expect(originals.length <= most, `${operation.name}, ${calls} at once: ${originals.length} answers say that they were the first`);
  await expectEffects(scene, body, 1, `after ${calls} at once`);
  report.count("storm calls", calls);
}

/** A definite refusal stays, also when its reason has gone; a new try needs a new key. */
async function replaysRefusal(scene: Scene): Promise<void> {
  const { operation, here, there, report } = scene;
  if (operation.refused === null) return;
  const { body, mend } = await operation.refused();
  const before = await operation.effects(body);
  const key = newKey();
  const first = await here.post(operation.path(body), body, key);
  expectStatus(scene, first, 409, "refused");
  await mend();
  for (const caller of [here, there]) {
    const repeat = await caller.post(operation.path(body), body, key);
    report.expectEqual(
      [repeat.status, repeat.text],
      [first.status, first.text],
      `${operation.name}: status and bytes of the repeat of a refusal`,
    );
    report.expectEqual(repeat.headers[REPLAYED] ?? null, "true", `${operation.name}: Idempotency-Replayed of a repeated refusal`);
  }
  await expectEffects(scene, body, before, "after a repeated refusal");
  if (mend.name !== "nothing") {
    expectStatus(scene, await here.post(operation.path(body), body, newKey()), 200, "a new key after the reason has gone");
  }
}

/** The same key for something else: 422 and nothing done; the first meaning stays. */
async function refusesReuse(scene: Scene): Promise<void> {
  const { operation, here, there } = scene;
  const [body, key] = [await operation.body(), newKey()];
  const first = await here.post(operation.path(body), body, key);
  for (const caller of [here, there]) {
    expectStatus(
      scene,
      await caller.post(operation.path(body), operation.other(body), key),
      422,
      "same key, other body",
      "idempotencyKeyReused",
    );
  }
  const [path, stranger] = operation.name === "account" ? [IMPORTS, anIndividual()] : [ACCOUNTS, { type: "reserve", currency: "EUR" }];
  expectStatus(scene, await here.post(path, stranger, key), 422, "same key, other route", "idempotencyKeyReused");
  expectReplay(scene, first, await here.post(operation.path(body), body, key), "repeat after a wrong reuse");
  await expectEffects(scene, body, 1, "after a wrong reuse");
}

/** What was no verdict on the call leaves the key free. */
async function evaluatesAfresh(scene: Scene, bank: Bank): Promise<void> {
  const { operation, here } = scene;
  const expired = await bank.mint({ expiresInSeconds: -600 });
  const powerless = await bank.mint({ scope: "documents.read" });
  const cases: [string, number, (body: Body, key: string) => Promise<Answer>][] = [
    ["400 by a field", 400, (body, key) => here.post(operation.path(body), operation.malformed(body), key)],
    ["400 by broken JSON", 400, (body, key) => here.post(operation.path(body), `${JSON.stringify(body).slice(0, -1)},`, key)],
    ["401", 401, (body, key) => new Caller(here.port, expired).post(operation.path(body), body, key)],
    ["403", 403, (body, key) => new Caller(here.port, powerless).post(operation.path(body), body, key)],
    ["413", 413, (body, key) => here.post(operation.path(body), { ...body, filler: "x".repeat(17 * 1024 * 1024) }, key)],
    ["415", 415, (body, key) => here.post(operation.path(body), body, key, { "content-type": "text/plain" })],
  ];
  if (operation.absent !== null) {
    const absent = operation.absent;
    cases.push(["404", 404, (body, key) => here.post(operation.path(body), absent(body), key)]);
  }
  for (const [when, status, send] of cases) {
    const [body, key] = [await operation.body(), newKey()];
    // A server may close the connection on a body that is too large before it was sent.
    const refused = await send(body, key).catch(() => null);
    if (refused !== null) expectStatus(scene, refused, status, when);
    await expectEffects(scene, body, 0, `after ${when}`);
    const fresh = await here.post(operation.path(body), body, key);
    expectStatus(scene, fresh, 200, `the same key after ${when}`);
    await expectEffects(scene, body, 1, `after ${when} and a good call`);
  }
}

/** Keys belong to (tenant, subject); a new token of the same subject is the same caller. */
async function keepsCallersApart(scene: Scene, bank: Bank): Promise<void> {
  const { operation, here, there } = scene;
  const key = newKey();
  const bodies = [await operation.body(), await operation.body(), await operation.body()] as const;
  const other = new Caller(here.port, await bank.mint({ subject: "another-system" }));
  const again = new Caller(there.port, await bank.mint());
  const [mine, theirs] = [
    await here.post(operation.path(bodies[0]), bodies[0], key),
    await other.post(operation.path(bodies[1]), bodies[1], key),
  ];
  expectStatus(scene, mine, 200, "one caller's key");
  expectStatus(scene, theirs, 200, "the same key of another caller");
  expectReplay(scene, mine, await again.post(operation.path(bodies[0]), bodies[0], key), "repeat with a new token of the same caller");
  expectReplay(scene, theirs, await other.post(operation.path(bodies[1]), bodies[1], key), "the other caller's repeat");
  expectStatus(
    scene,
    await here.post(operation.path(bodies[2]), bodies[2], key),
    422,
    "a key of one's own, other body",
    "idempotencyKeyReused",
  );
}

async function readsFormsOfOneKey(scene: Scene): Promise<void> {
  const { operation, here, there } = scene;
  const [body, key] = [await operation.body(), `it's a key, ${newKey()}`];
  const first = await here.post(operation.path(body), body, `"${key}"`);
  expectStatus(scene, first, 200, "a quoted key");
  expectReplay(scene, first, await there.post(operation.path(body), body, key), "bare after quoted");
  const another = await operation.body();
  const long = "k".repeat(100 - 36) + newKey();
  expectStatus(scene, await here.post(operation.path(another), another, long), 200, "a key of 100 characters");
  await expectEffects(scene, body, 1, "after a quoted and a bare form");
}

async function refusesBadKeys(scene: Scene, bank: Bank): Promise<void> {
  const { operation, here, report } = scene;
  const body = await operation.body();
  const keys: [string, string | string[]][] = [
    ["empty", ""],
    ["two quotes", '""'],
    ["101 characters", "k".repeat(101)],
    ["a tab inside", "a\tb"],
    ["not ASCII", "schlüssel"],
    ["given twice", ["one", "two"]],
    ["given twice, the same", ["one", "one"]],
  ];
  for (const [what, key] of keys) {
    expectStatus(scene, await here.post(operation.path(body), body, undefined, { "idempotency-key": key }), 400, `a key that is ${what}`);
  }
  const text = JSON.stringify(body);
  const head = `POST ${operation.path(body)} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${bank.token}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(text)}`;
  for (const [what, key] of [
    ["with a control character", "a\u0001b"],
    ["with DEL", "a\u007fb"],
    ["UTF-8", Buffer.from("schlüssel").toString("latin1")],
  ]) {
    const status = await sendRaw(here.port, Buffer.from(`${head}\r\nidempotency-key: ${key}\r\n\r\n${text}`, "latin1"));
    report.expectEqual(status, 400, `${operation.name}: status for a key ${what}`);
  }
  await expectEffects(scene, body, 0, "after bad keys");
}

/** What means the same is the same: key order, white space, 1.5 and 1.50, a number and a string, null and absent. */
async function ignoresSpelling(scene: Scene): Promise<void> {
  const { operation, here, there } = scene;
  const [body, key] = [await operation.body(), newKey()];
  const first = await here.post(operation.path(body), body, key);
  const backwards = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(backwards);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([name, member]) => [name, backwards(member)]),
    );
  };
  const spellings: [string, string][] = [
    ["members backwards", JSON.stringify(backwards(body))],
    ["white space", JSON.stringify(body, null, 3)],
    ["1.5 for 1.50", JSON.stringify(body).replaceAll('"1.50"', '"1.5"')],
    ["a number for a string", JSON.stringify(body).replaceAll('"1.50"', "1.50")],
    ["a number without its zero", JSON.stringify(body).replaceAll('"1.50"', "1.5")],
  ];
  for (const [what, text] of spellings) expectReplay(scene, first, await there.post(operation.path(body), text, key), what);
  await expectEffects(scene, body, 1, "after other spellings");
}

/** Decision 2: an externalId names one payment of a tenant, with and without a key; a refusal does not occupy it. */
async function externalIds(report: Report, on: KeyedBank, there: Caller): Promise<void> {
  const [operation] = keyedOperations(on);
  if (operation === undefined) return;
  const scene: Scene = { report, operation, here: on.caller, there };
  const body = await operation.body();
  const first = await on.caller.post(TRANSFER, body);
  for (const [when, key] of [["without a key"], ["with a key", newKey()], ["with another key", newKey()]]) {
    const repeat = await there.post(TRANSFER, body, key);
    report.expectEqual([repeat.status, repeat.text], [200, first.text], `a repeated externalId ${when}: status and bytes`);
  }
  for (const key of [undefined, newKey()]) {
    expectStatus(
      scene,
      await there.post(TRANSFER, operation.other(body), key),
      409,
      "a used externalId, other content",
      "duplicateExternalId",
    );
  }
  await expectEffects(scene, body, 1, "after repeats by externalId");

  const calls = 100;
  const burst = await operation.body();
  const answers = await atOnce(calls, (index) =>
    (index % 2 === 0 ? on.caller : there).post(TRANSFER, burst, index % 3 === 0 ? newKey() : undefined),
  );
  const texts = new Set(answers.map((answer) => `${answer.status} ${answer.text}`));
  report.expectEqual(
    texts.size,
    1,
    `different answers to ${calls} calls with one externalId at once (${[...texts].map((text) => text.slice(0, 200)).join(" | ")})`,
  );
  await expectEffects(scene, burst, 1, `after ${calls} calls with one externalId at once`);

  const refused = await operation.refused?.();
  if (refused === undefined) return;
  expectStatus(scene, await on.caller.post(TRANSFER, refused.body, newKey()), 409, "no funds", "insufficientFunds");
  await refused.mend();
  expectStatus(scene, await there.post(TRANSFER, refused.body, newKey()), 200, "the externalId of a refused call, with a new key");
  await expectEffects(scene, refused.body, 1, "after a refusal and a new try");
}

/** One name for payments between different accounts, at both instances at once: no lock of an account keeps them apart, only the name does. */
async function namesAcrossAccounts(report: Report, { caller }: KeyedBank, there: Caller): Promise<void> {
  const many = 12;
  const accounts = await atOnce(2 * many, () => caller.settlement());
  for (let round = 0; round < 6; round++) {
    const key = newKey();
    const named = { externalId: newKey(), amount: "1.50", currency: "EUR" };
    const send = (index: number): Promise<Answer> => {
      const order = { ...named, debitAccountId: accounts[index], creditAccountId: accounts[many + index] };
      const at = index % 2 === 0 ? caller : there;
      // By externalId, by key, or both; the other name is one's own.
      if (round % 3 === 0) return at.post(TRANSFER, order);
      return at.post(TRANSFER, round % 3 === 1 ? { ...order, externalId: newKey() } : order, key);
    };
    const answers = await atOnce(many, send);
    const passed = answers.filter(({ status }) => status === 200).length;
    report.expectEqual(passed, 1, `payments of one name between different accounts that passed of ${answers.length} at once`);
    for (const { status, text } of answers)
      report.expect(
        status === 200 || /duplicateExternalId|idempotencyKeyReused|idempotencyInProgress/.test(text),
        `another payment of the same name answered ${status}: ${text.slice(0, 300)}`,
      );
    report.count("cases");
  }
}

/** A twin that is running: waited for up to 2 s, then 409 (or, at another instance, 503), and never a second effect. */
async function twins(report: Report, on: KeyedBank, there: Caller): Promise<void> {
  const [operation] = keyedOperations(on);
  if (operation === undefined) return;
  const scene: Scene = { report, operation, here: on.caller, there };
  for (const holdMs of [500, 3_500]) {
    const [body, key] = [await operation.body(), newKey()];
    const held = holdRow(on.bank, on.rich, holdMs);
    await new Promise((resolve) => setTimeout(resolve, 150));
    const started = performance.now();
    const answers = await atOnce(6, (index) => (index % 2 === 0 ? on.caller : there).post(TRANSFER, body, key));
    report.expect(performance.now() - started < 8_000, `twins behind a lock of ${holdMs} ms took ${performance.now() - started} ms`);
    await held;
    const settled = await insist(TRANSFER, body, { ports: [there.port], token: there.token, key });
    for (const answer of answers) {
      const definite = isDefinite(answer);
      report.expect(
        definite ? answer.text === settled.text : answer.status !== 500 && answer.headers["retry-after"] !== undefined,
        `a twin behind a lock of ${holdMs} ms: ${answer.status} ${answer.text.slice(0, 300)}`,
      );
      report.expect(
        definite || holdMs > 2_000,
        `a twin behind a lock of ${holdMs} ms was not waited for: ${answer.status} ${answer.text.slice(0, 200)}`,
      );
    }
    await expectEffects(scene, body, 1, `after twins behind a lock of ${holdMs} ms`);
  }
}

/** Holds an account's row as a slow transaction would. */
async function holdRow(bank: Bank, accountId: string, ms: number): Promise<void> {
  await bank.query(
    `with held as materialized (select id from general_ledger.account where id = $1 for update) select pg_sleep($2) from held`,
    [accountId, ms / 1_000],
  );
}

async function evaluatesAfreshAfterRateLimit(
  report: Report,
  bank: Bank,
  on: KeyedBank,
  operations: readonly KeyedOperation[],
): Promise<void> {
  const limited = await bank.start({ env: { RATE_LIMIT_PER_MINUTE: "1" } });
  for (const operation of operations) {
    const scene: Scene = { report, operation, here: on.caller, there: on.caller };
    const caller = new Caller(limited.port, await bank.mint({ subject: `limited-${operation.name}` }));
    const [spent, body, key] = [await operation.body(), await operation.body(), newKey()];
    expectStatus(scene, await caller.post(operation.path(spent), spent), 200, "within the limit");
    expectStatus(scene, await caller.post(operation.path(body), body, key), 429, "over the limit");
    await expectEffects(scene, body, 0, "after 429");
    const unlimited = new Caller(on.caller.port, caller.token);
    expectStatus(scene, await unlimited.post(operation.path(body), body, key), 200, "the same key after 429");
  }
  await limited.stop();
}

/** LED-8: keys outlive the processes. Calls are in flight when both are shot. */
async function survivesKill(
  report: Report,
  bank: Bank,
  operations: readonly KeyedOperation[],
  ports: readonly number[],
  killAll: () => Promise<void>,
): Promise<void> {
  const calls = await Promise.all(
    operations.flatMap((operation) => Array.from({ length: 8 }, async () => ({ operation, body: await operation.body(), key: newKey() }))),
  );
  const before = await Promise.all(
    calls.map(async ({ operation, body, key }, index) => {
      const port = ports[index % ports.length] ?? 0;
      return await post(operation.path(body), body, { port, token: bank.token, key });
    }),
  );
  const inFlight = await Promise.all(calls.map(async (call) => ({ ...call, body: await call.operation.body(), key: newKey() })));
  const racing = inFlight.map(({ operation, body, key }, index) =>
    insist(operation.path(body), body, { ports: [ports[index % 2] ?? 0, ports[(index + 1) % 2] ?? 0], token: bank.token, key }),
  );
  await new Promise((resolve) => setTimeout(resolve, 15));
  await killAll();
  for (const [index, { operation, body, key }] of calls.entries()) {
    const scene: Scene = { report, operation, here: new Caller(ports[0] ?? 0, bank.token), there: new Caller(ports[1] ?? 0, bank.token) };
    const first = before[index];
    if (first === undefined) continue;
    expectReplay(scene, first, await scene.there.post(operation.path(body), body, key), "repeat after kill -9");
    await expectEffects(scene, body, 1, "after kill -9 and a repeat");
  }
  for (const [index, answer] of (await Promise.all(racing)).entries()) {
    const call = inFlight[index];
    if (call === undefined) continue;
    const scene: Scene = {
      report,
      operation: call.operation,
      here: new Caller(ports[0] ?? 0, bank.token),
      there: new Caller(ports[1] ?? 0, bank.token),
    };
    expectStatus(scene, answer, 200, "in flight at kill -9, then insisted on");
    expectReplay(
      scene,
      answer,
      await scene.here.post(call.operation.path(call.body), call.body, call.key),
      "repeat of a call in flight at kill -9",
    );
    await expectEffects(scene, call.body, 1, "in flight at kill -9, then insisted on");
  }
}

await runAlone(import.meta, idempotencyKeys);
