// Pure: how long codes live, how often one may be wrong, and what follows. Delegated Regulation (EU) 2018/389, article 4(3)(b): at most
// five failures in a row, then a block; article 4(4): the client is warned before a block becomes permanent. With five tries in a block
// and three blocks a day, a guesser has 15 tries a day against a million codes, and then none.

export const CODE_LIFE_SECONDS = 300;
/** Between two codes for one purpose. */
export const RESEND_AFTER_SECONDS = 60;
/** Messages to one client within 24 hours. */
export const MESSAGES_A_DAY_MAX = 10;
/** How long a verified code can be used for what it confirms. */
export const PROOF_LIFE_SECONDS = 300;
/** Failures in a row, over all codes of the client: the fifth one blocks. A new code does not set them back, a right one does. */
export const FAILURES_MAX = 5;
export const BLOCK_SECONDS = 900;
/** Blocks within 24 hours: the third one stays until staff lifts it. */
export const BLOCKS_A_DAY_MAX = 3;

/** What a wrong code leads to. */
export type Failure =
  | { readonly kind: "counted"; readonly failures: number; readonly attemptsLeft: number; readonly warning: string | null }
  | { readonly kind: "blocked"; readonly isPermanent: boolean; readonly warning: string | null };

/** `failures` in a row before this one; `blocks`: how many began in the last 24 hours and were not lifted. */
export function judgeFailure(failures: number, blocks: number): Failure {
  const now = failures + 1;
  if (now < FAILURES_MAX) {
    const warning = blocks + 1 >= BLOCKS_A_DAY_MAX ? "The next block stays until the bank lifts it." : null;
    return { kind: "counted", failures: now, attemptsLeft: FAILURES_MAX - now, warning };
  }
  const isPermanent = blocks + 1 >= BLOCKS_A_DAY_MAX;
  const isLastWarning = blocks + 2 >= BLOCKS_A_DAY_MAX;
  if (isPermanent) return { kind: "blocked", isPermanent, warning: "The block stays until the bank lifts it." };
  return { kind: "blocked", isPermanent, warning: isLastWarning ? "Another block within a day stays until the bank lifts it." : null };
}
