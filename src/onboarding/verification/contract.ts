// The wire words of verification (operations 101 and 102, and the two of ours that start and show it).

import { DateTimeText, enumOf, Nullable, type Static, strictObject, Type, Uuid } from "#platform/schema.ts";

/** As client-profile has it (contract 4.2). */
const VerificationStatus = enumOf(["notStarted", "pending", "onHold", "resubmissionRequested", "approved", "rejected"], {
  title: "VerificationStatus",
});

const text = Type.String();

/** What Sumsub sends, as far as it is read; the list of members and of types is open. */
export const SumsubWebhook = Type.Object(
  {
    type: Type.String({ description: "What happened. Types that are not known here are kept and change nothing." }),
    applicantId: Type.String({ description: "Sumsub's id of the applicant, 24 hex digits." }),
    inspectionId: Type.Optional(text),
    correlationId: Type.Optional(text),
    externalUserId: Type.Optional(
      Nullable(Type.String({ description: "Our clientId, or the relatedIndividualId of a person of a company." })),
    ),
    levelName: Type.Optional(text),
    applicantType: Type.Optional(Type.String({ description: "individual or company" })),
    reviewStatus: Type.Optional(text),
    reviewResult: Type.Optional(
      Nullable(
        Type.Object({
          reviewAnswer: Type.Optional(Type.String({ description: "GREEN or RED" })),
          rejectLabels: Type.Optional(Type.Array(text)),
          reviewRejectType: Type.Optional(Type.String({ description: "FINAL or RETRY, with RED" })),
        }),
      ),
    ),
    createdAtMs: Type.Optional(Type.String({ description: "When it happened: yyyy-MM-dd HH:mm:ss.fff, UTC." })),
    sandboxMode: Type.Optional(Type.Boolean({ description: "True changes nothing in production." })),
    clientId: Type.Optional(Type.String({ description: "The Sumsub tenant, not our client." })),
  },
  {
    title: "SumsubWebhook",
    examples: [
      {
        type: "applicantReviewed",
        applicantId: "0123456789abcdef01234567",
        inspectionId: "0123456789abcdef01234568",
        applicantType: "individual",
        correlationId: "req-11111111-2222-3333-4444-555555555555",
        levelName: "basic-kyc-level",
        externalUserId: "0197b0a4-4b1c-7cc0-8000-3d3b2a1f0e00",
        sandboxMode: true,
        reviewStatus: "completed",
        reviewResult: { reviewAnswer: "RED", rejectLabels: ["SCREENSHOTS"], reviewRejectType: "RETRY" },
        createdAtMs: "2026-11-23 10:15:30.123",
        clientId: "exampleTenant",
      },
    ],
  },
);

/** The answer to a webhook: it is applied right after the answer, or why it changes nothing. */
export const TakenWebhook = Type.Union(
  [
    strictObject({ processed: Type.Literal(true) }),
    strictObject({
      processed: Type.Literal(false),
      reason: Type.String({
        description:
          "repeat, older, unknownType, unknownApplicant (kept until the applicant is known), otherApplicant, otherType, sandbox, malformedTime or futureTime.",
      }),
    }),
  ],
  { title: "TakenWebhook" },
);
export type TakenWebhook = Static<typeof TakenWebhook>;

const comment = (description: string) => Type.Optional(Nullable(Type.String({ maxLength: 2_000, description })));

/** Operation 102. */
export const SimulateVerification = strictObject(
  {
    clientId: Type.Optional(Nullable(Uuid)),
    applicantId: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 100, description: "In place of clientId." }))),
    reviewAnswer: enumOf(["GREEN", "RED"]),
    rejectLabels: Type.Optional(Nullable(Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { maxItems: 50 }))),
    reviewRejectType: Type.Optional(Nullable(enumOf(["FINAL", "RETRY"], { description: "Required with RED: over, or may try again." }))),
    clientComment: comment("For staff; handed on to the provider and not kept."),
    moderationComment: comment("For the applicant; handed on to the provider and not kept."),
  },
  { title: "SimulateVerificationResponseCommand" },
);
export type SimulateVerification = Static<typeof SimulateVerification>;

export const SimulatedVerification = strictObject(
  { applicantId: text, verificationStatus: VerificationStatus },
  { title: "SimulatedVerificationResponse" },
);
export type SimulatedVerification = Static<typeof SimulatedVerification>;

/** What the client's own program needs to go through the verification. */
export const StartedVerification = strictObject(
  {
    applicantId: Type.String({ description: "The provider's id of the client." }),
    levelName: Type.String({ description: "What is verified, as the provider calls it." }),
    accessToken: Type.String({
      description: "For the provider's web or mobile SDK, for this applicant alone. A secret: hand it to the client, keep no copy.",
    }),
    expiresAt: DateTimeText,
  },
  { title: "StartedVerification" },
);
export type StartedVerification = Static<typeof StartedVerification>;

const LastEvent = strictObject(
  {
    type: text,
    createdAt: DateTimeText,
    receivedAt: DateTimeText,
    outcome: Nullable(Type.String({ description: "applied, older, recorded, unknownType, gone …; null: not applied yet." })),
  },
  { title: "VerificationEventDto" },
);

const progress = {
  applicantId: Nullable(text),
  levelName: Nullable(text),
  verificationStatus: VerificationStatus,
  lastEvent: Nullable(LastEvent, { description: "Of the provider's events the one that happened last." }),
  attention: Type.Array(text, {
    description:
      "Why staff should look: resubmissionOfServed, blockedByVerification, approvedButNotActive, deactivated, deleted, personalDataDeleted.",
  }),
};

/** How far the verification of a client has come. */
export const Verification = strictObject(
  {
    clientId: Uuid,
    ...progress,
    relatedIndividuals: Type.Array(strictObject({ relatedIndividualId: Uuid, ...progress }, { title: "PersonVerificationDto" })),
  },
  { title: "VerificationDto" },
);
export type Verification = Static<typeof Verification>;
