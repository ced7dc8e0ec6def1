// What must not matter does not matter: the same money moved in parts, in another order, between accounts of other names, in one step or in
// two, leaves the same balances. The seed is printed with a failure.

import { afterAll, beforeAll, expect, test } from "vitest";
import { aLine } from "../builders.ts";
import { type Life, lifeAt } from "../payment-life.ts";
import { random } from "../random.ts";
import { bodyOf, type LedgerApp, openLedgerApp, type TestAccount } from "../setup/ledger.ts";

const ACCOUNTS = 6;
const ROUNDS = 2;
const MOVES = 24;

let bank: LedgerApp;
let life: Life;
beforeAll(async () => {
  bank = await openLedgerApp();
  life = lifeAt(bank);
});
afterAll(() => bank.close());

/** Cents from one account to another, by their places. */
type Move = { readonly from: number; readonly to: number; readonly cents: number };
type Play = (accounts: readonly TestAccount[], moves: readonly Move[]) => Promise<void>;

const amount = (cents: number): string => (cents / 100).toFixed(2);

test("parts, order, names and steps leave the same balances", { timeout: 120_000 }, async () => {
  const draw = random();
  const line = (accounts: readonly TestAccount[], { from, to, cents }: Move): Record<string, unknown> =>
    aLine(accounts[from] as TestAccount, accounts[to] as TestAccount, amount(cents));
  const inOneStep = async (lines: readonly Record<string, unknown>[]): Promise<void> => void bodyOf(await bank.transfer(life.order(lines)));
  const plays: Readonly<Record<string, Play>> = {
    "one payment each": async (accounts, moves) => {
      for (const move of moves) await inOneStep([line(accounts, move)]);
    },
    "all in one payment": (accounts, moves) => inOneStep(moves.map((move) => line(accounts, move))),
    "in another order, all at once": async (accounts, moves) => {
      const shuffled = moves.toSorted(() => (draw.chance(0.5) ? 1 : -1));
      await Promise.all(shuffled.map((move) => inOneStep([line(accounts, move)])));
    },
    "in parts": async (accounts, moves) => {
      for (const { from, to, cents } of moves) {
        const part = draw.integer(0, cents);
        const parts = [part, cents - part].filter((each) => each > 0);
        await inOneStep(parts.map((each) => line(accounts, { from, to, cents: each })));
      }
    },
    "in two steps": async (accounts, moves) => {
      for (const move of moves) {
        const { id } = await life.paymentIn("pending", [line(accounts, move)]);
        bodyOf(await life.act("post", id));
      }
    },
    "ordered too large and captured in part": async (accounts, moves) => {
      for (const move of moves) {
        const { id } = await life.paymentIn("pending", [line(accounts, { ...move, cents: move.cents + draw.integer(1, 500) })]);
        bodyOf(await life.act("post", id, { amount: amount(move.cents) }));
      }
    },
    "with others that are cancelled and reversed between": async (accounts, moves) => {
      for (const move of moves) {
        const { id } = await life.paymentIn("pending", [line(accounts, { ...move, cents: 77 })]);
        const wrong = bodyOf(await bank.transfer(life.order([line(accounts, { ...move, cents: 33 })])));
        await inOneStep([line(accounts, move)]);
        bodyOf(await life.act("cancel", id));
        bodyOf(await bank.transfer({ externalId: `undo-${String(wrong["id"])}`, type: "reversal", reversesPaymentId: wrong["id"] }));
      }
    },
  };
  for (let round = 0; round < ROUNDS; round++) {
    const moves = draw.list(MOVES, (): Move => {
      const [from, to] = draw.two(Array.from({ length: ACCOUNTS }, (_, index) => index));
      return { from, to, cents: draw.integer(1, 900) };
    });
    let first: readonly string[] | null = null;
    for (const [how, play] of Object.entries(plays)) {
      // Accounts without a floor: who has money when is no part of this.
      const accounts = await Promise.all(Array.from({ length: ACCOUNTS }, () => bank.anAccount({ type: "clearing" })));
      await play(accounts, moves);
      const figures = await life.figures(...accounts);
      first ??= figures;
      expect(figures, `${how}, ${draw.note}`).toEqual(first);
    }
  }
  expect(await bank.unbalanced()).toEqual([]);
});
