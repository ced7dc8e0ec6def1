// Which accounts a payment moves money between. Seeded, so that every subject of one repetition meets the same sequence.

export type LoadName = "uniform" | "zipf" | "hot";
export const LOADS: readonly LoadName[] = ["uniform", "zipf", "hot"];

/** One payment to be made: positions of two different accounts, and minor units. */
export type Order = { readonly debit: number; readonly credit: number; readonly amount: number };

/**
 * An endless source of orders. `uniform`: both accounts by chance. `zipf`: both by Zipf's law with exponent 1 (of 10 000 accounts the
 * first takes a tenth of everything). `hot`: every payment credits account 0.
 */
export function createLoad(name: LoadName, accounts: number, seed: number): () => Order {
  const random = createRandom(seed);
  const pick = name === "zipf" ? zipfPicker(accounts, random) : () => Math.floor(random() * accounts);
  return () => {
    const credit = name === "hot" ? 0 : pick();
    let debit = pick();
    while (debit === credit) debit = pick();
    return { debit, credit, amount: 1 + Math.floor(random() * 100) };
  };
}

function zipfPicker(accounts: number, random: () => number): () => number {
  const upTo = new Float64Array(accounts);
  let sum = 0;
  for (let rank = 0; rank < accounts; rank++) upTo[rank] = sum += 1 / (rank + 1);
  return () => {
    const target = random() * sum;
    let low = 0;
    let high = accounts - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((upTo[middle] ?? 0) > target) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** Mulberry32: enough for picking accounts, and the same on every machine. */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
