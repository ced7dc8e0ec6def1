import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

/** Work that ends when it is told to. */
function aWork(log: string[], name: string) {
  let end: (fault?: Error) => void = () => undefined;
  const ended = new Promise<string>((resolve, reject) => {
    end = (fault) => (fault === undefined ? resolve(name) : reject(fault));
  });
  const run = async (): Promise<string> => {
    log.push(name);
    return await ended;
  };
  return { run, end };
}

test("work of one name runs one after another, also where one fails; work of other names does not wait", async () => {
  const log: string[] = [];
  const turns = new Turns();
  const [a, b, c, other] = [aWork(log, "a"), aWork(log, "b"), aWork(log, "c"), aWork(log, "other")];
  const runs = [turns.take("one", a.run), turns.take("one", b.run), turns.take("one", c.run), turns.take("two", other.run)];
  other.end();
  await expect(runs[3]).resolves.toBe("other");
  expect(log).toEqual(["a", "other"]);
  a.end(new Error("no"));
  await expect(runs[0]).rejects.toThrow("no");
  b.end();
  await expect(runs[1]).resolves.toBe("b");
  c.end();
  await expect(runs[2]).resolves.toBe("c");
  expect(log).toEqual(["a", "other", "b", "c"]);
});
