// What one-time codes need from outside: somebody who carries a message to a phone or a mailbox. An adapter fills this port.

import type { ClientProfile } from "#client-profile";

/** How a client is reached; null where there is none, or it is erased. */
export type FindContact = ClientProfile["findContact"];

export type CodeMessage = {
  /** The same at every try, so that a message which arrived without saying so is not delivered twice. */
  readonly id: string;
  readonly channel: "sms" | "email";
  /** An E.164 number or an e-mail address. Personal data: for the message, never for a log. */
  readonly destination: string;
  /** Holds the code: never for a log. */
  readonly text: string;
};

/** Returns when the message was taken over for delivery. Throws otherwise; the error tells neither destination nor text. */
export type DeliverCode = (message: CodeMessage, signal: AbortSignal) => Promise<void>;
