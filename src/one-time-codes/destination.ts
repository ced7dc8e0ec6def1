// Pure: where a code goes, and what of that address may be shown.

import type { Channel } from "./words.ts";

/** How a client can be reached, as client profiles tell it. */
type Contact = { readonly email: string; readonly phoneNumber: string; readonly phoneIsE164: boolean };

export type Destination = { readonly channel: Channel; readonly address: string };

/** The wanted channel, or without a wish the phone before the mailbox. Null: the client cannot be reached on it. */
export function destinationFor(contact: Contact, wanted: Channel | null): Destination | null {
  const channel = wanted ?? (contact.phoneIsE164 ? "sms" : "email");
  if (channel === "email") return { channel, address: contact.email };
  return contact.phoneIsE164 ? { channel, address: contact.phoneNumber } : null;
}

/** Enough for its owner to know it again: "+370******78", "j***@example.com". */
export function maskDestination({ channel, address }: Destination): string {
  if (channel === "sms") return address.slice(0, 4) + "*".repeat(Math.max(address.length - 6, 1)) + address.slice(-2);
  const at = address.lastIndexOf("@");
  const [first = ""] = address;
  // A name of one letter must not stand there whole.
  return `${at > 1 ? first : ""}***${address.slice(at)}`;
}
