// Pieces of the ledger's wire words that several nouns share (contract 3.5, 4.3, 5.4-5.8).

import { Type } from "#platform/schema.ts";

export const ExternalId = Type.String({ minLength: 1, maxLength: 100, description: "The caller's own id; unique within its tenant." });
export const Description = Type.String({ maxLength: 500 });
export const Reference = Type.String({
  maxLength: 140,
  // As SEPA transports it (EPC217-08): no slash at either end, no two in a row.
  pattern: "^(?:[A-Za-z0-9?:().,'+ -]+(?:/[A-Za-z0-9?:().,'+ -]+)*)?$",
  description: "Payment reference, shown to both sides, in the SEPA character set: letters, digits, space and / - ? : ( ) . , ' +",
});
export const AccountNumber = Type.String({ pattern: "^[A-Za-z0-9]{4,34}$" });
export const Sequence = Type.Integer({ minimum: 1, description: "Number of an accepted change of the ledger, gapless in commit order." });
export const Metadata = Type.Record(Type.String({ pattern: "^[A-Za-z0-9_-]{1,40}$" }), Type.String({ maxLength: 500 }));
