import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openCodeDelivery } from "./open-codes.ts";

const SECRET = "k".repeat(44);
const NOTHING = { deliveryUrl: null, secret: null };

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "open-codes-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, "data");
}

async function open(options: Parameters<typeof openCodeDelivery>[0]) {
  const opened = await openCodeDelivery(options);
  onTestFinished(() => opened.close());
  return opened;
}

test("development brings a simulator, and a secret that lies below the data folder for its owner alone and stays", async () => {
  const dataDir = await aFolder();
  const [first, again] = [
    await open({ codes: NOTHING, dataDir, mode: "development" }),
    await open({ codes: NOTHING, dataDir, mode: "development" }),
  ];
  expect(first.simulatorUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/messages$/);
  expect(first.delivery?.secret).toMatch(/^[\w-]{43}$/);
  expect(again.delivery?.secret).toBe(first.delivery?.secret);
  const file = join(dataDir, "one-time-codes.key");
  expect([(await stat(file)).mode & 0o777, (await readFile(file, "utf8")).trim()]).toEqual([0o600, first.delivery?.secret]);
});

test("the settings come first: no simulator and no file beside them", async () => {
  const dataDir = await aFolder();
  const { delivery, simulatorUrl } = await open({
    codes: { deliveryUrl: "http://127.0.0.1:9/", secret: SECRET },
    dataDir,
    mode: "development",
  });
  expect([delivery?.secret, simulatorUrl]).toEqual([SECRET, null]);
  await expect(stat(dataDir)).rejects.toThrow("ENOENT");
});

test("production takes both from the settings or sends no codes, and makes nothing of its own", async () => {
  const dataDir = await aFolder();
  const bare = await open({ codes: NOTHING, dataDir, mode: "production" });
  expect([bare.delivery, bare.simulatorUrl]).toEqual([null, null]);
  const whole = await open({ codes: { deliveryUrl: "https://codes.example/", secret: SECRET }, dataDir, mode: "production" });
  expect([whole.delivery?.secret, whole.simulatorUrl]).toEqual([SECRET, null]);
  await expect(stat(dataDir)).rejects.toThrow("ENOENT");
});
