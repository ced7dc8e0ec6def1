// The wire words of one-time codes for account operations (contract 5.4, operations 18 and 19).

import { DateTimeText, enumOf, type Static, strictObject, Type, Nullable, Uuid } from "#platform/schema.ts";
import { ACCOUNT_OPERATIONS, CHANNELS } from "./words.ts";

export const SendOtp = strictObject(
  {
    operation: enumOf(ACCOUNT_OPERATIONS, { title: "OtpOperation" }),
    accountId: Type.Optional(
      Nullable(Uuid, { description: "Required for closeAccount, possible for viewDetails: the code is for this account only." }),
    ),
    channel: Type.Optional(
      Nullable(enumOf(CHANNELS, { title: "OtpChannel" }), {
        description: "Default: sms where the client's phone can take one, else email.",
      }),
    ),
  },
  { title: "SendOtpRequest" },
);
export type SendOtp = Static<typeof SendOtp>;

export const SentOtp = strictObject(
  {
    otpId: Uuid,
    channel: enumOf(CHANNELS, { title: "OtpChannel" }),
    maskedDestination: Type.String({
      description: "Where the code goes, as far as its owner needs to know it again.",
      examples: ["+370******78"],
    }),
    expiresAt: DateTimeText,
    resendAvailableAt: DateTimeText,
  },
  { title: "SentOtpDto" },
);
export type SentOtp = Static<typeof SentOtp>;

export const VerifyOtp = strictObject(
  { otpId: Uuid, code: Type.String({ pattern: "^[0-9]{6}$", description: "The six digits of the message.", examples: ["000000"] }) },
  { title: "VerifyOtpRequest" },
);
export type VerifyOtp = Static<typeof VerifyOtp>;

export const VerifiedOtp = strictObject(
  {
    verified: Type.Literal(true),
    verificationToken: Type.String({
      description: "Shown once to the operation that was confirmed, for the same account, until expiresAt.",
    }),
    expiresAt: DateTimeText,
  },
  { title: "VerifiedOtpDto" },
);
export type VerifiedOtp = Static<typeof VerifiedOtp>;
