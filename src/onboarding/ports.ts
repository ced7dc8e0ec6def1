// What onboarding needs from outside: somebody who finds out who a client really is. An adapter fills this port and translates; what
// stands here are our own words (countries of two letters, our types of documents).

/** A person as the provider is told of it. Country codes in upper case. */
export type PersonToVerify = {
  readonly firstName: string;
  readonly lastName: string;
  readonly dateOfBirth: string;
  readonly citizenshipCountry: string;
  readonly residenceCountry: string;
};

export type CompanyToVerify = {
  readonly companyName: string;
  readonly registrationNumber: string;
  readonly registrationCountry: string;
  readonly registrationDate: string;
  readonly legalForm: string | null;
  readonly taxNumber: string | null;
  readonly website: string | null;
};

export type AddressToVerify = {
  readonly streetLine1: string;
  readonly streetLine2?: string | null | undefined;
  readonly city: string;
  readonly state?: string | null | undefined;
  readonly zip: string;
  readonly country: string;
};

/** Whom the provider is to know: exactly one of `individual` and `company`. */
export type ApplicantOrder = {
  /** Our id, by which the provider never has two applicants. */
  readonly externalUserId: string;
  readonly levelName: string;
  readonly email: string;
  readonly phoneNumber: string;
  readonly address: AddressToVerify;
  readonly individual: PersonToVerify | null;
  readonly company: CompanyToVerify | null;
};

/** An applicant as the provider knows it. */
export type Applicant = {
  /** 24 hex digits. */
  readonly applicantId: string;
  readonly externalUserId: string | null;
};

/** How far the provider has come, in its own words. */
export type ApplicantState = { readonly reviewStatus: string; readonly reviewAnswer: string | null };

/** A verdict to simulate, in the provider's words (contract operation 102). */
export type SimulatedReview = {
  readonly reviewAnswer: "GREEN" | "RED";
  readonly rejectLabels: readonly string[];
  readonly reviewRejectType: "FINAL" | "RETRY" | null;
  readonly clientComment: string | null;
  readonly moderationComment: string | null;
};

export type PersonOfCompany = {
  readonly companyApplicantId: string;
  readonly applicantId: string;
  /** `director`, `shareholder`, `ultimateBeneficialOwner`, `representative`. */
  readonly roles: readonly string[];
  readonly sharePercent: number | null;
};

export type DocumentToVerify = {
  readonly applicantId: string;
  /** ClientDocumentType (contract 4.2). */
  readonly type: string;
  readonly country: string;
  readonly fileName: string;
  readonly contentType: string;
  readonly content: Uint8Array;
};

/** Calls leave the house: none of them while a transaction is open. All throw ProviderFault. */
export type VerificationProvider = {
  /** Gives the applicant of that externalUserId, a new one where there is none; also after an answer that was lost. */
  createApplicant(order: ApplicantOrder, signal: AbortSignal): Promise<Applicant>;
  findApplicant(externalUserId: string, signal: AbortSignal): Promise<Applicant | null>;
  findState(applicantId: string, signal: AbortSignal): Promise<ApplicantState | null>;
  /** A token for the provider's web SDK, for that applicant alone. Secret: for the caller, never for a log. */
  issueAccessToken(
    request: { readonly externalUserId: string; readonly levelName: string; readonly seconds: number },
    signal: AbortSignal,
  ): Promise<string>;
  linkPerson(person: PersonOfCompany, signal: AbortSignal): Promise<void>;
  addDocument(document: DocumentToVerify, signal: AbortSignal): Promise<void>;
  /** Sandbox only: has the provider give that verdict. */
  simulateReview(applicantId: string, review: SimulatedReview, signal: AbortSignal): Promise<void>;
  /** The applicant begins anew. */
  resetApplicant(applicantId: string, signal: AbortSignal): Promise<void>;
};

/** What went wrong at the provider. Nothing of it tells of a person but perhaps `description`, which no logger sees. */
export class ProviderFault extends Error {
  /** True: it said no, and will say it again. False: it cannot be reached, or its answer cannot be used; what was asked may have been done. */
  readonly isRefusal: boolean;
  /** HTTP status; null where there was no answer that could be read. */
  readonly status: number | null;
  /** The provider's own code; of its own choosing. */
  readonly code: string | null;
  readonly #description: string | null;
  /** By which the provider finds the call in its logs. */
  readonly correlationId: string | null;

  constructor(
    message: string,
    about: {
      readonly isRefusal: boolean;
      readonly status?: number;
      readonly code?: string | null;
      readonly description?: string | null;
      readonly correlationId?: string | null;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: about.cause });
    this.isRefusal = about.isRefusal;
    this.status = about.status ?? null;
    this.code = about.code ?? null;
    this.#description = about.description ?? null;
    this.correlationId = about.correlationId ?? null;
  }

  /** The provider's own words, which may repeat what it was sent: for tests and for people who ask for them, never for a log. */
  get description(): string | null {
    return this.#description;
  }
}
