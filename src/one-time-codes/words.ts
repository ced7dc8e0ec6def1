// The words of one-time codes: what a client can confirm, over which channel, and how that reads in a message.

/** Account operations that a client confirms with a code (contract, operation 18). Each is a purpose of codes. */
export const ACCOUNT_OPERATIONS = ["openAccount", "closeAccount", "viewDetails"] as const;
export type AccountOperation = (typeof ACCOUNT_OPERATIONS)[number];

/** Ways on which a code can go (contract 4.2). */
export const CHANNELS = ["sms", "email"] as const;
export type Channel = (typeof CHANNELS)[number];

const DEEDS: Readonly<Record<AccountOperation, string>> = {
  openAccount: "open an account",
  closeAccount: "close an account",
  viewDetails: "view account details",
};

/** Purpose and code, nothing more: no link, no name, nothing that a false message could imitate to advantage. */
export function accountMessage(operation: AccountOperation, code: string): string {
  return `${code} is your code to ${DEEDS[operation]}.`;
}
