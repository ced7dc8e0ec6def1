// The wire words of the list of clients (operation 4).

import { pageOf, pageQuery } from "#platform/page.ts";
import { DateOrDateTimeText, enumOf, type Static, strictObject, Type } from "#platform/schema.ts";
import { ListedClient } from "../profiles/contract.ts";
import { ClientStatus, RiskLevel, VerificationStatus } from "../profiles/standing.contract.ts";

export const ClientQuery = strictObject({
  search: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 100,
      description:
        "Words that all must begin a word of the client's name, e-mail address, externalId or phone number; at least three characters of each, the first twelve count. Letter case and accents do not. A text of digits, spaces and +()-. is a phone number, from its country code on.",
    }),
  ),
  type: Type.Optional(enumOf(["individual", "company"])),
  statuses: Type.Optional(Type.Array(ClientStatus, { maxItems: 10 })),
  riskLevels: Type.Optional(Type.Array(RiskLevel, { maxItems: 10 })),
  verificationStatuses: Type.Optional(Type.Array(VerificationStatus, { maxItems: 10 })),
  externalId: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
  dateFrom: Type.Optional(DateOrDateTimeText),
  dateTo: Type.Optional(DateOrDateTimeText),
  sortBy: Type.Optional(enumOf(["createdAt"], { description: "The one order there is." })),
  sortDirection: enumOf(["asc", "desc"], { default: "desc", description: "desc: newest first." }),
  ...pageQuery,
  includeTotalCount: Type.Optional(
    Type.Boolean({ description: "Ask for totalCount where it is not given anyway. It stays absent for more than 10 000 items." }),
  ),
});
export type ClientQuery = Static<typeof ClientQuery>;

export const ClientPage = pageOf(ListedClient);
