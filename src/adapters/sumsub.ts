// Speaks to Sumsub (docs.sumsub.com/reference): fills the port of onboarding. It promises one applicant for each externalUserId: a
// creation whose answer was lost is looked up, and one that exists already is taken. The app token says whether it is the sandbox.

import { randomBytes } from "node:crypto";
import {
  type Applicant,
  type ApplicantOrder,
  type ApplicantState,
  type DocumentToVerify,
  ProviderFault,
  type VerificationProvider,
} from "../onboarding/ports.ts";
import { toAlpha3 } from "#platform/country.ts";
import { SumsubHttp, type SumsubHttpOptions } from "./sumsub-http.ts";
import { applicantOf, beneficiaryOf, documentTypeOf, readApplicant, readState, readToken } from "./sumsub-words.ts";

const CREATIONS_MAX = 2;

/** The provider of verifications at that address. Throws StartupError for an address that cannot be one. */
export function sumsubProvider(options: SumsubHttpOptions): VerificationProvider {
  const http = new SumsubHttp(options);
  const get = (path: string, signal: AbortSignal) => http.call({ method: "GET", path, isRepeatable: true }, signal);
  const post = (path: string, body: object, signal: AbortSignal, isRepeatable = false) =>
    http.call({ method: "POST", path, body: json(body), isRepeatable }, signal);

  const findApplicant = async (externalUserId: string, signal: AbortSignal): Promise<Applicant | null> => {
    const answer = await get(`/resources/applicants/-;externalUserId=${encodeURIComponent(externalUserId)}/one`, signal);
    return answer === null ? null : toApplicant(answer, externalUserId);
  };

  return {
    findApplicant,
    createApplicant: async (order, signal) => await createApplicant(order, { post, findApplicant }, signal),
    async findState(applicantId, signal) {
      const answer = await get(`${pathOf(applicantId)}/status`, signal);
      return answer === null ? null : toState(answer);
    },
    async issueAccessToken({ externalUserId, levelName, seconds }, signal) {
      const body = { userId: externalUserId, levelName, ttlInSecs: seconds };
      // Two tokens for one applicant do no harm.
      const answer = readToken(await post("/resources/accessTokens/sdk", body, signal, true));
      return (answer ?? unusable()).token;
    },
    async linkPerson(person, signal) {
      const path = `${pathOf(person.companyApplicantId)}/fixedInfo/companyInfo/beneficiaries`;
      if ((await post(path, beneficiaryOf(person), signal)) === null) return unknownApplicant();
    },
    async addDocument(document, signal) {
      const path = `${pathOf(document.applicantId)}/info/idDoc`;
      const body = multipart(document, `finlego-${randomBytes(12).toString("hex")}`);
      if ((await http.call({ method: "POST", path, body, isRepeatable: false }, signal)) === null) return unknownApplicant();
    },
    async simulateReview(applicantId, { reviewRejectType, clientComment, moderationComment, ...review }, signal) {
      const body = {
        ...review,
        ...(reviewRejectType === null ? {} : { reviewRejectType }),
        ...(clientComment === null ? {} : { clientComment }),
        ...(moderationComment === null ? {} : { moderationComment }),
      };
      if ((await post(`${pathOf(applicantId)}/status/testCompleted`, body, signal)) === null) return unknownApplicant();
    },
    async resetApplicant(applicantId, signal) {
      if ((await post(`${pathOf(applicantId)}/reset`, {}, signal, true)) === null) return unknownApplicant();
    },
  };
}

type Calls = {
  readonly post: (path: string, body: object, signal: AbortSignal) => Promise<unknown>;
  readonly findApplicant: (externalUserId: string, signal: AbortSignal) => Promise<Applicant | null>;
};

/** A creation is never sent again before it was asked whether it has been done. */
async function createApplicant(order: ApplicantOrder, { post, findApplicant }: Calls, signal: AbortSignal): Promise<Applicant> {
  const { externalUserId, levelName } = order;
  for (let attempt = 1; ; attempt++) {
    try {
      return toApplicant(
        await post(`/resources/applicants?levelName=${encodeURIComponent(levelName)}`, applicantOf(order), signal),
        externalUserId,
      );
    } catch (fault) {
      // 409: there is one. No answer, or none that can be used: there may be one.
      if (!(fault instanceof ProviderFault) || (fault.isRefusal && fault.status !== 409) || fault.status === 401) throw fault;
      const known = await findApplicant(externalUserId, signal);
      if (known !== null) return known;
      if (fault.isRefusal || attempt === CREATIONS_MAX || signal.aborted) throw fault;
    }
  }
}

/** An answer about somebody else is no answer. */
function toApplicant(answer: unknown, externalUserId: string): Applicant {
  const applicant = readApplicant(answer) ?? unusable();
  if (applicant.externalUserId !== undefined && applicant.externalUserId !== null && applicant.externalUserId !== externalUserId)
    return unusable();
  return { applicantId: applicant.id, externalUserId: applicant.externalUserId ?? null };
}

function toState(answer: unknown): ApplicantState {
  const { reviewStatus, reviewResult } = readState(answer) ?? unusable();
  return { reviewStatus, reviewAnswer: reviewResult?.reviewAnswer ?? null };
}

function unusable(): never {
  throw new ProviderFault("the verification provider's answer cannot be used", { isRefusal: false });
}

function unknownApplicant(): never {
  throw new ProviderFault("the verification provider knows no such applicant", { isRefusal: true, status: 404 });
}

function pathOf(applicantId: string): string {
  return `/resources/applicants/${encodeURIComponent(applicantId)}`;
}

function json(body: object): { readonly contentType: string; readonly bytes: Uint8Array } {
  return { contentType: "application/json; charset=utf-8", bytes: Buffer.from(JSON.stringify(body)) };
}

/** RFC 7578. The bytes are made here and not by fetch: they are what is signed. */
export function multipart(document: DocumentToVerify, boundary: string): { readonly contentType: string; readonly bytes: Uint8Array } {
  const metadata = JSON.stringify({ idDocType: documentTypeOf(document.type), country: toAlpha3(document.country) });
  // What could end the header's value early is written as browsers write it.
  const fileName = document.fileName.replace(/[\r\n"]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
  const contentType = /^[\w.+-]+\/[\w.+-]+$/.test(document.contentType) ? document.contentType : "application/octet-stream";
  const head = (name: string, more = "") => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n`;
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    bytes: Buffer.concat([
      Buffer.from(`${head("metadata")}Content-Type: application/json\r\n\r\n${metadata}\r\n`),
      Buffer.from(`${head("content", `; filename="${fileName}"`)}Content-Type: ${contentType}\r\n\r\n`),
      document.content,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]),
  };
}
